"""Formats of a difference of galleries: text, CSV and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from typing import Any

from pydantic import TypeAdapter

from generator.analysis.compare.changes import Change
from generator.export.diff.difference import Difference, ModelChanges, Passed, Unlike
from generator.present.files.schema import documented_schema
from generator.text.numbers import number, plain, rounded, signed
from generator.text.phrases import counted, some
from generator.text.tables import csv_text

SCHEMA = 3
"""Version of the columns and measures."""

LISTED = 12
"""Most names of models and images in text; the other formats have all."""


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """One measure of one model in both galleries.

    Attributes:
        model_a: label of the model in A.
        model_b: label of the model in B.
        step: training step in A of a checkpoint of a sweep; else empty.
        quantity: id in the table of quantities.
        name: short name of the quantity.
        unit: unit of the values.
        images: number of images with the quantity in both galleries.
        mean_a: mean in A over these images, their layers and heads; empty if there are none.
        mean_b: mean in B, likewise.
        change: change of the mean, B minus A.
        largest_a: value in A with the largest change.
        largest_b: that value in B.
        largest_change: that change, B minus A.
        image: image of that value, by its name in A.
        layer: layer of that value, from 1; 0 for the embedding; empty if it has none.
        head: head of that value, from 1; empty if it has none.
        note: reason why values could not be compared; they count neither as 0 nor as a change.
    """

    model_a: str
    model_b: str
    step: int | None
    quantity: str
    name: str
    unit: str
    images: int
    mean_a: float | None
    mean_b: float | None
    change: float | None
    largest_a: float | None
    largest_b: float | None
    largest_change: float | None
    image: str
    layer: int | None
    head: int | None
    note: str


@dataclass(frozen=True, slots=True)
class Gallery:
    """One of the two galleries.

    Attributes:
        site: folder, as given.
        title: title of the gallery.
        models_alone: labels of models that the other lacks.
        images_alone: names of images that the other lacks.
    """

    site: str
    title: str
    models_alone: tuple[str, ...]
    images_alone: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """An image of both galleries without a record of a model in one of them.

    Attributes:
        model: label in A.
        image: name in A, the gallery without the record, and the reason.
    """

    model: str
    image: str


@dataclass(frozen=True, slots=True)
class Renamed:
    """An image with another name in B.

    Attributes:
        a: name in A.
        b: name in B.
    """

    a: str
    b: str


@dataclass(frozen=True, slots=True)
class Exceeded:
    """A threshold that was exceeded.

    Attributes:
        threshold: the threshold, as given.
        model: label in A.
        quantity: id in the table of quantities.
        a: value in A.
        b: value in B.
        image: image of the value; empty for a mean.
        layer: layer of the value; null for a mean.
        head: head of the value; null for a mean, or for a value of no single head.
    """

    threshold: str
    model: str
    quantity: str
    a: float
    b: float
    image: str
    layer: int | None
    head: int | None


@dataclass(frozen=True, slots=True)
class DifferenceTable:
    """The JSON form of a difference.

    Attributes:
        schema: version of the columns and measures.
        a: the first gallery.
        b: the second gallery.
        images: number of images in both.
        unlike: facts that differ, such as preprocessing, dtype and commit.
        renamed: images with another name in B.
        missing: images without a record in one gallery.
        rows: a row per model and measure.
        passed: thresholds that were exceeded.
    """

    schema: int
    a: Gallery
    b: Gallery
    images: int
    unlike: tuple[Unlike, ...]
    renamed: tuple[Renamed, ...]
    missing: tuple[Missing, ...]
    rows: tuple[DifferenceRow, ...]
    passed: tuple[Exceeded, ...]


def table(found: Difference, sites: tuple[str, str], passed: Sequence[Passed]) -> DifferenceTable:
    """Convert a difference to the form of its files.

    Args:
        sites: both folders, as given.
        passed: thresholds that were exceeded.
    """
    a, b = (
        Gallery(sites[n], found.titles[n], found.models_alone[n], found.images_alone[n])
        for n in range(2)
    )
    return DifferenceTable(
        schema=SCHEMA,
        a=a,
        b=b,
        images=found.images,
        unlike=found.unlike,
        renamed=tuple(Renamed(*each) for each in found.renamed),
        missing=tuple(Missing(m.a, image) for m in found.models for image in m.missing),
        rows=tuple(_rows(found)),
        passed=tuple(_exceeded(each) for each in passed),
    )


def _rows(found: Difference) -> Iterator[DifferenceRow]:
    for model in found.models:
        for each in model.changes:
            mean, largest = each.mean, each.largest
            where = largest.where if largest else None
            yield DifferenceRow(
                model_a=model.a,
                model_b=model.b,
                step=model.step,
                quantity=each.measure.id,
                name=each.measure.label,
                unit=each.measure.unit,
                images=each.images,
                mean_a=_round(mean.a) if mean else None,
                mean_b=_round(mean.b) if mean else None,
                change=_round(mean.change) if mean else None,
                largest_a=_round(largest.a) if largest else None,
                largest_b=_round(largest.b) if largest else None,
                largest_change=_round(largest.change) if largest else None,
                image=where.image if where else "",
                layer=where.layer if where else None,
                head=where.head if where else None,
                note="; ".join(each.notes),
            )


def _exceeded(each: Passed) -> Exceeded:
    where = each.step.where
    return Exceeded(
        threshold=each.threshold.text,
        model=each.model,
        quantity=each.measure.id,
        a=_round(each.step.a),
        b=_round(each.step.b),
        image=where.image if where else "",
        layer=where.layer if where else None,
        head=where.head if where else None,
    )


def _round(value: float) -> float:
    """Round to the digits of float32, so that rounding errors of sums do not show."""
    return rounded(value, 7)


def difference_csv(found: DifferenceTable) -> str:
    """Write the rows as CSV (see :func:`generator.text.tables.csv_text`)."""
    columns = (field.name for field in fields(DifferenceRow))
    return csv_text(columns, (astuple(row) for row in found.rows))


def json_text(found: DifferenceTable) -> str:
    """Write the table as JSON; lists with an item per line."""
    parts = [f"{json.dumps(name)}: {_lines(value)}" for name, value in asdict(found).items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _lines(value: Any) -> str:
    if not isinstance(value, list | tuple) or not value:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    items = (json.dumps(item, ensure_ascii=False, allow_nan=False) for item in value)
    return "[\n" + ",\n".join(items) + "\n]"


def schema_bytes() -> bytes:
    """Write the JSON schema of the JSON form; fields of ``DifferenceRow`` are the CSV columns."""
    classes = (DifferenceTable, Gallery, Unlike, Renamed, Missing, DifferenceRow, Exceeded)
    return documented_schema(TypeAdapter(DifferenceTable), classes)


# --- text ----------------------------------------------------------------------------------


def text(found: Difference, sites: tuple[str, str]) -> str:
    """Write for a terminal: differing facts, then a table for each model."""
    lines = [
        f"{name}  {site}  {title}"
        for name, site, title in zip("AB", sites, found.titles, strict=True)
    ]
    lines += ["", *_preamble(found)]
    for model in found.models:
        lines += ["", *_of_model(model)]
    return "\n".join(lines) + "\n"


def _preamble(found: Difference) -> Iterator[str]:
    said = found.in_words
    yield f"Compared: {said.compared}."
    for name, models, images in zip("AB", said.models_alone, said.images_alone, strict=True):
        if models:
            yield f"Models in {name} only: {some(models, LISTED, '; ')}."
        if images:
            yield f"Images in {name} only: {some(images, LISTED, '; ')}."
    if said.renamed:
        yield f"Renamed: {some([f'{a} is {b} in B' for a, b in said.renamed], LISTED, '; ')}."
    by_fact: dict[tuple[str, str, str], list[str]] = {}
    for each in found.unlike:
        by_fact.setdefault((each.fact, each.a, each.b), []).append(each.model)
    if by_fact:
        yield "Not the same in A and B:"
    for (fact, a, b), whose in by_fact.items():
        yield f"  {fact}: {a} -> {b}" + (
            "" if whose == [""] else f"  ({some(whose, LISTED, '; ')})"
        )


HEADINGS = ("quantity", "unit", "A", "B", "change", "largest", "where")
RIGHT = frozenset({2, 3, 4, 5})
"""Right-aligned columns."""


def _of_model(model: ModelChanges) -> Iterator[str]:
    name = model.a if model.a == model.b else f"{model.a} -> {model.b}"
    if not model.images:
        yield f"{name}: nothing to compare"
        yield from (f"  {image}" for image in model.missing)
        return
    yield f"{name}, means over {counted(model.images, 'image')}"
    table = [HEADINGS, *(_cells(each) for each in model.changes if each.mean)]
    widths = [max(len(row[n]) for row in table) for n in range(len(HEADINGS))]
    for row in table:
        padded = (
            cell.rjust(widths[n]) if n in RIGHT else cell.ljust(widths[n])
            for n, cell in enumerate(row)
        )
        yield "  ".join(padded).rstrip()
    by_note: dict[tuple[bool, str], list[str]] = {}
    for each in model.changes:
        for note in each.notes:
            by_note.setdefault((each.mean is None, note), []).append(each.measure.label)
    for (absent, note), names in by_note.items():
        yield f"{'Not compared, ' if absent else ''}{note}: {', '.join(dict.fromkeys(names))}"
    for image in model.missing:
        yield f"Not compared: {image}"


def _cells(change: Change) -> tuple[str, ...]:
    mean, largest = change.mean, change.largest
    assert mean is not None and largest is not None
    return (
        change.measure.label,
        change.measure.unit,
        plain(number(mean.a)),
        plain(number(mean.b)),
        plain(signed(mean.change)),
        plain(signed(largest.change)),
        str(largest.where) if largest.change else "",
    )


def passed_line(each: Passed) -> str:
    """A threshold that was exceeded, with value, image, layer and head, on one line."""
    step = each.step
    where = str(step.where) if step.where else "mean over all images, layers and heads"
    return (
        f"Passed {each.threshold.text}: {each.measure.label} ({each.measure.unit}) changed by "
        f"{plain(signed(step.change))}, from {plain(number(step.a))} to {plain(number(step.b))}, "
        f"at {each.model}, {where}."
    )
