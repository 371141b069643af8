"""Reader of TOML files, with errors that name the file and the line."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from generator.errors import SpecError
from generator.text.amounts import size_in_words

LONGEST_WORD = 300
"""Most characters of a word to compare with others: time grows with their square."""

TOML_LIMIT = 10_000_000
"""Most characters of a file."""

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DEEP_KEY = re.compile(
    rf"(?:^|[{{,\[])[ \t]*({_PART}(?:[ \t]*\.[ \t]*{_PART}){{50}})", re.MULTILINE
)
"""A dotted key for which Python's parser would need minutes."""


def read_toml(path: Path) -> dict[str, Any]:
    """Read the tables of a TOML file.

    Raises:
        SpecError: the file is missing, unreadable, too large, not UTF-8 or not TOML, or holds what
            Python does not: deep nesting, numbers of thousands of digits.
    """
    try:
        # Editors on Windows put a byte order mark in front, which TOML forbids.
        return _parsed(path, path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError as error:
        hint = did_you_mean_beside(path) or "Check the path."
        raise SpecError(f"There is no file {path}.", hint) from error
    except OSError as error:
        raise SpecError(f"{path} cannot be read: {error.strerror}.", "Name a TOML file.") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SpecError(f"{path}, line {line}: not UTF-8.", "Save the file as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise _malformed(path, str(error)) from error


def _parsed(path: Path, text: str) -> dict[str, Any]:
    if len(text) > TOML_LIMIT:
        size = size_in_words(len(text))
        raise SpecError(f"{path} is too large: {size}, where at most 10 are read.", "Shorten it.")
    if deep := _DEEP_KEY.search(text):
        line = text.count("\n", 0, deep.start(1)) + 1
        raise SpecError(f"{path}, line {line}: a key of more than 50 parts.", "Correct that line.")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError as error:
        raise SpecError(f"{path} is nested too deeply.", "Take some brackets out.") from error
    except ValueError as error:  # of Python itself
        long = re.search(r"\d{1000,}", text)
        where = f", line {text.count(chr(10), 0, long.start()) + 1}" if long else ""
        raise SpecError(
            f"{path}{where}: a value that cannot be held, such as a number of thousands of digits.",
            "Correct that line.",
        ) from error


def _malformed(path: Path, reason: str) -> SpecError:
    """Python's error with its position ``(at line 3, column 7)`` or ``(at end of document)``."""
    where = re.search(r" \(at (?:line (\d+), column \d+|(end of document))\)$", reason)
    text = reason[: where.start()] if where else reason
    place = f", line {where[1]}" if where and where[1] else ", at its end" if where else ""
    if text == "Cannot overwrite a value":
        return SpecError(f"{path}{place}: this key was there before.", "Leave one out.")
    return SpecError(f"{path}{place}: not valid TOML: {text}.", "Correct that line.")


def did_you_mean(word: str, known: Iterable[str], folder: Path | None = None) -> str:
    """A suggestion for a misspelled word; empty if no known word is close.

    Args:
        folder: that the known words are files of, for a suggestion that can be copied.
    """
    found = closest(word, known)
    return f"Did you mean {found if folder is None else folder / found}?" if found else ""


def did_you_mean_beside(path: Path) -> str:
    """A suggestion for a file or folder that is not there; empty if none beside it is like it."""
    try:
        names = sorted(item.name for item in path.parent.iterdir())
    except (OSError, ValueError):
        return ""
    if path.suffix:  # a file was meant
        names = [name for name in names if Path(name).suffix]
    return did_you_mean(path.name, names, path.parent)


def closest(word: str, known: Iterable[str]) -> str:
    """The known word that a misspelled one is most like; empty if none is close.

    Of names of files the endings are not compared: any two pictures share them.
    """
    if len(word) > LONGEST_WORD:
        return ""
    whole = [item for item in known if len(item) <= LONGEST_WORD]
    stems = {_stem(item): item for item in reversed(whole)}  # of several, the first
    close = difflib.get_close_matches(_stem(word), stems, n=1, cutoff=0.6)
    return stems[close[0]] if close else ""


def _stem(name: str) -> str:
    """A name in lower case, without the ending of a file."""
    return re.sub(r"^([^:]*[^.:])\.[a-z]{3,4}$", r"\1", name.lower())


def kind_of(value: object) -> str:
    """Describe a value: ``the text "big"``, ``the number 3``."""
    match value:
        case bool():
            words = str(value).lower()
        case int() | float():
            words = f"the number {_digits(value)}"
        case str():
            words = f'the text "{shortened(value)}"'
        case list() | tuple():
            words = "a list" if value else "an empty list"
        case dict():
            words = "a table"
        case _:
            words = "nothing" if value is None else f"{value}"
    return words


def _digits(value: float) -> str:
    try:
        return shortened(str(value))
    except ValueError:  # Python writes no numbers of thousands of digits
        return "of thousands of digits"


def shortened(text: str) -> str:
    """A text shortened for a message to 60 characters."""
    return text if len(text) <= 60 else text[:59] + "…"
