"""Integrity check of a site: missing and changed files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from generator.errors import StoreError
from generator.present.files.manifest import FileEntry, Manifest, TextEntry
from generator.present.files.manifest_file import is_whole
from generator.text.phrases import counted, some

AGAIN = "Copy the site again as a whole, or build it again."


@dataclass(frozen=True, slots=True)
class Flaws:
    """Missing and changed files of a site, by path.

    Attributes:
        missing: files that do not exist.
        changed: files with other bytes, for example after an interrupted copy.
    """

    missing: tuple[str, ...]
    changed: tuple[str, ...]


def flaws(site: Path, manifest: Manifest, files: tuple[FileEntry, ...] | None = None) -> Flaws:
    """Find missing and changed files; every file is read.

    Args:
        files: paths to check; None for all files, pages, styles and scripts.
    """
    entries: Sequence[FileEntry | TextEntry] = (
        (*manifest.files, *manifest.texts) if files is None else files
    )
    pages = manifest.pages if files is None else ()
    paths = {entry.path for entry in entries} | set(pages)
    missing = {path for path in paths if not (site / path).is_file()}
    changed = {e.path for e in entries if e.path not in missing and not is_whole(site, e)}
    return Flaws(missing=tuple(sorted(missing)), changed=tuple(sorted(changed)))


def check(site: Path, found: Flaws) -> None:
    """Make sure that a site is complete before it is exported.

    Raises:
        StoreError: files are missing or changed; the message names the first ones.
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
    """A block that reads files that the manifest does not list, such as styles and scripts.

    Raises:
        StoreError: one of them is missing.
    """
    try:
        yield
    except FileNotFoundError as error:
        path = Path(str(error.filename))
        if not path.is_relative_to(site):
            raise
        raise StoreError(f"{site} lacks {path.relative_to(site).as_posix()}.", AGAIN) from error
