"""TOML files read with errors that name the file and the line, and words for what was found."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from generator.errors import SpecError


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        SpecError: the file is missing, unreadable, not UTF-8 or not TOML.
    """
    try:
        # Editors on Windows put a byte order mark in front, which TOML forbids.
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError as error:
        raise SpecError(f"There is no file {path}.", "Check the path.") from error
    except OSError as error:
        raise SpecError(f"{path} cannot be read: {error.strerror}.", "Name a TOML file.") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SpecError(f"{path}, line {line}: not UTF-8.", "Save the file as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise _malformed(path, str(error)) from error


def _malformed(path: Path, reason: str) -> SpecError:
    """Python's message ends in ``(at line 3, column 7)``, or ``(at end of document)``."""
    where = re.search(r" \(at (?:line (\d+), column \d+|(end of document))\)$", reason)
    text = reason[: where.start()] if where else reason
    place = f", line {where[1]}" if where and where[1] else ", at its end" if where else ""
    if text == "Cannot overwrite a value":
        return SpecError(f"{path}{place}: this key was there before.", "Leave one out.")
    return SpecError(f"{path}{place}: not valid TOML: {text}.", "Correct that line.")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question for a word that is close to a known one; empty where none is."""
    by_case = {item.lower(): item for item in known}
    close = difflib.get_close_matches(word.lower(), by_case, n=1, cutoff=0.6)
    return f"Did you mean {by_case[close[0]]}?" if close else ""


def kind_of(value: object) -> str:
    """What a value is, in a user's words: ``the text "big"``, ``the number 3``."""
    match value:
        case bool():
            words = str(value).lower()
        case int() | float():
            words = f"the number {value}"
        case str():
            words = f'the text "{shortened(value)}"'
        case list() | tuple():
            words = "a list" if value else "an empty list"
        case dict():
            words = "a table"
        case _:
            words = "nothing" if value is None else f"{value}"
    return words


def shortened(text: str) -> str:
    """A text that fits a message: its first 60 characters at most."""
    return text if len(text) <= 60 else text[:59] + "…"
