"""A page of the printed report for each picture: maps, numbers, walls."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from PIL import Image

from generator.analysis.compare.agreement import divergence, similarity, spearman
from generator.analysis.grids import PlacedMap, on_common_grid
from generator.analysis.quantities.agreement import DIVERGENCE, SIMILARITY, SPEARMAN
from generator.analysis.quantities.attention import (
    CLS_MASS_PATCHES,
    CLS_MASS_REGISTERS,
    DISTANCE,
    ENTROPY,
)
from generator.analysis.quantities.quantity import Quantity
from generator.analysis.quantities.stream import STRONGEST_PATCH
from generator.export.pictures.drawing import colored, enlarged, input_picture, size_of
from generator.export.printed.choice import PrintedChoice
from generator.export.printed.leaf import Leaf, WallShape, arrange
from generator.export.source import Source
from generator.present.cells.chunks.maps import PRIMARY, RECEIVED, maps_of
from generator.present.drawing.heatmap import wall_png
from generator.present.pages.views import Picture
from generator.present.pages.wording import RECEIVED_NOTE, credit
from generator.records.record import AttentionRecord, FloatArray
from generator.records.run import ImageEntry, ModelEntry
from generator.text.numbers import column
from generator.text.phrases import counted

PICTURE_WIDTH = 600
WALL_WIDTH = 1400
"""Width in pixels to which walls are enlarged by whole factors; viewers blur small pictures."""

NUMBERS = (ENTROPY, DISTANCE, CLS_MASS_PATCHES, CLS_MASS_REGISTERS, STRONGEST_PATCH)
"""Of a model on a picture: of the last layer, mean over heads."""

PAIR_NUMBERS = (DIVERGENCE, SIMILARITY, SPEARMAN)
"""Of the large maps of two models."""

Amounts = tuple[float | None, ...]
"""Numbers in the order of either table; None where a model has no such thing."""

FEW = 4
"""Most models of which all pairs have numbers where the gallery compares none."""


@dataclass(frozen=True, slots=True)
class PrintedNumbers:
    """A row of a table of numbers."""

    label: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PrintedColumn:
    """A model on an image: its map, numbers and wall, or the reason why there is none.

    Attributes:
        says: what the map is; else why there is none.
        size: layers and heads in words.
        heads: columns of the wall.
    """

    label: str
    says: str
    map: Picture | None = None
    wall: Picture | None = None
    size: str = ""
    heads: int = 0
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PrintedImage:
    """An image and every model on it.

    Attributes:
        frames: a sequence's frames; may be empty.
        picture: the part that the first model saw; None if the site has no copy.
        columns: the models.
        pairs: how far the maps of each two compared models are apart.
        leaf: sizes on its page.
    """

    title: str
    frames: str
    credit: str
    picture: Picture | None
    columns: tuple[PrintedColumn, ...]
    pairs: tuple[PrintedNumbers, ...]
    leaf: Leaf


def printed_image(
    source: Source, image: ImageEntry, choice: PrintedChoice, compared: tuple[tuple[str, str], ...]
) -> PrintedImage:
    """Plan the page of an image.

    Args:
        compared: slugs of the models of each comparison of the gallery.

    Raises:
        StoreError: a record is missing; the message names it.
    """
    columns: list[PrintedColumn] = []
    amounts: dict[int, Amounts] = {}
    placed: dict[str, PlacedMap] = {}
    picture = None
    for model in choice.models:
        record = _record(source, model, image, choice)
        if isinstance(record, str):
            columns.append(PrintedColumn(model.label, record))
            continue
        amounts[len(columns)] = _amounts(record)
        columns.append(_column(source, model, record))
        placed[model.slug] = PlacedMap(_last_map(record), record.view)
        if picture is None and image.path.is_file():
            size = size_of(record.view, PICTURE_WIDTH)
            photo = input_picture(image.path, record.view, size)
            picture = Picture(data_url(_encoded(photo, "WEBP"), "webp"), *size, image.alt)
    for n, numbers in zip(amounts, _texts(list(amounts.values()), NUMBERS), strict=True):
        columns[n] = replace(columns[n], numbers=numbers)
    sequence = choice.sequence_of(image)
    frames = ""
    if sequence is not None:
        of = counted(choice.frames(sequence), "frame")
        frames = f"{of}; here {image.title.removeprefix(f'{sequence.label}, ')}"
    pairs = tuple(_pairs(choice, placed, compared))
    return PrintedImage(
        title=sequence.label if sequence else image.title,
        frames=frames,
        credit=credit(image).text,
        picture=picture,
        columns=tuple(columns),
        pairs=pairs,
        leaf=_leaf(picture, f"{credit(image).text} {frames}", columns, pairs),
    )


def _record(
    source: Source, model: ModelEntry, image: ImageEntry, choice: PrintedChoice
) -> AttentionRecord | str:
    """The record of a model on an image, or why there is none."""
    for cell in choice.cells:
        if (cell.model, cell.image) == (model.slug, image.slug):
            return source.read(cell.record)
    absent = source.run.cell(model.slug, image.slug)
    failure = absent.failure or source.left_out.get(absent.record)
    return failure.message if failure else "There is no record."


def _last_map(record: AttentionRecord) -> FloatArray:
    found: FloatArray = maps_of(record, PRIMARY).maps[-1, -1]
    return found


def _pairs(
    choice: PrintedChoice, placed: Mapping[str, PlacedMap], compared: tuple[tuple[str, str], ...]
) -> Iterator[PrintedNumbers]:
    """How far maps are apart: of the pairs that are compared, or of all pairs of few models."""
    labels = {model.slug: model.label for model in choice.models}
    if not compared and len(labels) <= FEW:
        compared = tuple(combinations(labels, 2))
    apart: list[tuple[str, Amounts | None]] = []
    for one, two in compared:
        if one not in placed or two not in placed:
            continue
        label = f"{labels[one]} vs {labels[two]}"
        maps = on_common_grid([placed[one], placed[two]])
        found = None if maps is None else (divergence(*maps), similarity(*maps), spearman(*maps))
        apart.append((label, found))
    written = iter(_texts([found for _, found in apart if found], PAIR_NUMBERS))
    for name, numbers in apart:
        yield PrintedNumbers(name, next(written) if numbers else ("they saw different parts",))


def _leaf(
    picture: Picture | None,
    under: str,
    columns: list[PrintedColumn],
    pairs: tuple[PrintedNumbers, ...],
) -> Leaf:
    names = [[column.label for column in columns if column.numbers]]
    if pairs:
        names.append([pair.label for pair in pairs])
    return arrange(
        _shape(picture) if picture else 0.0,
        under,
        [_shape(each.map) for each in columns if each.map],
        [WallShape(each.heads, _shape(each.wall)) for each in columns if each.wall],
        names,
        sum(each.map is None for each in columns),
    )


def _shape(picture: Picture) -> float:
    """Height by width."""
    return picture.height / picture.width


def _column(source: Source, model: ModelEntry, record: AttentionRecord) -> PrintedColumn:
    colors, scale = source.settings.colors, source.scale
    maps = maps_of(record, PRIMARY)
    last = record.model.layers - 1
    size = size_of(record.view, PICTURE_WIDTH)
    drawn = enlarged(colored(maps.maps[last, -1], scale, colors), size)
    with Image.open(io.BytesIO(wall_png(maps.maps, scale, colors))) as wall:
        factor = max(1, WALL_WIDTH // wall.width)
        large = wall.convert("RGBA").resize(
            (wall.width * factor, wall.height * factor), Image.Resampling.NEAREST
        )
    says = f"layer {last + 1}"
    if maps.token == RECEIVED:
        says += f", {RECEIVED_NOTE}"
    return PrintedColumn(
        label=model.label,
        says=says,
        map=Picture(data_url(_encoded(drawn, "PNG"), "png"), *size, f"{model.label}, {says}, mean"),
        wall=Picture(
            data_url(_encoded(large, "PNG"), "png"),
            *large.size,
            f"{model.label}: maps of every layer and head",
        ),
        size=f"{record.model.layers} layers × {record.model.heads} heads",
        heads=maps.maps.shape[1],
    )


def _amounts(record: AttentionRecord) -> Amounts:
    """The numbers of the last layer, in the order of ``NUMBERS``."""
    maps, last = maps_of(record, PRIMARY), record.model.layers - 1
    mass = dict(zip(maps.groups, maps.mass[last, -1], strict=True))
    registers = [float(mass[name]) for name in record.layout.registers]
    return (
        float(record.entropy[last].mean()),
        float(record.distance[last].mean()),
        float(mass["patches"]),
        sum(registers) if registers else None,
        float(np.nanmax(maps.maps[last, -1])),
    )


def _texts(rows: Sequence[Amounts], quantities: Sequence[Quantity]) -> list[tuple[str, ...]]:
    """Rows of a table of numbers: those of a column have as many decimals each."""
    columns = (
        column([row[n] for row in rows], quantity.notation) for n, quantity in enumerate(quantities)
    )
    return [
        tuple("none" if value is None else text for value, text in zip(row, texts, strict=True))
        for row, texts in zip(rows, zip(*columns, strict=True), strict=True)
    ]


def _encoded(picture: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, format=kind)
    return file.getvalue()


def data_url(data: bytes, kind: str) -> str:
    """A picture as a data URL."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
