"""Heads alike: by the Jensen-Shannon divergence of their rows, within a model and between two.

Heads of two models have no correspondence of their own: head 3 of one is not head 3 of the other.
They are matched before they are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.analysis.grids import PlacedMap, on_common_grid
from generator.records.record import FloatArray

_BLOCK = 1 << 20
"""Values of pairs of rows that are held at a time."""


def row_similarity(one: FloatArray, two: FloatArray | None = None) -> FloatArray:
    """1 - JSD of every row with every other: float32 ``[row of one, row of two]``.

    A row with nothing in it is like no other: 0.

    Args:
        one: ``[row, key]``, not negative; rows are made to sum to 1.
        two: the same on the same keys; None to compare ``one`` with itself.
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
    """An order of the heads in which like stands beside like (average linkage).

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
    """A head of one model and the head of another that it is matched with.

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
    """1 - JSD of every map with every other, on their common grid.

    Args:
        one: maps of an image.
        two: others of the same image.

    Returns:
        float32 ``[map of one, map of two]``; or why not.
    """
    placed = on_common_grid([*one, *two])
    if placed is None:
        return NotApplicable("the models see no common part of the picture")
    rows = np.stack([each.ravel() for each in placed])
    return row_similarity(rows[: len(one)], rows[len(one) :])


def match_heads(similarity: FloatArray, heads: tuple[int, int]) -> tuple[Match, ...]:
    """Match the heads of two models one to one, so that the sum of similarities is largest.

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
    """Mean similarity, on some images, of the heads that are matched on others.

    Args:
        matched: ``[layer x head of one, layer x head of two]``, over the images to match on.
        measured: the same over the images to measure on.
        heads: heads of each layer, of both models.
    """
    matches = match_heads(matched, heads)
    rows = [layer * heads[0] + head for layer, head in (match.one for match in matches)]
    cols = [layer * heads[1] + head for layer, head in (match.two for match in matches)]
    return float(np.mean(measured[rows, cols]))


def shuffled_matching(similarity: FloatArray, trials: int) -> float:
    """Mean similarity of the best of many random matchings: what matching by chance would reach.

    Args:
        similarity: ``[head of one, head of two]``.
        trials: matchings, drawn from a fixed seed.
    """
    rng = np.random.default_rng(0)
    wide = similarity if similarity.shape[0] <= similarity.shape[1] else similarity.T
    rows = np.arange(len(wide))
    found = (wide[rows, rng.permutation(wide.shape[1])[: len(rows)]].mean() for _ in range(trials))
    return float(max(found))
