"""Writing what is exported: a file is there as a whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from generator.errors import StoreError


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write into, which takes the place of one of its name when the block ends well.

    Raises:
        StoreError: it cannot be written.
    """
    if path.is_dir():
        raise StoreError(f"{path} is a folder.", "Name a file with -o.")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                yield file
            temporary.replace(path)
        finally:
            with suppress(OSError):
                temporary.unlink()
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}.", "Name another with -o."
        ) from error


def write_file(path: Path, data: bytes) -> None:
    """Write a file in place of one of its name.

    Raises:
        StoreError: it cannot be written.
    """
    with whole_file(path) as file:
        file.write(data)


def check_folder(folder: Path) -> None:
    """Make sure that files can be put into a folder without mixing them with others.

    Raises:
        StoreError: it is a file, or not empty.
    """
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"{folder} is a file.", "Name a folder with -o.")
    if folder.is_dir() and any(folder.iterdir()):
        raise StoreError(f"The folder {folder} is not empty.", "Name a new one with -o.")
