"""File format of a record: safetensors with arrays, and JSON facts in the header."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from generator.records.arrays import ARRAYS
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
    check_shapes,
)
from generator.records.seal import Sealed, SealError, sealed_file, unsealed


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
"""Parts of a record with arrays, named ``features.last`` and so on in the file."""

_FACTS = tuple(item.name for item in fields(RecordHeader))
_UNKEPT = ("picture",)
"""Fields that are not in the file: equal pictures of any name share a record."""

_ARRAYS = tuple(
    item.name for item in fields(AttentionRecord) if item.name not in (*_FACTS, *_PARTS, *_UNKEPT)
)
_OPTIONAL = frozenset(
    {"patch_attention", "received_from_outliers", *(f"features.{name}" for name in PROJECTIONS)}
)


_DTYPES = {
    **{"F64": "float64", "F32": "float32", "F16": "float16", "BOOL": "bool"},
    **{"I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8", "U8": "uint8"},
}
"""numpy dtype names by safetensors names."""


class DoubtError(Exception):
    """A file with a record's name does not hold that record."""


class OtherSchemaError(DoubtError):
    """The file holds a record of another schema version."""


def pack_record(record: AttentionRecord) -> bytes:
    """Serialize a record to the bytes of its file.

    Raises:
        RecordError: it holds NaN or infinity.
    """
    arrays = record_arrays(record)
    if place := not_finite(record, arrays):
        raise RecordError(f"The record of {record.model.id} holds NaN or infinity in {place}.")
    return sealed_file("record", record_facts(record), arrays)


def not_finite(record: AttentionRecord, arrays: Mapping[str, FloatArray]) -> str:
    """Find the first NaN or infinity of a record, in words; empty if there is none.

    Arrays that identify the layer are checked first: the attention of a layer, then the residual
    stream after it.

    Args:
        record: the record; its facts are checked too.
        arrays: arrays of the record (see :func:`record_arrays`).
    """
    found = []
    for name, array in arrays.items():
        values = array
        if name == "features.pooled" and record.layout.cls is None:
            values = array[:, 1:]  # no class token: NaN by definition
        if values.dtype.kind == "f" and not _is_finite(values):
            found.append(_where(name, values))
    if record.prediction is not None:
        shares = (*record.prediction.probabilities, record.prediction.target_probability)
        if not all(math.isfinite(share) for share in shares):
            found.append((math.inf, "the class head"))
    return min(found)[1] if found else ""


_OF_LAYERS = {array.name: array.axes.index("layer") for array in ARRAYS if "layer" in array.axes}
"""Arrays inside layers, and their layer axis."""

_BEHIND_LAYERS = frozenset(
    {"norms", "features.pooled", "massive.value", "massive.median", "massive.channel_max"}
)
"""Arrays of the residual stream, before the first layer and after each."""


def _is_finite(values: FloatArray) -> bool:
    if values.dtype == np.float16:  # several times as fast as asking numpy
        return not values.size or int((values.view(np.uint16) & 0x7FFF).max()) < 0x7C00
    return bool(np.isfinite(values).all())


def _where(name: str, values: FloatArray) -> tuple[float, str]:
    """The first layer of an array with a non-finite value: its sort key, and in words."""
    inside = _OF_LAYERS.get(name)
    if inside is None and name not in _BEHIND_LAYERS:
        return math.inf, name
    bad = np.moveaxis(~np.isfinite(values), inside or 0, 0)
    at = int(bad.reshape(len(bad), -1).any(1).argmax())
    if inside is not None:
        return at + 0.5, f"layer {at + 1}"
    return float(at), f"the stream after layer {at}" if at else "the embedding"


def record_arrays(record: AttentionRecord) -> dict[str, FloatArray]:
    """The arrays of a record by name; arrays of parts as ``pooling.attention`` and so on.

    Missing arrays are skipped.
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


def read_header(file: Any, key: str) -> tuple[RecordHeader, Sealed]:
    """Read the facts of an open file and the checksums of its arrays, and check that they agree.

    Raises:
        OtherSchemaError: it is a record of another schema.
        DoubtError: it is not the record of this key, or not as it was written.
    """
    text = (file.metadata() or {}).get("record")
    if text is None:
        raise DoubtError("not a record of attention-gallery")
    try:
        schema = json.loads(text)["schema"]
        if schema != SCHEMA:
            raise OtherSchemaError(f"schema {schema}, where this version writes {SCHEMA}")
        sealed = unsealed(text)
        header = revive(RecordHeader, sealed.facts)
        _check_arrays(file, header, sealed)
    except SealError as error:
        raise DoubtError(str(error)) from error
    except (ValueError, KeyError, TypeError, RecursionError, PackingError, RecordError) as error:
        raise DoubtError(f"its facts cannot be read ({error})") from error
    if header.key != key:
        raise DoubtError("it holds the record of another key")
    return header, sealed


def _check_arrays(file: Any, header: RecordHeader, sealed: Sealed) -> None:
    """Check the arrays listed in a file against its facts, without reading them."""
    names = set(file.keys())
    if missing := _arrays_of(file.keys()) - _OPTIONAL - names:
        raise DoubtError(f"without {', '.join(sorted(missing))}")
    listed = {name: file.get_slice(name) for name in names}
    shapes = {name: tuple(each.get_shape()) for name, each in listed.items()}
    check_shapes(header.model, header.layout, shapes)
    there = {name: (_DTYPES.get(each.get_dtype()), shapes[name]) for name, each in listed.items()}
    if there != {name: (each.dtype, each.shape) for name, each in sealed.arrays.items()}:
        raise DoubtError("it holds other arrays than its header lists")


def _arrays_of(found: Sequence[str]) -> set[str]:
    """Names of the arrays that a file must hold: a part is complete or absent."""
    held = {name.partition(".")[0] for name in found if "." in name}
    parts = {part: _PARTS[part] for part in held & _PARTS.keys()}
    inner = {f"{part}.{item.name}" for part, kind in parts.items() for item in fields(kind)}
    return {*_ARRAYS, *inner}


def assemble(header: RecordHeader, arrays: Mapping[str, FloatArray]) -> AttentionRecord:
    """Build a record from its facts and arrays.

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
