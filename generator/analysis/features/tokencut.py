"""TokenCut: unsupervised object discovery by a normalized cut (Wang 2022)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generator.analysis.absent import NotApplicable
from generator.analysis.features.boxes import BoolArray, PatchBox, SeedTies, box_around, components
from generator.analysis.features.cosine import cosine_matrix
from generator.records.record import FloatArray, TokenLayout, View

TAU = 0.2
"""Cosine above which two patches are joined, as in the authors' ``main_tokencut.py``."""

UNJOINED = 1e-5
"""Weight between patches that are not joined, which keeps the graph connected."""

SMALLEST_GAP = 1e-8
"""Smallest gap between the second and third eigenvalue for which the cut is unique."""

NEARLY_EQUAL = 1e-6
"""Gap between eigenvalues below which a dense solver is used."""

SMALLEST_SPARSE = 128
"""Fewest patches for which the Lanczos method is faster than a dense solver."""

TIED = 1e-4
"""Relative tolerance for equal magnitudes. Weights are 1 or nearly 0, so many patches have the same
neighbors, and rounding decides which entry is largest."""


@dataclass(frozen=True, slots=True)
class TokenCut:
    """The result of TokenCut.

    Attributes:
        vector: float64 ``[row, col]``, solves ``(D - W) y = lambda D y`` for the second smallest
            eigenvalue; of length 1, its largest magnitude positive.
        eigenvalue: the eigenvalue, from 0 (two separate parts) to 2.
        gap: distance to the next eigenvalue. Small: other cuts are nearly as good.
        seed: row and column of the largest magnitude; the first if several are equal.
        foreground: bool ``[row, col]``, the side of the vector's mean that holds the seed.
        mask: bool ``[row, col]``, the 4-connected part of the foreground that holds the seed.
        box: bounding box of the mask, in patches.
        pixels: the box (left, top, right, bottom) in pixels of the oriented original.
        ties: patches of equal magnitude, to :data:`TIED`, and how much they change the box.
    """

    vector: NDArray[np.float64]
    eigenvalue: float
    gap: float
    seed: tuple[int, int]
    foreground: BoolArray
    mask: BoolArray
    box: PatchBox
    pixels: tuple[float, float, float, float]
    ties: SeedTies


def tokencut(
    vectors: FloatArray, layout: TokenLayout, view: View, *, tau: float = TAU
) -> TokenCut | NotApplicable:
    """Cut the patches in two and return the part around the largest magnitude.

    Args:
        vectors: ``[patch, channel]``, keys of the last block (``features.objects`` of a record);
            they are L2-normalized here.
        view: part of the original that the grid covers.
        tau: cosine above which two patches are joined.

    Returns:
        The cut; not applicable where no cut is better than another (fewer than three patches, all
        of them alike or all unlike, or two equally good cuts), or where a vector has overflowed.
    """
    if not np.isfinite(vectors).all():
        return NotApplicable("a vector is not finite")
    if layout.patches < 3:
        return NotApplicable("fewer than three patches")
    weights = np.where(cosine_matrix(vectors) > tau, 1.0, UNJOINED)
    joined = weights == 1.0
    np.fill_diagonal(joined, False)
    if not joined.any():
        return NotApplicable("no two patches are alike")
    if joined.sum() == layout.patches * (layout.patches - 1):
        return NotApplicable("all patches are alike")
    values, vector = _second_smallest(weights)
    eigenvalue, gap = float(values[1]), float(values[2] - values[1])
    if gap < SMALLEST_GAP:
        return NotApplicable("two cuts are equally good")
    size = np.abs(vector)
    # Of places that differ in rounding only, the first: another machine must choose the same.
    seed = int(np.flatnonzero(size >= size.max() * (1 - 1e-7))[0])
    vector = vector * np.sign(vector[seed])
    row, col = divmod(seed, layout.cols)
    folded = vector.reshape(layout.rows, layout.cols)
    foreground = folded > vector.mean()
    mask = _part(folded, row, col)
    box = box_around(mask)
    assert box is not None  # the mask holds the seed
    return TokenCut(
        vector=folded,
        eigenvalue=eigenvalue,
        gap=gap,
        seed=(row, col),
        foreground=foreground,
        mask=mask,
        box=box,
        pixels=box.in_pixels(layout, view),
        ties=SeedTies.of(
            np.flatnonzero(size >= size.max() * (1 - TIED)),
            box,
            lambda other: box_around(_part(folded, *divmod(other, layout.cols))),
        ),
    )


def _part(vector: NDArray[np.float64], row: int, col: int) -> BoolArray:
    """The connected part around a patch, on its side of the vector's mean."""
    toward = vector * np.sign(vector[row, col])
    return components(toward > toward.mean()).holding(row, col)


def _second_smallest(
    weights: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The three smallest eigenvalues of ``(D - W) y = lambda D y``, and the second's vector.

    With ``y = D^-1/2 u`` this is the ordinary problem of ``I - D^-1/2 W D^-1/2``. Its smallest
    eigenvalues are 1 minus the largest of ``D^-1/2 W D^-1/2``, which the Lanczos method finds in a
    fraction of the time of a dense solver.
    """
    scale = 1 / np.sqrt(weights.sum(axis=1))
    normalized = scale[:, None] * weights * scale
    found = _lanczos(normalized)
    if found is None:
        found = _dense(normalized)
    values, vectors = found
    vector = scale * vectors[:, 1]
    return 1 - values, vector / np.linalg.norm(vector)


def _lanczos(
    matrix: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """The three largest eigenvalues, descending, and their vectors.

    None where the method is not to be trusted: the matrix is small, it did not converge, or two of
    the eigenvalues nearly agree, so that it may have missed one.
    """
    # Late: a build that needs no such analysis should not wait for it to load.
    from scipy.sparse.linalg import ArpackError, eigsh  # noqa: PLC0415

    if len(matrix) < SMALLEST_SPARSE:
        return None
    # A fixed start: the same matrix gives the same digits.
    start = np.random.default_rng(0).standard_normal(len(matrix))
    try:
        values, vectors = eigsh(matrix, k=4, which="LA", v0=start)
    except ArpackError:
        return None
    values, vectors = values[::-1], vectors[:, ::-1]
    if (values[:3] - values[1:] < NEARLY_EQUAL).any():
        return None
    return values[:3], vectors[:, :3]


def _dense(matrix: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The three largest eigenvalues, descending, and their vectors."""
    from scipy import linalg  # noqa: PLC0415

    last = len(matrix) - 1
    values, vectors = linalg.eigh(matrix, subset_by_index=[last - 2, last], check_finite=False)
    return values[::-1], vectors[:, ::-1]
