"""The file of one record: its arrays as tensors, and in the header one JSON text with its facts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from safetensors.numpy import save

from generator.records.extras import (
    PROJECTIONS,
    Features,
    Intervened,
    LogitLens,
    MassiveActivations,
    Prediction,
    Relevance,
    ValueNorms,
)
from generator.records.packing import PackingError, canonical, revive
from generator.records.record import (
    SCHEMA,
    AttentionRecord,
    Environment,
    FloatArray,
    ModelFacts,
    Pooling,
    Preprocessing,
    RecordError,
    TokenLayout,
    View,
)


@dataclass(frozen=True, slots=True)
class RecordHeader:
    """The facts of a record, without its arrays. The fields are those of the record."""

    key: str
    model: ModelFacts
    image_sha256: str
    layout: TokenLayout
    view: View
    preprocessing: Preprocessing
    environment: Environment
    prediction: Prediction | None
    schema: int
    intervention: Intervened | None = None


_PARTS: dict[str, type] = {
    "pooling": Pooling,
    "features": Features,
    "values": ValueNorms,
    "massive": MassiveActivations,
    "relevance": Relevance,
    "lens": LogitLens,
}
"""Fields of a record that are arrays together: ``features.last`` and so on in the file."""

_FACTS = tuple(item.name for item in fields(RecordHeader))
_ARRAYS = tuple(
    item.name for item in fields(AttentionRecord) if item.name not in (*_FACTS, *_PARTS)
)
_OPTIONAL = frozenset(
    {"patch_attention", "received_from_outliers", *(f"features.{name}" for name in PROJECTIONS)}
)


class DoubtError(Exception):
    """A file that has a record's name is not that record."""


def pack_record(record: AttentionRecord) -> bytes:
    """A record as the bytes of its file."""
    # One entry only: safetensors writes several in random order.
    return save(record_arrays(record), metadata={"record": record_facts(record)})


def record_arrays(record: AttentionRecord) -> dict[str, FloatArray]:
    """The arrays of a record by name, those of its parts as ``pooling.attention`` and so on.

    What the record does not have is left out.
    """
    arrays = {name: getattr(record, name) for name in _ARRAYS}
    for part, kind in _PARTS.items():
        held = getattr(record, part)
        if held is not None:
            arrays |= {f"{part}.{n.name}": getattr(held, n.name) for n in fields(kind)}
    return {n: np.ascontiguousarray(array) for n, array in arrays.items() if array is not None}


def record_facts(record: AttentionRecord) -> str:
    """The facts of a record as JSON, the same for the same record (see :class:`RecordHeader`)."""
    header = RecordHeader(**{name: getattr(record, name) for name in _FACTS})
    return canonical(asdict(header))


def read_header(file: Any, key: str) -> RecordHeader:
    """The facts of an open file.

    Raises:
        DoubtError: it is not the record of this key and of this schema.
    """
    text = (file.metadata() or {}).get("record")
    if text is None:
        raise DoubtError("not a record of attention-gallery")
    try:
        schema = json.loads(text)["schema"]
        if schema != SCHEMA:
            raise DoubtError(f"schema {schema}, where this version writes {SCHEMA}")
        header = revive(RecordHeader, text)
    except (ValueError, KeyError, TypeError, PackingError, RecordError) as error:
        raise DoubtError(f"its facts cannot be read ({error})") from error
    if header.key != key:
        raise DoubtError("it holds the record of another key")
    if missing := _arrays_of(file.keys()) - _OPTIONAL - set(file.keys()):
        raise DoubtError(f"without {', '.join(sorted(missing))}")
    return header


def _arrays_of(found: Sequence[str]) -> set[str]:
    """The arrays that a file must hold: a part is whole or absent."""
    held = {name.partition(".")[0] for name in found if "." in name}
    parts = {part: _PARTS[part] for part in held & _PARTS.keys()}
    inner = {f"{part}.{item.name}" for part, kind in parts.items() for item in fields(kind)}
    return {*_ARRAYS, *inner}


def assemble(header: RecordHeader, arrays: Mapping[str, FloatArray]) -> AttentionRecord:
    """A record from its facts and arrays.

    Raises:
        RecordError: they contradict each other.
    """
    parts: dict[str, Any] = {name: getattr(header, name) for name in _FACTS}
    parts |= {name: arrays.get(name) for name in _ARRAYS}
    for part, kind in _PARTS.items():
        names = [item.name for item in fields(kind)]
        if f"{part}.{names[0]}" in arrays:
            parts[part] = kind(**{name: arrays.get(f"{part}.{name}") for name in names})
    return AttentionRecord(**parts)
