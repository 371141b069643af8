"""Axes of charts: linear and logarithmic, with ticks at round numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from generator.present.charts.chart import Axis, AxisTick
from generator.text.numbers import Notation, tick_texts

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Span:
    """A linear or logarithmic map from numbers to coordinates.

    Attributes:
        low: the number at ``start``.
        high: the number at ``end``.
        start: coordinate of ``low``.
        end: coordinate of ``high``; smaller than ``start`` for an axis that points up.
        log: whether the map is logarithmic.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """Coordinate of a number, clamped to the range; rounded, so that bytes are reproducible."""
        low, high = self._bend(self.low), self._bend(self.high)
        share = (self._bend(value) - low) / (high - low) if high > low else 0.5
        share = min(max(share, 0.0), 1.0)
        return round(self.start + share * (self.end - self.start), 2)

    def _bend(self, value: float) -> float:
        return math.log10(max(value, 1e-30)) if self.log else value

    def axis(self, label: str, notation: Notation = "number", *, count: int = 5) -> Axis:
        """The axis of this span, with about ``count`` ticks."""
        values = (
            log_ticks(self.low, self.high) if self.log else round_ticks(self.low, self.high, count)
        )
        texts = tick_texts(values, notation, log=self.log)
        ticks = tuple(AxisTick(self.at(v), text) for v, text in zip(values, texts, strict=True))
        return Axis(label, ticks)


def round_ticks(low: float, high: float, count: int) -> tuple[float, ...]:
    """About ``count`` round numbers inside a range."""
    if high <= low:
        return (low,)
    raw = (high - low) / max(count - 1, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(step * power for step in STEPS if step * power >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(round(n * step, 12) for n in range(first, last + 1))


def log_ticks(low: float, high: float) -> tuple[float, ...]:
    """Powers of ten inside a range, with finer steps if there are fewer than three."""
    powers = [10.0**n for n in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    found: tuple[float, ...] = ()
    for factors in ((1,), (1, 2, 5), (1, 2, 3, 4, 5, 6, 8)):
        values = (factor * power for power in powers for factor in factors)
        found = tuple(v for v in values if low <= v * (1 + 1e-9) and v <= high * (1 + 1e-9))
        if len(found) >= 3:
            break
    return found


def slot_ticks(
    labels: list[str], start: float, slot: float, *, space: float
) -> tuple[AxisTick, ...]:
    """A tick in the middle of each slot, or of every second, third, ... if slots are narrow.

    Args:
        labels: one for each slot.
        start: left edge of the first slot.
        slot: width of a slot.
        space: width that a label needs.
    """
    every = max(1, -(-int(space) // max(int(slot), 1)))
    return tuple(
        AxisTick(round(start + slot * (n + 0.5), 2), label)
        for n, label in enumerate(labels)
        if n % every == 0
    )


def padded(low: float, high: float, *, log: bool = False) -> tuple[float, float]:
    """A range with a margin, never empty; powers of ten as ends if logarithmic."""
    if log:
        low = max(low, 1e-12)
        high = max(high, low * 10)
        return 10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high))
    if high <= low:
        return low - 0.5, high + 0.5
    air = 0.04 * (high - low)
    return (low if low == 0 else low - air), high + air
