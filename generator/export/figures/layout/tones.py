"""Color scales: numbers to colors, with the ticks of the color bar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from generator.present.drawing.colors import color_table
from generator.present.drawing.scale import Tick
from generator.records.record import FloatArray
from generator.spec.figures import Form
from generator.text.numbers import between, given, number, percent

Pixels = NDArray[np.uint8]

TIMES = "attention, times uniform"
NEAR = 0.07
"""Fraction of a bar around an end's number that has no other number."""


def placed(values: FloatArray, low: float, high: float, form: Form) -> FloatArray:
    """Positions of values: 0 at the low end, 1 at the high end, outside if clipped."""
    first, last, shaped = (_shaped(np.asarray(each), form) for each in (low, high, values))
    found: FloatArray = (shaped - first) / (float(last - first) or 1.0)
    return found


def _shaped(values: FloatArray, form: Form) -> FloatArray:
    numbers = values.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        if form == "log2":
            return np.asarray(np.log2(numbers))
        return np.asarray(np.sqrt(numbers)) if form == "sqrt" else numbers


@dataclass(frozen=True, slots=True, eq=False)
class Tone:
    """A range of numbers and its colors.

    Attributes:
        label: name of the numbers, beside the bar.
        low: low end of the range, in the numbers' own unit.
        form: form of the scale between the ends.
        ticks: numbers on the bar.
        table: uint8 ``[256, channel]``.
        says: the scale in words, for the caption.
    """

    label: str
    low: float
    high: float
    form: Form
    ticks: tuple[Tick, ...]
    table: Pixels
    says: str

    def colored(self, values: FloatArray) -> Pixels:
        """RGBA of ``[row, col]``: uint8 ``[row, col, channel]``; NaN is transparent."""
        numbers = np.asarray(values, dtype=np.float64)
        position = placed(numbers, self.low, self.high, self.form)
        absent = np.isnan(numbers)
        steps = np.clip(np.nan_to_num(np.clip(position, 0, 1)) * 256, 0, 255).astype(np.uint8)
        alpha = np.where(absent, 0, 255).astype(np.uint8)
        return np.concatenate([self.table[steps], alpha[..., None]], axis=-1)

    def clipped(self, values: FloatArray) -> tuple[int, int, int]:
        """Numbers of values below and above the range, and the number of all."""
        known = np.asarray(values)[~np.isnan(values)]
        return int((known < self.low).sum()), int((known > self.high).sum()), known.size


def own_range(values: FloatArray, colors: str) -> Tone:
    """The scale of one map alone, from 0 to its maximum; not comparable with other maps."""
    high = float(np.nanmax(values)) or 1.0
    return Tone(
        label="of each map's own maximum",
        low=0.0,
        high=high,
        form="linear",
        ticks=(Tick(0.0, "0"), Tick(0.5, percent(0.5)), Tick(1.0, percent(1))),
        table=color_table(colors),
        says="Every map has a scale of its own, linear from 0 to its maximum: colors of "
        "different maps do not compare.",
    )


def linear(low: float, high: float, label: str, colors: str = "viridis") -> Tone:
    """A linear scale between two numbers; the bar shows both ends and round numbers between."""
    marks = [
        float(mark) for mark in MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    ]
    span = (high - low) or 1.0
    inner = [m for m in marks if NEAR < (m - low) / span < 1 - NEAR]
    ticks = (
        Tick(0.0, number(low)),
        *(Tick((m - low) / span, given(m)) for m in inner),
        Tick(1.0, number(high)),
    )
    return Tone(
        label=label,
        low=low,
        high=high,
        form="linear",
        ticks=ticks,
        table=color_table(colors),
        says=f"Colors run from {between(low, high)} ({label}, linear), the same for all.",
    )


def signed(limit: float, label: str) -> Tone:
    """A scale around zero, white in the middle."""
    table = (colormaps["RdBu_r"](np.arange(256))[:, :3] * 255).round().astype(np.uint8)
    marks = (-limit, -limit / 2, 0.0, limit / 2, limit)
    return Tone(
        label=label,
        low=-limit,
        high=limit,
        form="linear",
        ticks=tuple(Tick(n / 4, given(mark)) for n, mark in enumerate(marks)),
        table=table,
        says=f"Colors run from {given(-limit)} to {given(limit)} ({label}), zero in the "
        "middle, the same for all.",
    )
