"""Statistics of a gallery as one long table: CSV, or JSON with its schema.

A row is one number. Values are float32 as in the records, written as the shortest decimal that
reads back as the same float32.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, astuple, dataclass, fields

import numpy as np
from pydantic import TypeAdapter

from generator.analysis.quantities.attention import (
    DISTANCE,
    DISTANCE_PATCHES,
    ENTROPY,
    ENTROPY_PATCHES,
    MASS,
    MASS_MIN,
    POOLING_ENTROPY,
    SELF_ATTENTION,
)
from generator.analysis.quantities.quantity import Quantity
from generator.analysis.quantities.stream import NORM
from generator.analysis.quantities.table import from_table
from generator.export.source import Source
from generator.present.files.schema import documented_schema
from generator.records.record import AttentionRecord
from generator.text.tables import csv_text

SCHEMA = 3
"""Version of the columns and quantities."""

PATCHES = "patches"
POOL = "pool"


QUANTITIES = from_table(
    ENTROPY,
    ENTROPY_PATCHES,
    POOLING_ENTROPY,
    DISTANCE,
    DISTANCE_PATCHES,
    SELF_ATTENTION,
    MASS,
    MASS_MIN,
    NORM,
)
"""Quantities of rows, in the order of the rows."""


@dataclass(frozen=True, slots=True)
class StatisticsRow:
    """One number.

    Attributes:
        model: label of the model.
        model_id: id on the hub, or the name of the model's folder.
        commit: commit of the model; for a folder, the hash of its weights.
        intervention: what was changed in the model; empty for an unmodified one.
        image: file name of the image.
        layer: number from 1; 0 for the embedding; `pool` for a pooling probe.
        head: number from 1; `min` for the minimum over heads; empty for numbers of no single head.
        query: a prefix token, or `patches`; empty for numbers over all queries.
        key: a prefix token, or `patches`; empty for numbers over all keys.
        quantity: id in the table of quantities.
        unit: unit of the value.
        value: value in the record; empty if it does not exist.
    """

    model: str
    model_id: str
    commit: str
    intervention: str
    image: str
    layer: str
    head: str
    query: str
    key: str
    quantity: str
    unit: str
    value: float | None


@dataclass(frozen=True, slots=True)
class StatisticsTable:
    """The JSON form of the statistics.

    Attributes:
        schema: version of the columns and quantities.
        title: title of the gallery.
        quantities: entries of the table of quantities, in the order of the rows.
        rows: the numbers.
    """

    schema: int
    title: str
    quantities: tuple[Quantity, ...]
    rows: tuple[StatisticsRow, ...]


@dataclass(frozen=True, slots=True)
class _StatisticRow:
    """A value of a record with the columns of its row."""

    quantity: Quantity
    layer: str
    head: str
    query: str
    key: str
    value: np.floating


def rows_of(source: Source) -> Iterator[StatisticsRow]:
    """Every number of a gallery, ordered by image, model, quantity, layer and head.

    Raises:
        StoreError: a record is missing; the message names it.
    """
    for cell, record in source.records():
        yield from record_rows(record, source.model(cell).label, source.image(cell).name)


def record_rows(record: AttentionRecord, model: str, image: str) -> Iterator[StatisticsRow]:
    """Every number of a record, ordered by quantity, layer and head.

    Args:
        model: label of the model.
        image: name of the image.
    """
    for number in _numbers(record):
        yield statistics_row(number, record, model, image)


def statistics_row(
    number: _StatisticRow, record: AttentionRecord, model: str, image: str
) -> StatisticsRow:
    """Make a row.

    Raises:
        ValueError: the quantity is not among :data:`QUANTITIES`.
    """
    if number.quantity not in QUANTITIES:
        raise ValueError(f"{number.quantity.id} is not among the quantities of the statistics.")
    return StatisticsRow(
        model=model,
        model_id=record.model.id,
        commit=record.model.version,
        intervention=record.intervention.words if record.intervention else "",
        image=image,
        layer=number.layer,
        head=number.head,
        query=number.query,
        key=number.key,
        quantity=number.quantity.id,
        unit=number.quantity.unit,
        value=_exact(number.value),
    )


def _numbers(record: AttentionRecord) -> Iterator[_StatisticRow]:
    groups = (*record.layout.prefix, PATCHES)
    for each, query in (
        (ENTROPY, ""),
        (ENTROPY_PATCHES, ""),
        (DISTANCE, PATCHES),
        (DISTANCE_PATCHES, PATCHES),
        (SELF_ATTENTION, PATCHES),
    ):
        for layer, head, value in _by_head(getattr(record, each.id.replace("-", "_"))):
            yield _StatisticRow(each, layer, head, query, "", value)
    if record.pooling is not None:
        for head_number, value in enumerate(record.pooling.entropy, 1):
            yield _StatisticRow(POOLING_ENTROPY, POOL, str(head_number), "", PATCHES, value)
    for q, query in enumerate(groups):
        for k, key in enumerate(groups):
            for layer, head, value in _by_head(record.mass[:, :, q, k]):
                yield _StatisticRow(MASS, layer, head, query, key, value)
    yield from _minimum(record)
    for index, token in enumerate(record.layout.prefix):
        for layer_number, value in enumerate(record.norms[:, index]):
            yield _StatisticRow(NORM, str(layer_number), "", token, "", value)


def _minimum(record: AttentionRecord) -> Iterator[_StatisticRow]:
    """Shares of the minimum over heads, for prefix tokens as queries."""
    layout = record.layout
    for q, query in enumerate(layout.prefix):
        least = record.rows(query).min(axis=1).astype(np.float32) / np.float32(layout.tokens)
        patches = least[:, layout.patch_slice].sum(axis=-1)
        for k, key in enumerate((*layout.prefix, PATCHES)):
            values = patches if key == PATCHES else record.mass[:, :, q, k].min(axis=1)
            for layer, value in enumerate(values, 1):
                yield _StatisticRow(MASS_MIN, str(layer), "min", query, key, value)


def _by_head(values: np.ndarray) -> Iterator[tuple[str, str, np.floating]]:
    for (layer, head), value in np.ndenumerate(values):
        yield str(layer + 1), str(head + 1), value


def _exact(value: np.floating) -> float | None:
    """The float with the shortest decimal of the same float32; None for NaN."""
    return None if np.isnan(value) else float(str(np.float32(value)))


def csv_bytes(rows: Iterable[StatisticsRow]) -> bytes:
    """Write the table as CSV, UTF-8 (see :func:`generator.text.tables.csv_text`)."""
    columns = (field.name for field in fields(StatisticsRow))
    return csv_text(columns, (astuple(row) for row in rows)).encode()


def json_bytes(title: str, rows: Iterable[StatisticsRow]) -> bytes:
    """Write the table as JSON, a row per line."""
    head = {"schema": SCHEMA, "title": title, "quantities": [asdict(q) for q in QUANTITIES]}
    start = json.dumps(head, ensure_ascii=False)[:-1]
    lines = [json.dumps(asdict(row), ensure_ascii=False, allow_nan=False) for row in rows]
    return (start + ', "rows": [\n' + ",\n".join(lines) + "\n]}\n").encode()


def schema_bytes() -> bytes:
    """Write the JSON schema of the JSON form; fields of ``StatisticsRow`` are the CSV columns."""
    classes = (StatisticsTable, StatisticsRow, Quantity)
    return documented_schema(TypeAdapter(StatisticsTable), classes)
