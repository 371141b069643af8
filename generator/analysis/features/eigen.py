"""The largest eigenvalues of a symmetric matrix, and their vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NEARLY_EQUAL = 1e-6
"""Gap between eigenvalues, over the largest, below which a dense solver is used."""

SMALLEST_SPARSE = 128
"""Fewest rows for which the Lanczos method is faster than a dense solver."""


def largest_eigenpairs(
    matrix: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eigenvalues, descending, and their vectors as columns.

    The Lanczos method finds a few in a fraction of the time of a dense solver. Where it may miss
    one, the dense solver is used.

    Args:
        matrix: float64, symmetric.
        count: eigenvalues wanted.

    Returns:
        float64 ``[count]`` and ``[row, count]``; signs of the vectors are free.
    """
    found = _lanczos(matrix, count)
    return _dense(matrix, count) if found is None else found


def _lanczos(
    matrix: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """None where it is not to be trusted.

    That is: the matrix is small, it did not converge, or two of the eigenvalues nearly agree, so
    that it may have missed one.
    """
    # Late: a build that needs no such analysis should not wait for it to load.
    from scipy.sparse.linalg import ArpackError, eigsh  # noqa: PLC0415

    if len(matrix) < SMALLEST_SPARSE:
        return None
    # A fixed start: the same matrix gives the same digits.
    start = np.random.default_rng(0).standard_normal(len(matrix))
    try:
        values, vectors = eigsh(matrix, k=count + 1, which="LA", v0=start)
    except ArpackError:
        return None
    values, vectors = values[::-1], vectors[:, ::-1]
    if (values[:-1] - values[1:] < NEARLY_EQUAL * values[0]).any() or values[0] <= 0:
        return None
    return values[:count], vectors[:, :count]


def _dense(
    matrix: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from scipy import linalg  # noqa: PLC0415

    last = len(matrix) - 1
    values, vectors = linalg.eigh(matrix, subset_by_index=[last - count + 1, last])
    return values[::-1], vectors[:, ::-1]
