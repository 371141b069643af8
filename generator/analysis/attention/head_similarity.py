"""Similarity of heads by Jensen-Shannon divergence, within a model and between two models.

Head 3 of one model does not correspond to head 3 of another, so heads are matched before they are
compared.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.analysis.grids import PlacedMap, on_common_grid
from generator.records.record import FloatArray

_SCALES = 2.0 ** np.arange(-10, 27)
"""Values of s at which :func:`row_similarity` reads two shares."""

# below the first step 1 - exp(-s p) is s p; above the last one it is 1, which adds as much again
_WEIGHTS = np.concatenate([_SCALES[:1], 1 / _SCALES[:-1], 2 / _SCALES[-1:]])

_OCTAVES, _PARTS = 64, 4
"""Shares are counted by octaves below 1, and parts of one, to see which terms they need."""

_LOST = 5e-7
"""What terms that are left out may add to a similarity."""

_BLOCK = 1 << 15
"""Shares that are worked on at once: their terms fit into the processor's cache."""


def row_similarity(one: FloatArray, two: FloatArray | None = None) -> FloatArray:
    """Similarity, 1 - JSD, of every pair of rows: float32 ``[row of one, row of two]``.

    It is within 3e-6 of the exact one. An all-zero row has similarity 0 to every row.

    The similarity of shares p and q is the sum over keys of an integral over s > 0,
    ``(1 - exp(-s p)) (1 - exp(-s q)) / (2 s**2 log 2)``. Over log s it is smooth: at steps of a
    factor 2 a sum is exact to 1e-6. So products of matrices take the place of a logarithm for each
    key of each pair. The 38 terms of the sum resemble each other: 7 to 20 combinations of them do
    for all.

    Args:
        one: ``[row, key]``, non-negative; rows are normalized to sum to 1.
        two: ``[row, key]`` on the same keys; None to compare ``one`` with itself.
    """
    first = _shares(one)
    second = first if two is None else _shares(two)
    combined = _combinations(first if two is None else np.concatenate((first, second)))
    left = _combined(first, combined)
    right = left if two is None else _combined(second, combined)
    found: FloatArray = np.clip(left @ right.T / 2, 0, 1)
    if two is None:
        np.fill_diagonal(found, 1)
    return found


def _terms(shares: FloatArray) -> FloatArray:
    """Shares, and 1 - exp(-s p) at each s: float32 ``[term, share]``."""
    found = np.empty((len(_WEIGHTS), len(shares)), dtype=np.float32)
    found[0] = shares
    small = np.float32(_SCALES[0]) * shares
    found[1] = small * (1 - small / 2 * (1 - small / 3))  # at most 1/1024
    for former, term in itertools.pairwise(found[1:]):
        np.multiply(former, 2 - former, out=term)  # 1 - exp(-2 s p)
    return found


def _combinations(shares: FloatArray) -> FloatArray:
    """The fewest combinations of terms whose products add up to those of all terms.

    What is left out adds at most :data:`_LOST` to the product of a row with itself, even if the row
    had of each size as many shares as whichever row has most. By Cauchy-Schwarz it adds no more to
    products of two rows.

    Args:
        shares: float32 ``[row, key]``.

    Returns:
        float32 ``[combination, term]``.
    """
    count = _OCTAVES * _PARTS + 1
    octaves = np.log2(np.maximum(shares, np.float32(2.0**-_OCTAVES)))
    sizes = ((octaves + _OCTAVES) * _PARTS).astype(np.int64)
    sizes += np.arange(len(shares))[:, None] * count
    held = np.bincount(sizes.ravel(), minlength=len(shares) * count)
    most = held.reshape(len(shares), count).max(axis=0)
    # the ends of a part and its middle, between which terms hardly bend
    places = np.arange(count)[:, None] + np.array([0, 0.5, 1])
    terms = _terms((2.0 ** (places.ravel() / _PARTS - _OCTAVES)).astype(np.float32))
    weighted = np.sqrt(_WEIGHTS)[:, None] * terms
    sums, vectors = np.linalg.eigh((weighted * np.repeat(most, 3)) @ weighted.T)
    needed = np.cumsum(np.clip(sums, 0, None)) > 2 * _LOST
    combined: FloatArray = (vectors[:, needed].T * np.sqrt(_WEIGHTS)).astype(np.float32)
    return combined


def _combined(shares: FloatArray, combined: FloatArray) -> FloatArray:
    """Combinations of the terms of shares: float32 ``[row, combination x key]``."""
    rows, keys = shares.shape
    found = np.empty((rows, len(combined), keys), dtype=np.float32)
    step = max(1, _BLOCK // keys)
    for start in range(0, rows, step):
        some = shares[start : start + step]
        made = (combined @ _terms(some.ravel())).reshape(len(combined), len(some), keys)
        found[start : start + step] = made.swapaxes(0, 1)
    return found.reshape(rows, -1)


def _shares(rows: FloatArray) -> FloatArray:
    wide = rows.astype(np.float64)
    sums = wide.sum(axis=-1, keepdims=True)
    return np.asarray(wide / np.where(sums > 0, sums, 1), dtype=np.float32)


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
