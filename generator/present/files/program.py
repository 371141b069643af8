"""A hash of the program: what is made again when the program changes."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
import PIL

from generator.bundled import bundled

PACKAGE = Path(__file__).resolve().parents[2]


@cache
def program_hash() -> str:
    """Hash of the program's own files and of the versions of what it computes and draws with."""
    found = (
        *hashes_in(PACKAGE, "*.py"),
        *hashes_in(bundled("templates")),
        *(platform.python_version(), np.__version__, PIL.__version__),
        *(version("jinja2"), version("scipy")),
    )
    return hash_of("\n".join(found).encode())


def hashes_in(folder: Path, pattern: str = "*") -> Iterator[str]:
    """Names and hashes of the files of a folder and its subfolders, sorted.

    Templates that were compiled are left out: they are the same program.
    """
    for path in sorted(folder.rglob(pattern)):
        if path.is_file() and path.parent.name != "__pycache__":
            yield f"{path.relative_to(folder).as_posix()} {hash_of(path.read_bytes())}"


def hash_of(data: bytes) -> str:
    """The sha256 of bytes, in hex."""
    return hashlib.sha256(data).hexdigest()
