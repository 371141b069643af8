"""Statistics of a gallery as one long table: CSV, or JSON with its schema.

A row is one number. Values are those of the records, float32, written as the shortest text that
names the same number.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, astuple, dataclass, fields

import numpy as np
from pydantic import TypeAdapter

from generator.export.source import Source
from generator.present.files.schema import documented_schema
from generator.records.record import AttentionRecord

SCHEMA = 1
"""Version of the columns and quantities."""

PATCHES = "patches"
POOL = "pool"


@dataclass(frozen=True, slots=True)
class ColumnQuantity:
    """What a row's value is.

    Attributes:
        name: in the column ``quantity``.
        unit: in the column ``unit``.
        definition: what it is, with its source.
    """

    name: str
    unit: str
    definition: str


QUANTITIES = (
    ColumnQuantity(
        "entropy",
        "share of log(number of keys)",
        "Entropy of a row of attention over all keys, averaged over all queries. 0: one key; 1: "
        "uniform. In the layer called pool: of the pooling probe over the patches.",
    ),
    ColumnQuantity(
        "entropy_patches",
        "share of log(number of patches)",
        "The same with each row cut to the patches and renormalized.",
    ),
    ColumnQuantity(
        "distance",
        "input pixels",
        "Attention-weighted distance between patch centers, averaged over patch queries; what goes "
        "to the prefix counts 0.",
    ),
    ColumnQuantity(
        "distance_patches",
        "input pixels",
        "The same with each row cut to the patches and renormalized (Dosovitskiy et al. 2021, "
        "Fig. 11).",
    ),
    ColumnQuantity(
        "self_attention",
        "share of 1",
        "Attention a patch pays to itself, averaged over patch queries.",
    ),
    ColumnQuantity(
        "mass",
        "share of 1",
        "Attention that goes from the query (a prefix token, or the mean over all patches) to the "
        "key (a prefix token, or all patches together).",
    ),
    ColumnQuantity(
        "mass_min",
        "share of 1",
        "The same for the minimum over heads, which is taken key by key: what every head gives at "
        "least. It does not sum to 1.",
    ),
    ColumnQuantity(
        "norm",
        "L2 norm",
        "Of a prefix token in the residual stream after the layer, before the final LayerNorm; "
        "layer 0 is the embedding. The token is in the column query.",
    ),
)


@dataclass(frozen=True, slots=True)
class StatisticsRow:
    """One number.

    Attributes:
        model: label of the model.
        model_id: its id on the hub, or the name of its folder.
        commit: of the model; the hash of its weights for a folder.
        image: file name of the image.
        layer: from 1; 0 for the embedding; `pool` for a pooling probe.
        head: from 1; `min` for the minimum over heads; empty where it is not of a head.
        query: a prefix token, or `patches`; empty where the number is over all queries.
        key: a prefix token, or `patches`; empty where the number is over all keys.
        quantity: see `quantities`.
        unit: of the value.
        value: as in the record; empty where the quantity does not exist.
    """

    model: str
    model_id: str
    commit: str
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
        title: of the gallery.
        quantities: what the values are.
        rows: one for each number.
    """

    schema: int
    title: str
    quantities: tuple[ColumnQuantity, ...]
    rows: tuple[StatisticsRow, ...]


_UNITS = {quantity.name: quantity.unit for quantity in QUANTITIES}


def rows_of(source: Source) -> Iterator[StatisticsRow]:
    """Every number of a gallery: by image, model, quantity, layer and head.

    Raises:
        StoreError: the store does not have a record; the message names it.
    """
    for cell, record in source.records():
        model, image = source.model(cell), source.image(cell)
        for quantity, layer, head, query, key, value in _numbers(record):
            yield StatisticsRow(
                model=model.label,
                model_id=record.model.id,
                commit=record.model.version,
                image=image.name,
                layer=layer,
                head=head,
                query=query,
                key=key,
                quantity=quantity,
                unit=_UNITS[quantity],
                value=_exact(value),
            )


def _numbers(
    record: AttentionRecord,
) -> Iterator[tuple[str, str, str, str, str, np.floating]]:
    """Quantity, layer, head, query, key and value."""
    groups = (*record.layout.prefix, PATCHES)
    for name in ("entropy", "entropy_patches"):
        for layer, head, value in _by_head(getattr(record, name)):
            yield name, layer, head, "", "", value
    if record.pooling is not None:
        for head_number, value in enumerate(record.pooling.entropy, 1):
            yield "entropy", POOL, str(head_number), "", PATCHES, value
    for name in ("distance", "distance_patches", "self_attention"):
        for layer, head, value in _by_head(getattr(record, name)):
            yield name, layer, head, PATCHES, "", value
    for q, query in enumerate(groups):
        for k, key in enumerate(groups):
            for layer, head, value in _by_head(record.mass[:, :, q, k]):
                yield "mass", layer, head, query, key, value
    yield from _minimum(record)
    for index, token in enumerate(record.layout.prefix):
        for layer_number, value in enumerate(record.norms[:, index]):
            yield "norm", str(layer_number), "", token, "", value


def _minimum(
    record: AttentionRecord,
) -> Iterator[tuple[str, str, str, str, str, np.floating]]:
    """Shares of the minimum over heads; it can be taken for prefix tokens, whose rows are kept."""
    layout = record.layout
    for q, query in enumerate(layout.prefix):
        least = record.rows(query).min(axis=1).astype(np.float32) / np.float32(layout.tokens)
        patches = least[:, layout.patch_slice].sum(axis=-1)
        for k, key in enumerate((*layout.prefix, PATCHES)):
            values = patches if key == PATCHES else record.mass[:, :, q, k].min(axis=1)
            for layer, value in enumerate(values, 1):
                yield "mass_min", str(layer), "min", query, key, value


def _by_head(values: np.ndarray) -> Iterator[tuple[str, str, np.floating]]:
    for (layer, head), value in np.ndenumerate(values):
        yield str(layer + 1), str(head + 1), value


def _exact(value: np.floating) -> float | None:
    """The float whose text is the shortest that names the same float32; None for no number."""
    return None if np.isnan(value) else float(str(np.float32(value)))


def csv_bytes(rows: Iterable[StatisticsRow]) -> bytes:
    """The table as CSV, UTF-8, with a header and lines that end in a line feed."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(field.name for field in fields(StatisticsRow))
    writer.writerows(astuple(row) for row in rows)
    return file.getvalue().encode()


def json_bytes(title: str, rows: Iterable[StatisticsRow]) -> bytes:
    """The table as JSON, a row on each line."""
    head = {"schema": SCHEMA, "title": title, "quantities": [asdict(q) for q in QUANTITIES]}
    start = json.dumps(head, ensure_ascii=False)[:-1]
    lines = [json.dumps(asdict(row), ensure_ascii=False, allow_nan=False) for row in rows]
    return (start + ', "rows": [\n' + ",\n".join(lines) + "\n]}\n").encode()


def schema_bytes() -> bytes:
    """JSON schema of the JSON form; a CSV has the fields of ``StatisticsRow`` as columns."""
    classes = (StatisticsTable, StatisticsRow, ColumnQuantity)
    return documented_schema(TypeAdapter(StatisticsTable), classes)
