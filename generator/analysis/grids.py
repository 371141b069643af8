"""Resampling of maps to a common patch grid, by area.

Maps are compared on the coarsest grid, over the part of the picture that all models saw. Resampling
by area keeps the sum of the attention.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generator.records.record import FloatArray, View


@dataclass(frozen=True, slots=True)
class PlacedMap:
    """A map and the part of the picture that it covers: ``[grid row, grid col]``, any unit."""

    values: FloatArray
    view: View


def on_common_grid(maps: Sequence[PlacedMap]) -> tuple[FloatArray, ...] | None:
    """Resample maps to shares of 1 on the coarsest grid, over the area that all cover.

    Returns:
        One float64 array for each map; None if no area is common.
    """
    left = max(item.view.left for item in maps)
    top = max(item.view.top for item in maps)
    right = min(item.view.right for item in maps)
    bottom = min(item.view.bottom for item in maps)
    if left >= right or top >= bottom:
        return None
    rows = np.linspace(top, bottom, min(len(item.values) for item in maps) + 1)
    cols = np.linspace(left, right, min(item.values.shape[1] for item in maps) + 1)
    found = []
    for item in maps:
        high, wide = item.values.shape
        down = overlaps(np.linspace(item.view.top, item.view.bottom, high + 1), rows)
        across = overlaps(np.linspace(item.view.left, item.view.right, wide + 1), cols)
        mass = down @ np.asarray(item.values, dtype=np.float64) @ across.T
        found.append(mass / max(mass.sum(), np.finfo(np.float64).tiny))
    return tuple(found)


def pooled(values: FloatArray, most: int) -> FloatArray:
    """Downsample a map to at most ``most`` rows and columns, its sum kept: float64.

    Args:
        values: ``[row, col]``.
        most: largest number of rows and columns, one for both or one each; a smaller grid is
            unchanged.
    """
    found = np.asarray(values, dtype=np.float64)
    for axis, count in enumerate(found.shape):
        if count > most:
            source, target = np.linspace(0, 1, count + 1), np.linspace(0, 1, most + 1)
            found = np.moveaxis(np.tensordot(overlaps(source, target), found, (1, axis)), 0, axis)
    return found


def area_means(maps: FloatArray, most: int | tuple[int, int]) -> FloatArray:
    """Downsample maps to at most ``most`` rows and columns; values are means over cells.

    A patch in several cells counts in each by the area it has there. The unit stays: times uniform
    is the mean attention per patch of a cell.

    Args:
        maps: ``[..., row, col]``; a map of NaN only stays NaN.
        most: largest number of rows and columns; a smaller grid is unchanged.

    Returns:
        float32 ``[..., row, col]``.
    """
    found = np.asarray(maps, dtype=np.float64)
    for axis, cells in zip((-2, -1), (most, most) if isinstance(most, int) else most, strict=True):
        count = found.shape[axis]
        if count > cells:
            shares = overlaps(np.linspace(0, 1, count + 1), np.linspace(0, 1, cells + 1))
            weights = shares / shares.sum(axis=1, keepdims=True)
            found = np.moveaxis(np.moveaxis(found, axis, -1) @ weights.T, -1, axis)
    means: FloatArray = found.astype(np.float32)
    return means


def overlaps(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of each source cell that lies in each target cell, ``[target, source]``, from edges."""
    low = np.maximum(target[:-1, None], source[None, :-1])
    high = np.minimum(target[1:, None], source[None, 1:])
    found: NDArray[np.float64] = np.clip(high - low, 0, None) / np.diff(source)
    return found
