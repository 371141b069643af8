"""Agreement with marked objects, against the same on single pixels."""

from __future__ import annotations

import numpy as np
import pytest

from generator.analysis.absent import NotApplicable
from generator.analysis.compare.agreement import center_gaussian, uniform_map
from generator.analysis.features.masks import mass_mask
from generator.analysis.features.truth import (
    MapScores,
    average_precision,
    best_iou,
    box_iou,
    boxes_in_view,
    corloc,
    score_map,
    truth_of_boxes,
    truth_on_grid,
)
from generator.errors import AnalysisError
from generator.records.record import TokenLayout, View
from tests.analysis.planted import view_of

GRID = TokenLayout(prefix=("CLS",), rows=4, cols=6)


def plain_precision(values: list[float], positive: list[bool]) -> float:
    """Average precision, one threshold at a time."""
    total, recall, found = sum(positive), 0.0, 0.0
    for threshold in sorted(set(values), reverse=True):
        taken = [p for v, p in zip(values, positive, strict=True) if v >= threshold]
        found += (sum(taken) / total - recall) * sum(taken) / len(taken)
        recall = sum(taken) / total
    return found


@pytest.mark.value_of("average-precision")
def test_average_precision_by_hand() -> None:
    values = np.array([0.9, 0.8, 0.7, 0.6])
    positive = np.array([1.0, 0, 1, 0])
    assert average_precision(values, positive, 1 - positive) == pytest.approx(1 / 2 + 1 / 2 * 2 / 3)
    # Ties share a threshold: in whatever order they come.
    tied = np.array([0.9, 0.5, 0.5, 0.5])
    for order in ([1.0, 1, 0, 0], [1.0, 0, 0, 1]):
        marked = np.array(order)
        assert average_precision(tied, marked, 1 - marked) == pytest.approx(1 / 2 + 1 / 2 * 2 / 4)
    assert np.isnan(average_precision(values, np.zeros(4), np.ones(4)))


@pytest.mark.value_of("mass-inside", "mask-iou")
@pytest.mark.parametrize("void", [False, True])
def test_scores_are_those_of_the_pixels(void: bool) -> None:
    """Each patch is 10x10 pixels: enlarging the map and counting pixels gives the same."""
    rng = np.random.default_rng(0)
    for _ in range(5):
        objects = rng.random((40, 60)) < rng.random((40, 1))
        hole = rng.random((40, 60)) < 0.2 if void else None
        values = np.round(rng.gamma(0.5, size=(4, 6)), 1) + 0.01  # with ties
        found = score_map(values, truth_on_grid(objects, hole, GRID, view_of(GRID)))
        assert isinstance(found, MapScores)
        known = np.ones_like(objects) if hole is None else ~hole
        large = values.repeat(10, axis=0).repeat(10, axis=1)
        mask = mass_mask(values.ravel()).reshape(4, 6).repeat(10, axis=0).repeat(10, axis=1)
        inside = objects & known
        assert found.mass_inside == pytest.approx(large[inside].sum() / large[known].sum())
        assert found.iou == pytest.approx((mask & inside).sum() / ((mask | objects) & known).sum())
        precision = plain_precision(large[known].tolist(), objects[known].tolist())
        assert found.average_precision == pytest.approx(precision)


def test_a_view_may_cut_pixels_and_show_a_part() -> None:
    layout = TokenLayout(prefix=(), rows=2, cols=2)
    view = View(10, 8, left=1.5, top=1, right=8.5, bottom=8, input_width=28, input_height=28)
    objects = np.zeros((8, 10), dtype=bool)
    objects[1:3, 1:3] = True  # of it the view shows 1.5 of 2 columns
    found = truth_on_grid(objects, None, layout, view)
    np.testing.assert_allclose(found.inside, [[2 * 1.5 / 3.5**2, 0], [0, 0]])
    np.testing.assert_allclose(found.inside + found.outside, 1)
    everything = truth_on_grid(np.ones((8, 10), dtype=bool), None, layout, view)
    np.testing.assert_allclose(everything.inside, 1)


def test_what_is_beyond_the_picture_counts_for_nothing() -> None:
    layout = TokenLayout(prefix=(), rows=1, cols=2)
    view = View(10, 10, left=0, top=0, right=20, bottom=10, input_width=28, input_height=14)
    found = truth_on_grid(np.ones((10, 10), dtype=bool), None, layout, view)
    assert found.inside.tolist() == [[1, 0]]
    assert found.outside.tolist() == [[0, 0]]
    scores = score_map(np.array([[1.0, 3.0]]), found)
    assert isinstance(scores, MapScores)
    assert scores.mass_inside == 1


