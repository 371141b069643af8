"""The JSON schema of a gallery's file, and what each key means, from the docstrings."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema

from generator.records.paper import Author, Paper, PaperLink, TeaserCell
from generator.spec.dataset import DatasetSpec
from generator.spec.errors import COMPUTED
from generator.spec.figures import FigureSpec
from generator.spec.gallery import GallerySpec
from generator.spec.models import ModelSpec, RegisterSpec, StateDictSpec
from generator.spec.sequences import SequenceSpec
from generator.spec.sweeps import SweepSpec

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FILE = "gallery.schema.json"
"""Name of the schema beside a gallery's file."""

DIRECTIVE = f"#:schema {FILE}"
"""The line that editors read (Even Better TOML, taplo, tombi): a path from the gallery's file."""

_TEXT: dict[str, Any] = {"type": "string"}
_SHORT: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("GallerySpec", "models"): [_TEXT],
    ("GallerySpec", "sequences"): [_TEXT],
    ("GallerySpec", "sweeps"): [_TEXT],
    ("Paper", "authors"): [_TEXT],
}
"""Lists whose items have a short form."""

_FORMS: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("GallerySpec", "extras"): [_TEXT],
    ("GallerySpec", "objects"): [_TEXT],
    ("GallerySpec", "compare"): [{"const": "none"}, {"type": "array", "items": _TEXT}],
    ("GallerySpec", "max_site_size"): [_TEXT],
    ("ModelSpec", "test_time_registers"): [{"type": "boolean"}],
    ("Paper", "links"): [{"type": "object", "additionalProperties": _TEXT}],
}
"""Keys that may be written in another form as well."""

TABLES: tuple[tuple[str, type], ...] = (
    ("", GallerySpec),
    ("[[models]]", ModelSpec),
    ("test_time_registers of [[models]]", RegisterSpec),
    ("state_dict of [[models]]", StateDictSpec),
    ("[[sweeps]]", SweepSpec),
    ("[[sequences]]", SequenceSpec),
    ("[dataset]", DatasetSpec),
    ("[paper]", Paper),
    ("[[paper.authors]]", Author),
    ("[[paper.links]]", PaperLink),
    ("[[paper.teaser]]", TeaserCell),
    ("[[figure]]", FigureSpec),
)
"""The tables of a gallery's file and their classes, in the order of the documents."""


@dataclass(frozen=True, slots=True)
class KeyFact:
    """A key of a gallery's file.

    Attributes:
        name: the key.
        value: what it should be.
        default: as TOML writes it; empty where there is none.
        meaning: what it does.
    """

    name: str
    value: str
    default: str
    meaning: str


class _FileSchema(GenerateJsonSchema):
    """Leaves out what Python alone can give, such as an open network."""

    def handle_invalid_for_json_schema(
        self, schema: CoreSchema, error_info: str
    ) -> JsonSchemaValue:
        """Nothing in a file fits."""
        return {"not": {}}


def gallery_schema() -> dict[str, Any]:
    """The schema of a gallery's file. What options may add is not required."""
    schema = GallerySpec.model_json_schema(schema_generator=_FileSchema)
    definitions = schema.pop("$defs")
    definitions.pop("Address")
    classes: dict[str, type] = {kind.__name__: kind for _, kind in TABLES}
    for name, table in (("GallerySpec", schema), *definitions.items()):
        if name in classes:
            _finish(table, name, classes[name])
    schema["properties"]["images"]["items"] = _TEXT
    schema.pop("required")
    return {
        "$schema": DIALECT,
        **schema,
        "title": "A gallery of attention-gallery",
        "description": "attention-gallery build FILE",
        "$defs": definitions,
    }


def schema_text() -> str:
    """The schema as it is written to a file."""
    return json.dumps(gallery_schema(), indent=2) + "\n"


def _finish(table: dict[str, Any], name: str, kind: type) -> None:
    """Give the properties of a table their meaning and their short forms."""
    meanings = attributes_of(kind)
    table["description"] = inspect.cleandoc(kind.__doc__ or "").split("\n")[0]
    for key, facts in list(table["properties"].items()):
        if key in COMPUTED:
            del table["properties"][key]
            continue
        if (name, key) in _SHORT:
            facts["items"] = {"anyOf": [*_SHORT[name, key], facts["items"]]}
        if (name, key) in _FORMS:
            _widen(facts, _FORMS[name, key])
        facts.pop("title", None)
        expected = facts.get("description", "")
        facts["description"] = f"{_sentence(meanings[key])} Value: {expected or 'a text'}."


def _widen(facts: dict[str, Any], forms: list[dict[str, Any]]) -> None:
    """Allow other forms of a value."""
    kept = [key for key in ("default", "description", "title") if key in facts]
    about: dict[str, Any] = {key: facts.pop(key) for key in kept}
    own = facts.pop("anyOf", None) or [dict(facts)]
    facts.clear()
    facts |= {"anyOf": [*forms, *own], **about}


def attributes_of(kind: type) -> Mapping[str, str]:
    """The meaning of each attribute, from the section ``Attributes`` of a class's docstring."""
    text = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")[2]
    entries = re.split(r"\n {4}(?! )", "\n" + text)
    pairs = (entry.partition(":") for entry in entries if entry.strip())
    return {name.strip(): " ".join(meaning.split()) for name, _, meaning in pairs}


def keys_of(kind: type) -> Iterator[KeyFact]:
    """The keys of a table that a user may write."""
    meanings = attributes_of(kind)
    fields: Mapping[str, Any] = kind.__pydantic_fields__  # type: ignore[attr-defined]
    for name, field in fields.items():
        if name in COMPUTED:
            continue
        if name not in meanings:
            raise LookupError(f"Attributes in the docstring of {kind.__name__} lack {name}.")
        default = "" if field.is_required() else toml_value(field.default)
        if name == "store" and issubclass(kind, BaseModel):
            default = ""  # the user's cache folder
        yield KeyFact(name, field.description or "a text", default, _sentence(meanings[name]))


def toml_value(value: object) -> str:
    """A default as TOML writes it; empty where TOML has no value for it."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case list() | tuple():
            return f"[{', '.join(toml_value(item) for item in value)}]"
        case None:
            return ""
        case _:
            text = str(value)
            return "" if "Undefined" in text else json.dumps(text, ensure_ascii=False)


def _sentence(text: str) -> str:
    text = re.sub(r"\bNone for\b", "without it,", text.replace("``", "`"))
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
