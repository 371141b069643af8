"""Similarity of heads by Jensen-Shannon divergence, within a model and between two models.

Head 3 of one model does not correspond to head 3 of another, so heads are matched before they are
compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.analysis.grids import PlacedMap, on_common_grid
from generator.records.record import FloatArray

_BLOCK = 1 << 15
"""Values that are added and whose logarithms are taken at a time: they stay in the cache."""

_TINY = np.float32(1e-30)
"""Stands for a share of 0, so that it has a logarithm; times that it is still nothing."""


def row_similarity(one: FloatArray, two: FloatArray | None = None) -> FloatArray:
    """Similarity, 1 - JSD, of every pair of rows: float32 ``[row of one, row of two]``.

    An all-zero row has similarity 0 to every row.

    Args:
        one: ``[row, key]``, non-negative; rows are normalized to sum to 1.
        two: ``[row, key]`` on the same keys; None to compare ``one`` with itself.
    """
    same = two is None
    first = _shares(one)
    second = first if two is None else _shares(two)
    found = np.ones((len(first), len(second)), dtype=np.float32)
    entropies = _entropy(first), _entropy(second)
    halves = [np.maximum(shares / 2, _TINY) for shares in (first, second)]
    step = max(_BLOCK // max(second.shape[1], 1), 1)
    middles = np.empty((step, second.shape[1]), dtype=np.float32)
    logs = np.empty_like(middles)
    for row, half in enumerate(halves[0]):
        # Of a symmetric matrix the upper half is enough.
        for start in range(row if same else 0, len(second), step):
            block = slice(start, start + step)
            own = (entropies[0][row] + entropies[1][block]) / 2
            middle = np.add(half, halves[1][block], out=middles[: len(own)])
            entropy = _products(middle, np.log(middle, out=logs[: len(own)]))
            found[row, block] = 1 - np.clip(entropy - own, 0, 1)
    found[~first.any(axis=-1)] = 0
    found[:, ~second.any(axis=-1)] = 0
    if same:
        lower = np.tril_indices(len(found), -1)
        found[lower] = found.T[lower]
        np.fill_diagonal(found, 1)
    return found


def _shares(rows: FloatArray) -> FloatArray:
    wide = rows.astype(np.float64)
    sums = wide.sum(axis=-1, keepdims=True)
    return np.asarray(wide / np.where(sums > 0, sums, 1), dtype=np.float32)


def _entropy(rows: FloatArray) -> FloatArray:
    """Entropy of each row in bits; 0 log 0 is 0."""
    return _products(rows, np.log(np.maximum(rows, _TINY)))


def _products(rows: FloatArray, logs: FloatArray) -> FloatArray:
    """Entropies of rows in bits from their natural logarithms.

    In float32 natural logarithms take half the time of those to the base 2.
    """
    found: FloatArray = np.einsum("rk,rk->r", rows, logs) * np.float32(-1 / np.log(2))
    return found


def clustered_order(similarity: FloatArray) -> tuple[int, ...]:
    """Order of the heads by hierarchical clustering (average linkage): similar heads are adjacent.

    Args:
        similarity: ``[head, head]``, symmetric, 1 on the diagonal.
    """
    # Late, as scipy takes long to load.
    from scipy.cluster import hierarchy  # noqa: PLC0415
    from scipy.spatial import distance  # noqa: PLC0415

    if len(similarity) < 3:
        return tuple(range(len(similarity)))
    apart = np.clip(1 - similarity.astype(np.float64), 0, None)
    np.fill_diagonal(apart, 0)
    tree = hierarchy.average(distance.squareform((apart + apart.T) / 2, checks=False))
    return tuple(int(leaf) for leaf in hierarchy.leaves_list(tree))


@dataclass(frozen=True, slots=True)
class Match:
    """A matched pair of heads of two models.

    Attributes:
        one: layer and head of the first model, from 0.
        two: layer and head of the second, from 0.
        similarity: 1 - JSD of their maps.
    """

    one: tuple[int, int]
    two: tuple[int, int]
    similarity: float


def map_similarity(
    one: Sequence[PlacedMap], two: Sequence[PlacedMap]
) -> FloatArray | NotApplicable:
    """Similarity, 1 - JSD, of every pair of maps on their common grid.

    Args:
        one: maps of an image.
        two: maps of the same image by the other model.

    Returns:
        float32 ``[map of one, map of two]``; or the reason there is none.
    """
    placed = on_common_grid([*one, *two])
    if placed is None:
        return NotApplicable("the models see no common part of the picture")
    rows = np.stack([each.ravel() for each in placed])
    return row_similarity(rows[: len(one)], rows[len(one) :])


def match_heads(similarity: FloatArray, heads: tuple[int, int]) -> tuple[Match, ...]:
    """Match the heads of two models one to one with the largest sum of similarities.

    Args:
        similarity: ``[layer x head of one, layer x head of two]``.
        heads: heads of each layer, of both models.

    Returns:
        As many matches as the smaller model has heads, in the order of the first model's.
    """
    from scipy import optimize  # noqa: PLC0415

    rows, cols = optimize.linear_sum_assignment(similarity, maximize=True)
    return tuple(
        Match(
            one=divmod(int(row), heads[0]),
            two=divmod(int(col), heads[1]),
            similarity=float(similarity[row, col]),
        )
        for row, col in zip(rows, cols, strict=True)
    )


def held_out_match(matched: FloatArray, measured: FloatArray, heads: tuple[int, int]) -> float:
    """Mean similarity of matched heads on images that were not used for matching.

    Args:
        matched: ``[layer x head of one, layer x head of two]``, mean over the images to match on.
        measured: ``[layer x head of one, layer x head of two]``, mean over the held-out images.
        heads: heads of each layer, of both models.
    """
    matches = match_heads(matched, heads)
    rows = [layer * heads[0] + head for layer, head in (match.one for match in matches)]
    cols = [layer * heads[1] + head for layer, head in (match.two for match in matches)]
    return float(np.mean(measured[rows, cols]))


def shuffled_matching(similarity: FloatArray, trials: int) -> float:
    """Chance level of matching: mean similarity of the best of many random matchings.

    Args:
        similarity: ``[head of one, head of two]``.
        trials: number of random matchings, drawn from a fixed seed.
    """
    rng = np.random.default_rng(0)
    wide = similarity if similarity.shape[0] <= similarity.shape[1] else similarity.T
    rows = np.arange(len(wide))
    found = (wide[rows, rng.permutation(wide.shape[1])[: len(rows)]].mean() for _ in range(trials))
    return float(max(found))
