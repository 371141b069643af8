"""Norms of patches as 8-bit codes.

A patch is an *outlier* of a layer when its norm there, before the final LayerNorm, is more than
:data:`generator.records.record.OUTLIER` times the median patch's. A code stores a norm as a
multiple of its layer's median, in sixteenths of an octave. Outliers are exactly the codes from
:data:`FIRST_OUTLIER` on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from generator.records.record import OUTLIER, AttentionRecord

Grid = tuple[int, int]

PARTS = 16
"""Codes for each octave. A decoded multiple is at most 2.2 % off."""

FIRST_OUTLIER = 128
"""The lowest code of an outlier."""


def multiples_of_the_median(record: AttentionRecord) -> NDArray[np.float64]:
    """Norms of patches over the layer's median: ``[layer + 1, patch]``; row 0 is the embedding."""
    norms = np.asarray(record.norms, dtype=np.float64)[:, record.layout.patch_slice]
    medians = np.median(norms, axis=1, keepdims=True)
    found: NDArray[np.float64] = norms / np.maximum(medians, np.finfo(np.float32).tiny)
    return found


def norm_codes(record: AttentionRecord) -> NDArray[np.uint8]:
    """Encode the norms of a record: uint8 ``[layer + 1, patch]``.

    Code ``c`` stands for multiples above ``3 * 2**((c - 128) / 16)``, up to the bound of ``c + 1``.
    """
    multiples = np.maximum(multiples_of_the_median(record), np.finfo(np.float64).tiny)
    steps = np.ceil(PARTS * np.log2(multiples / OUTLIER))
    codes: NDArray[np.uint8] = np.clip(steps + FIRST_OUTLIER - 1, 0, 255).astype(np.uint8)
    return codes


def coarse_codes(codes: NDArray[np.uint8], fine: Grid, coarse: Grid) -> NDArray[np.uint8]:
    """The largest code among the patches that lie in each cell of a coarser grid.

    A mean would hide outliers, which are single patches.

    Args:
        codes: ``[layer + 1, patch]``.
        fine: rows and columns of the patches.
        coarse: rows and columns of the cells.

    Returns:
        uint8 ``[layer + 1, cell]``.
    """
    found = codes.reshape(-1, *fine)
    for axis, (many, few) in enumerate(zip(fine, coarse, strict=True), 1):
        ends = (np.arange(few + 1) * many) // few
        most = -(-np.arange(1, few + 1) * many // few)
        parts = [found.take(range(ends[n], most[n]), axis=axis).max(axis=axis) for n in range(few)]
        found = np.stack(parts, axis=axis)
    return found.reshape(len(codes), -1)


def decode_norms(codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Decode codes to multiples of the median, in the middle of each code's range."""
    steps = codes.astype(np.float64) - FIRST_OUTLIER + 0.5
    found: NDArray[np.float64] = OUTLIER * 2 ** (steps / PARTS)
    return found
