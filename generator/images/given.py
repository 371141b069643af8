"""From what was given to pictures on this machine: patterns, lists of pictures, folders.

A pattern is a path with ``*``, ``?`` or ``[...]`` that is no file of that name; ``**`` goes through
subfolders. A list is a file that ends in ``.txt`` with a path, pattern or address on each line.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path

from generator.errors import ImageError
from generator.images.clips import VIDEOS
from generator.images.find import EXTENSIONS, missing, natural_order, not_fetched
from generator.spec.models import expand
from generator.spec.pictures import Address, address_in
from generator.text.amounts import size_in_words
from generator.text.phrases import lower_first, some, upper_first

LIST = ".txt"
"""Ending of a list of pictures."""

LONGEST_LIST = 10_000_000
"""Bytes of a list, at most."""


def places_of(given: Sequence[Path | Address]) -> tuple[Path | Address, ...]:
    """Replace lists by what they name, and patterns by the files and folders that match.

    Raises:
        ImageError: nothing matches a pattern, or a list cannot be read or names nothing.
    """
    return tuple(place for item in given for place in _places(item))


def _places(item: Path | Address) -> Iterator[Path | Address]:
    if isinstance(item, Path) and item.suffix.lower() == LIST and item.is_file():
        for line in read_list(item):
            yield from _matches(line)
    else:
        yield from _matches(item)


def _matches(item: Path | Address) -> Iterator[Path | Address]:
    if isinstance(item, Address) or not is_pattern(item):
        yield item
        return
    found = [Path(name) for name in glob.glob(str(item), recursive=True)]  # noqa: PTH207
    known = EXTENSIONS | VIDEOS
    taken = [path for path in found if path.is_dir() or path.suffix.lower() in known]
    if not taken:
        if address := not_fetched(item):
            raise address
        others = f" but {some(path.name for path in found)}" if found else ""
        raise ImageError(
            f"No picture matches {item}{others}.",
            "Check the pattern; ** goes through subfolders, as in 'photos/**/*.jpg'.",
            usage=True,
        )
    if "**" in item.parts:  # which also gives every folder on the way
        taken = [path for path in taken if not path.is_dir()] or taken
    yield from sorted(taken, key=lambda path: [natural_order(part) for part in path.parts])


def is_pattern(path: Path) -> bool:
    """Whether a path has wildcards, and no file is called so."""
    return glob.has_magic(str(path)) and not _exists(path)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # longer than any path
        return True


def read_list(path: Path) -> tuple[Path | Address, ...]:
    """What a list of pictures names; paths start at the list's folder.

    Raises:
        ImageError: it cannot be read, is too large or no text, or names nothing.
    """
    try:
        if path.stat().st_size > LONGEST_LIST:
            most = size_in_words(LONGEST_LIST)
            raise ImageError(
                f"The list {path} is larger than {most}.", "Name a folder instead.", usage=True
            )
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(
            f"The list {path} cannot be read: {error.strerror}.", "Check its permissions."
        ) from error
    return listed_in(data, path.parent, f"the list {path}")


def listed_in(data: bytes, base: Path, what: str) -> tuple[Path | Address, ...]:
    """The places in the bytes of a list, one a line or, as ``find -print0`` writes them, one a NUL.

    Empty lines and lines that begin with ``#`` are skipped.

    Args:
        base: folder that relative paths start at.
        what: the list, in errors.

    Raises:
        ImageError: it is no text, names nothing, or names a path that is not there.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImageError(
            f"{upper_first(what)} is no text in UTF-8.",
            "Write a path or an address on each line.",
            usage=True,
        ) from error
    lines = text.split("\0") if "\0" in text else text.splitlines()
    named = [
        (number, line.strip())
        for number, line in enumerate(lines, 1)
        if line.strip() and line.strip()[0] != "#"
    ]
    if not named:
        raise ImageError(
            f"{upper_first(what)} names no picture.",
            "Write a path or an address on each line.",
            usage=True,
        )
    return tuple(_listed(line, base, f"line {number} of {what}") for number, line in named)


def _listed(line: str, base: Path, where: str) -> Path | Address:
    """The place that a line names; of a path that is not there, the error says the line."""
    place = address_in(line) or base / expand(line)
    if isinstance(place, Path):
        try:
            if is_pattern(place):
                list(_matches(place))
            elif not _exists(place):
                raise missing(place)
        except ImageError as error:
            told = f"{upper_first(where)}: {lower_first(error.message)}"
            raise ImageError(told, error.hint, usage=error.usage) from error
    return place
