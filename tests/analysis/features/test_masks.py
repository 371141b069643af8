"""Masks that hold a share of the mass, and their parts."""

from __future__ import annotations

import numpy as np
import pytest

from generator.analysis.features.boxes import PatchBox, box_around, components
from generator.analysis.features.masks import layer_masks, mass_mask
from generator.errors import AnalysisError
from generator.records.record import TokenLayout, View


def plain_mask(values: list[float], share: float) -> list[bool]:
    """The definition, one patch at a time, in exact fractions of the values given."""
    order = sorted(range(len(values)), key=lambda n: values[n])
    summed, kept = 0.0, [False] * len(values)
    for n in order:
        summed += values[n]
        kept[n] = summed / sum(values) > (1 - share) + 1e-9
    return kept


def plain_parts(mask: np.ndarray) -> list[int]:
    """Areas of 4-connected parts by flood filling, in reading order."""
    left = {(int(r), int(c)) for r, c in np.argwhere(mask)}
    areas = []
    while left:
        todo, area = [min(left)], 0
        left.discard(todo[0])
        while todo:
            r, c = todo.pop()
            area += 1
            for step in ((r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)):
                if step in left:
                    left.discard(step)
                    todo.append(step)
        areas.append(area)
    return areas


def test_uniform_attention_keeps_60_percent() -> None:
    for patches in (10, 24, 196, 1369):
        kept = int(mass_mask(np.full(patches, np.float16(1.0))).sum())
        assert kept == patches - int(0.4 * patches + 1e-9)
        assert abs(kept / patches - 0.6) < 1 / patches
    assert mass_mask(np.full(10, 0.1)).sum() == 6  # not 7: the sum of four is 0.4 exactly


def test_of_equal_values_the_later_are_kept() -> None:
    assert mass_mask(np.ones(5)).tolist() == [False, False, True, True, True]


def test_an_outlier_that_holds_the_mass_is_the_mask() -> None:
    values = np.full(100, 0.001)
    values[37] = 0.9
    assert np.flatnonzero(mass_mask(values)).tolist() == [37]


@pytest.mark.value_of("mass-mask-area")
@pytest.mark.parametrize("share", [0.2, 0.6, 0.9, 1.0])
def test_masks_are_those_of_the_plain_definition(share: float) -> None:
    rng = np.random.default_rng(0)
    maps = rng.gamma(0.5, size=(3, 4, 35))
    found = mass_mask(maps, share)
    for head in np.ndindex(3, 4):
        assert found[head].tolist() == plain_mask(maps[head].tolist(), share)


def test_the_kept_mass_is_the_share_and_no_patch_less() -> None:
    values = np.random.default_rng(1).random(50)
    mask = mass_mask(values, 0.6)
    held = values[mask].sum() / values.sum()
    assert held >= 0.6 > held - values[mask].min() / values.sum()


def test_a_map_without_mass_has_an_empty_mask() -> None:
    assert not mass_mask(np.zeros(6)).any()


def test_what_cannot_be_a_map_is_refused() -> None:
    with pytest.raises(AnalysisError, match="above 0 and at most 1 was expected, got 60"):
        mass_mask(np.ones(4), 60)
    with pytest.raises(AnalysisError, match="finite and not negative"):
        mass_mask(np.array([1.0, np.nan]))


def test_heads_and_their_mean_leave_the_prefix_out() -> None:
    layout = TokenLayout(prefix=("CLS", "reg1"), rows=2, cols=5)
    attention = np.zeros((2, 12))
    attention[:, :2] = 7.0  # a sink in the prefix
    attention[0, 2] = 1.0
    attention[1, 11] = 1.0
    found = layer_masks(attention, layout)
    assert [np.argwhere(head.mask).tolist() for head in found.heads] == [[[0, 0]], [[1, 4]]]
    assert [head.area for head in found.heads] == [0.1, 0.1]
    assert np.argwhere(found.mean.mask).tolist() == [[0, 0], [1, 4]]
    assert found.mean.parts.areas == (1, 1)


@pytest.mark.value_of("mass-mask-parts")
def test_parts_join_along_edges_not_corners() -> None:
    mask = np.array([[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]], dtype=bool)
    parts = components(mask)
    assert parts.areas == (2, 3)
    assert parts.count == 2
    assert np.argwhere(parts.largest()).tolist() == [[1, 2], [2, 2], [2, 3]]
    assert np.argwhere(parts.holding(0, 1)).tolist() == [[0, 0], [0, 1]]
    assert not parts.holding(0, 3).any()
    random = np.random.default_rng(2).random((9, 13)) < 0.5
    assert list(components(random).areas) == plain_parts(random)


def test_the_last_part_counts_too() -> None:
    mask = np.zeros((5, 5), dtype=bool)
    mask[0, 0] = mask[4, 2:] = True
    assert components(mask).areas == (1, 3)
    assert np.argwhere(components(mask).largest()).tolist() == [[4, 2], [4, 3], [4, 4]]


def test_boxes_in_pixels_go_through_the_view() -> None:
    layout = TokenLayout(prefix=(), rows=2, cols=4)
    view = View(200, 100, left=10, top=20, right=90, bottom=60, input_width=56, input_height=28)
    mask = np.array([[0, 0, 0, 0], [0, 1, 1, 0]], dtype=bool)
    box = box_around(mask)
    assert box == PatchBox(1, 1, 3, 2)
    assert box.in_pixels(layout, view) == (30, 40, 70, 60)
    assert box_around(np.zeros((2, 2), dtype=bool)) is None
    assert not components(np.zeros((2, 2), dtype=bool)).largest().any()
