"""Credits of pictures (author, license, title, alt text): ``credits.toml`` in their folder.

One table a file, its name in quotes, every key a text and optional (``licence`` is accepted, too)::

    ["chelsea.png"]
    title = "Chelsea"
    credit = "Stéfan van der Walt"
    license = "CC0 1.0"
    source = "https://scikit-image.org"
    alt = "A tabby cat looking to the left"
    group = "Photographs"
"""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from generator.errors import SpecError
from generator.spec.models import respelled
from generator.spec.toml import did_you_mean, kind_of, read_toml

logger = logging.getLogger(__name__)

CREDITS = "credits.toml"


@dataclass(frozen=True, slots=True)
class Credit:
    """The entry of one picture in ``credits.toml``; fields are empty if not given."""

    title: str = ""
    credit: str = ""
    license: str = ""
    source: str = ""
    alt: str = ""
    group: str = ""


def read_credits(folder: Path) -> Mapping[str, Credit]:
    """Read the credits of a folder, by file name (NFC); empty without ``credits.toml``.

    A table for a file that is not in the folder gives a warning.

    Raises:
        SpecError: the file is malformed.
    """
    path = folder / CREDITS
    if not path.is_file():
        return {}
    found = {}
    present = _names(folder)
    for name, table in read_toml(path).items():
        composed = unicodedata.normalize("NFC", name)
        found[composed] = _credit(path, name, table)
        if present and composed not in present:
            hint = did_you_mean(composed, present)
            logger.warning(
                "%s", f"{path} gives credit for {name}, which is not there. {hint}".strip()
            )
    return found


def _names(folder: Path) -> set[str]:
    """Names in a folder (NFC); empty if it cannot be listed."""
    try:
        return {unicodedata.normalize("NFC", item.name) for item in folder.iterdir()}
    except OSError:
        return set()


def _credit(path: Path, name: str, table: object) -> Credit:
    """Check one table."""
    if not isinstance(table, dict):
        raise SpecError(
            f"{path}: expected a table for each picture, got {name} = {kind_of(table)}.",
            f'Write ["{name}"] with the keys title, credit, license, source, alt and group below.',
        )
    known = [item.name for item in fields(Credit)]
    current: dict[str, Any] = respelled(table, {"licence": "license"})
    for key, value in current.items():
        if isinstance(value, dict):
            raise SpecError(
                f"{path}: [{name}.{key}] is a table in a table.",
                f'Put the file name in quotes: ["{name}.{key}"].',
            )
        if key not in known:
            raise SpecError(
                f"{path}: {name} has an unknown key {key}.",
                did_you_mean(key, known) or f"The keys are {', '.join(known)}.",
            )
        if not isinstance(value, str):
            raise SpecError(
                f"{path}: {key} of {name} should be a text, got {kind_of(value)}.",
                "Put it in quotes.",
            )
    return Credit(**current)
