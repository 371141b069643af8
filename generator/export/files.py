"""Atomic writing of exported files and folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from generator.errors import StoreError
from generator.present.files.manifest_file import is_site
from generator.temporary import beside, is_temporary, move_together


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write into, which replaces one of its name if the block succeeds.

    Raises:
        StoreError: it cannot be written, or the block met a file that cannot be read or written.
    """
    with _unnamed(path) as name:
        with name.open("wb") as file:
            yield file
        name.replace(path)


@contextmanager
def _unnamed(path: Path) -> Iterator[Path]:
    """A temporary name for a file."""
    if path.is_dir():
        raise StoreError(f"{path} is a folder.", "Name a file with -o.", usage=True)
    with _store_errors(path), beside(path) as name:
        yield name


@contextmanager
def _store_errors(path: Path) -> Iterator[None]:
    """Convert system errors while a path is written to StoreError.

    The message names the file of the error, which may be another one.
    """
    try:
        yield
    except OSError as error:
        blocked = next((p for p in path.parents if p.exists() and not p.is_dir()), None)
        about = Path(error.filename) if isinstance(error.filename, str) else path
        if blocked is None and not _same_place(about, path):
            raise StoreError(
                f"{about} cannot be read or written: {error.strerror or error}.",
                f"{path} was not written. Check that there is room, and run this again.",
            ) from error
        why = f"{blocked} is a file, not a folder" if blocked else error.strerror or error
        message = f"{path} cannot be written: {why}."
        raise StoreError(message, "Name another with -o.", usage=bool(blocked)) from error


def _same_place(one: Path, path: Path) -> bool:
    """Whether a path of an error is the written path, a parent of it, or its temporary name."""
    one, path = one.absolute(), path.absolute()
    return one == path or path.is_relative_to(one) or is_temporary(path.parent, one)


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
        names = {}
        for path, data in files.items():
            name = stack.enter_context(_unnamed(path))
            with _store_errors(path):
                name.write_bytes(data)
            names[name] = path
        move_together(names)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A new folder to write files into, which gets its name if the block succeeds.

    Raises:
        StoreError: the path is a file or a folder with files, or cannot be written, or the block
            met a file that cannot be read or written.
    """
    check_folder(path)
    with _store_errors(path), beside(path) as name:
        name.mkdir()
        yield name
        if path.is_dir():  # on Windows, an empty folder is not replaced
            path.rmdir()
        name.replace(path)


def put(folder: Path, name: str, data: bytes) -> None:
    """Write a file into an unfinished folder."""
    (folder / name).write_bytes(data)


def check_folder(folder: Path) -> None:
    """Make sure that a folder is new or empty.

    Raises:
        StoreError: the path is a file or a folder with files.
    """
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"{folder} is a file.", "Name a folder with -o.", usage=True)
    if folder.is_dir() and any(folder.iterdir()):
        raise StoreError(
            f"The folder {folder} is not empty.", "Name a new one with -o.", usage=True
        )


def check_outside(site: Path, path: Path) -> None:
    """Make sure that a path is outside of a site, whose folder a build replaces as a whole.

    Raises:
        StoreError: the path is inside it.
    """
    if is_site(site) and path.resolve().is_relative_to(site.resolve()):
        raise StoreError(
            f"{path} lies in the site {site}, which the next build replaces as a whole.",
            "Name a place outside of it with -o.",
            usage=True,
        )
