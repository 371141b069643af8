"""Cosine similarity of vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from generator.errors import AnalysisError
from generator.records.record import FloatArray, TokenLayout


def unit_vectors(vectors: FloatArray) -> NDArray[np.float64]:
    """Vectors ``[..., channel]`` divided by their L2 norm; a zero vector stays zero."""
    values = np.asarray(vectors, dtype=np.float64)
    norms = np.linalg.norm(values, axis=-1, keepdims=True)
    return values / np.where(norms > 0, norms, 1)


def gram_matrix(vectors: FloatArray) -> NDArray[np.float64]:
    """Dot products of all pairs of vectors: ``[item, channel] -> [item, item]``."""
    values = np.asarray(vectors, dtype=np.float64)
    return values @ values.T


def cosine_matrix(vectors: FloatArray) -> NDArray[np.float64]:
    """Cosines of all pairs of vectors: ``[item, channel] -> [item, item]``, in [-1, 1]."""
    units = unit_vectors(vectors)
    return np.clip(units @ units.T, -1, 1)


def cosine_maps(
    features: FloatArray, layout: TokenLayout, patches: Sequence[int]
) -> NDArray[np.float64]:
    """Cosine of some patches' features with every patch's: float64 ``[map, row, col]``, in [-1, 1].

    Rows of the Gram matrix of normalized features (DINOv3, Siméoni 2025, Figs. 3 and 6).

    Args:
        features: ``[patch, channel]``, before the final LayerNorm.
        patches: indices among the patches; the own cell of each is 1.

    Raises:
        AnalysisError: there is no such patch.
    """
    for patch in patches:
        if not 0 <= patch < len(features):
            raise AnalysisError(f"There is no patch {patch} among {len(features)}.")
    values = np.asarray(features, dtype=np.float64)
    units = unit_vectors(values[list(patches)])
    lengths = np.sqrt(np.einsum("pc,pc->p", values, values))
    along = units @ values.T / np.where(lengths > 0, lengths, 1)
    return np.clip(along, -1, 1).reshape(len(patches), layout.rows, layout.cols)
