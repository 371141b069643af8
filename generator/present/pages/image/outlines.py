"""Outlines of patch masks as SVG paths, in units of patches from the top left."""

from __future__ import annotations

import numpy as np

from generator.analysis.features.boxes import BoolArray


def outline(mask: BoolArray) -> str:
    """The edges between a mask and what is outside it, as the ``d`` of a path; empty for none.

    Runs of edges along one line become one stroke.

    Args:
        mask: bool ``[row, col]``.
    """
    padded = np.pad(mask, 1).astype(np.int8)
    level = np.diff(padded, axis=0)[:, 1:-1]  # [line between rows, col]
    upright = np.diff(padded, axis=1)[1:-1]  # [row, line between cols]
    strokes = [
        f"M{start} {line}H{end}" for line, row in enumerate(level) for start, end in _runs(row)
    ]
    strokes += [
        f"M{line} {start}V{end}" for line, col in enumerate(upright.T) for start, end in _runs(col)
    ]
    return "".join(strokes)


def _runs(edges: np.ndarray) -> list[tuple[int, int]]:
    """Starts and ends of runs of equal edges that are there."""
    found, start = [], 0
    for place in range(1, len(edges) + 1):
        if place == len(edges) or edges[place] != edges[start]:
            if edges[start]:
                found.append((start, place))
            start = place
    return found
