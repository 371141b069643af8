"""How alike two maps are: shares of 1 on one grid (:mod:`generator.analysis.grids`)."""

from __future__ import annotations

import numpy as np

from generator.records import FloatArray


def divergence(one: FloatArray, two: FloatArray) -> float:
    """Jensen-Shannon divergence in bits of two arrays of shares that sum to 1."""
    middle = (one + two) / 2
    return max(0.0, (_relative(one, middle) + _relative(two, middle)) / 2)


def _relative(one: FloatArray, two: FloatArray) -> float:
    held = one > 0
    return float((one[held] * np.log2(one[held] / two[held])).sum())
