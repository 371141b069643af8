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
"""Names of models and images listed in text; the other formats have all."""


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """One measure of one model in both galleries.

    Attributes:
        model_a: label of the model in A.
        model_b: label of the model in B.
        step: of the training in A, for a checkpoint of a sweep; else empty.
        quantity: id in the table of quantities.
        name: of the quantity, short.
        unit: of the values.
        images: how many images have it in both.
        mean_a: in A, over these images, their layers and heads; empty where no image has it in
            both.
        mean_b: the same in B.
        change: of the mean, B less A.
        largest_a: in A, the value that moved furthest.
        largest_b: that value in B.
        largest_change: B less A.
        image: of that value, by its name in A.
        layer: of that value, from 1; 0 for the embedding; empty where it is not of a layer.
        head: of that value, from 1; empty where it is not of a head.
        note: what could not be compared and why; it counts neither as 0 nor as a change.
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
        site: folder, as it was given.
        title: of the gallery.
        models_alone: labels of models that the other does not have.
        images_alone: names of images that the other does not have.
    """

    site: str
    title: str
    models_alone: tuple[str, ...]
    images_alone: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """An image that both galleries have, but not both with a record of a model.

    Attributes:
        model: label in A.
        image: its name in A, and where the record is missing, and why.
    """

    model: str
    image: str


@dataclass(frozen=True, slots=True)
class Renamed:
    """An image that has another name in B.

    Attributes:
        a: in A.
        b: in B.
    """

    a: str
    b: str


@dataclass(frozen=True, slots=True)
class Exceeded:
    """A threshold that was passed.

    Attributes:
        threshold: as it was given.
        model: label in A.
        quantity: id in the table of quantities.
        a: value in A.
        b: value in B.
        image: of the value; empty for a mean.
        layer: of the value; null for a mean.
        head: of the value; null for a mean, and where it is not of a head.
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
        images: how many images both have.
        unlike: facts that are not the same, such as preprocessing, dtype and commit.
        renamed: images with another name in B.
        missing: images without a record in one of them.
        rows: one for each model and measure.
        passed: thresholds that were passed.
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
    """A difference in the form that is written.

    Args:
        sites: both folders, as they were given.
        passed: thresholds that it passes.
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
    """As many digits as float32 has, so that the last bits of a sum leave no trace."""
    return rounded(value, 7)


def difference_csv(found: DifferenceTable) -> str:
    """The rows as CSV (see :func:`generator.text.tables.csv_text`)."""
    columns = (field.name for field in fields(DifferenceRow))
    return csv_text(columns, (astuple(row) for row in found.rows))


def json_text(found: DifferenceTable) -> str:
    """All of it as JSON; lists with an item a line."""
    parts = [f"{json.dumps(name)}: {_lines(value)}" for name, value in asdict(found).items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _lines(value: Any) -> str:
    if not isinstance(value, list | tuple) or not value:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    items = (json.dumps(item, ensure_ascii=False, allow_nan=False) for item in value)
    return "[\n" + ",\n".join(items) + "\n]"


def schema_bytes() -> bytes:
    """JSON schema of the JSON form; a CSV has the fields of ``DifferenceRow`` as columns."""
    classes = (DifferenceTable, Gallery, Unlike, Renamed, Missing, DifferenceRow, Exceeded)
    return documented_schema(TypeAdapter(DifferenceTable), classes)


# --- for people ----------------------------------------------------------------------------------


def text(found: Difference, sites: tuple[str, str]) -> str:
    """For a terminal: what is not alike, then a table for each model."""
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
"""Columns of numbers."""


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
    """Which threshold was passed, by how much and where, on one line."""
    step = each.step
    where = str(step.where) if step.where else "mean over all images, layers and heads"
    return (
        f"Passed {each.threshold.text}: {each.measure.label} ({each.measure.unit}) changed by "
        f"{plain(signed(step.change))}, from {plain(number(step.a))} to {plain(number(step.b))}, "
        f"at {each.model}, {where}."
    )
