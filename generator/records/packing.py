"""Frozen dataclasses of arrays as bytes and back: the same object gives the same bytes.

Arrays become tensors of a safetensors file, named by their path (``norms.median``); everything else
becomes one JSON text in its header. Nothing in such a file can be executed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from itertools import repeat
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

Packed = TypeVar("Packed")

FACTS = "facts"


class PackingError(Exception):
    """Bytes are not what they should be."""


def pack(value: Any) -> bytes:
    """A dataclass as bytes.

    Args:
        value: a dataclass of arrays, numbers, texts, tuples, None, and dataclasses of these.
    """
    arrays = {name: np.ascontiguousarray(array) for name, array in _arrays(value, "")}
    # One entry only: safetensors writes several in random order.
    return save(arrays, metadata={FACTS: canonical(_plain(value))})


def unpack(kind: type[Packed], data: bytes) -> Packed:
    """The dataclass that was packed.

    Raises:
        PackingError: the bytes are not one of this kind.
    """
    try:
        arrays = load(data)
        length = int.from_bytes(data[:8], "little")
        text = json.loads(data[8 : 8 + length])["__metadata__"][FACTS]
        found: Packed = revive(kind, json.loads(text), arrays)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PackingError(f"not a packed {kind.__name__} ({error})") from error
    return found


def canonical(facts: Any) -> str:
    """JSON that is the same for the same facts."""
    return json.dumps(
        facts, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_number
    )


def revive(kind: Any, value: Any, arrays: Mapping[str, NDArray[Any]] | None = None) -> Any:
    """Parsed JSON as the dataclasses and tuples of a type.

    Args:
        kind: a dataclass, a tuple type, a union with None, or anything JSON knows.
        value: what was parsed.
        arrays: by their paths, for dataclasses that hold some.
    """
    if isinstance(value, dict) and set(value) == {"array"}:
        return (arrays or {})[value["array"]]
    if get_origin(kind) is UnionType:
        if value is None:
            return None
        kind = _member(kind, value)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: revive(hints[name], item, arrays) for name, item in value.items()})
    if get_origin(kind) is tuple:
        inner = get_args(kind)
        kinds = repeat(inner[0]) if inner[-1] is Ellipsis else inner
        return tuple(revive(each, item, arrays) for each, item in zip(kinds, value, strict=False))
    return value


def _member(union: Any, value: Any) -> Any:
    """The member of a union that a value is: of dataclasses the one with its fields."""
    members = [each for each in get_args(union) if each is not NoneType]
    if isinstance(value, dict):
        fitting = (each for each in members if is_dataclass(each) and set(value) == _names(each))
        return next(fitting, members[0])
    return members[0]


def _names(kind: Any) -> set[str]:
    return {item.name for item in fields(kind)}


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
    """A value as JSON has it, with a pointer in place of each array."""
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
    """Numbers of numpy as numbers."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} cannot be stored")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
