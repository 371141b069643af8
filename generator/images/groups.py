"""Groups of pictures, from a CSV file with the columns ``file`` and ``group``.

::

    file,group
    chelsea.jpg,cats
    birds/robin.jpg,birds

Semicolons or tabs in place of commas, capitals in the columns' names and a byte order mark are read
too, as spreadsheets write them. Further columns are ignored. A file is given by name, or with its
folders if two pictures share a name. A picture that the table does not list keeps its group.
"""

from __future__ import annotations

import csv
import io
import logging
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from generator.errors import SpecError
from generator.records.run import ImageEntry
from generator.spec.toml import did_you_mean, did_you_mean_beside, shortened

logger = logging.getLogger(__name__)

COLUMNS = ("file", "group")
SEPARATORS = (",", ";", "\t")


def read_groups(path: Path) -> Mapping[str, str]:
    """Read the group of each file in a table.

    Raises:
        SpecError: the table cannot be read, lacks a column, or contradicts itself.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        hint = did_you_mean_beside(path) or "Check the path of groups."
        raise SpecError(f"There is no file {path}.", hint) from error
    except OSError as error:
        reason = error.strerror or error
        raise SpecError(f"{path} cannot be read: {reason}.", "Check the path of groups.") from error
    except UnicodeDecodeError as error:
        raise SpecError(f"{path} is not UTF-8.", "Save the file as CSV in UTF-8.") from error
    try:
        return _groups_of(path, text)
    except csv.Error as error:
        raise SpecError(
            f"{path} is not a CSV table: {error}.", "Save it as CSV in UTF-8, a picture a line."
        ) from error


def _groups_of(path: Path, text: str) -> Mapping[str, str]:
    # Excel's own line about the separator
    first = re.match(r"sep=(.)\r?\n", text, re.IGNORECASE)
    body = text[first.end() :] if first else text
    header = body.partition("\n")[0]
    separator = first[1] if first else max(SEPARATORS, key=header.count)
    rows = csv.DictReader(io.StringIO(body, newline=""), delimiter=separator)
    named = [name.strip() for name in rows.fieldnames or ()]
    rows.fieldnames = [name.casefold() for name in named]
    for column in COLUMNS:
        if column not in rows.fieldnames:
            raise SpecError(f"{path} has no column {column}.", _next_step(column, named))
    found: dict[str, str] = {}
    for row in rows:
        name = unicodedata.normalize("NFC", (row["file"] or "").strip().removeprefix("./"))
        group = (row["group"] or "").strip()
        if name and found.setdefault(name, group) != group:
            two = f"{name} is in two groups, {found[name]} and {group}."
            message = f"{path}, line {rows.line_num}: {two}"
            raise SpecError(message, "Leave one of the lines out.")
    return found


def _next_step(column: str, named: Sequence[str]) -> str:
    """How to give a table the column that it lacks."""
    (close, *_) = [name for name in named if did_you_mean(name, [column])] or [""]
    if close:
        return f"Rename the column {shortened(close)} to {column}."
    return (
        "The first line names the columns; file and group are needed, with commas, semicolons or "
        "tabs between them."
    )


def with_groups(
    images: Sequence[ImageEntry], groups: Mapping[str, str], table: Path
) -> tuple[ImageEntry, ...]:
    """Set the groups of pictures from a table; unknown names give a warning."""
    used: set[str] = set()
    entries = []
    for image in images:
        name = next(
            (name for name in _names(image.path.with_name(image.name)) if name in groups), None
        )
        used |= {name} if name else set()
        entries.append(replace(image, group=groups[name]) if name else image)
    known = [image.name for image in images]
    for name in groups:
        if name not in used:
            hint = did_you_mean(name, known)
            logger.warning("%s", f"{table} names {name}, which is no picture. {hint}".strip())
    return tuple(entries)


def _names(path: Path) -> list[str]:
    """Names of a file in a table, the longest first: ``a/b/c.jpg``, ``b/c.jpg``, ``c.jpg``."""
    parts = [unicodedata.normalize("NFC", part) for part in path.parts if part != path.anchor]
    return [str(PurePosixPath(*parts[start:])) for start in range(len(parts))]
