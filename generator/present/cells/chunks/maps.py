"""Attention maps of a query, read from a record: maps by layer and head, and masses.

Only this module of the folder reads attention from a record.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from generator.analysis.grids import area_means
from generator.present.files.reductions import COARSE, KEPT_LAYERS, Detail
from generator.records.record import AttentionRecord, FloatArray, TokenLayout

PRIMARY = "CLS"
"""Id of the query that every model has: its first class token, else received attention."""

RECEIVED = "received"
VALUES = "values"
"""Id of the primary query with attention weighted by the norms of value vectors."""

POOL = "pool"
PATCHES = "patches"

FUSED = ("mean", "max", "min")
"""Columns of a rendered wall after its heads: only the mean is a distribution."""


@dataclass(frozen=True, slots=True)
class QueryMaps:
    """All maps of one query of one record.

    Attributes:
        query: id of the query among the gallery's queries (see :func:`query_ids`).
        token: the model's own token, or ``received``.
        rows: labels of the wall's rows: layer numbers from 1, then ``pool`` for a pooling probe.
        heads: number of heads; the last column after them is their mean.
        groups: key groups of ``mass``: the prefix tokens, then ``patches``.
        keys: number of keys of each row; a share is times uniform divided by it.
        maps: float32 ``[row, head + mean, grid row, grid col]``, times uniform; NaN where a row
            has no such head.
        mass: float32 ``[row, head + mean, key group]``, shares of 1.
    """

    query: str
    token: str
    rows: tuple[str, ...]
    heads: int
    groups: tuple[str, ...]
    keys: tuple[int, ...]
    maps: FloatArray
    mass: FloatArray


def query_ids(layout: TokenLayout, *, mixed: bool = False, values: bool = False) -> dict[str, str]:
    """Queries of a model: id of the query in the gallery -> the model's token.

    The first class token has the id ``CLS`` in every model, so that models can be compared.

    Args:
        mixed: whether the gallery has models with and without a class token. If so, received
            attention is a query of its own, since all models have it.
        values: whether norms of value vectors were measured. If so, the value-weighted first query
            is added.
    """
    first = layout.cls or RECEIVED
    others = {name: name for name in layout.prefix if name != first}
    received = {RECEIVED: RECEIVED} if mixed else {}
    return {PRIMARY: first, **received, **others, **({VALUES: first} if values else {})}


def maps_of(record: AttentionRecord, query: str) -> QueryMaps:
    """Maps of one query.

    Raises:
        RecordError: the model has no such token.
    """
    layout = record.layout
    token = query_ids(layout, values=True).get(query, query)
    attention = record.received_by_all() if token == RECEIVED else record.rows(token)
    attention = np.asarray(attention, dtype=np.float32)
    rows = tuple(str(layer + 1) for layer in range(record.model.layers))
    keys = (layout.tokens,) * len(rows)
    if query == VALUES:
        attention = _by_value(attention, record)
        mass = _shares(attention, layout)
    else:
        mass = _mass(record, token)
    maps = layout.fold(attention)
    if query == PRIMARY and record.pooling is not None:
        probe = np.asarray(record.pooling.attention, dtype=np.float32)[None]
        rows, keys = (*rows, POOL), (*keys, layout.patches)
        pool_mass = np.zeros((1, probe.shape[1], mass.shape[-1]), dtype=np.float32)
        pool_mass[..., -1] = probe.sum(-1) / layout.patches
        maps = _stack(_with_mean(maps), _with_mean(layout.fold(probe)))
        mass = _stack(_with_mean(mass), _with_mean(pool_mass))
    else:
        maps, mass = _with_mean(maps), _with_mean(mass)
    return QueryMaps(
        query=query,
        token=token,
        rows=rows,
        heads=maps.shape[1] - 1,
        groups=(*layout.prefix, PATCHES),
        keys=keys,
        maps=maps,
        mass=mass,
    )


def reduced(maps: QueryMaps, detail: Detail) -> QueryMaps:
    """Reduce the maps of a query; NaN where maps of single heads are left out."""
    if detail == "native":
        return maps
    values, mass = area_means(maps.maps, COARSE), maps.mass.copy()
    layers = [n for n, label in enumerate(maps.rows) if label != POOL]
    gone = {"coarse": [], "last": layers[:-KEPT_LAYERS], "mean": layers}[detail]
    values[gone, :-1] = np.nan
    mass[gone, :-1] = np.nan
    return replace(maps, maps=values, mass=mass)


def _mass(record: AttentionRecord, token: str) -> FloatArray:
    """Share of a query's attention on each prefix token and on all patches.

    It reads the masses measured in float32, not the float16 rows: these lose shares below some
    1e-10, and sum to 1 only within 5e-4.

    Returns:
        float32 ``[layer, head, key group]``, shares of 1.
    """
    layout = record.layout
    if token != RECEIVED:
        return record.mass[:, :, layout.prefix.index(token)]
    prefix = record.mass[:, :, :-1].sum(axis=2, dtype=np.float64)
    patches = layout.patches * record.mass[:, :, -1].astype(np.float64)
    from_all: FloatArray = ((prefix + patches) / layout.tokens).astype(np.float32)
    return from_all


def _by_value(attention: FloatArray, record: AttentionRecord) -> FloatArray:
    """Attention weighted by the norm of each key's transformed value (Kobayashi 2020).

    For each head, ``|A v W_O|`` is normalized over keys. It equals attention where all norms are
    equal. The norm is linear in A, so the mean over queries (received attention) is exact too.

    Args:
        attention: float32 ``[layer, head, key]``, times uniform.
        record: has norms of value vectors.

    Returns:
        float32 ``[layer, head, key]``, times uniform; 0 in a head whose values are all 0.
    """
    assert record.values is not None, "only asked for where norms of values were measured"
    given = attention * record.values.norms.astype(np.float32)
    sums = given.sum(axis=-1, keepdims=True, dtype=np.float64)
    given *= (record.layout.tokens / np.where(sums > 0, sums, 1)).astype(np.float32)
    return given


def _shares(rows: FloatArray, layout: TokenLayout) -> FloatArray:
    """Share of each row on each prefix token and on all patches: ``[layer, head, key group]``."""
    patches = rows[..., layout.patch_slice].sum(-1, keepdims=True)
    found: FloatArray = np.concatenate([rows[..., layout.prefix_slice], patches], axis=-1)
    return found / np.float32(layout.tokens)


def _with_mean(values: FloatArray) -> FloatArray:
    """Append the mean over heads as one more column of ``[row, head, ...]``."""
    return np.concatenate([values, values.mean(axis=1, keepdims=True)], axis=1)


def with_extremes(maps: FloatArray) -> FloatArray:
    """Append the maximum and the minimum over heads to ``[row, head + mean, grid row, grid col]``.

    Neither is a distribution: maxima sum to more than attention, minima to less. Heads that a row
    does not have (NaN) are left out.
    """
    heads = maps[:, :-1]
    lacks = np.isnan(heads)
    most = np.where(lacks, -np.inf, heads).max(axis=1, keepdims=True)
    least = np.where(lacks, np.inf, heads).min(axis=1, keepdims=True)
    none = lacks.all(axis=1, keepdims=True)
    extremes = [np.where(none, np.nan, values) for values in (most, least)]
    return np.concatenate([maps, *extremes], axis=1).astype(np.float32)


def _stack(blocks: FloatArray, pool: FloatArray) -> FloatArray:
    """Append the pooling probe's row to the layers; absent heads become NaN."""
    heads = max(blocks.shape[1], pool.shape[1]) - 1
    shape = (len(blocks) + 1, heads + 1, *blocks.shape[2:])
    wall = np.full(shape, np.nan, dtype=np.float32)
    for target, source in ((slice(0, -1), blocks), (slice(-1, None), pool)):
        wall[target, : source.shape[1] - 1] = source[:, :-1]
        wall[target, -1:] = source[:, -1:]
    return wall
