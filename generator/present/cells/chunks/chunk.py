"""Chunks: attention maps of one query, for one model on one image, as a classic script.

It has a header and the codes of all maps as one gray PNG (see :mod:`packing`)::

    {"record": ..., "query": "CLS", "rows": ["1", ...], "maxima": ..., ...}

The header holds the facts of the record, so a site can be rebuilt from its chunks without the
records. It holds no slug, title or label, so renaming an image changes no chunk.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from generator.analysis.stream.norms import Outliers
from generator.present.cells.chunks.gray_png import gray_png, read_gray_png
from generator.present.cells.chunks.maps import QueryMaps
from generator.present.cells.chunks.norm_codes import coarse_codes, norm_codes
from generator.present.cells.chunks.packing import read_json, read_packed, script_bytes, unpacked
from generator.present.drawing.quantize import Quantized, encode
from generator.records.record import (
    AttentionRecord,
    Environment,
    FloatArray,
    ModelFacts,
    Preprocessing,
    TokenLayout,
    View,
)
from generator.text.numbers import rounded

Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class CellFacts:
    """Facts of a record that a site keeps besides its maps.

    Attributes:
        record: key of the record.
        image_sha256: hash of the image file.
        view: the part of the picture that the patches cover.
        preprocessing: how the input was made.
        queries: ids of the queries that have a chunk, ``CLS`` first, ``patch`` last.
        histogram: octave histogram of all maps of all tokens as queries (see
            ``scale.octave_histogram``).
        patch_histogram: octave histogram of all maps of patches as queries, without each patch's
            attention to itself; zeros where their rows are not kept.
        outliers: patches of unusual norm.
        patch_heads: whether single heads are kept of patches as queries.
    """

    record: str
    image_sha256: str
    model: ModelFacts
    layout: TokenLayout
    view: View
    preprocessing: Preprocessing
    environment: Environment
    queries: tuple[str, ...]
    histogram: tuple[int, ...]
    patch_histogram: tuple[int, ...]
    outliers: Outliers
    patch_heads: bool = False


@dataclass(frozen=True, slots=True)
class Statistics:
    """Statistics of a record that pages print (see ``AttentionRecord``).

    Attributes:
        entropy: mean over all queries, ``[layer, head]``.
        entropy_patches: mean over patches as queries, among patches only, ``[layer, head]``.
        distance: mean over all queries in input pixels, ``[layer, head]``.
        distance_patches: mean among patches only in input pixels, ``[layer, head]``.
        norms: codes of ``norm_codes``, one line a layer, as a gray PNG in base64; where maps are
            on a coarser grid than the patches', the largest of each cell.
    """

    entropy: Rows
    entropy_patches: Rows
    distance: Rows
    distance_patches: Rows
    norms: str


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a chunk.

    Attributes:
        record: key of the record.
        query: id of the query among the gallery's.
        token: the model's own token for it, or ``received``.
        rows: labels of the wall's rows: layers from 1, then ``pool``.
        heads: number of heads; one more column holds their mean.
        grid: rows and columns of the maps; fewer than the patch grid's where area means keep the
            site small.
        keys: keys of each row: share = times uniform / keys.
        groups: key groups of ``mass``.
        maxima: maximum of each map, ``[row, head + mean]``; None where there is no such head,
            or where its map is left out.
        mass: ``[row, head + mean, key group]``, shares of 1; None where
            ``maxima`` is.
    """

    record: str
    query: str
    token: str
    rows: tuple[str, ...]
    heads: int
    grid: tuple[int, int]
    keys: tuple[int, ...]
    groups: tuple[str, ...]
    maxima: tuple[tuple[float | None, ...], ...]
    mass: tuple[tuple[tuple[float | None, ...], ...], ...]
    statistics: Statistics
    facts: CellFacts


_HEADER: TypeAdapter[Header] = TypeAdapter(Header)


def statistics_of(record: AttentionRecord, grid: tuple[int, int] | None = None) -> Statistics:
    """The statistics of a record, rounded to what a page prints.

    Args:
        record: of one model on one image.
        grid: rows and columns of the maps; None for those of the patch grid.
    """
    layout = record.layout
    codes = norm_codes(record)
    if grid is not None:
        codes = coarse_codes(codes, (layout.rows, layout.cols), grid)
    return Statistics(
        entropy=_rounded(record.entropy, 4),
        entropy_patches=_rounded(record.entropy_patches, 4),
        distance=_rounded(record.distance, 2),
        distance_patches=_rounded(record.distance_patches, 2),
        norms=base64.b64encode(gray_png(codes)).decode("ascii"),
    )


def chunk_bytes(maps: QueryMaps, facts: CellFacts, statistics: Statistics) -> bytes:
    """Encode one chunk."""
    quantized = encode(maps.maps)
    header = Header(
        record=facts.record,
        query=maps.query,
        token=maps.token,
        rows=maps.rows,
        heads=maps.heads,
        grid=(maps.maps.shape[-2], maps.maps.shape[-1]),
        keys=maps.keys,
        groups=maps.groups,
        # the shortest text that names the same float32: decoding loses nothing here
        maxima=tuple(tuple(_exact(v) for v in row) for row in quantized.maxima),
        mass=tuple(tuple(tuple(_short(v) for v in m) for m in row) for row in maps.mass.tolist()),
        statistics=statistics,
        facts=facts,
    )
    return script_bytes(_HEADER.dump_python(header, mode="json"), atlas_png(quantized.codes))


def read_header(path: Path) -> Header:
    """Read a chunk's header only."""
    return _HEADER.validate_json(read_json(path))


def read_chunk(path: Path) -> tuple[Header, Quantized]:
    """Read the header of a chunk, and its codes ``[row, head + mean, row, col]``."""
    text, flat = read_gray(path)
    header = _HEADER.validate_json(text)
    (rows, cols), columns = header.grid, header.heads + 1
    codes = flat.reshape(len(header.rows), rows, columns, cols).swapaxes(1, 2)
    maxima = np.array(header.maxima, dtype=np.float32)
    return header, Quantized(codes=codes, maxima=maxima)


def atlas_png(codes: NDArray[np.uint8]) -> bytes:
    """All maps in one gray PNG: heads across, layers down, no gaps, no metadata.

    Args:
        codes: ``[row, head + mean, grid row, grid col]``.
    """
    layers, columns, rows, cols = codes.shape
    return gray_png(codes.swapaxes(1, 2).reshape(layers * rows, columns * cols))


def read_gray(path: Path) -> tuple[bytes, NDArray[np.uint8]]:
    """The header of a chunk as JSON text, and the codes of its PNG."""
    text, data = unpacked(read_packed(path))
    return text, read_gray_png(data)


def _rounded(values: FloatArray, digits: int) -> Rows:
    return tuple(tuple(round(float(v), digits) for v in row) for row in values)


def _exact(value: np.float32) -> float | None:
    return None if np.isnan(value) else float(str(value))


def _short(value: float) -> float | None:
    return None if math.isnan(value) else rounded(value, 5)
