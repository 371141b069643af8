"""The shared scale of attention: times uniform, log2, one range for a gallery.

The range is found from histograms over whole octaves (powers of two), one for each model and image.
They add up, so no attention has to be kept, and a new image seldom moves the range. For each model
the ends are the 10 and 99.5 percentiles over all its images, layers, heads and queries, widened to
whole octaves; the gallery's range is the union over its models. So at most 0.5 % of a model's
patches lie above the scale, whatever it is compared with, and a color means the same number on
every page.

The low end follows the models with the sharpest attention, so that their maps show more than their
peaks. It stops at :data:`FLOOR`, where 8-bit codes are coarse and more octaves would cost contrast.
Lower values have the color of the low end and are counted as clipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from generator.records.record import FloatArray

FIRST_OCTAVE = -16
"""Lower edge of the histogram's first octave, as a power of two. Smaller values count into it."""

OCTAVES = 32
"""Octaves of the histogram; larger values count into the last one."""

FLOOR = -8
"""The lowest power of two that a shared range reaches down to."""

TAIL = 0.005
"""Share of a model's patches that may lie above the range."""

LOW_TAIL = 0.1
"""Share of a model's patches that may lie below the range, unless it ends at the floor."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A number on the color bar.

    Attributes:
        position: place on the bar, 0 at the low end, 1 at the high end.
        label: what is printed, in times uniform.
    """

    position: float
    label: str


@dataclass(frozen=True, slots=True)
class Scale:
    """A log2 range of times uniform.

    Attributes:
        low: the low end, as a power of two.
        high: the high end, as a power of two.
    """

    low: int
    high: int

    def position(self, values: FloatArray) -> FloatArray:
        """Position of values: 0 at the low end, 1 at the high end, outside [0, 1] if clipped."""
        with np.errstate(divide="ignore"):
            octaves = np.log2(np.asarray(values, dtype=np.float32))
        found: FloatArray = (octaves - self.low) / (self.high - self.low)
        return found

    @property
    def ticks(self) -> tuple[Tick, ...]:
        """Ticks at both ends, at 1, and at even steps of octaves, as many as stay readable."""
        span = self.high - self.low
        step = next(step for step in (1, 2, 3, 4, 6, 8, 16, 32) if span <= 8 * step)
        inner = [octave for octave in range(self.low, self.high) if octave % step == 0]
        # an inner tick beside an end would overlap it
        inner = [o for o in inner if min(o - self.low, self.high - o) * 2 >= step]
        octaves = sorted({self.low, *inner, self.high})
        return tuple(
            Tick(position=round((octave - self.low) / span, 6), label=power_label(octave))
            for octave in octaves
        )


def power_label(octave: int) -> str:
    """A power of two as readers write it: ``1/8``, ``1``, ``16``."""
    return str(2**octave) if octave >= 0 else f"1/{2**-octave}"


def octave_histogram(values: FloatArray) -> tuple[int, ...]:
    """Count values by octave: bin ``i`` holds ``2**(FIRST_OCTAVE + i) <= value < 2 * that``.

    Args:
        values: attention in times uniform, any shape; NaN (not applicable) is left out.

    Returns:
        ``OCTAVES`` counts.
    """
    flat = np.ascontiguousarray(values, dtype=np.float32).ravel()
    # the exponent's bits are the octave, without a logarithm's rounding: 0 for 0, 255 for NaN
    exponents = (flat.view(np.uint32) >> np.uint32(23)).astype(np.uint8)
    counts = np.bincount(exponents, minlength=256)[:255]
    octaves = np.clip(np.arange(255) - 127 - FIRST_OCTAVE, 0, OCTAVES - 1)
    return tuple(int(count) for count in np.bincount(octaves, counts, minlength=OCTAVES))


def shared_scale(histograms: Mapping[str, Iterable[tuple[int, ...]]]) -> Scale:
    """The range that all maps of a gallery share.

    Args:
        histograms: for each model, the octave histograms of its images.

    Returns:
        The union of the models' robust ranges; at least one octave on either side of uniform, also
        when nothing was measured.
    """
    low, high = -1, 1
    for of_model in histograms.values():
        counts = np.sum(list(of_model) or [(0,) * OCTAVES], axis=0)
        if not counts.any():
            continue
        share = np.cumsum(counts) / counts.sum()
        low = min(low, FIRST_OCTAVE + int(np.searchsorted(share, LOW_TAIL, side="right")))
        high = max(high, FIRST_OCTAVE + 1 + int(np.searchsorted(share, 1 - TAIL)))
    return Scale(low=max(low, FLOOR), high=high)
