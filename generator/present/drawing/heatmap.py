"""Heat maps as PNG: walls, thumbnails and color bars."""

from __future__ import annotations

import io
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generator.present.drawing.colors import color_table, diverging_table
from generator.present.drawing.map_range import USUAL_CLIP, range_of
from generator.present.drawing.ramps import Ramp
from generator.present.drawing.scale import Scale
from generator.records.record import FloatArray

WALL_STEPS = 32
"""Colors of a rendered wall. Files with 32 colors are 40 % smaller than with 256."""

SMOOTH = 8
"""Pixels a patch in a smooth map."""

GAP = 1
"""Pixels between the maps of a wall."""


def wall_png(values: FloatArray, scale: Scale | Ramp, colors: str) -> bytes:
    """Draw a wall: heads across, then columns over heads, layers down, one pixel for each patch.

    Args:
        values: ``[row, column, grid row, grid col]``; NaN shows as a gap.
        scale: the shared scale of attention, or an unsigned ramp.
        colors: name of the color map.
    """
    return _wall_png(_steps(values, scale, WALL_STEPS), np.isnan(values), colors)


def unit_wall_png(values: FloatArray, colors: str) -> bytes:
    """Draw tiles ``[tile row, tile col, row, col]`` in [0, 1], linear; NaN shows as a gap."""
    position = np.nan_to_num(values)
    steps = np.clip(position * WALL_STEPS, 0, WALL_STEPS - 1).astype(np.uint8)
    return _wall_png(steps, np.isnan(values), colors)


def _wall_png(steps: NDArray[np.uint8], empty: NDArray[np.bool_], colors: str) -> bytes:
    """Draw tiles ``[tile row, tile col, row, col]`` with gaps between them."""
    down, across, rows, cols = steps.shape
    gap = WALL_STEPS  # one palette entry more, drawn transparent
    wall = np.full((down, rows + GAP, across, cols + GAP), gap, dtype=np.uint8)
    wall[:, :rows, :, :cols] = np.where(empty, gap, steps).swapaxes(1, 2)
    flat = wall.reshape(down * (rows + GAP), across * (cols + GAP))[:-GAP, :-GAP]
    return palette_png(flat, color_table(colors), WALL_STEPS, transparent=gap)


def map_png(values: FloatArray, scale: Scale | Ramp, colors: str) -> bytes:
    """Draw a map ``[grid row, grid col]``, one pixel for each patch; signed ramps use two hues."""
    signed = isinstance(scale, Ramp) and scale.signed
    table = diverging_table() if signed else color_table(colors)
    return palette_png(_steps(values, scale, 256), table, 256)


def cells_png(levels: FloatArray, colors: str) -> bytes:
    """Draw one pixel for each cell of a heat map.

    Args:
        levels: ``[row, col]``, from 0 to 1; NaN is transparent.
        colors: name of the color map.
    """
    held = np.nan_to_num(levels)
    rgba = np.dstack(
        [color_table(colors)[np.rint(255 * held).astype(int)], 255 * ~np.isnan(levels)]
    )
    file = io.BytesIO()
    Image.fromarray(rgba.astype(np.uint8)).save(file, format="PNG", compress_level=6)
    return file.getvalue()


def smooth_png(values: FloatArray, colors: str) -> bytes:
    """Draw a map ``[grid row, grid col]`` smoothly on its own log2 scale, as ``hero.js`` does.

    Places on the scale are interpolated between the centers of patches, ``SMOOTH`` pixels a patch.
    """
    low, high = np.log2(range_of([values], USUAL_CLIP, "log2"))
    place = np.clip(Ramp(low, high, log=True).position(values), 0, 1).astype(np.float64)
    for axis, count in enumerate(values.shape):
        at = np.clip((np.arange(count * SMOOTH) + 0.5) / SMOOTH - 0.5, 0, count - 1)
        first = np.floor(at).astype(int)
        share = np.expand_dims(at - first, 1 - axis)
        one, two = place.take(first, axis), place.take(np.minimum(first + 1, count - 1), axis)
        place = one + (two - one) * share
    return palette_png(np.minimum(place * 256, 255).astype(np.uint8), color_table(colors), 256)


def diverging_bar_png() -> bytes:
    """Draw the color bar of signed values, as :func:`bar_png` does."""
    return palette_png(np.arange(256, dtype=np.uint8)[None], diverging_table(), 256)


def bar_png(colors: str) -> bytes:
    """Draw a color bar: every color once, low to high, one pixel high."""
    return palette_png(np.arange(256, dtype=np.uint8)[None], color_table(colors), 256)


def _steps(values: FloatArray, scale: Scale | Ramp, steps: int) -> NDArray[np.uint8]:
    """Index of the color of each value among ``steps`` equal parts of the scale."""
    position = np.nan_to_num(scale.position(values), nan=0.0, neginf=0.0, posinf=1.0)
    found: NDArray[np.uint8] = np.clip(position * steps, 0, steps - 1).astype(np.uint8)
    return found


def palette_png(
    indices: NDArray[np.uint8], table: NDArray[np.uint8], steps: int, transparent: int | None = None
) -> bytes:
    """Encode a picture of palette indices.

    Args:
        indices: ``[pixel row, pixel col]``.
        table: 256 colors, of which ``steps`` are sampled evenly.
        steps: how many indices stand for colors.
        transparent: the index of the transparent color.
    """
    # the middle color of each step, so that few colors look like many from a distance
    middle = np.minimum(((np.arange(steps) + 0.5) * 256 / steps).astype(int), 255)
    picture = Image.fromarray(np.ascontiguousarray(indices))
    picture.putpalette([*table[middle].tobytes(), 128, 128, 128][:768])
    file = io.BytesIO()
    extra = {} if transparent is None else {"transparency": transparent}
    # in maps that are nearly noise, short repeats cost more than they save: these rules of zlib
    # drop them, in a third of the time
    picture.save(file, format="PNG", compress_level=4, compress_type=zlib.Z_FILTERED, **extra)
    return file.getvalue()
