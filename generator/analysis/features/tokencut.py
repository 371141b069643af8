"""TokenCut: unsupervised object discovery by a normalized cut (Wang 2022)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generator.analysis.absent import NotApplicable
from generator.analysis.features.boxes import BoolArray, PatchBox, SeedTies, box_around, components
from generator.analysis.features.eigen import largest_eigenpairs
from generator.analysis.features.products import DotProducts
from generator.records.record import FloatArray, TokenLayout, View

TAU = 0.2
"""Cosine above which two patches are joined, as in the authors' ``main_tokencut.py``."""

UNJOINED = 1e-5
"""Weight between patches that are not joined, which keeps the graph connected."""

SMALLEST_GAP = 1e-8
"""Smallest gap between the second and third eigenvalue for which the cut is unique."""

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
    vectors: FloatArray,
    layout: TokenLayout,
    view: View,
    *,
    tau: float = TAU,
    products: DotProducts | None = None,
) -> TokenCut | NotApplicable:
    """Cut the patches in two and return the part around the largest magnitude.

    Args:
        vectors: ``[patch, channel]``, keys of the last block (``features.objects`` of a record);
            they are L2-normalized here.
        view: part of the original that the grid covers.
        tau: cosine above which two patches are joined.
        products: dot products of the vectors; None to compute them.

    Returns:
        The cut; not applicable where no cut is better than another (fewer than three patches, all
        of them alike or all unlike, or two equally good cuts), or where a vector has overflowed.
    """
    products = products or DotProducts(vectors)
    if not products.finite:
        return NotApplicable("a vector is not finite")
    if layout.patches < 3:
        return NotApplicable("fewer than three patches")
    joined = products.above(tau)
    pairs = int(np.count_nonzero(joined) - joined.diagonal().sum())
    if not pairs:
        return NotApplicable("no two patches are alike")
    if pairs == layout.patches * (layout.patches - 1):
        return NotApplicable("all patches are alike")
    values, vector = _second_smallest(joined)
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
            lambda seeds: [box_around(_part(folded, *divmod(int(n), layout.cols))) for n in seeds],
        ),
    )


def _part(vector: NDArray[np.float64], row: int, col: int) -> BoolArray:
    """The connected part around a patch, on its side of the vector's mean."""
    toward = vector * np.sign(vector[row, col])
    return components(toward > toward.mean()).holding(row, col)


def _second_smallest(joined: BoolArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The three smallest eigenvalues of ``(D - W) y = lambda D y``, and the second's vector.

    With ``y = D^-1/2 u`` this is the ordinary problem of ``I - D^-1/2 W D^-1/2``. Its smallest
    eigenvalues are 1 minus the largest of ``D^-1/2 W D^-1/2``.
    """
    count = joined.sum(axis=1)
    scale = 1 / np.sqrt(count + UNJOINED * (len(joined) - count))
    normalized = np.maximum(joined, UNJOINED)
    normalized *= scale[:, None]  # in place: each copy is 15 MB at 37x37
    normalized *= scale
    values, vectors = largest_eigenpairs(normalized, 3)
    vector = scale * vectors[:, 1]
    return 1 - values, vector / np.linalg.norm(vector)
