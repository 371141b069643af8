"""The largest eigenvalues of a symmetric matrix, and their vectors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from generator.records.record import FloatArray

NEARLY_EQUAL = 1e-6
"""Gap between eigenvalues, over the largest, below which a dense solver is used."""

CONVERGED = 1e-10
"""Relative residual at which the Lanczos method ends. It is that of the slowest vector, which only
shows the gap to the others; theirs are near rounding by then."""

LANCZOS_VECTORS = 12
"""Vectors that the Lanczos method works on between restarts; with more, none of them is saved."""

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
    if len(matrix) < SMALLEST_SPARSE:
        return _dense(matrix, count)
    # Late: a build that needs no such analysis should not wait for it to load.
    from scipy.linalg.blas import dsymv  # noqa: PLC0415

    # one half of the matrix is read, in half the time
    half = np.asfortranarray(matrix.T)
    found = _lanczos(partial(dsymv, 1.0, half), len(matrix), count)
    return _dense(matrix, count) if found is None else found


def largest_eigenpairs_of_rows(
    rows: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same as :func:`largest_eigenpairs` of ``rows.T @ rows``, which takes longer to multiply.

    Args:
        rows: float64 ``[row, column]``.
        count: eigenvalues wanted.
    """
    columns = rows.shape[1]
    if columns < SMALLEST_SPARSE:
        return _dense(rows.T @ rows, count)
    found = _lanczos(lambda vector: (rows @ vector) @ rows, columns, count)
    return _dense(rows.T @ rows, count) if found is None else found


def _lanczos(
    product: Callable[[NDArray[np.float64]], NDArray[np.float64]], size: int, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """None where it is not to be trusted.

    That is: it did not converge, or two of the eigenvalues nearly agree, so that it may have missed
    one.

    Args:
        product: of the matrix and a vector.
        size: rows of the matrix.
    """
    from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh  # noqa: PLC0415

    matrix = LinearOperator((size, size), matvec=product, dtype=np.dtype(np.float64))
    # A fixed start: the same matrix gives the same digits.
    start = np.random.default_rng(0).standard_normal(size)
    kept = max(LANCZOS_VECTORS, 2 * count + 3)
    try:
        values, vectors = eigsh(
            matrix, k=count + 1, which="LA", v0=start, tol=CONVERGED, ncv=min(kept, size)
        )
    except ArpackError:
        return None
    values, vectors = values[::-1], vectors[:, ::-1]
    if (values[:-1] - values[1:] < NEARLY_EQUAL * values[0]).any() or values[0] <= 0:
        return None
    return values[:count], vectors[:, :count]


def _dense(
    matrix: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    values, vectors = np.linalg.eigh(matrix)
    return values[: -count - 1 : -1], vectors[:, : -count - 1 : -1]


OVERSAMPLED = 32
"""Vectors beside those wanted, which bring :func:`leading_coordinates` nearer to the best."""

ROUNDING = 1e-6
"""Size of what rounding adds to an eigenvalue in float32, over the largest."""


def leading_coordinates(gram: FloatArray, count: int) -> FloatArray:
    """Nearly the coordinates of vectors along their principal axes, from their dot products.

    The dot products of coordinates come as near to the vectors' as so few can. For many vectors it
    is the Nyström method with a basis from one product with random vectors: two products in all, a
    tenth of the time of a dense solver. Axes of nearly equal size are still mixed, so coordinates
    are good to compress with, but are no results. Few vectors are solved exactly.

    Args:
        gram: float32 ``[item, item]``, dot products of the vectors.
        count: coordinates wanted, at most as many as items.

    Returns:
        float32 ``[item, coordinate]``, the largest first; signs are free.
    """
    # Late, as above; it takes half as long as numpy's.
    from scipy.linalg import qr  # noqa: PLC0415

    width = count + OVERSAMPLED
    if len(gram) < 3 * width:
        sizes, axes = np.linalg.eigh(gram)
        exact: FloatArray = axes * np.sqrt(np.maximum(sizes, 0))
        return exact[:, : -count - 1 : -1]
    start = np.random.default_rng(0).standard_normal((len(gram), width), dtype=np.float32)
    basis = qr(gram @ start, overwrite_a=True, mode="economic", check_finite=False)[0]
    products = gram @ basis
    sizes, axes = np.linalg.eigh(basis.T @ products)
    least = max(ROUNDING * sizes[-1], np.finfo(np.float32).tiny)
    found = products @ (axes / np.sqrt(np.maximum(sizes, least)))
    turned: FloatArray = found @ np.linalg.eigh(found.T @ found)[1][:, : -count - 1 : -1]
    return turned
