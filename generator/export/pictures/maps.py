"""Single maps as PNG: raw numbers, colored, or over the picture."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Literal

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from generator.export.pictures.drawing import colored, enlarged, input_picture, overlaid, size_of
from generator.export.pictures.selection import ALL, LAST, OneMap, Selection, chosen_maps, no_map
from generator.export.source import Source
from generator.records.record import AttentionRecord, FloatArray
from generator.records.run import Cell
from generator.text.phrases import counted

Style = Literal["raw", "colored", "overlaid"]

INDEX = "maps.json"
STEPS = 65535
UNIT = "times uniform"


@dataclass(frozen=True, slots=True)
class MapItem:
    """Description of a map in the index.

    Attributes:
        style: raw, colored or overlaid.
        model: label of the model.
        model_id: id on the hub, or the name of its folder.
        commit: commit of the model; for a folder, the hash of its weights.
        intervention: what was changed in the model; empty for an unmodified one.
        image: file name of the image.
        layer: number from 1, or pool.
        head: number from 1, or mean, max or min over heads.
        query: id of the query.
        token: the model's own token for the query, or received.
        scale: conversion of pixels to values.
        low: low end of the colors, or 0.
        high: high end of the colors, or the map's maximum.
        view: box of the original picture, in pixels, that the map covers.
    """

    file: str
    style: Style
    model: str
    model_id: str
    commit: str
    intervention: str
    image: str
    layer: str
    head: str
    query: str
    token: str
    unit: str
    scale: str
    low: float
    high: float
    view: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class MissingItem:
    """Requested maps that a model does not have.

    Attributes:
        model: label of the model.
        layers: requested layers that it lacks, by number or name.
        layer_count: layers that it has.
        head_count: heads that it has in each layer.
    """

    model: str
    layers: tuple[str, ...]
    heads: tuple[str, ...]
    queries: tuple[str, ...]
    layer_count: int
    head_count: int

    @property
    def entry(self) -> dict[str, str | tuple[str, ...]]:
        """What the index says."""
        return {
            "model": self.model,
            "layers": self.layers,
            "heads": self.heads,
            "queries": self.queries,
        }

    @property
    def says(self) -> str:
        """One line for the user."""
        has = [counted(self.layer_count, "layer")] if self.layers else []
        has += [counted(self.head_count, "head")] if self.heads else []
        parts = (
            f"{what} {', '.join(_in_ranges(names))}"
            for what, names in (
                ("layer", self.layers),
                ("head", self.heads),
                ("query", self.queries),
            )
            if names
        )
        there = f"{' and '.join(has)}, " if has else ""
        return f"{self.model} has {there}no {' and no '.join(parts)}."


def _in_ranges(names: Sequence[str]) -> Iterator[str]:
    """Names in order, with three and more successive numbers as a range."""
    apart = enumerate(names)
    for _, run in groupby(apart, lambda at: int(at[1]) - at[0] if at[1].isdecimal() else at[1]):
        same = [name for _, name in run]
        yield from [f"{same[0]} to {same[-1]}"] if len(same) > 2 else same


def missing_items(
    source: Source, cells: tuple[Cell, ...], wanted: Selection
) -> tuple[MissingItem, ...]:
    """Requested maps that models lack, one item per model; ``all`` never lacks anything.

    Raises:
        StoreError: a record is missing; the message names it.
    """
    found: dict[str, MissingItem] = {}
    for cell in cells:
        if cell.model in found:
            continue
        record = source.read(cell.record)
        every = Selection((ALL, *wanted.layers), (ALL, *wanted.heads), wanted.queries)
        there = list(chosen_maps(record, every, mixed=source.run.mixed))
        found[cell.model] = MissingItem(
            source.model(cell).label,
            _lacking(wanted.layers, {LAST, *(one.layer for one in there)}) if there else (),
            _lacking(wanted.heads, {one.head for one in there}) if there else (),
            _lacking(wanted.queries, {one.query for one in there}),
            record.model.layers,
            record.model.heads,
        )
    return tuple(one for one in found.values() if one.layers or one.heads or one.queries)


def _lacking(wanted: tuple[str, ...], there: set[str]) -> tuple[str, ...]:
    return tuple(name for name in wanted if name != ALL and name not in there)


def map_files(
    source: Source,
    cells: tuple[Cell, ...],
    wanted: Selection,
    *,
    style: Style,
    width: int = 512,
    strength: int = 80,
) -> Iterator[tuple[str, bytes]]:
    """The selected maps as PNG files, then their index.

    Args:
        wanted: layers, heads and queries.
        style: ``raw`` is one pixel per patch, 16-bit gray, 65535 for the map's maximum; other
            styles use the gallery's colors and scale.
        width: width of colored and overlaid maps, in pixels.
        strength: opacity of the colors over the picture, in percent.

    Raises:
        SpecError: no model has any of the selected maps.
        StoreError: a record is missing; the message names it.
    """
    items = []
    for cell in cells:
        record = source.read(cell.record)
        for one in chosen_maps(record, wanted, mixed=source.run.mixed):
            item = _item(source, cell, record, one, style)
            items.append(item)
            picture = _picture(source, cell, record, one, style, width, strength)
            yield item.file, _png(picture, None if source.run.anonymous else item)
    if not items:
        raise no_map((source.read(c.record) for c in cells), mixed=source.run.mixed)
    missing = missing_items(source, cells, wanted)
    index = {
        "maps": [asdict(item) for item in items],
        "missing": [item.entry for item in missing],
    }
    yield INDEX, (json.dumps(index, indent=1, ensure_ascii=False) + "\n").encode()


def _item(
    source: Source, cell: Cell, record: AttentionRecord, one: OneMap, style: Style
) -> MapItem:
    raw = style == "raw"
    scale = source.scale_of(one.query)
    high = float(np.nanmax(one.values)) if raw else 2.0**scale.high
    return MapItem(
        file=f"{cell.image}--{cell.model}--layer-{one.layer}--head-{one.head}--{one.query}"
        f"--{style}.png",
        style=style,
        model=source.model(cell).label,
        model_id=record.model.id,
        commit=record.model.version,
        intervention=record.intervention.words if record.intervention else "",
        image=source.image(cell).name,
        layer=one.layer,
        head=one.head,
        query=one.query,
        token=one.token,
        unit=UNIT,
        scale=f"value = high * pixel / {STEPS}" if raw else "log2 from low to high",
        low=0.0 if raw else 2.0**scale.low,
        high=high,
        view=record.view.box,
    )


def _picture(
    source: Source,
    cell: Cell,
    record: AttentionRecord,
    one: OneMap,
    style: Style,
    width: int,
    strength: int,
) -> Image.Image:
    if style == "raw":
        return raw_picture(one.values)
    size = size_of(record.view, width)
    colors = colored(one.values, source.scale_of(one.query), source.settings.colors)
    drawn = enlarged(colors, size)
    if style == "colored":
        return drawn
    return overlaid(input_picture(source.image(cell).path, record.view, size), drawn, strength)


def raw_picture(values: FloatArray) -> Image.Image:
    """A map as 16-bit gray, one pixel per patch; 65535 is its maximum."""
    high = float(np.nanmax(values)) or 1.0
    codes = np.rint(np.nan_to_num(values) / high * STEPS).astype(np.uint16)
    return Image.fromarray(codes)


def _png(picture: Image.Image, item: MapItem | None) -> bytes:
    """A PNG with the item's description in its metadata; without an item, no metadata."""
    words = PngInfo()
    if item is not None:
        for name, value in asdict(item).items():
            words.add_itxt(name, str(value))
    file = io.BytesIO()
    picture.save(file, format="PNG", pnginfo=words, compress_level=6)
    return file.getvalue()
