"""Files of each cell: chunks, rendered walls and thumbnail maps, with the facts that pages print.

Chunks are made from the record, unless the previous site has them. Walls and thumbnails are drawn
from the chunks when the shared scale is known. They show exactly what a browser decodes, and a
changed scale needs no records.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from generator.analysis.features.objects import find_objects
from generator.analysis.grids import PlacedMap, area_means
from generator.analysis.stream.norms import outliers_of
from generator.present.cells.alike import put_alike
from generator.present.cells.analysis_maps import put_maps
from generator.present.cells.chunks.chunk import CellFacts, chunk_bytes, read_chunk, statistics_of
from generator.present.cells.chunks.headers import Headers, HeaderSummary
from generator.present.cells.chunks.maps import (
    FUSED,
    PRIMARY,
    RECEIVED,
    VALUES,
    maps_of,
    query_ids,
    reduced,
    with_extremes,
)
from generator.present.cells.chunks.patches import PATCH, patch_chunk_bytes, patch_histogram
from generator.present.cells.digests import put_digest
from generator.present.cells.divergence import divergence_bytes
from generator.present.drawing.heatmap import map_png, wall_png
from generator.present.drawing.quantize import Quantized, decode
from generator.present.drawing.scale import Scale, octave_histogram
from generator.present.files.cache import Part, Readable, SiteCache
from generator.present.files.manifest import FileEntry, Kind
from generator.present.files.reductions import COARSE, WALL_CELLS, Detail, wall_grid
from generator.records.record import AttentionRecord, FloatArray
from generator.records.run import Cell


@dataclass(frozen=True, slots=True)
class CellContent:
    """Content of a cell that has a record: its files, and the facts that pages print.

    Attributes:
        header: what pages print of the header of its first chunk.
        entropy: float32 ``[layer, head]``.
        chunks: one file for each query.
        digest: file of the numbers of its analyses.
        maps: file of the maps of its analyses; None where they are not drawn.
        alike: file of its patch features; None where they are not drawn or not measured.
        detail: which maps ``chunks`` hold; all other fields describe the full maps.
    """

    header: HeaderSummary
    entropy: FloatArray
    chunks: tuple[FileEntry, ...]
    digest: FileEntry
    maps: FileEntry | None
    alike: FileEntry | None
    detail: Detail = "native"

    @property
    def facts(self) -> CellFacts:
        """What its pages print of the record."""
        return self.header.facts

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the maps in the site; fewer than the patches' in a reduced site."""
        rows, cols = self.facts.layout.rows, self.facts.layout.cols
        return (rows, cols) if self.detail == "native" else (min(rows, COARSE), min(cols, COARSE))

    @property
    def is_coarse(self) -> bool:
        """Whether maps are area means on fewer cells than there are patches."""
        return self.grid != (self.facts.layout.rows, self.facts.layout.cols)

    @property
    def received(self) -> bool:
        """Whether the model has no class token, so that received attention is shown instead."""
        return self.header.token == RECEIVED


def has_chunks(cache: SiteCache, cell: Cell, model: str, *, mixed: bool) -> bool:
    """Whether the previous site has the chunks of a cell.

    Args:
        model: id of the model in the gallery, as for :func:`put_chunks`.
        mixed: as for :func:`put_chunks`.
    """
    return cache.knows("chunk", _parts(cell.record, model, PRIMARY, mixed=mixed))


