"""Selection of maps of a record by layers, heads and queries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from generator.errors import SpecError
from generator.present.cells.chunks.maps import PRIMARY, maps_of, query_ids
from generator.present.cells.chunks.patches import PATCH, patch_maps
from generator.records.record import AttentionRecord, FloatArray

MEAN, MAX, MIN, LAST, ALL = "mean", "max", "min", "last", "all"


@dataclass(frozen=True, slots=True)
class OneMap:
    """One map.

    Attributes:
        layer: number from 1, or ``pool``.
        head: number from 1, or ``mean``, ``max`` or ``min`` over heads.
        query: its id: ``CLS``, ``reg1``, or ``patch-3-5`` for row 3, column 5 from 1.
        token: the model's own token for the query, or ``received``.
        values: float32 ``[row, col]``, times uniform.
    """

    layer: str
    head: str
    query: str
    token: str
    values: FloatArray


@dataclass(frozen=True, slots=True)
class Selection:
    """Requested layers, heads and queries; ``all`` means everything that a model has.

    Attributes:
        layers: numbers from 1, ``last``, ``pool`` or ``all``.
        heads: numbers from 1, ``mean``, ``max``, ``min`` or ``all``.
        queries: ``CLS`` and other ids, ``patch-ROW-COL``, or ``all`` (without patches).
    """

    layers: tuple[str, ...]
    heads: tuple[str, ...]
    queries: tuple[str, ...]


def selection(layers: str, heads: str, queries: str) -> Selection:
    """Parse lists such as ``1-3,12``, ``mean,1`` and ``CLS,reg1``.

    Raises:
        SpecError: a list is invalid.
    """
    return Selection(
        _items(layers, "--layers", {LAST, ALL, "pool"}),
        _items(heads, "--heads", {MEAN, MAX, MIN, ALL}),
        _queries(queries),
    )


def _items(text: str, option: str, words: set[str]) -> tuple[str, ...]:
    found: list[str] = []
    for part in (part.strip() for part in text.split(",")):
        span = re.fullmatch(r"([1-9]\d{0,3})(?:-([1-9]\d{0,3}))?", part)
        if part in words:
            found.append(part)
        elif span and int(span[1]) <= int(span[2] or span[1]):
            found += [str(n) for n in range(int(span[1]), int(span[2] or span[1]) + 1)]
        else:
            known = ", ".join(sorted(words))
            raise SpecError(
                f'{option} should be numbers from 1, ranges such as 1-3, or {known}, got "{part}".',
                f"Separate them with commas: {option} 1,3-5.",
            )
    return tuple(dict.fromkeys(found))


def _queries(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for part in found:
        if part.startswith(PATCH) and not re.fullmatch(r"patch-[1-9]\d*-[1-9]\d*", part):
            raise SpecError(
                f'A patch as the query is written patch-ROW-COL, got "{part}".',
                "Rows and columns count from 1: patch-3-5.",
            )
    return found


def no_map(records: Iterable[AttentionRecord], *, mixed: bool) -> SpecError:
    """The error where no record has a selected map: says what there is."""
    layers = heads = 0
    queries: dict[str, None] = {}
    kept = False
    for record in records:
        layers, heads = max(layers, record.model.layers), max(heads, record.model.heads)
        known = query_ids(record.layout, mixed=mixed, values=record.values is not None)
        queries |= dict.fromkeys(known)
        kept = kept or record.patch_attention is not None
    patches = "patches too, such as patch-3-5" if kept else "no patches, whose rows are not kept"
    return SpecError(
        "None of the models has a map of these layers, heads and queries.",
        f"There are layers 1 to {layers}, heads 1 to {heads} and the queries "
        f"{', '.join(queries)}; {patches}.",
    )


def chosen_maps(record: AttentionRecord, wanted: Selection, *, mixed: bool) -> Iterator[OneMap]:
    """The selected maps of a record; maps that the model does not have are left out.

    Args:
        wanted: layers, heads and queries.
        mixed: whether the gallery compares models with and without a class token; then received
            attention is a query of its own.
    """
    known = query_ids(record.layout, mixed=mixed, values=record.values is not None)
    queries = [q for w in wanted.queries for q in (known if w == ALL else (w,))]
    for query in dict.fromkeys(queries):
        if query in known:
            yield from _token_maps(record, query, known[query], wanted)
        elif query.startswith(PATCH) and record.patch_attention is not None:
            yield from _patch_maps(record, query, wanted)


def _token_maps(
    record: AttentionRecord, query: str, token: str, wanted: Selection
) -> Iterator[OneMap]:
    maps = maps_of(record, query)
    layers = _expand(wanted.layers, maps.rows, str(record.model.layers))
    for layer in layers:
        row = maps.maps[maps.rows.index(layer)]
        for head, values in _heads(row, wanted.heads):
            yield OneMap(layer, head, query, token, values)


def _patch_maps(record: AttentionRecord, query: str, wanted: Selection) -> Iterator[OneMap]:
    row, col = (int(number) - 1 for number in query.split("-")[1:])
    layout = record.layout
    if row >= layout.rows or col >= layout.cols:
        return
    kept = layout.fold(patch_maps(record)[:, :, row * layout.cols + col])
    rows = tuple(str(layer + 1) for layer in range(len(kept)))
    for layer in _expand(wanted.layers, rows, rows[-1]):
        for head, values in _heads(kept[rows.index(layer)], wanted.heads):
            yield OneMap(layer, head, query, f"patch in row {row + 1}, col {col + 1}", values)


def _expand(wanted: tuple[str, ...], rows: tuple[str, ...], last: str) -> list[str]:
    named = [r for w in wanted for r in (rows if w == ALL else (last if w == LAST else w,))]
    return [row for row in dict.fromkeys(named) if row in rows]


def _heads(row: FloatArray, wanted: tuple[str, ...]) -> Iterator[tuple[str, FloatArray]]:
    """Selected heads of ``[head + mean, grid row, grid col]``; missing ones are left out."""
    heads = [str(n + 1) for n in range(len(row) - 1) if not np.isnan(row[n]).all()]
    names = [h for w in wanted for h in ((MEAN, *heads) if w == ALL else (w,))]
    for name in dict.fromkeys(names):
        if name == MEAN:
            yield name, row[-1]
        elif name == MAX and heads:
            yield name, np.nanmax(row[:-1], axis=0)
        elif name == MIN and heads:
            yield name, np.nanmin(row[:-1], axis=0)
        elif name in heads:
            yield name, row[int(name) - 1]


__all__ = ["ALL", "LAST", "PRIMARY", "OneMap", "Selection", "chosen_maps", "no_map", "selection"]
