"""Legend of a figure: colors and strokes with labels, in lines below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from generator.export.figures.layout.style import INK, SMALL, fitted, text_width

KEY_LINE = 0.125
"""Height of a line of keys, in inches."""

SAMPLE = 0.26
SQUARE = 0.07
SPACE = 0.05
BETWEEN = 0.14
"""Lengths of samples of a stroke and of a color, and the space after them, in inches."""


@dataclass(frozen=True, slots=True)
class LegendKey:
    """A color or stroke with its label.

    Attributes:
        color: as matplotlib takes it.
        stroke: of a line, as matplotlib takes it; None for a square of the color.
    """

    label: str
    color: Any
    stroke: Any = None


def _length(key: LegendKey) -> float:
    return (SQUARE if key.stroke is None else SAMPLE) + SPACE + text_width(key.label, SMALL)


def lines_of(keys: Sequence[LegendKey], width: float) -> list[list[LegendKey]]:
    """Keys in lines that fit a width, in inches; a label longer than a line is shortened."""
    lines: list[list[LegendKey]] = []
    taken = 0.0
    for key in keys:
        label = fitted(key.label, width - SAMPLE - SPACE, SMALL, lines=1)
        short = LegendKey(label, key.color, key.stroke)
        length = _length(short)
        if lines and taken + BETWEEN + length <= width:
            lines[-1].append(short)
            taken += BETWEEN + length
        else:
            lines.append([short])
            taken = length
    return lines


def draw_keys(
    figure: Figure, lines: Sequence[Sequence[LegendKey]], left: float, across: float, top: float
) -> None:
    """Draw lines of keys, centered in a width, from a height downwards, in inches."""
    wide, high = figure.get_size_inches()
    for number, line in enumerate(lines):
        y = 1 - (top + (number + 0.5) * KEY_LINE) / high
        x = left + (across - sum(map(_length, line)) - BETWEEN * (len(line) - 1)) / 2
        for key in line:
            if key.stroke is None:
                corner = (x / wide, y - SQUARE / 2 / high)
                size = (SQUARE / wide, SQUARE / high)
                figure.add_artist(
                    Rectangle(
                        corner, *size, transform=figure.transFigure, facecolor=key.color, lw=0
                    )
                )
                sample = SQUARE
            else:
                figure.add_artist(
                    Line2D(
                        [x / wide, (x + SAMPLE) / wide],
                        [y, y],
                        transform=figure.transFigure,
                        color=key.color,
                        ls=key.stroke,
                    )
                )
                sample = SAMPLE
            where = (x + sample + SPACE) / wide
            figure.text(
                where, y - 0.03 / high, key.label, size=SMALL, color=INK, va="baseline", ha="left"
            )
            x += _length(key) + BETWEEN
