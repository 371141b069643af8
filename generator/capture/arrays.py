"""Tensors as numpy arrays of a record."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from generator.records.extras import FloatArray, IntArray

HALF_MAX = float(np.finfo(np.float16).max)
"""Largest float16. Larger values are stored as this, so that no page shows infinity."""


def full(values: Tensor) -> FloatArray:
    """As float32."""
    return values.float().cpu().numpy()


def half(values: Tensor) -> FloatArray:
    """As float16, clamped to what float16 holds."""
    return values.clamp(-HALF_MAX, HALF_MAX).half().cpu().numpy()


def indices(values: Tensor) -> IntArray:
    """As int32."""
    return values.to(torch.int32).cpu().numpy()
