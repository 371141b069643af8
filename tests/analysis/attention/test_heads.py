from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from generator.analysis.attention.heads import head_tables, uniform_distance
from tests import tiny
from tests.analysis import full


@pytest.mark.value_of("cls-mass", "max-attention", "sink")
def test_tables_agree_with_loops_over_the_whole_attention() -> None:
    layout = tiny.layout(registers=2)
    attention = full.random(layout, layers=2, heads=3, seed=4)
    found = head_tables(full.record(layout, attention))
    assert found.groups == ("CLS", "reg1", "reg2", "patches")
    assert found.mass is not None and found.max_attention is not None
    for layer, head in itertools.product(range(2), range(3)):
        rows = attention[layer, head]
        place = (layer, head)
        assert found.max_attention[place] == pytest.approx(max(rows[0]), rel=1e-3)
        received = [sum(rows[:, key]) / len(rows) for key in range(layout.tokens)]
        assert found.sink[place] == pytest.approx(max(received), rel=1e-3)
        expected = [rows[0, 0], rows[0, 1], rows[0, 2], sum(rows[0, 3:])]
        np.testing.assert_allclose(found.mass[:, layer, head], expected, atol=1e-6)
    np.testing.assert_allclose(found.mass.sum(0), 1, atol=1e-6)
    mass = found.mass_on("reg2")
    assert mass is not None and np.array_equal(mass, found.mass[2])
    assert found.mass_on("reg3") is None


@pytest.mark.value_of("sink-rate")
def test_a_sink_is_found_and_counted_by_head() -> None:
    layout = tiny.layout(registers=1)
    attention = full.uniform(layout, layers=2, heads=4).copy()
    attention[1, 0] = full.sink(layout, 1, layers=1, heads=1)[0, 0]
    found = head_tables(full.record(layout, attention))
    assert found.sink_rate.tolist() == [0, 0.25]
    assert found.sink[1, 0] == 1
    assert found.sink[0, 0] == pytest.approx(1 / layout.tokens)


def test_a_model_without_cls_has_no_cls_numbers_but_the_others() -> None:
    found = head_tables(tiny.record(tiny.layout(cls=False)))
    assert found.mass is None and found.max_attention is None and found.mass_on("patches") is None
    assert found.sink.shape == (3, 2) and found.groups == ("patches",)


@pytest.mark.value_of("distance-share", "distance-patches-share")
def test_distances_are_shares_of_the_short_side() -> None:
    record = tiny.record(tiny.layout(rows=4, cols=6))
    found = head_tables(record)
    np.testing.assert_allclose(found.distance_share * 64, record.distance, rtol=1e-6)
    np.testing.assert_allclose(
        found.distance_patches_share * 64, record.distance_patches, rtol=1e-6
    )
    assert found.uniform_distance == uniform_distance(record.layout, (16, 16)) / 64


@pytest.mark.parametrize(
    ("grid", "patch", "pixels"),
    [(14, 16, 116.49), (16, 14, 116.57), (37, 14, 269.99)],
)
def test_uniform_distance_of_known_grids(grid: int, patch: int, pixels: float) -> None:
    layout = tiny.layout(rows=grid, cols=grid)
    found = uniform_distance(layout, (patch, patch))
    assert found == pytest.approx(pixels, abs=0.005)
    assert found / (grid * patch) == pytest.approx(0.521, abs=0.001)


def test_uniform_distance_is_the_mean_over_all_pairs_of_oblong_patches() -> None:
    layout = tiny.layout(rows=3, cols=5)
    places = list(itertools.product(range(3), range(5)))
    pairs = [math.hypot(8 * (a - c), 14 * (b - d)) for a, b in places for c, d in places]
    assert uniform_distance(layout, (8, 14)) == pytest.approx(sum(pairs) / len(pairs))
