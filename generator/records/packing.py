"""Serialization of frozen dataclasses with arrays; the same object gives the same bytes.

Arrays become tensors of a safetensors file, named by their path (``norms.median``); everything else
becomes one JSON text in its header. Nothing in such a file can be executed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load

from generator.records.seal import SealError, facts_of, sealed_file, unsealed

Packed = TypeVar("Packed")

FACTS = "facts"


class PackingError(Exception):
    """The bytes are damaged or of another kind."""


def pack(value: Any) -> bytes:
    """Serialize a dataclass to bytes.

    Args:
        value: a dataclass of arrays, numbers, texts, tuples, None, and dataclasses of these.
    """
    arrays = {name: np.ascontiguousarray(array) for name, array in _arrays(value, "")}
    return sealed_file(FACTS, canonical(_plain(value)), arrays)


def unpack(kind: type[Packed], data: bytes, *, check: bool = True) -> Packed:
    """Deserialize a dataclass.

    Args:
        kind: class to build.
        data: result of :func:`pack`.
        check: whether to verify the checksums; not needed for files of a site, which were verified
            by the manifest.

    Raises:
        PackingError: the bytes are damaged or of another kind.
    """
    try:
        # copies: each array of the library is a view of a view of bytes, twice as large as a copy
        arrays = {name: array.copy() for name, array in load(data).items()}
        length = int.from_bytes(data[:8], "little")
        text = json.loads(data[8 : 8 + length])["__metadata__"][FACTS]
        if not check:
            return revive(kind, facts_of(text), arrays)
        sealed = unsealed(text)
        sealed.check(arrays)
        return revive(kind, sealed.facts, arrays)
    except (
        *(SafetensorError, SealError, PackingError),
        *(ValueError, KeyError, TypeError, RecursionError),
    ) as error:
        raise PackingError(f"not a packed {kind.__name__} ({error})") from error


def revive(
    kind: type[Packed], text: str | bytes, arrays: Mapping[str, NDArray[Any]] | None = None
) -> Packed:
    """Build a dataclass from its JSON text and arrays.

    Args:
        text: JSON written by :func:`canonical`.
        arrays: arrays by path.

    Raises:
        PackingError: the text is not JSON, or does not fit the dataclass.
    """

    def filled(item: dict[str, Any]) -> Any:
        return (arrays or {})[item["array"]] if item.keys() == {"array"} else item

    try:
        values = json.loads(text, object_hook=filled, parse_constant=_no_number)
        found: Packed = _reader(kind).validate_python((values,))[0]  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(each) for each in first["loc"][1:])
        raise PackingError(f"{place}: {first['msg']}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise PackingError(str(error)) from error
    return found


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number")


@cache
def _reader(kind: type) -> TypeAdapter[Any]:
    # pydantic accepts a config for a tuple of a dataclass, not for the dataclass itself
    return TypeAdapter(
        tuple[kind],  # type: ignore[valid-type]
        config=ConfigDict(extra="forbid", arbitrary_types_allowed=True),
    )


def canonical(facts: Any) -> str:
    """Canonical JSON: the same facts give the same text."""
    return json.dumps(
        facts, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_number
    )


def _arrays(value: Any, path: str) -> Iterator[tuple[str, NDArray[Any]]]:
    if isinstance(value, np.ndarray):
        yield path, value
    elif is_dataclass(value):
        for item in fields(value):
            yield from _arrays(getattr(value, item.name), f"{path}.{item.name}".lstrip("."))
    elif isinstance(value, tuple):
        for n, item in enumerate(value):
            yield from _arrays(item, f"{path}.{n}".lstrip("."))


def _plain(value: Any, path: str = "") -> Any:
    """A value for JSON, with a pointer in place of each array."""
    if isinstance(value, np.ndarray):
        return {"array": path}
    if is_dataclass(value):
        return {
            item.name: _plain(getattr(value, item.name), f"{path}.{item.name}".lstrip("."))
            for item in fields(value)
        }
    if isinstance(value, tuple):
        return [_plain(item, f"{path}.{n}".lstrip(".")) for n, item in enumerate(value)]
    return value


def _number(value: object) -> object:
    """Convert numpy numbers to Python numbers."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} cannot be stored")
