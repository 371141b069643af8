"""Where the pictures of a gallery are: paths, patterns, lists of both, and addresses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, InstanceOf

from generator.errors import SpecError
from generator.spec.models import AnyPath, expand

_ADDRESS = re.compile(r"(?:https?|hf)://\S+", re.IGNORECASE)

IMAGES = 'a list of files, folders, patterns and addresses such as ["photos", "more/*.jpg"]'


@dataclass(frozen=True, slots=True)
class Address:
    """The address of pictures that are fetched: ``https://...`` or ``hf://datasets/...``."""

    text: str

    def __str__(self) -> str:
        return self.text


def address_in(text: str) -> Address | None:
    """The address that a text is; None for a path."""
    return Address(text.strip()) if _ADDRESS.fullmatch(text.strip()) else None


def _told_apart(value: object) -> object:
    return (address_in(value) or value) if isinstance(value, str) else value


PicturePlace = Annotated[InstanceOf[Address] | AnyPath, BeforeValidator(_told_apart)]
"""A path, which may be a pattern or a list of others, or an address."""


def places_here(texts: Sequence[str | Path | Address]) -> tuple[Path | Address, ...]:
    """Places from the command line or Python: paths start at the current folder.

    Raises:
        SpecError: one is empty, which would be the current folder.
    """
    if not all(str(place).strip() for place in texts):
        raise SpecError(
            "-i (or images) is empty.", "Name a picture, a folder, a pattern or an address."
        )
    return tuple(
        place if isinstance(place, Address) else address_in(str(place)) or expand(place)
        for place in texts
    )


def paths_of(places: Sequence[Path | Address]) -> tuple[Path, ...]:
    """The places on this machine."""
    return tuple(place for place in places if isinstance(place, Path))
