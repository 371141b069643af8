"""Validation errors of a gallery's file or options as one-line messages."""

from __future__ import annotations

import re

from pydantic import BaseModel, ValidationError

from generator.errors import SpecError
from generator.spec.figures import FigureSpec
from generator.spec.models import ModelSpec, RegisterSpec, SpecSource
from generator.spec.paper import paper_place
from generator.spec.sequences import SequenceSpec
from generator.spec.sweeps import SweepSpec
from generator.spec.toml import did_you_mean, kind_of

_FOUND = {"folder", "sweep", "step", "named", "checkpoints"}
"""Fields that are computed, not given by the user."""

_HINTS = {
    "models": 'Name one with -m, such as -m facebook/dinov2-small, or in a file: models = ["..."].',
    "images": 'Name files or folders with -i, such as -i photos, or in a file: images = ["..."].',
    "id": 'Add one, such as id = "facebook/dinov2-small".',
}


_TABLES: dict[str, tuple[str, type[BaseModel]]] = {
    "models": ("model", ModelSpec),
    "sequences": ("sequence", SequenceSpec),
    "sweeps": ("sweep", SweepSpec),
    "figure": ("figure", FigureSpec),
}
"""Keys that hold tables: name of a table, and its class."""

_NOT_GUESSED = ("device", "max_site_size")
"""Keys without suggestions for misspelled values: gpu does not mean cpu."""


def in_words(error: ValidationError, gallery: type[BaseModel], source: SpecSource) -> SpecError:
    """The first error as one line.

    Args:
        error: pydantic's error.
        gallery: class of the gallery's spec.
        source: origin of the values.
    """
    # An unknown key is often the cause of a missing one.
    detail = min(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
    loc = detail["loc"] or ("",)
    owner, key, where = _place(loc, gallery, source)
    hint = _HINTS.get(key, "")
    if detail["type"] == "extra_forbidden":
        known = [name for name in owner.model_fields if name not in _FOUND]
        message = f"unknown key {where}."
        hint = did_you_mean(key, known) or f"The keys are {', '.join(known)}."
    elif detail["type"] == "missing":
        message = (
            f"{where} is missing."
            if source.file or owner is not gallery
            else f"No {key} were given."
        )
    else:
        expected = _expected(owner, key)
        message = f"{where} should be {expected}, got {kind_of(detail['input'])}."
        if isinstance(detail["input"], str) and key not in _NOT_GUESSED:
            hint = did_you_mean(detail["input"], re.findall(r"[\w:]+", expected)) or hint
    return SpecError(source.says(str(loc[0]), message), hint)


def _place(
    loc: tuple[int | str, ...], gallery: type[BaseModel], source: SpecSource
) -> tuple[type[BaseModel], str, str]:
    """The class and key of an error, and both in words."""
    top, *below = loc
    if top == "paper" and below:
        return paper_place(tuple(below))
    if top not in _TABLES or not below:
        key = str(top)
        where = f"entry {int(below[0]) + 1} of {source.name(key)}" if below else source.name(key)
        return gallery, key, where
    word, owner = _TABLES[str(top)]
    key = str(below[1]) if len(below) > 1 else ""
    where = f"{key} of {word} {int(below[0]) + 1}".removeprefix(" of ")
    if owner is ModelSpec and len(below) > 2 and str(below[2]) != key:
        return RegisterSpec, str(below[2]), f"{below[2]} in {where}"
    return owner, key, where


def _expected(owner: type[BaseModel], key: str) -> str:
    """The expected value of a key, or of the whole table without a key."""
    field = owner.model_fields.get(key)
    if field and field.description:
        return field.description
    return "a table with a path" if owner is SequenceSpec else "a model's id, or a table with an id"
