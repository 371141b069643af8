"""Chunk of the patch queries: one attention map for every patch.

It is loaded when a reader chooses a patch as the query. Each line of its PNG is one map, so a
browser decodes all of them in one pass and reads a query without a copy.

Maxima and masses are binary in base64, since as JSON they would add a third to the file.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from generator.present.cells.chunks.chunk import Statistics, read_gray, statistics_of
from generator.present.cells.chunks.gray_png import gray_png
from generator.present.cells.chunks.maps import PATCHES
from generator.present.cells.chunks.packing import script_bytes
from generator.present.drawing.quantize import Quantized, decode, encode
from generator.present.drawing.scale import OCTAVES, octave_histogram
from generator.records.record import AttentionRecord, FloatArray

PATCH = "patch"
"""Id of the patch queries."""

MASS_STEPS = 65535


@dataclass(frozen=True, slots=True)
class PatchHeader:
    """The header of a patch chunk.

    Attributes:
        record: key of the record.
        query: always ``patch``.
        rows: labels of the layers, from 1.
        heads: number of heads kept; 0 for the mean alone. The mean is always the last column.
        grid: rows and columns of the patch grid.
        keys: keys of each row of attention.
        groups: key groups of ``mass``: the prefix tokens, then ``patches``.
        maxima: little-endian float32 ``[row, head + mean, query]``, base64.
        mass: little-endian uint16 ``[row, head + mean, query, key group]``, share of 1 times 65535,
            base64.
    """

    record: str
    query: str
    rows: tuple[str, ...]
    heads: int
    grid: tuple[int, int]
    keys: int
    groups: tuple[str, ...]
    maxima: str
    mass: str
    statistics: Statistics


_HEADER: TypeAdapter[PatchHeader] = TypeAdapter(PatchHeader)


def patch_maps(record: AttentionRecord) -> FloatArray:
    """Maps of patches as queries: float32 ``[layer, head + mean, query, key]``, times uniform.

    A record that keeps only the mean over heads gives one column.
    """
    if record.patch_attention is None:
        raise ValueError("The record keeps no rows of patches.")
    kept = np.asarray(record.patch_attention, dtype=np.float32)
    if kept.ndim == 3:
        return kept[:, None]
    return np.concatenate([kept, kept.mean(axis=1, keepdims=True)], axis=1)


def patch_histogram(record: AttentionRecord) -> tuple[int, ...]:
    """Octave histogram of attention between different patches; zeros where rows are not kept.

    A patch's attention to itself is shown, but it does not set the range. The mean over heads
    counts only where single heads are not kept.
    """
    counts = np.zeros(OCTAVES, dtype=np.int64)
    own = np.arange(record.layout.patches)
    # one layer at a time: all of them at once may be gigabytes
    for layer in record.patch_attention if record.patch_attention is not None else ():
        maps = np.array(layer[..., record.layout.patch_slice], dtype=np.float32)
        maps[..., own, own] = np.nan
        counts += octave_histogram(maps)
    return tuple(int(count) for count in counts)


def patch_chunk_bytes(record: AttentionRecord, *, heads: bool = True) -> bytes:
    """Encode the chunk of the patch queries of a record that keeps them.

    Args:
        record: of one model on one image.
        heads: keep single heads; the mean over heads is kept always.
    """
    layout = record.layout
    attention = patch_maps(record) if heads else patch_maps(record)[:, -1:]
    maps = attention[..., layout.patch_slice]
    quantized = encode(maps[..., None, :])
    prefix = attention[..., layout.prefix_slice]
    mass = np.concatenate([prefix, maps.sum(-1, keepdims=True)], axis=-1) / layout.tokens
    header = PatchHeader(
        record=record.key,
        query=PATCH,
        rows=tuple(str(layer + 1) for layer in range(len(attention))),
        heads=attention.shape[1] - 1,
        grid=(layout.rows, layout.cols),
        keys=layout.tokens,
        groups=(*layout.prefix, PATCHES),
        maxima=_base64(quantized.maxima, "<f4"),
        mass=_base64(np.rint(np.clip(mass, 0, 1) * MASS_STEPS), "<u2"),
        statistics=statistics_of(record),
    )
    lines = quantized.codes.reshape(-1, layout.patches)
    return script_bytes(_HEADER.dump_python(header, mode="json"), gray_png(lines))


def read_patch_chunk(path: Path) -> tuple[PatchHeader, FloatArray]:
    """Read a patch chunk: ``[row, head + mean, query, grid row, grid col]``, times uniform."""
    text, lines = read_gray(path)
    header = _HEADER.validate_json(text)
    shape = (len(header.rows), header.heads + 1, lines.shape[1])
    maxima = np.frombuffer(base64.b64decode(header.maxima), dtype="<f4").reshape(shape)
    return header, decode(Quantized(lines.reshape(*shape, *header.grid), maxima))


def _base64(values: FloatArray, kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values).astype(kind).tobytes()).decode("ascii")