@pytest.mark.value_of("pointing-game")
def test_the_largest_value_hits_when_its_patch_is_mostly_object() -> None:
    objects = np.zeros((40, 60), dtype=bool)
    objects[10:20, 20:26] = True
    truth = truth_on_grid(objects, None, GRID, view_of(GRID))
    values = np.ones((4, 6))
    values[1, 2] = 2
    hit = score_map(values, truth)
    assert isinstance(hit, MapScores)
    assert hit.hit
    values[3, 5] = 3  # one outlier flips it
    miss = score_map(values, truth)
    assert isinstance(miss, MapScores)
    assert not miss.hit


def test_a_perfect_map_has_perfect_scores() -> None:
    truth = truth_of_boxes([(20, 10, 50, 30), (20, 10, 30, 20)], GRID, view_of(GRID))
    assert truth.inside.sum() == 6  # what two boxes cover counts once
    scores = score_map(truth.inside, truth, share=1)
    assert scores == MapScores(mass_inside=1, hit=True, iou=1, average_precision=1)


def test_baselines() -> None:
    truth = truth_of_boxes([(20, 10, 40, 30)], GRID, view_of(GRID))
    flat, middle = (
        score_map(baseline, truth) for baseline in (uniform_map(4, 6), center_gaussian(4, 6))
    )
    assert isinstance(flat, MapScores)
    assert isinstance(middle, MapScores)
    assert flat.mass_inside == pytest.approx(4 / 24)
    assert flat.average_precision == pytest.approx(4 / 24)
    assert middle.average_precision == 1  # the object is in the middle
    assert middle.mass_inside > 2 * flat.mass_inside


def test_a_constant_map_is_not_given_a_place_for_its_mask() -> None:
    """In whatever part of the grid the objects lie, and as a random choice of 60 % would."""
    found = []
    for top in (0, 20):
        truth = truth_of_boxes([(0, top, 60, top + 20)], GRID, view_of(GRID))
        flat = score_map(uniform_map(4, 6), truth)
        assert isinstance(flat, MapScores)
        found.append(flat.iou)
        rng = np.random.default_rng(0)
        masks = (rng.permutation(24) < 14.4 for _ in range(2000))
        inside = truth.inside.ravel() > 0
        shared = [(inside & mask).sum() / (inside | mask).sum() for mask in masks]
        assert flat.iou == pytest.approx(np.mean(shared), abs=0.02)
    assert found == pytest.approx([0.3 / 0.8, 0.3 / 0.8])


def test_there_may_be_nothing_to_score() -> None:
    none = truth_on_grid(np.zeros((40, 60), dtype=bool), None, GRID, view_of(GRID))
    assert score_map(np.ones((4, 6)), none) == NotApplicable("the model saw no object")
    some = truth_of_boxes([(0, 0, 9, 9)], GRID, view_of(GRID))
    assert score_map(np.zeros((4, 6)), some) == NotApplicable("the map is empty")
    with pytest.raises(AnalysisError, match=r"\(4, 6\) was expected, got \(6, 4\)"):
        score_map(np.ones((6, 4)), some)
    with pytest.raises(AnalysisError, match=r"\(40, 60\) pixels was expected, got \(4, 6\)"):
        truth_on_grid(np.ones((4, 6), dtype=bool), None, GRID, view_of(GRID))


@pytest.mark.value_of("box-iou")
def test_boxes_overlap_by_hand() -> None:
    assert box_iou((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(50 / 150)
    assert box_iou((0, 0, 10, 10), (0, 0, 10, 10)) == 1
    assert box_iou((0, 0, 10, 10), (10, 0, 20, 10)) == 0
    assert box_iou((0, 0, 10, 10), (20, 20, 30, 30)) == 0
    assert box_iou((5, 5, 5, 5), (5, 5, 5, 5)) == 0
    assert best_iou((0, 0, 10, 10), [(5, 0, 15, 10), (0, 0, 10, 9)]) == pytest.approx(0.9)
    assert best_iou((0, 0, 10, 10), []) == NotApplicable("the model saw no object")


@pytest.mark.value_of("corloc")
def test_an_object_is_found_at_half_an_overlap() -> None:
    assert corloc([0.5, 0.499, 1.0, 0.0]) == 0.5
    assert corloc([]) == NotApplicable("no image has boxes")


def test_boxes_are_cut_to_what_the_model_saw() -> None:
    view = View(100, 50, left=25, top=0, right=75, bottom=50, input_width=56, input_height=56)
    boxes = [(0.0, 0.0, 30.0, 20.0), (0.0, 0.0, 25.0, 20.0), (40.0, 10.0, 60.0, 40.0)]
    assert boxes_in_view(boxes, view) == ((25, 0, 30, 20), (40, 10, 60, 40))
