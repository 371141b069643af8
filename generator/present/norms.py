"""Norms of patches in the residual stream, and which of them are outliers.

A patch is an *outlier* of a layer when its norm there, before the final LayerNorm, is more than
:data:`OUTLIER` times the median patch's (Darcet et al. 2024, "Vision Transformers Need Registers",
find them by a cutoff that fits one model only; a multiple of the median fits all).

Pages get each norm as a multiple of its layer's median, in one byte: sixteenths of an octave, laid
so that the outliers are exactly the codes from :data:`FIRST_OUTLIER` on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generator.records import AttentionRecord

OUTLIER = 3.0
"""A patch is an outlier when its norm is more than this many times the median patch's."""

PARTS = 16
"""Codes to an octave: a decoded multiple is at most 2.2 % off."""

FIRST_OUTLIER = 128
"""The lowest code of an outlier."""


@dataclass(frozen=True, slots=True)
class Outliers:
    """Patches of unusual norm, at the layer where the largest stands out most from the median.

    Attributes:
        layer: that layer, from 1; 0 for the embedding.
        ratio: largest norm over the median, at that layer.
        count: patches with a norm above three times the median, at that layer.
    """

    layer: int
    ratio: float
    count: int


def multiples_of_the_median(record: AttentionRecord) -> NDArray[np.float64]:
    """Norm of each patch over that of the median patch: ``[layer + 1, patch]``, 0 the embedding."""
    norms = np.asarray(record.norms, dtype=np.float64)[:, record.layout.patch_slice]
    medians = np.median(norms, axis=1, keepdims=True)
    found: NDArray[np.float64] = norms / np.maximum(medians, np.finfo(np.float32).tiny)
    return found


def outliers_of(record: AttentionRecord) -> Outliers:
    """Find the outliers of a record, in the residual stream before the final LayerNorm."""
    multiples = multiples_of_the_median(record)
    largest = multiples.max(axis=1)
    layer = int(largest.argmax())
    count = int((multiples[layer] > OUTLIER).sum())
    return Outliers(layer=layer, ratio=float(f"{largest[layer]:.4g}"), count=count)


def norm_codes(record: AttentionRecord) -> NDArray[np.uint8]:
    """The norms of a record as pages load them: uint8 ``[layer + 1, patch]``.

    A code ``c`` stands for the multiples above ``3 * 2**((c - 128) / 16)``, up to the next code's.
    """
    multiples = np.maximum(multiples_of_the_median(record), np.finfo(np.float64).tiny)
    steps = np.ceil(PARTS * np.log2(multiples / OUTLIER))
    codes: NDArray[np.uint8] = np.clip(steps + FIRST_OUTLIER - 1, 0, 255).astype(np.uint8)
    return codes


def decode_norms(codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The middle of what each code stands for, in multiples of the median."""
    steps = codes.astype(np.float64) - FIRST_OUTLIER + 0.5
    found: NDArray[np.float64] = OUTLIER * 2 ** (steps / PARTS)
    return found
