"""Whether a site still has the files that its build wrote, as far as their sizes tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from generator.errors import StoreError
from generator.export.findings import listed, numbered
from generator.present.files.manifest import FileEntry, Manifest

AGAIN = "Copy the site again as a whole, or build it again."


@dataclass(frozen=True, slots=True)
class Flaws:
    """Files of a site that are not as they were written, by their paths.

    Attributes:
        missing: that are not there.
        changed: that are of another size, such as what was cut short by a broken copy.
    """

    missing: tuple[str, ...]
    changed: tuple[str, ...]


def flaws(site: Path, manifest: Manifest, files: tuple[FileEntry, ...] | None = None) -> Flaws:
    """Look for what is missing or cut short.

    Args:
        site: its folder.
        manifest: of the site.
        files: to look at; None for all of them and all pages.
    """
    sizes = {entry.path: entry.bytes for entry in (manifest.files if files is None else files)}
    pages = manifest.pages if files is None else ()
    there = {path: _size(site / path) for path in (*sizes, *pages)}
    return Flaws(
        missing=tuple(sorted(path for path, size in there.items() if size is None)),
        changed=tuple(sorted(p for p, size in sizes.items() if there[p] not in (None, size))),
    )


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def check(site: Path, found: Flaws) -> None:
    """Make sure that a site is whole before it is exported.

    Raises:
        StoreError: it is not; the message names the first files.
    """
    if found.missing:
        raise StoreError(
            f"{site} lacks {numbered(len(found.missing), 'file')} of its own: "
            f"{listed(found.missing)}.",
            AGAIN,
        )
    if found.changed:
        raise StoreError(
            f"{numbered(len(found.changed), 'file')} of {site} cut short or changed: "
            f"{listed(found.changed)}.",
            AGAIN,
        )


@contextmanager
def whole(site: Path) -> Iterator[None]:
    """A block that reads files of a site, such as styles and scripts that no manifest names.

    Raises:
        StoreError: one of them is not there.
    """
    try:
        yield
    except FileNotFoundError as error:
        path = Path(str(error.filename))
        if not path.is_relative_to(site):
            raise
        raise StoreError(f"{site} lacks {path.relative_to(site).as_posix()}.", AGAIN) from error
