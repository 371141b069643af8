"""Quantization of maps to 8-bit codes: square root, with a maximum for each map.

``code = round(255 * sqrt(value / maximum))`` and back ``value = maximum * (code / 255)**2``.
Linear codes would turn most patches of a peaked map into zeros; the square root keeps them. A
maximum for each map keeps low maps as exact as high ones. The *scale* that a map is drawn on is
chosen later, from the decoded values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generator.records.record import FloatArray

STEPS = 255
FORMULA = "value = maximum * (code / 255)**2"


@dataclass(frozen=True, slots=True)
class Quantized:
    """Quantized maps.

    Attributes:
        codes: uint8 ``[..., row, col]``.
        maxima: float32 ``[...]``, times uniform; NaN where the map does not exist.
    """

    codes: NDArray[np.uint8]
    maxima: FloatArray


def encode(maps: FloatArray) -> Quantized:
    """Quantize maps.

    Args:
        maps: ``[..., row, col]``, not negative; a map full of NaN does not exist.

    Returns:
        Codes and maxima; a map of zeros has maximum 0.
    """
    maps = np.asarray(maps, dtype=np.float32)
    maxima = maps.max(axis=(-2, -1))
    safe = np.where(maxima > 0, maxima, np.float32(1))
    share = np.nan_to_num(maps / safe[..., None, None])
    codes = np.rint(np.sqrt(share) * STEPS).astype(np.uint8)
    return Quantized(codes=codes, maxima=maxima)


def decode(quantized: Quantized) -> FloatArray:
    """Decode codes to the values that pages show: float32 ``[..., row, col]``."""
    roots = quantized.codes.astype(np.float32) / np.float32(STEPS)
    values: FloatArray = quantized.maxima[..., None, None] * roots * roots
    return values


def error_bound(values: FloatArray, maxima: FloatArray) -> FloatArray:
    """Largest error of a decoded value.

    Half a step of the root, e = 1/510, moves the value by ``maximum * (2 e root + e**2)``: 0.4 % of
    the maximum at the top, less below.

    Args:
        values: true values, ``[...]``.
        maxima: maximum of the map that each value belongs to, ``[...]``.
    """
    half = 0.5 / STEPS
    root = np.sqrt(np.divide(values, maxima, out=np.zeros_like(values), where=maxima > 0))
    # 1e-6: float32 rounding of the quotient and of the product
    bound: FloatArray = maxima * (2 * half * root + half**2 + 1e-6)
    return bound
