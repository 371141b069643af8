"""A figure as a table of pictures and charts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from generator.analysis.features.boxes import BoolArray
from generator.export.figures.layout.keys import LegendKey
from generator.export.figures.layout.tones import Pixels, Tone

AXIS_LEFT, AXIS_BOTTOM, AXIS_TOP, AXIS_RIGHT = 0.36, 0.30, 0.05, 0.05
"""Space for the numbers and labels of a chart's axes, in inches."""


@dataclass(frozen=True, slots=True)
class SheetBox:
    """A box over a picture, as fractions of its width and height."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, eq=False)
class SheetPicture:
    """One picture: a photograph, a map, or a map over the photograph in gray.

    Attributes:
        photo: uint8 ``[y, x, RGB]``; None for a map alone.
        pixels: uint8 ``[row, col, RGBA]``, one pixel per patch; None for a photograph alone.
        strength: opacity of the map over the photograph, from 0 to 1.
        gray: whether the photograph is shown in gray.
    """

    aspect: float
    photo: Pixels | None = None
    pixels: Pixels | None = None
    strength: float = 1.0
    gray: bool = False
    frames: tuple[SheetBox, ...] = ()


@dataclass(frozen=True, slots=True)
class Absent:
    """A cell without a picture, with the reason: not applicable, not measured or missing.

    Without a reason the cell is left blank: the picture of the row above applies to it, too.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class SheetChart:
    """A chart in the place of a picture.

    Attributes:
        draw: draws into its axes.
        aspect: width over height of the cell, with the numbers of the axes.
        bottom: space below the axes, in inches.
    """

    draw: Callable[[Axes], None]
    aspect: float = 1.3
    bottom: float = AXIS_BOTTOM


Cell = SheetPicture | Absent | SheetChart


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row of cells; its label is at the left, rotated."""

    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A heading over several columns, from first to last, counted from 0."""

    text: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """The content of a figure.

    Attributes:
        rows: rows from the top, all of the same length.
        heads: labels of the columns; may be empty texts.
        tones: color bars, left to right.
        keys: legend of colors and strokes, below everything else.
        ratio: relative widths of the columns; empty for equal widths.
    """

    rows: tuple[SheetRow, ...]
    heads: tuple[str, ...]
    groups: tuple[Group, ...] = ()
    tones: tuple[Tone, ...] = ()
    ratio: tuple[float, ...] = ()
    keys: tuple[LegendKey, ...] = ()


def frame_of(box: tuple[float, ...], view_box: tuple[float, ...]) -> SheetBox:
    """A box in pixels of the original as fractions of the box of the patches."""
    left, top, right, bottom = view_box
    wide, high = right - left, bottom - top
    return SheetBox(
        (box[0] - left) / wide,
        (box[1] - top) / high,
        (box[2] - left) / wide,
        (box[3] - top) / high,
    )


def tint(mask: BoolArray, color: tuple[int, int, int]) -> Pixels:
    """One color inside of a mask ``[row, col]``, transparent elsewhere: uint8 RGBA."""
    pixels = np.zeros((*mask.shape, 4), dtype=np.uint8)
    pixels[mask] = (*color, 255)
    return pixels
