from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.stats import spearmanr

from generator.analysis.compare.agreement import (
    agreement,
    center_gaussian,
    divergence,
    earth_movers,
    pearson,
    ranks,
    shuffled,
    similarity,
    spearman,
    uniform_map,
)
from generator.analysis.grids import pooled


def shares(seed: int, rows: int = 5, cols: int = 7) -> np.ndarray:
    values = np.random.default_rng(seed).gamma(0.5, size=(rows, cols))
    return values / values.sum()


def spot(row: int, col: int, rows: int = 6, cols: int = 6) -> np.ndarray:
    values = np.zeros((rows, cols))
    values[row, col] = 1
    return values


def test_the_same_map_agrees_in_every_measure() -> None:
    found = agreement(shares(1), shares(1))
    assert found.divergence == 0 and found.earth_movers == 0
    assert found.pearson == pytest.approx(1) and found.spearman == pytest.approx(1)
    assert found.similarity == pytest.approx(1)


def test_disjoint_maps() -> None:
    found = agreement(spot(0, 0), spot(3, 4))
    assert found.divergence == 1 and found.similarity == 0
    assert found.earth_movers == pytest.approx(5 / 6)
    assert found.pearson == pytest.approx(-1 / 35)


@pytest.mark.value_of("divergence", "similarity", "pearson")
def test_divergence_similarity_and_pearson_agree_with_loops() -> None:
    one, two = shares(1).ravel().tolist(), shares(2).ravel().tolist()
    bits = overlap = 0.0
    for a, b in zip(one, two, strict=True):
        bits += (a * math.log2(2 * a / (a + b)) + b * math.log2(2 * b / (a + b))) / 2
        overlap += min(a, b)
    assert divergence(shares(1), shares(2)) == pytest.approx(bits)
    assert similarity(shares(1), shares(2)) == pytest.approx(overlap)
    mean_a, mean_b = sum(one) / 35, sum(two) / 35
    over = sum((a - mean_a) * (b - mean_b) for a, b in zip(one, two, strict=True))
    under = math.sqrt(sum((a - mean_a) ** 2 for a in one) * sum((b - mean_b) ** 2 for b in two))
    assert pearson(shares(1), shares(2)) == pytest.approx(over / under)


def test_ties_share_their_mean_rank() -> None:
    assert ranks(np.array([[3.0, 1, 3], [2, 3, 1]])).tolist() == [5, 1.5, 5, 3, 5, 1.5]


@pytest.mark.value_of("spearman")
def test_spearman_is_that_of_scipy_with_and_without_ties() -> None:
    for seed in range(5):
        one, two = shares(seed), shares(seed + 10)
        tied = np.round(200 * one) + np.round(150 * two)
        assert len(np.unique(tied)) < tied.size
        for other in (two, tied):
            expected = spearmanr(one.ravel(), other.ravel()).statistic
            assert spearman(one, other) == pytest.approx(expected, abs=1e-12)


def test_spearman_sees_order_only() -> None:
    one = shares(3)
    assert spearman(one, one**3) == pytest.approx(1)
    assert spearman(one, -one) == pytest.approx(-1)


def test_correlations_with_a_constant_map_do_not_exist() -> None:
    flat = uniform_map(5, 7)
    assert math.isnan(pearson(shares(1), flat)) and math.isnan(spearman(flat, shares(1)))


@pytest.mark.value_of("earth-movers")
@pytest.mark.parametrize("seed", range(4))
def test_earth_movers_distance_is_the_cheapest_of_all_assignments(seed: int) -> None:
    """Maps of unit grains: each grain of one is assigned to one of the other."""
    rng = np.random.default_rng(seed)
    places = np.array(list(itertools.product(range(5), range(4))))
    one, two = rng.integers(0, 20, size=(2, 40))
    # A grid of 5x4 over 10x12 pixels: cells of 2 by 3.
    step = np.array([2, 3])
    ways = np.linalg.norm((places[one][:, None] - places[two][None]) * step, axis=-1)
    expected = ways[linear_sum_assignment(ways)].mean()
    maps = [np.bincount(grains, minlength=20).reshape(5, 4) / 40 for grains in (one, two)]
    assert earth_movers(*maps, height=10, width=12) == pytest.approx(expected, rel=1e-6)


def test_pooling_for_the_earth_movers_distance_stays_within_its_bound() -> None:
    """On 37x37, against the way between single spots, which is known."""
    cell = math.hypot(1 / 37, 1 / 37) + math.hypot(1 / 16, 1 / 16)
    for one, two in (((3, 3), (30, 20)), ((0, 36), (36, 0)), ((18, 18), (19, 18))):
        way = math.hypot(one[0] - two[0], one[1] - two[1]) / 37
        found = earth_movers(spot(*one, 37, 37), spot(*two, 37, 37))
        assert abs(found - way) < cell


def test_earth_movers_distance_is_symmetric_on_a_large_grid() -> None:
    one, two = shares(1, 20, 18), shares(2, 20, 18)
    assert earth_movers(one, two) == pytest.approx(earth_movers(two, one), rel=1e-6)


def test_pooling_keeps_the_sum_and_small_maps() -> None:
    large = shares(4, 37, 9)
    found = pooled(large, 16)
    assert found.shape == (16, 9) and found.sum() == pytest.approx(1)
    np.testing.assert_allclose(found.sum(0), large.sum(0))
    assert np.array_equal(pooled(shares(4), 16), shares(4))
    blocks = large[:36, :8]
    expected = blocks.reshape(4, 9, 4, 2).sum((1, 3))
    np.testing.assert_allclose(pooled(blocks, 4), expected)


def test_baselines() -> None:
    center = center_gaussian(5, 8)
    assert center.sum() == pytest.approx(1)
    np.testing.assert_allclose(center, center[::-1, ::-1])
    # At one sigma below the middle, exp(-1/2) of the peak.
    column = center_gaussian(9, 1, sigma=2 / 9)[:, 0]
    assert column[6] / column[4] == pytest.approx(math.exp(-0.5))
    assert uniform_map(3, 4).sum() == pytest.approx(1)
    assert shuffled(1) is None
    for images in range(2, 9):
        other = shuffled(images)
        assert other is not None and sorted(other) == list(range(images))
        assert all(image != partner for image, partner in enumerate(other))
