"""ZIP archives whose bytes depend on their content alone."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from generator.present.staging import OWN_NAMES

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every entry: the first that the format can write."""

PACKED = frozenset({".webp", ".png", ".gif", ".jpg", ".zip", ".npz"})
"""Kinds that are compressed already, and stored as they are."""


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    """An archive: entries sorted by name, without dates, users or permissions of a machine.

    Args:
        files: name in the archive, with ``/``, and content.
    """
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3  # the same on every system
            entry.external_attr = 0o644 << 16
            packed = Path(name).suffix in PACKED
            entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            file.writestr(entry, files[name], compresslevel=9)
    return archive.getvalue()


def site_files(site: Path) -> dict[str, bytes]:
    """Every file of a site that the program wrote, by path; what a user put beside them is not.

    The mark ``.nojekyll`` means nothing inside an archive and is left out.
    """
    files = {}
    for top in sorted(site.iterdir()):
        if not OWN_NAMES.fullmatch(top.name) or top.name == ".nojekyll":
            continue
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file():
                files[path.relative_to(site).as_posix()] = path.read_bytes()
    return files
