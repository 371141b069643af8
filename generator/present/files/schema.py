"""JSON schemas of dataclasses, described by their docstrings."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter


def documented_schema(adapter: TypeAdapter[Any], classes: Iterable[type]) -> bytes:
    """JSON schema of a dataclass; its docstring describes every field.

    Args:
        classes: the dataclass and all dataclasses in its fields.
    """
    known = {each.__name__: each for each in classes}
    schema = adapter.json_schema(mode="serialization")
    for name, described in [(schema["title"], schema), *schema["$defs"].items()]:
        fields: dict[str, str] = {}
        for each in reversed(known[name].__mro__):
            fields |= _described_fields(each)
        for field, entry in described["properties"].items():
            entry["description"] = fields[field]
    found = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return (json.dumps(found, indent=1, ensure_ascii=False) + "\n").encode()


def _described_fields(documented: type) -> dict[str, str]:
    """Field -> its description in the ``Attributes`` section of a docstring."""
    section = inspect.cleandoc(documented.__doc__ or "").partition("Attributes:")[2]
    items = re.split(r"\n    (?=\w+: )", section)
    pairs = (" ".join(item.split()).partition(": ") for item in items if item.strip())
    return {name: text.replace("``", "`") for name, _, text in pairs}