def put_chunks(
    cache: SiteCache,
    cell: Cell,
    model: str,
    read: Callable[[str], AttentionRecord],
    *,
    mixed: bool,
    headers: Headers,
    analyses: bool = False,
    alone: bool = False,
) -> CellContent:
    """Write the chunks and the digest of a cell to the site.

    Args:
        model: id of the model in the gallery, which chunks name. Anonymous copies have another id.
        read: gives the record; called only if the previous site lacks a chunk.
        mixed: whether the gallery has models with and without a class token.
        headers: reads the headers of chunks.
        analyses: whether its analyses are drawn.
        alone: whether feature colors are fitted to each image alone.

    Raises:
        GalleryError: whatever ``read`` raises for a record that is missing or damaged.
    """
    stem = f"data/{cell.model}/{cell.image}"
    known = _known_header(cache, headers, stem, cell.record, model, mixed=mixed)
    if known is None:
        jobs = _jobs(read(cell.record), mixed=mixed)
    else:
        jobs = dict.fromkeys(known.facts.queries, _nothing)
    chunks = tuple(
        cache.put(
            _kind(query),
            f"{stem}.{query}",
            _parts(cell.record, model, query, mixed=mixed),
            make,
            suffix=".js",
            query=query,
        )
        for query, make in jobs.items()
    )
    # digest and maps both need the objects, which take most of their time
    objects = functools.cache(lambda: find_objects(read(cell.record)))
    digest = put_digest(cache, cell, read, objects)
    maps = put_maps(cache, cell, read, objects, alone=alone) if analyses else None
    alike = put_alike(cache, cell, read, maps) if maps else None
    header = known or headers.of(chunks[0], cache.root / chunks[0].path)
    return CellContent(
        header=header,
        entropy=np.array(header.entropy, dtype=np.float32),
        chunks=chunks,
        digest=digest,
        maps=maps,
        alike=alike,
    )


def put_reduced_chunks(
    cache: SiteCache,
    cell: Cell,
    content: CellContent,
    model: str,
    read: Callable[[str], AttentionRecord],
    *,
    mixed: bool,
    detail: Detail,
) -> tuple[FileEntry, ...]:
    """Write reduced chunks of a cell beside the full ones, for tokens as queries.

    Args:
        content: content of the cell, with the full chunks.
        model: id of the model in the gallery, as in the full chunks.
        read: gives the record; called only if the previous site lacks one of them.
        mixed: as for the full chunks.
        detail: which maps the chunks hold.
    """
    facts = content.facts

    def make(query: str) -> bytes:
        record = read(cell.record)
        maps = reduced(maps_of(record, query), detail)
        grid = (maps.maps.shape[-2], maps.maps.shape[-1])
        return chunk_bytes(maps, facts, statistics_of(record, grid))

    return tuple(
        cache.put(
            "chunk",
            f"data/{cell.model}/{cell.image}.{query}",
            {**_parts(cell.record, model, query, mixed=mixed), "detail": detail},
            partial(make, query),
            suffix=".js",
            query=query,
        )
        for query in facts.queries
        if query != PATCH
    )


def put_mean_patches(
    cache: SiteCache,
    cell: Cell,
    model: str,
    read: Callable[[str], AttentionRecord],
    *,
    mixed: bool,
) -> FileEntry:
    """Write the chunk of the patch queries with the mean over heads only."""
    return cache.put(
        "patches",
        f"data/{cell.model}/{cell.image}.{PATCH}",
        {**_parts(cell.record, model, PATCH, mixed=mixed), "detail": "mean"},
        lambda: patch_chunk_bytes(read(cell.record), heads=False),
        suffix=".js",
        query=PATCH,
    )


def put_colored(
    cache: SiteCache, cell: Cell, content: CellContent, scale: Scale, *, walls: bool
) -> tuple[FileEntry, ...]:
    """Draw the thumbnail map of a cell, and its wall where the settings ask for one.

    Walls are for readers without JavaScript. Their maps are area means on few cells, since walls of
    all patches weigh half as much as the numbers themselves.
    """
    colors = cache.settings.colors
    parts: dict[str, Part] = {
        "record": cell.record,
        "query": PRIMARY,
        "colors": colors,
        "low": scale.low,
        "high": scale.high,
    }
    decoded: list[FloatArray] = []

    def values() -> FloatArray:
        if not decoded:
            decoded.append(decode(read_chunk(cache.root / content.chunks[0].path)[1]))
        return decoded[0]

    def last_mean() -> bytes:
        return map_png(values()[content.facts.model.layers - 1, -1], scale, colors)

    def wall() -> bytes:
        grid = wall_grid(*values().shape[-2:])
        return wall_png(with_extremes(area_means(values(), grid)), scale, colors)

    of_wall: dict[str, Part] = {**parts, "fused": ",".join(FUSED), "cells": WALL_CELLS}
    stem = f"data/{cell.model}/{cell.image}"
    small = cache.put("map", f"{stem}.last", parts, last_mean, suffix=".png", query=PRIMARY)
    if not walls:
        return (small,)
    return (small, cache.put("wall", f"{stem}.wall", of_wall, wall, suffix=".png", query=PRIMARY))


