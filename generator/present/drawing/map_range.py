"""The range of given attention maps, for scales that are not shared by a gallery.

The numbers are those of ``scale.js``: values are counted in parts of an octave, so that ends are
exact to 1/64 of an octave, outwards.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from generator.records.record import FloatArray
from generator.spec.figures import Form

USUAL_CLIP = 0.5
"""Percent that the gallery's own scale cuts off at each end."""

PARTS = 64
FIRST = -16
BINS = 32 * PARTS
OWN_SPAN = 10
"""Octaves that a range found from maps spans at most."""


def range_of(maps: Iterable[FloatArray], clip: float, form: Form) -> tuple[float, float]:
    """The low and high end of what maps hold, in times uniform.

    Args:
        maps: of attention; NaN is left out.
        clip: percent of the values to cut off at each end.
        form: linear and square root start at 0.
    """
    counts = np.zeros(BINS, dtype=np.int64)
    for values in maps:
        known = values[~np.isnan(values)].astype(np.float64)
        with np.errstate(divide="ignore"):
            places = np.floor((np.log2(known) - FIRST) * PARTS)
        places = np.clip(np.nan_to_num(places, neginf=0), 0, BINS - 1)
        counts += np.bincount(places.astype(np.int64), minlength=BINS)
    total = int(counts.sum())
    if not total:
        return (0.5 if form == "log2" else 0.0), 2.0
    low = _edge(_quantile(counts, total, clip / 100))
    high = _edge(_quantile(counts, total, 1 - clip / 100) + 1)
    # a flat map still needs a range to lie in
    start = min(max(low, high / 2**OWN_SPAN), high / 2**0.5)
    return (start if form == "log2" else 0.0), high


def _quantile(counts: np.ndarray, total: int, share: float) -> int:
    """The bin that holds a quantile."""
    rank = min(total, max(1, int(share * (total - 1) + 0.5) + 1))
    return int(np.searchsorted(np.cumsum(counts), rank))


def _edge(index: int) -> float:
    return float(2.0 ** (index / PARTS + FIRST))
