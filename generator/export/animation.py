"""One image through the layers of every model, or a sequence over time, as a WebP or a GIF."""

from __future__ import annotations

import io
from collections.abc import Sequence as Sequential
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from generator.errors import SpecError
from generator.export.drawing import coloured, enlarged, overlaid, seen, size_of
from generator.export.selection import Selection, chosen_maps
from generator.export.source import Source
from generator.present.colours import colour_table
from generator.present.scale import Scale
from generator.present.wording import column_name, query_label
from generator.records import FloatArray, View
from generator.run import Cell, ImageEntry, ModelEntry, Sequence

AnimationFormat = Literal["webp", "gif"]

PAPER, INK, SOFT = "#fcfcfb", "#1b1b1a", "#5b5b58"
MARGIN, GAP, LINE = 24, 20, 22
BAR_HEIGHT = 10
TEXT = 15
MILLISECONDS = 500
"""Of a layer, and of a numbered picture."""
SHORTEST = 20
"""Milliseconds of a frame; players show shorter ones more slowly."""
BAR_COLOURS = 64
"""Entries of a GIF's palette that are kept for the colour bar."""


@dataclass(frozen=True, slots=True)
class Column:
    """A model in an animation.

    Attributes:
        label: of the model.
        view: what it saw of the picture.
        photo: the same as pixels.
        maps: one ``[row, col]`` for each layer, in times uniform.
    """

    label: str
    view: View
    photo: Image.Image
    maps: tuple[FloatArray, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """A model in one frame of an animation.

    Attributes:
        label: of the model.
        place: which layer, or when.
        photo: what it saw of the picture.
        values: its map, ``[row, col]`` in times uniform; None where it has none.
    """

    label: str
    place: str
    photo: Image.Image
    values: FloatArray | None


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
    """Draw an image through the layers, models side by side.

    A model with fewer layers stays at its last one, and says so by its number.

    Args:
        source: the gallery.
        cells: the models on one image.
        head: from 1, ``mean``, ``max`` or ``min`` over heads.
        query: whose attention, such as ``CLS`` or ``reg1``.
        kind: of the file.
        width: of each model's picture, in pixels.
        milliseconds: of each layer; the last one stays three times as long.
        strength: of the colours over the picture, in percent.

    Raises:
        SpecError: none of the models has such a head and query.
        StoreError: the store does not have a record; the message names it.
    """
    columns = _columns(source, cells, Selection(("all",), (head,), (query,)), width)
    layers = max(len(column.maps) for column in columns)
    says = f"{query_label(query, any_class_token=True)}, {_head(head)}"
    frames = [
        _frame(
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
    return _encoded(source, frames, times, kind)


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
        source: the gallery.
        sequence: of the gallery.
        models: of the gallery.
        layer: from 1, or ``last``.
        head: from 1, ``mean`` or ``max`` over heads.
        query: whose attention, such as ``CLS`` or ``reg1``.
        kind: of the file.
        width: of each model's picture, in pixels.
        milliseconds: of each frame; None for the clip's own times.
        strength: of the colours over the picture, in percent.

    Raises:
        SpecError: none of the models has such a layer, head and query.
        StoreError: the store does not have a record; the message names it.
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
        frames.append(_frame(source, filled, query, says, width=width, strength=strength))
    return _encoded(source, frames, _durations(images, milliseconds), kind)


def _panels(
    source: Source,
    image: ImageEntry,
    models: tuple[ModelEntry, ...],
    wanted: Selection,
    width: int,
) -> list[Panel | None]:
    """A frame of a sequence, as each model sees it; None of a model that has no such map."""
    found: list[Panel | None] = []
    for model in models:
        cell = source.run.cell(model.slug, image.slug)
        record = source.read(cell.record) if cell.record else None
        maps = list(chosen_maps(record, wanted, mixed=source.run.mixed)) if record else []
        if record is None or not maps:
            found.append(None)
            continue
        photo = seen(image.path, record.view, size_of(record.view, width))
        found.append(Panel(model.label, _when(image), photo, maps[0].values))
    return found


def _when(image: ImageEntry) -> str:
    assert image.frame is not None
    if image.frame.time is None:
        return f"picture {image.frame.number}"
    return f"{image.frame.time:.2f} s"


def _empty(like: Panel, image: ImageEntry) -> Panel:
    """A model that failed on a frame."""
    blank = Image.new("RGB", like.photo.size, PAPER)
    return Panel(like.label, f"{_when(image)}: no map", blank, None)


def _durations(images: list[ImageEntry], milliseconds: int | None) -> list[int]:
    """How long each frame is shown, in milliseconds."""
    times = [image.frame.time for image in images if image.frame is not None]
    known = [time for time in times if time is not None]
    if milliseconds is not None or len(known) < len(images) or len(known) < 2:
        return [milliseconds or MILLISECONDS] * len(images)
    gaps = [max(SHORTEST, round(1000 * (b - a))) for a, b in pairwise(known)]
    return [*gaps, gaps[-1]]


def _at_layer(column: Column, layer: int) -> Panel:
    """A model at a layer, or at its last."""
    shown = min(layer, len(column.maps) - 1)
    place = f"layer {shown + 1} of {len(column.maps)}"
    return Panel(column.label, place, column.photo, column.maps[shown])


def _encoded(
    source: Source, frames: list[Image.Image], times: list[int], kind: AnimationFormat
) -> bytes:
    if kind == "webp":
        return _webp(frames, times)
    return _gif(frames, times, source.manifest.settings.colours)


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
            photo = seen(source.image(cell).path, record.view, size)
            columns.append(Column(source.model(cell).label, record.view, photo, tuple(maps)))
    if not columns:
        raise SpecError(
            "None of the models has this head and query.",
            "Choose others with --head and --query.",
        )
    return tuple(columns)


def _head(head: str) -> str:
    return {"max": "maximum over heads", "min": "minimum over heads"}.get(head) or column_name(head)


def _frame(
    source: Source,
    panels: Sequential[Panel],
    query: str,
    says: str,
    *,
    width: int,
    strength: int,
) -> Image.Image:
    scale, colours = source.scale_of(query), source.manifest.settings.colours
    tallest = max(panel.photo.height for panel in panels)
    across = 2 * MARGIN + len(panels) * width + (len(panels) - 1) * GAP
    top = MARGIN + LINE + 6
    frame = Image.new(
        "RGB", (across, top + tallest + LINE + GAP + BAR_HEIGHT + 2 * LINE + MARGIN), PAPER
    )
    draw = ImageDraw.Draw(frame)
    for number, panel in enumerate(panels):
        left = MARGIN + number * (width + GAP)
        shown = panel.photo
        if panel.values is not None:
            drawn = enlarged(coloured(panel.values, scale, colours), shown.size)
            shown = overlaid(shown, drawn, strength)
        frame.paste(shown, (left, top))
        words(draw, panel.label, (left, MARGIN), width, INK)
        words(draw, panel.place, (left, top + tallest + 6), width, SOFT)
    bottom = top + tallest + LINE + GAP
    _bar(frame, scale, colours, (MARGIN, bottom), min(320, across - 2 * MARGIN))
    words(
        draw,
        f"times uniform; {says}",
        (MARGIN, bottom + BAR_HEIGHT + LINE),
        across - 2 * MARGIN,
        SOFT,
    )
    return frame


def _bar(frame: Image.Image, scale: Scale, colours: str, at: tuple[int, int], width: int) -> None:
    """The colour bar with its numbers."""
    steps = np.linspace(0, 255, width).round().astype(int)
    strip = np.repeat(colour_table(colours)[steps][None], BAR_HEIGHT, axis=0)
    frame.paste(Image.fromarray(strip), at)
    draw = ImageDraw.Draw(frame)
    font = ImageFont.load_default(TEXT - 3)
    for tick in scale.ticks:
        x = at[0] + tick.position * width
        anchor = {0.0: "lt", 1.0: "rt"}.get(tick.position, "mt")
        draw.text((x, at[1] + BAR_HEIGHT + 3), tick.label, fill=INK, font=font, anchor=anchor)


def words(draw: ImageDraw.ImageDraw, text: str, at: tuple[int, int], width: int, fill: str) -> None:
    """One line of text, cut where it is too long; letters the font lacks are left to it."""
    font = ImageFont.load_default(TEXT)
    shown = text
    while shown and draw.textlength(shown, font=font) > width:
        shown = shown[:-4].rstrip() + "..." if len(shown) > 4 else ""
    draw.text(at, shown, fill=fill, font=font)


def _webp(frames: list[Image.Image], times: list[int]) -> bytes:
    file = io.BytesIO()
    frames[0].save(
        file,
        format="WEBP",
        save_all=True,
        append_images=frames[1:],
        duration=times,
        loop=0,
        quality=90,
        method=4,
    )
    return file.getvalue()


def _gif(frames: list[Image.Image], times: list[int], colours: str) -> bytes:
    """All frames on one palette, so that a colour means the same number in each.

    A part of it is kept for the colour bar, which is too small to win its colours.
    """
    strip = Image.new("RGB", (frames[0].width, sum(frame.height for frame in frames)))
    for number, frame in enumerate(frames):
        strip.paste(frame, (0, number * frame.height))
    common = strip.quantize(256 - BAR_COLOURS, method=Image.Quantize.MEDIANCUT).getpalette() or []
    bar = colour_table(colours)[np.linspace(0, 255, BAR_COLOURS).round().astype(int)]
    palette = Image.new("P", (1, 1))
    palette.putpalette([*bar.ravel().tolist(), *common[: 3 * (256 - BAR_COLOURS)]])
    drawn = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    file = io.BytesIO()
    drawn[0].save(
        file,
        format="GIF",
        save_all=True,
        append_images=drawn[1:],
        duration=times,
        loop=0,
        optimize=False,
        disposal=1,
    )
    return file.getvalue()
