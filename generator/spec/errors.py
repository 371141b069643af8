"""Validation errors of a gallery's file or options as one-line messages."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from generator.errors import SpecError
from generator.records.paper import Author, Paper, PaperLink, Patch, TeaserCell
from generator.spec.dataset import DatasetSpec
from generator.spec.figures import FigureSpec
from generator.spec.models import ModelSpec, RegisterSpec, SpecSource
from generator.spec.sequences import SequenceSpec
from generator.spec.sweeps import SweepSpec
from generator.spec.toml import did_you_mean, kind_of

COMPUTED = frozenset({"folder", "file", "sweep", "step", "named", "checkpoints", "opened"})
"""Fields that are computed, not given by the user."""

_HINTS = {
    "models": "Name one: -m facebook/dinov2-small, or "
    'models = ["facebook/dinov2-small"] in a file or in Python.',
    "images": 'Name files or folders: -i photos, or images = ["photos"] in a file or in Python.',
    "--dataset": "Name the data set, such as --dataset owner/name.",
    "id": 'Add one, such as id = "facebook/dinov2-small".',
}

_ENTRIES = {"images": "a text that names a file, a folder, a pattern or an address"}
"""Values of the entries of lists, where they are not what the list is described by."""

_TABLES: dict[str, tuple[str, type[BaseModel]]] = {
    "models": ("model", ModelSpec),
    "sequences": ("sequence", SequenceSpec),
    "sweeps": ("sweep", SweepSpec),
    "figure": ("figure", FigureSpec),
}
"""Keys that hold tables: name of a table, and its class."""

_ITEMS: dict[str, tuple[str, type]] = {
    "authors": ("author", Author),
    "links": ("link", PaperLink),
    "teaser": ("teaser", TeaserCell),
}
"""Keys of ``paper`` that hold tables: name of a table, and its class."""

_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
"""Pydantic's error types of an unknown key: of a model, of a dataclass."""

_NOT_GUESSED = ("device", "max_site_size")
"""Keys without suggestions for misspelled values: gpu does not mean cpu."""


_SYNONYMS = {"device": {"gpu": "cuda", "GPU": "cuda"}}
"""Other words for values, by key."""


def in_words(error: ValidationError, gallery: type[BaseModel], source: SpecSource) -> SpecError:
    """The first error as one line.

    Args:
        error: pydantic's error.
        gallery: class of the gallery's spec.
        source: origin of the values.
    """
    # An unknown key is often the cause of a missing one.
    detail = min(error.errors(), key=lambda item: item["type"] not in _UNKNOWN)
    loc = detail["loc"] or ("",)
    owner, key, where = _place(loc, gallery, source)
    hint = _HINTS.get(key) or _HINTS.get(where, "")
    if detail["type"] in _UNKNOWN:
        known = [name for name in _fields(owner) if name not in COMPUTED]
        message = f"unknown key {where}."
        hint = did_you_mean(key, known) or f"The keys are {', '.join(known)}."
    elif detail["type"] == "missing":
        message = (
            f"{where} is missing."
            if source.file or owner is not gallery
            else f"No {key} were given."
        )
    else:
        entry = len(loc) > 1 and owner is gallery
        expected = (entry and _ENTRIES.get(key)) or _expected(owner, key)
        hint = "" if entry else hint
        message = f"{where} should be {expected}, got {kind_of(detail['input'])}."
        if isinstance(detail["input"], str) and detail["input"] in _SYNONYMS.get(key, {}):
            hint = f"Did you mean {_SYNONYMS[key][detail['input']]}?"
        elif isinstance(detail["input"], str) and key not in _NOT_GUESSED:
            hint = did_you_mean(detail["input"], re.findall(r"[\w:]+", expected)) or hint
    return SpecError(source.says(str(loc[0]), message), hint)


def _place(
    loc: tuple[int | str, ...], gallery: type[BaseModel], source: SpecSource
) -> tuple[type, str, str]:
    """The class and key of an error, and both in words."""
    top, *below = loc
    if top == "paper" and below:
        return _paper_place(below)
    if top == "dataset" and below:
        option = "dataset" in source.options
        key = str(below[0])
        named = "--dataset" if key == "name" else f"--{key}"
        return DatasetSpec, key, named if option else f"{key} of [dataset]"
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


def _paper_place(loc: list[int | str]) -> tuple[type, str, str]:
    """The class and key of an error below ``paper``, and both in words."""
    key = str(loc[0])
    if len(loc) == 1 or key not in _ITEMS:
        return Paper, key, f"{key} of [paper]"
    word, owner = _ITEMS[key]
    at = f"{word} {int(loc[1]) + 1} of [paper]"
    if len(loc) == 2:
        return Paper, key, at
    if len(loc) > 4:  # a query that is a table, after the name of its class
        return Patch, str(loc[4]), f"{loc[4]} of {loc[2]} of {at}"
    return owner, str(loc[2]), f"{loc[2]} of {at}"


def _fields(owner: type) -> Mapping[str, FieldInfo]:
    """The fields of a model or a pydantic dataclass."""
    found: Mapping[str, FieldInfo] = owner.__pydantic_fields__  # type: ignore[attr-defined]
    return found


def _expected(owner: type, key: str) -> str:
    """The expected value of a key, or of the whole table without a key."""
    field = _fields(owner).get(key)
    if field and field.description:
        return field.description
    return "a table with a path" if owner is SequenceSpec else "a model's id, or a table with an id"
