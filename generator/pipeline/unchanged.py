"""Sites of which nothing changed since they were built.

For each site a note in the folder ``sites`` of the record store holds a hash of everything that the
site was made of, the program included. If a new build has the same hash and every file still has
its checksum, the site stays as it is: no page is planned, rendered or replaced.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from generator.errors import StoreError
from generator.present.drawing.scale import Scale
from generator.present.files.manifest_file import (
    MANIFEST,
    MANIFEST_SCHEMA,
    is_whole,
    read_manifest,
    schema_bytes,
)
from generator.present.files.program import hash_of, hashes_in, program_hash
from generator.present.files.reductions import Reduction
from generator.present.files.settings import Settings
from generator.present.site.result import SiteResult
from generator.present.site.staging import is_settled
from generator.records.packing import PackingError, canonical, revive
from generator.records.run import ImageEntry, Run
from generator.temporary import keep_in_store

SITES = "sites"


@dataclass(frozen=True, slots=True)
class _SiteNote:
    """What a site was made of.

    Attributes:
        made_of: result of :func:`site_made_of`.
        manifest: hash of the manifest's file.
    """

    made_of: str
    manifest: str
    pages: int
    bytes: int
    scale: Scale


def site_made_of(run: Run, settings: Settings, templates: Path | None) -> str:
    """Hash of everything that a site without figures for papers is made of.

    Places of pictures and masks do not count, only what is in them.

    Args:
        templates: the user's templates, or None.
    """
    images = tuple(replace(image, path=Path(), mask=None) for image in run.images)
    parts = (
        program_hash(),
        repr(settings),
        repr(replace(run, images=images)),
        *(_mask_hash(image) for image in run.images),
        *(hashes_in(templates) if templates else ()),
    )
    return hash_of("\n".join(parts).encode("utf-8", "surrogateescape"))


def remember_site(store: Path, site: SiteResult, run: Run, made_of: str) -> None:
    """Note what a site is made of, if nothing failed and nothing was left out of it."""
    if site.failures != run.failures or site.reduction.steps:
        return
    manifest = hash_of((site.out / MANIFEST).read_bytes())
    note = _SiteNote(made_of, manifest, site.pages, site.bytes, site.scale)
    with suppress(StoreError):  # a read-only store only makes the next build slower
        keep_in_store(_place(store, site.out), canonical(asdict(note)).encode(), "A site's note")


def unchanged_site(
    store: Path, out: Path, run: Run, settings: Settings, made_of: str
) -> SiteResult | None:
    """The site in a folder if it is made of the same and whole; None if it must be built.

    Args:
        made_of: result of :func:`site_made_of` for the new build.
    """
    try:
        note = revive(_SiteNote, _place(store, out).read_bytes())
        same = note.made_of == made_of and is_settled(out)
        if not same or hash_of((out / MANIFEST).read_bytes()) != note.manifest:
            return None
        manifest = read_manifest(out)
        if manifest is None or (out / MANIFEST_SCHEMA).read_bytes() != schema_bytes():
            return None
        if not all(is_whole(out, file) for file in manifest.texts):
            return None
        if not all(is_whole(out, file) for file in manifest.files):
            return None
    except (OSError, PackingError):
        return None
    return SiteResult(
        out=out,
        pages=note.pages,
        rendered=0,
        reused=len(manifest.files),
        bytes=note.bytes,
        scale=note.scale,
        limit=settings.max_bytes,
        reduction=Reduction(),
        failures=run.failures,
        site=None,
    )


def forget_sites(store: Path) -> None:
    """Remove all notes; the next builds make every page again."""
    shutil.rmtree(store / SITES, ignore_errors=True)


def _place(store: Path, out: Path) -> Path:
    return store / SITES / f"{hash_of(str(out.resolve()).encode('utf-8', 'surrogateescape'))}.json"


def _mask_hash(image: ImageEntry) -> str:
    """Hash of an image's mask; empty without one that can be read."""
    with suppress(OSError):
        return hash_of(image.mask.read_bytes()) if image.mask else ""
    return ""
