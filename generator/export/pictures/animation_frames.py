"""Drawing of animation frames, and their encoding as WebP or GIF."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from generator.export.pictures.drawing import colored, enlarged, overlaid
from generator.export.source import Source
from generator.present.drawing.colors import color_table
from generator.present.drawing.scale import Scale
from generator.records.record import FloatArray

AnimationFormat = Literal["webp", "gif"]

PAPER, INK, SOFT = "#fcfcfb", "#1b1b1a", "#5b5b58"
MARGIN, GAP, LINE = 24, 20, 22
BAR_HEIGHT = 10
TEXT = 15
BAR_COLORS = 64
"""Entries of a GIF's palette that are reserved for the color bar."""


@dataclass(frozen=True, slots=True)
class FramePanel:
    """A model in one frame of an animation.

    Attributes:
        place: layer, or time of the frame.
        photo: the part of the picture in the model's input.
        values: map ``[row, col]`` in times uniform; None if there is none.
    """

    label: str
    place: str
    photo: Image.Image
    values: FloatArray | None


def drawn_frame(
    source: Source,
    panels: Sequence[FramePanel],
    query: str,
    says: str,
    *,
    width: int,
    strength: int,
) -> Image.Image:
    """Panels side by side, with the color bar below.

    Args:
        source: the gallery, for its scale and colors.
        panels: from left to right, at least one.
        query: id of the query.
        says: query, layer and head in words.
        width: width of each panel, in pixels.
        strength: opacity of the colors over the picture, in percent.
    """
    scale, colors = source.scale_of(query), source.settings.colors
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
            drawn = enlarged(colored(panel.values, scale, colors), shown.size)
            shown = overlaid(shown, drawn, strength)
        frame.paste(shown, (left, top))
        words(draw, panel.label, (left, MARGIN), width, INK)
        words(draw, panel.place, (left, top + tallest + 6), width, SOFT)
    bottom = top + tallest + LINE + GAP
    _bar(frame, scale, colors, (MARGIN, bottom), min(320, across - 2 * MARGIN))
    words(
        draw,
        f"times uniform; {says}",
        (MARGIN, bottom + BAR_HEIGHT + LINE),
        across - 2 * MARGIN,
        SOFT,
    )
    return frame


def _bar(frame: Image.Image, scale: Scale, colors: str, at: tuple[int, int], width: int) -> None:
    """The color bar with its numbers."""
    steps = np.linspace(0, 255, width).round().astype(int)
    strip = np.repeat(color_table(colors)[steps][None], BAR_HEIGHT, axis=0)
    frame.paste(Image.fromarray(strip), at)
    draw = ImageDraw.Draw(frame)
    font = ImageFont.load_default(TEXT - 3)
    for tick in scale.ticks:
        x = at[0] + tick.position * width
        anchor = {0.0: "lt", 1.0: "rt"}.get(tick.position, "mt")
        draw.text((x, at[1] + BAR_HEIGHT + 3), tick.label, fill=INK, font=font, anchor=anchor)


def words(draw: ImageDraw.ImageDraw, text: str, at: tuple[int, int], width: int, fill: str) -> None:
    """Draw one line of text, shortened if it is too long."""
    font = ImageFont.load_default(TEXT)
    shown = text
    while shown and draw.textlength(shown, font=font) > width:
        shown = shown[:-4].rstrip() + "..." if len(shown) > 4 else ""
    draw.text(at, shown, fill=fill, font=font)


def encoded(
    source: Source, frames: list[Image.Image], times: list[int], kind: AnimationFormat
) -> bytes:
    """Encode all frames with their durations in milliseconds, repeated for ever."""
    if kind == "webp":
        return _webp(frames, times)
    return _gif(frames, times, source.settings.colors)


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


def _gif(frames: list[Image.Image], times: list[int], colors: str) -> bytes:
    """Encode all frames with one palette, so that a color means the same number in each.

    A part of the palette is reserved for the color bar, which has too few pixels to get its colors.
    """
    strip = Image.new("RGB", (frames[0].width, sum(frame.height for frame in frames)))
    for number, frame in enumerate(frames):
        strip.paste(frame, (0, number * frame.height))
    common = strip.quantize(256 - BAR_COLORS, method=Image.Quantize.MEDIANCUT).getpalette() or []
    bar = color_table(colors)[np.linspace(0, 255, BAR_COLORS).round().astype(int)]
    palette = Image.new("P", (1, 1))
    palette.putpalette([*bar.ravel().tolist(), *common[: 3 * (256 - BAR_COLORS)]])
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
