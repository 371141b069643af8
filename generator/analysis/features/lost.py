"""LOST: unsupervised object discovery (Siméoni 2021), with each step of the paper.

The registers paper (Darcet 2024, Fig. 13 and Table 3) uses it to show what outliers cost. The steps
are those of the authors' ``object_discovery.py``, on vectors of the patches of the last block,
heads side by side, *not* normalized.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generator.analysis.absent import NotApplicable
from generator.analysis.features.boxes import BoolArray, PatchBox, SeedTies, box_around, components
from generator.analysis.features.products import DotProducts
from generator.errors import AnalysisError
from generator.records.record import FloatArray, TokenLayout, View

EXPANSION = 100
"""Candidates for the seed expansion in the paper."""

EXPANSION_GRID = 37 * 37
"""Number of patches of the grid for which it is used unchanged: DINOv2's own."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The steps of LOST, in the order of Darcet 2024, Fig. 13.

    Attributes:
        degree: int32 ``[row, col]``, number of other patches whose dot product with the patch is
            positive.
        seed: row and column of the patch of lowest degree; the first if several are equal.
        similarity: float64 ``[row, col]``, dot product with the seed, plus the bias.
        expansion: bool ``[row, col]``, the seed and those of the ``k`` patches of lowest degree
            whose dot product with it is positive.
        k: candidate patches of the expansion.
        score: float64 ``[row, col]``, sum of the dot products with the patches of the expansion.
        mask: bool ``[row, col]``, the 4-connected part of ``score > 0`` that holds the seed.
        box: bounding box of the mask, in patches.
        pixels: the box (left, top, right, bottom) in pixels of the oriented original.
        ties: patches of the same lowest degree, and how much they change the box.
    """

    degree: NDArray[np.int32]
    seed: tuple[int, int]
    similarity: NDArray[np.float64]
    expansion: BoolArray
    k: int
    score: NDArray[np.float64]
    mask: BoolArray
    box: PatchBox
    pixels: tuple[float, float, float, float]
    ties: SeedTies

    @property
    def inverse_degree(self) -> NDArray[np.float64]:
        """``1 / (1 + degree)``, float64 ``[row, col]``; a patch counts itself, as in the paper."""
        return 1 / (1 + self.degree)


def expansion_size(patches: int) -> int:
    """The paper's 100 patches, scaled by area from a 37x37 grid: 7.3 % of the patches, at least 1.

    A fixed 100 would be half of a 14x14 grid.
    """
    return max(1, round(EXPANSION * patches / EXPANSION_GRID))


def lost(
    vectors: FloatArray,
    layout: TokenLayout,
    view: View,
    *,
    k: int | None = None,
    bias: float = 0.0,
    products: DotProducts | None = None,
) -> Lost | NotApplicable:
    """Find one object.

    Args:
        vectors: ``[patch, channel]``, queries, keys or values of the last block, not normalized
            (``features.objects`` of a record).
        view: part of the original that the grid covers.
        k: candidate patches of lowest degree; :func:`expansion_size` for None.
        bias: added to every dot product. Darcet 2024 tunes one for each model; 0 is LOST itself.
        products: dot products of the vectors; None to compute them.

    Returns:
        The steps; not applicable where the seed has no positive dot product, not even with itself,
        or a vector has overflowed.

    Raises:
        AnalysisError: ``k`` is below 1.
    """
    k = expansion_size(layout.patches) if k is None else k
    if k < 1:
        raise AnalysisError(f"At least one patch must be looked at for the expansion, got k = {k}.")
    products = products or DotProducts(vectors)
    if not products.finite:
        return NotApplicable("a vector is not finite")
    positive = products.above(bias=bias)
    degree = positive.sum(axis=1) - positive.diagonal()
    order = np.argsort(degree, kind="stable")
    seed = int(order[0])
    chosen = _expansion(positive, order, seed, k)
    score = _scores(products, [chosen], bias)[0]
    if score[seed] <= 0:
        return NotApplicable("the patch of lowest degree is like no patch, not even itself")
    row, col = divmod(seed, layout.cols)
    folded = layout.fold(score)
    mask = components(folded > 0).holding(row, col)
    box = box_around(mask)
    assert box is not None  # the mask holds the seed
    expansion = np.zeros(layout.patches, dtype=bool)
    expansion[chosen] = True
    shape = (layout.rows, layout.cols)
    return Lost(
        degree=degree.astype(np.int32).reshape(shape),
        seed=(row, col),
        similarity=(products.of(seed) + bias).reshape(shape),
        expansion=expansion.reshape(shape),
        k=min(k, layout.patches),
        score=score.reshape(shape),
        mask=mask,
        box=box,
        pixels=box.in_pixels(layout, view),
        ties=SeedTies.of(
            np.flatnonzero(degree == degree[seed]),
            box,
            lambda seeds: _boxes(
                _scores(products, [_expansion(positive, order, one, k) for one in seeds], bias),
                seeds,
                layout,
            ),
        ),
    )


def _expansion(positive: BoolArray, order: NDArray[np.intp], seed: int, k: int) -> NDArray[np.intp]:
    """The patches of the expansion of a seed."""
    tried = np.concatenate([[seed], order[order != seed][: k - 1]])
    chosen: NDArray[np.intp] = tried[positive[seed, tried]]
    return chosen


def _scores(
    products: DotProducts, expansions: Sequence[NDArray[np.intp]], bias: float
) -> NDArray[np.float64]:
    """Sums of the dot products with the patches of each expansion: ``[expansion, patch]``."""
    sizes = np.array([len(each) for each in expansions])
    return products.sums(expansions) + bias * sizes[:, None]


def _boxes(
    scores: NDArray[np.float64], seeds: NDArray[np.intp], layout: TokenLayout
) -> Iterator[PatchBox | None]:
    """The box of each seed's score."""
    for score, seed in zip(scores, seeds, strict=True):
        part = components(layout.fold(score) > 0).holding(*divmod(int(seed), layout.cols))
        yield box_around(part)
