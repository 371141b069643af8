"""Integrity check of a site: missing and changed files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from generator.errors import StoreError
from generator.present.files.manifest import FileEntry, Manifest
from generator.present.files.manifest_file import is_whole
from generator.text.phrases import counted, some

AGAIN = "Copy the site again as a whole, or build it again."


@dataclass(frozen=True, slots=True)
class Flaws:
    """Files of a site that are not as they were written, by their paths.

    Attributes:
        missing: that are not there.
        changed: heavy files with other bytes, such as what was cut short by a broken copy.
    """

    missing: tuple[str, ...]
    changed: tuple[str, ...]


def flaws(site: Path, manifest: Manifest, files: tuple[FileEntry, ...] | None = None) -> Flaws:
    """Look for what is missing or changed; every heavy file is read.

    Args:
        files: to look at; None for all of them and all pages.
    """
    entries = manifest.files if files is None else files
    pages = manifest.pages if files is None else ()
    paths = {entry.path for entry in entries} | set(pages)
    missing = {path for path in paths if not (site / path).is_file()}
    changed = {e.path for e in entries if e.path not in missing and not is_whole(site, e)}
    return Flaws(missing=tuple(sorted(missing)), changed=tuple(sorted(changed)))


def check(site: Path, found: Flaws) -> None:
    """Make sure that a site is whole before it is exported.

    Raises:
        StoreError: it is not; the message names the first files.
    """
    if found.missing:
        raise StoreError(
            f"{site} lacks {counted(len(found.missing), 'file')} of its own: "
            f"{some(found.missing)}.",
            AGAIN,
        )
    if found.changed:
        raise StoreError(
            f"{counted(len(found.changed), 'file')} of {site} cut short or changed: "
            f"{some(found.changed)}.",
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
