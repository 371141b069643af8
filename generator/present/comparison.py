"""How far the maps of an image's models lie apart.

The *disagreement* of two models is the Jensen-Shannon divergence, base 2, of their last layers'
maps averaged over heads: 0 where both spread their attention alike, 1 where they share no place.
Maps are compared on the coarsest of the grids, over the part of the picture that all models saw;
attention is moved between grids by area, so that none is invented or lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from generator.records import FloatArray, View

DEFINITION = (
    "Jensen-Shannon divergence, base 2, of the last layers' maps averaged over heads, on the "
    "coarsest of the grids and the part of the picture that all models saw"
)


@dataclass(frozen=True, slots=True)
class PlacedMap:
    """A map and the part of the picture that it covers: ``[grid row, grid col]``, any unit."""

    values: FloatArray
    view: View


def on_common_grid(maps: Sequence[PlacedMap]) -> tuple[FloatArray, ...] | None:
    """Maps as shares of 1 on the coarsest grid, over the part that all cover.

    Returns:
        One float64 array for each map, or None where they cover nothing together.
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
        down = _overlap(np.linspace(item.view.top, item.view.bottom, high + 1), rows)
        across = _overlap(np.linspace(item.view.left, item.view.right, wide + 1), cols)
        mass = down @ np.asarray(item.values, dtype=np.float64) @ across.T
        found.append(mass / max(mass.sum(), np.finfo(np.float64).tiny))
    return tuple(found)


def _overlap(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of each source cell that lies in each target cell, ``[target, source]``, from edges."""
    low = np.maximum(target[:-1, None], source[None, :-1])
    high = np.minimum(target[1:, None], source[None, 1:])
    found: NDArray[np.float64] = np.clip(high - low, 0, None) / np.diff(source)
    return found


def divergence(one: FloatArray, two: FloatArray) -> float:
    """Jensen-Shannon divergence in bits of two arrays of shares that sum to 1."""
    middle = (one + two) / 2
    return max(0.0, (_relative(one, middle) + _relative(two, middle)) / 2)


def _relative(one: FloatArray, two: FloatArray) -> float:
    held = one > 0
    return float((one[held] * np.log2(one[held] / two[held])).sum())


def divergence_bytes(maps: Mapping[str, PlacedMap]) -> bytes:
    """The divergences of all pairs as a JSON file.

    Args:
        maps: key of the record -> its last layer's mean over heads.
    """
    keys = list(maps)
    placed = on_common_grid(list(maps.values()))
    pairs = []
    for one, two in combinations(range(len(keys)), 2) if placed else ():
        assert placed is not None
        bits = round(divergence(placed[one], placed[two]), 5)
        pairs.append({"records": [keys[one], keys[two]], "bits": bits})
    text = json.dumps({"unit": "bits", "definition": DEFINITION, "pairs": pairs}, indent=1)
    return (text + "\n").encode()


def mean_divergence(path: Path) -> float | None:
    """The mean over the pairs of a file of :func:`divergence_bytes`; None where it has none."""
    bits = [pair["bits"] for pair in json.loads(path.read_text(encoding="utf-8"))["pairs"]]
    return float(np.mean(bits)) if bits else None
