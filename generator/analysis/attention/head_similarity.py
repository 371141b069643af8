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

_BLOCK = 1 << 20
"""Most values held in memory at a time."""


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
    step = max(_BLOCK // max(second.size, 1), 1)
    for start in range(0, len(first), step):
        block = slice(start, start + step)
        # Of a symmetric matrix the upper half is enough.
        others = slice(start if same else 0, None)
        middle = (first[block, None] + second[None, others]) / 2
        own = (entropies[0][block, None] + entropies[1][None, others]) / 2
        found[block, others] = 1 - np.clip(_entropy(middle) - own, 0, 1)
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
    """Entropy in bits over the last axis; 0 log 0 is 0."""
    logs = np.log2(np.maximum(rows, np.finfo(np.float32).tiny))
    found: FloatArray = -np.einsum("...k,...k->...", rows, logs)
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
