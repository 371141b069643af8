"""Ramps: scales of analysis maps, shared by all models of an image.

Attention by layer and head has the gallery's :class:`Scale`. Each other unit has a ramp over the
values of all models that are shown side by side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generator.present.drawing.scale import Scale, Tick
from generator.records.record import FloatArray
from generator.text.numbers import given

FLOOR = -4
"""The lowest power of two that a logarithmic ramp reaches down to, unless another is given."""


@dataclass(frozen=True, slots=True)
class Ramp:
    """A range of numbers, from the first color to the last.

    Attributes:
        low: the low end: a power of two where it is logarithmic.
        high: the high end: a power of two where it is logarithmic.
        log: whether the ramp is logarithmic.
        signed: whether zero is in the middle, with colors to both sides.
    """

    low: float
    high: float
    log: bool = False
    signed: bool = False

    def position(self, values: FloatArray) -> FloatArray:
        """Position of values: 0 at the low end, 1 at the high end, outside [0, 1] if clipped."""
        found = np.asarray(values, dtype=np.float32)
        if self.log:
            with np.errstate(divide="ignore"):
                found = np.log2(found)
        placed: FloatArray = (found - self.low) / (self.high - self.low)
        return placed

    def clipped(self, values: FloatArray) -> float:
        """Share of the values that lie beyond the ends."""
        place = self.position(values)
        return float(((place < 0) | (place > 1)).mean())

    @property
    def ticks(self) -> tuple[Tick, ...]:
        """Numbers for the color bar."""
        if self.log:
            return Scale(int(self.low), int(self.high)).ticks
        count = 6 if self.signed and self.high == 3 else 4
        values = np.linspace(self.low, self.high, count + 1)
        places = np.linspace(0, 1, count + 1)
        return tuple(
            Tick(float(place), given(value)) for place, value in zip(places, values, strict=True)
        )


def of_scale(scale: Scale) -> Ramp:
    """The gallery's scale of attention as a ramp."""
    return Ramp(scale.low, scale.high, log=True)


def octaves(maps: Sequence[FloatArray], *, floor: int = FLOOR) -> Ramp:
    """A logarithmic ramp over all values, with powers of two as ends, at least 1/2 to 2.

    Args:
        maps: maps of all models; values that are not positive are ignored.
        floor: the lowest power of two; lower values are clipped.
    """
    values = np.concatenate([np.asarray(each, dtype=np.float64).ravel() for each in maps])
    values = values[values > 0]
    low = math.floor(np.log2(values.min())) if len(values) else -1
    high = math.ceil(np.log2(values.max())) if len(values) else 1
    return Ramp(max(floor, min(low, -1)), max(high, 1), log=True)


def degrees(maps: Sequence[FloatArray]) -> Ramp:
    """A logarithmic ramp of inverse degrees, from the smallest value to the largest."""
    least = min(float(each.min()) for each in maps)
    most = max(float(each.max()) for each in maps)
    low, high = math.floor(math.log2(least)), math.ceil(math.log2(most))
    return Ramp(low, max(high, low + 1), log=True)


def chances(maps: Sequence[FloatArray], *, floor: int) -> Ramp:
    """A logarithmic ramp of probabilities, from the smallest value or a floor to 1."""
    values = np.concatenate([np.asarray(each, dtype=np.float64).ravel() for each in maps])
    values = values[values > 0]
    low = math.floor(np.log2(values.min())) if len(values) else floor
    return Ramp(min(max(floor, low), -1), 0, log=True)
