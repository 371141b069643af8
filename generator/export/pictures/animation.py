"""Animations as WebP or GIF: one image through the layers, or a sequence over time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from PIL import Image

from generator.errors import SpecError
from generator.export.pictures.animation_frames import (
    PAPER,
    AnimationFormat,
    FramePanel,
    drawn_frame,
    encoded,
)
from generator.export.pictures.drawing import input_picture, size_of
from generator.export.pictures.selection import Selection, chosen_maps
from generator.export.source import Source
from generator.present.cells.labels import column_name, query_label
from generator.records.record import FloatArray
from generator.records.run import Cell, ImageEntry, ModelEntry, Sequence
from generator.text.amounts import moment

MILLISECONDS = 500
"""Default milliseconds of a layer, and of a frame without times."""
SHORTEST = 20
"""Least milliseconds of a frame; players slow down shorter ones."""


@dataclass(frozen=True, slots=True)
class Column:
    """A model in an animation.

    Attributes:
        photo: the part of the picture in the model's input.
        maps: a map ``[row, col]`` per layer, in times uniform.
    """

    label: str
    photo: Image.Image
    maps: tuple[FloatArray, ...]


def animation_bytes(
    source: Source,
    cells: tuple[Cell, ...],
    *,
    head: str,
    query: str,
    kind: AnimationFormat,
    width: int,
    milliseconds: int,
    strength: int = 80,
) -> bytes:
    """Draw an image layer by layer, models side by side.

    A model with fewer layers stays at its last one, with the number of that layer.

    Args:
        cells: the models on one image.
        head: number from 1, or ``mean``, ``max`` or ``min`` over heads.
        query: id of the query, such as ``CLS`` or ``reg1``.
        width: width of each model's picture, in pixels.
        milliseconds: duration of a layer; the last one is shown three times as long.
        strength: opacity of the colors over the picture, in percent.

    Raises:
        SpecError: none of the models has such a head and query.
        StoreError: a record is missing; the message names it.
    """
    columns = _columns(source, cells, Selection(("all",), (head,), (query,)), width)
    layers = max(len(column.maps) for column in columns)
    says = f"{query_label(query, any_class_token=True)}, {_head(head)}"
    frames = [
        drawn_frame(
            source,
            [_at_layer(column, layer) for column in columns],
            query,
            says,
            width=width,
            strength=strength,
        )
        for layer in range(layers)
    ]
    times = [*[milliseconds] * (layers - 1), 3 * milliseconds]
    return encoded(source, frames, times, kind)


def over_time_bytes(
    source: Source,
    sequence: Sequence,
    models: tuple[ModelEntry, ...],
    *,
    layer: str,
    head: str,
    query: str,
    kind: AnimationFormat,
    width: int,
    milliseconds: int | None,
    strength: int = 80,
) -> bytes:
    """Draw a sequence frame by frame, models side by side.

    Args:
        layer: number from 1, or ``last``.
        head: number from 1, or ``mean`` or ``max`` over heads.
        query: id of the query, such as ``CLS`` or ``reg1``.
        width: width of each model's picture, in pixels.
        milliseconds: duration of a frame; None for the clip's own times.
        strength: opacity of the colors over the picture, in percent.

    Raises:
        SpecError: none of the models has such a layer, head and query.
        StoreError: a record is missing; the message names it.
    """
    wanted = Selection((layer,), (head,), (query,))
    images = [
        image
        for image in source.run.images
        if image.frame is not None and image.frame.sequence == sequence and not image.failure
    ]
    shots = [_panels(source, image, models, wanted, width) for image in images]
    places = range(len(models))
    seen_once = {n: next((s[n] for s in shots if s[n] is not None), None) for n in places}
    if not any(seen_once.values()):
        raise SpecError(
            "None of the models has this layer, head and query.",
            "Choose others with --layer, --head and --query.",
        )
    layer_says = "last layer" if layer == "last" else f"layer {layer}"
    says = f"{query_label(query, any_class_token=True)}, {layer_says}, {_head(head)}"
    frames = []
    for image, panels in zip(images, shots, strict=True):
        filled = [panels[n] or _empty(one, image) for n, one in seen_once.items() if one]
        frames.append(drawn_frame(source, filled, query, says, width=width, strength=strength))
    return encoded(source, frames, _durations(images, milliseconds), kind)


def _panels(
    source: Source,
    image: ImageEntry,
    models: tuple[ModelEntry, ...],
    wanted: Selection,
    width: int,
) -> list[FramePanel | None]:
    """The panels of a frame of a sequence; None for a model without the map."""
    found: list[FramePanel | None] = []
    for model in models:
        cell = source.run.cell(model.slug, image.slug)
        record = source.record(cell)
        maps = list(chosen_maps(record, wanted, mixed=source.run.mixed)) if record else []
        if record is None or not maps:
            found.append(None)
            continue
        photo = input_picture(image.path, record.view, size_of(record.view, width))
        found.append(FramePanel(model.label, _when(image), photo, maps[0].values))
    return found


def _when(image: ImageEntry) -> str:
    assert image.frame is not None
    if image.frame.time is None:
        return f"picture {image.frame.number}"
    return moment(image.frame.time)


def _empty(like: FramePanel, image: ImageEntry) -> FramePanel:
    """The panel of a model that failed on a frame."""
    blank = Image.new("RGB", like.photo.size, PAPER)
    return FramePanel(like.label, f"{_when(image)}: no map", blank, None)


def _durations(images: list[ImageEntry], milliseconds: int | None) -> list[int]:
    """Duration of each frame, in milliseconds."""
    times = [image.frame.time for image in images if image.frame is not None]
    known = [time for time in times if time is not None]
    if milliseconds is not None or len(known) < len(images) or len(known) < 2:
        return [milliseconds or MILLISECONDS] * len(images)
    gaps = [max(SHORTEST, round(1000 * (b - a))) for a, b in pairwise(known)]
    return [*gaps, gaps[-1]]


def _at_layer(column: Column, layer: int) -> FramePanel:
    """The panel of a model at a layer, or at its last one."""
    shown = min(layer, len(column.maps) - 1)
    place = f"layer {shown + 1} of {len(column.maps)}"
    return FramePanel(column.label, place, column.photo, column.maps[shown])


def _columns(
    source: Source, cells: tuple[Cell, ...], wanted: Selection, width: int
) -> tuple[Column, ...]:
    columns = []
    for cell in cells:
        record = source.read(cell.record)
        maps = [
            one.values
            for one in chosen_maps(record, wanted, mixed=source.run.mixed)
            if one.layer.isdecimal()
        ]
        if maps:
            size = size_of(record.view, width)
            photo = input_picture(source.image(cell).path, record.view, size)
            columns.append(Column(source.model(cell).label, photo, tuple(maps)))
    if not columns:
        raise SpecError(
            "None of the models has this head and query.",
            "Choose others with --head and --query.",
        )
    return tuple(columns)


def _head(head: str) -> str:
    return {"max": "maximum over heads", "min": "minimum over heads"}.get(head) or column_name(head)
