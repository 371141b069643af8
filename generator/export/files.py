"""Atomic writing of exported files and folders."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from generator.errors import StoreError
from generator.present.files.manifest_file import is_site


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write into, which replaces one of its name when the block succeeds.

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
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> StoreError:
    """The error for a file or folder that cannot be written."""
    blocked = next((p for p in path.parents if p.exists() and not p.is_dir()), None)
    why = f"{blocked} is a file, not a folder" if blocked else error.strerror or error
    return StoreError(f"{path} cannot be written: {why}.", "Name another with -o.")


def write_file(path: Path, data: bytes) -> None:
    """Write a file, replacing one of its name.

    Raises:
        StoreError: it cannot be written.
    """
    with whole_file(path) as file:
        file.write(data)


def write_files(files: Mapping[Path, bytes]) -> None:
    """Write several files: all of them, or none.

    Raises:
        StoreError: one of them cannot be written.
    """
    with ExitStack() as stack:
        for path, data in files.items():
            stack.enter_context(whole_file(path)).write(data)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A new folder to write files into, which gets its name when the block succeeds.

    Raises:
        StoreError: the path is a file or a folder with files, or cannot be written.
    """
    check_folder(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.mkdir()
            yield temporary
            if path.is_dir():  # on Windows, an empty folder is not replaced
                path.rmdir()
            temporary.replace(path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def put(folder: Path, name: str, data: bytes) -> None:
    """Write a file into an unfinished folder."""
    (folder / name).write_bytes(data)


def check_folder(folder: Path) -> None:
    """Make sure that a folder is new or empty.

    Raises:
        StoreError: the path is a file or a folder with files.
    """
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"{folder} is a file.", "Name a folder with -o.")
    if folder.is_dir() and any(folder.iterdir()):
        raise StoreError(f"The folder {folder} is not empty.", "Name a new one with -o.")


def check_outside(site: Path, path: Path) -> None:
    """Make sure that a path is outside of a site, whose folder a build replaces as a whole.

    Raises:
        StoreError: the path is inside it.
    """
    if is_site(site) and path.resolve().is_relative_to(site.resolve()):
        raise StoreError(
            f"{path} lies in the site {site}, which the next build replaces as a whole.",
            "Name a place outside of it with -o.",
        )
