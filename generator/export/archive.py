"""ZIP archives whose bytes depend on their content alone."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

from generator.present.site.staging import OWN_NAMES

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every entry: the earliest that the format allows."""

PACKED = frozenset({".webp", ".png", ".gif", ".jpg", ".zip", ".npz"})
"""Suffixes of compressed formats, which are stored without compression."""


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    """An archive in memory, from content by name (see :func:`write_zip`)."""
    archive = io.BytesIO()
    write_zip(archive, ((name, files[name]) for name in sorted(files)))
    return archive.getvalue()


def write_zip(archive: IO[bytes], entries: Iterable[tuple[str, bytes]]) -> None:
    """Write an archive without dates, users or permissions of a machine.

    Args:
        archive: open for writing.
        entries: name in the archive, with ``/``, and content; held one at a time.
    """
    with zipfile.ZipFile(archive, "w") as file:
        for name, data in entries:
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3  # the same on every system
            entry.external_attr = 0o644 << 16
            packed = Path(name).suffix in PACKED
            entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            file.writestr(entry, data, compresslevel=9)


def site_files(site: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of a site that the program wrote, by path; files added by a user are left out.

    ``.nojekyll`` has no meaning inside an archive and is left out.
    """
    paths = [
        path
        for top in site.iterdir()
        if OWN_NAMES.fullmatch(top.name) and top.name != ".nojekyll"
        for path in ([top] if top.is_file() else top.rglob("*"))
        if path.is_file()
    ]
    for name, path in sorted((path.relative_to(site).as_posix(), path) for path in paths):
        yield name, path.read_bytes()