def put_divergence(
    cache: SiteCache, image: str, contents: Sequence[CellContent]
) -> FileEntry | None:
    """Write the divergences of an image's models to the site; None for fewer than two models."""
    if len(contents) < 2:
        return None
    records = ",".join(content.facts.record for content in contents)
    return cache.put(
        "divergence",
        f"i/{image}/divergence",
        {"records": records},
        lambda: divergence_bytes({c.facts.record: _last_map(cache, c) for c in contents}),
        suffix=".json",
    )


def _last_map(cache: SiteCache, content: CellContent) -> PlacedMap:
    """The last-layer map of a chunk, mean over heads."""
    quantized = read_chunk(cache.root / content.chunks[0].path)[1]
    one = np.s_[content.facts.model.layers - 1 : content.facts.model.layers, -1:]
    values = decode(Quantized(codes=quantized.codes[one], maxima=quantized.maxima[one]))
    return PlacedMap(values[0, 0], content.facts.view)


def _parts(record: str, model: str, query: str, *, mixed: bool) -> dict[str, Part]:
    """Inputs of a chunk; its header also names the model and the other queries."""
    return {"record": record, "model": model, "query": query, "mixed": mixed}


def _known_header(
    cache: SiteCache, headers: Headers, stem: str, record: str, model: str, *, mixed: bool
) -> HeaderSummary | None:
    """Header of the first chunk, if the chunks of all queries exist already."""

    def found(query: str) -> Readable | None:
        parts = _parts(record, model, query, mixed=mixed)
        return cache.readable(_kind(query), f"{stem}.{query}", parts)

    primary = found(PRIMARY)
    if primary is None:
        return None
    header = headers.of(primary.file, primary.path)
    return header if all(found(query) for query in header.facts.queries) else None


def _kind(query: str) -> Kind:
    return "patches" if query == PATCH else "chunk"


def _jobs(record: AttentionRecord, *, mixed: bool) -> dict[str, Callable[[], bytes]]:
    """The chunks of a record: each job encodes one."""
    known = query_ids(record.layout, mixed=mixed, values=record.values is not None)
    queries = {query: maps_of(record, query) for query in known}
    patches = (PATCH,) if record.patch_attention is not None else ()
    # maps weighted by values use the scale of attention, but do not set its range
    counts = [octave_histogram(m.maps[:, :-1]) for query, m in queries.items() if query != VALUES]
    facts = CellFacts(
        record=record.key,
        image_sha256=record.image_sha256,
        model=record.model,
        layout=record.layout,
        view=record.view,
        preprocessing=record.preprocessing,
        environment=record.environment,
        queries=(*queries, *patches),
        histogram=tuple(int(n) for n in np.sum(counts, axis=0)),
        patch_histogram=patch_histogram(record),
        outliers=outliers_of(record),
        patch_heads=record.patch_attention is not None and record.patch_attention.ndim == 4,
    )
    statistics = statistics_of(record)
    jobs: dict[str, Callable[[], bytes]] = {
        query: partial(chunk_bytes, maps, facts, statistics) for query, maps in queries.items()
    }
    if patches:
        jobs[PATCH] = partial(patch_chunk_bytes, record)
    return jobs


def _nothing() -> bytes:
    raise AssertionError("A chunk of the former site vanished while it was reused.")
