"""Tensors as numpy arrays of a record."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from generator.records.extras import FloatArray, IntArray

HALF_MAX = float(np.finfo(np.float16).max)
"""Largest float16."""


def full(values: Tensor) -> FloatArray:
    """As float32."""
    return values.float().cpu().numpy()


def half(values: Tensor) -> FloatArray:
    """As float16, or as float32 where float16 cannot hold all of them: none is cut off.

    Widened first: in bfloat16 the largest float16 itself looks like a larger number.
    """
    wide = values.float()
    fits = bool((wide.abs() <= HALF_MAX).all())
    return (wide.half() if fits else wide).cpu().numpy()


def indices(values: Tensor) -> IntArray:
    """As int32."""
    return values.to(torch.int32).cpu().numpy()
