"""Two models on the same images: maps with their baselines, numbers with their pairs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from generator.analysis.cells.digest import cell_digest
from generator.analysis.compare.agreement import divergence, earth_movers
from generator.analysis.compare.pair import (
    MEASURES,
    PairCell,
    compare_maps,
    measure_values,
    pair_measures,
)
from generator.records.record import AttentionRecord, TokenLayout
from tests import tiny
from tests.analysis import full


def cell(record: AttentionRecord) -> PairCell:
    return PairCell(cell_digest(record), record.layout, record.view)


def with_map(found: PairCell, values: np.ndarray) -> PairCell:
    last = (values / values.sum()).astype(np.float32)
    return replace(found, digest=replace(found.digest, last=last))


@pytest.fixture
def plain() -> PairCell:
    return cell(tiny.record())


def spot(row: int, col: int) -> np.ndarray:
    values = np.zeros((4, 6))
    values[row, col] = 1
    return values


def test_a_map_agrees_with_itself_in_every_measure(plain: PairCell) -> None:
    found = compare_maps(plain, plain, (plain, plain))
    assert found is not None and repr(found.one) == repr(found.two)
    assert found.between.divergence == 0
    assert found.between.earth_movers == 0
    assert found.between.pearson == found.between.spearman == pytest.approx(1)
    assert found.between.similarity == pytest.approx(1)
    assert found.one is not None and found.one.shuffled is not None
    assert found.one.shuffled.divergence == pytest.approx(0, abs=1e-6)
    assert math.isnan(found.one.uniform.pearson)


def test_spots_in_two_corners_share_nothing_and_lie_as_far_apart_as_the_corners(
    plain: PairCell,
) -> None:
    one, two = with_map(plain, spot(0, 0)), with_map(plain, spot(3, 5))
    found = compare_maps(one, two, None)
    assert found is not None and found.one is not None
    assert found.between.divergence == pytest.approx(1)
    assert found.between.similarity == 0
    # 96 x 64 pixels, 16 a patch: five across and three down, in heights of the picture
    assert found.between.earth_movers == pytest.approx(math.hypot(5 * 16, 3 * 16) / 64, abs=1e-6)
    assert found.one.shuffled is None


def test_baselines_are_of_each_models_own_map(plain: PairCell) -> None:
    flat = with_map(plain, np.ones((4, 6)))
    one, two, other = with_map(plain, spot(0, 0)), flat, with_map(plain, spot(0, 1))
    found = compare_maps(one, two, (other, flat))
    assert found is not None and found.one is not None and found.two is not None
    assert found.two.uniform.divergence == pytest.approx(0, abs=1e-9)
    assert found.two.shuffled is not None and found.one.shuffled is not None
    assert found.two.shuffled.divergence == pytest.approx(0, abs=1e-9)
    assert found.one.shuffled.divergence == pytest.approx(1)
    assert found.one.shuffled.earth_movers == pytest.approx(16 / 64, abs=1e-6)
    own = one.digest.last.astype(np.float64)
    assert found.one.uniform.divergence == pytest.approx(divergence(own, np.full((4, 6), 1 / 24)))


def test_without_baselines_only_the_two_are_compared(plain: PairCell) -> None:
    other = cell(tiny.record(seed=1))
    bare = compare_maps(plain, other, None, baselines=False)
    whole = compare_maps(plain, other, None)
    assert bare is not None and whole is not None
    assert bare.one is None and bare.two is None and bare.between == whole.between


def test_a_finer_grid_is_brought_to_the_coarser_without_losing_mass(plain: PairCell) -> None:
    fine = cell(tiny.record(tiny.layout(rows=8, cols=12)))
    doubled = np.repeat(np.repeat(plain.digest.last, 2, axis=0), 2, axis=1)
    found = compare_maps(plain, with_map(fine, doubled), None)
    assert found is not None
    assert found.between.divergence == pytest.approx(0, abs=1e-6)


def test_models_that_saw_nothing_in_common_are_not_compared(plain: PairCell) -> None:
    left = replace(plain, view=replace(plain.view, right=48.0))
    right = replace(plain, view=replace(plain.view, left=48.0))
    assert compare_maps(left, right, None) is None


@pytest.mark.slow
def test_distances_are_found_for_any_two_maps() -> None:
    """Sums that differ in the last bit are no reason for the solver to give up."""
    rng = np.random.default_rng(0)
    for _ in range(40):
        one, two = (rng.gamma(0.1, size=(14, 14)) for _ in range(2))
        one, two = (each / each.sum() for each in (one.astype(np.float32), two.astype(np.float32)))
        assert 0 < earth_movers(one, two) < math.sqrt(2)


def sinking(registers: int, token: int, outliers: tuple[int, ...] = ()) -> PairCell:
    """All attention on one token; patches that are outliers, by index."""
    layout = TokenLayout(("CLS", *(f"reg{n + 1}" for n in range(registers))), 4, 6)
    norms = full.plain_norms(layout, outliers=outliers)
    return cell(full.record(layout, full.sink(layout, token), norms))


@pytest.mark.value_of("outlier-share")
def test_measures_are_what_was_planted() -> None:
    values = measure_values(sinking(0, 1 + 7, outliers=(7, 11)))
    assert values["outlier-share"] == pytest.approx(2 / 24)
    assert values["norm-ratio"] == pytest.approx(10, rel=0.15)
    assert values["cls-mass-outliers"] == pytest.approx(1, abs=1e-3)
    assert values["largest-cls-attention-patch"] == pytest.approx(1, abs=1e-3)
    assert values["cls-mass-registers"] is None
    assert values["mass-mask-area"] == pytest.approx(1 / 24)
    clean = measure_values(sinking(2, 1))
    assert clean["outlier-share"] == 0 and clean["cls-mass-outliers"] == 0
    assert clean["cls-mass-registers"] == pytest.approx(1, abs=1e-3)


def test_a_model_without_a_class_token_has_no_number_of_it() -> None:
    values = measure_values(cell(tiny.record(tiny.layout(cls=False))))
    missing = {name for name, value in values.items() if value is None}
    assert missing == {"cls-mass-outliers", "cls-mass-registers", "largest-cls-attention-patch"}


def test_pairs_are_first_minus_second_over_images_that_both_have() -> None:
    sick, clean = measure_values(sinking(0, 8, outliers=(7, 11))), measure_values(sinking(2, 1))
    found = pair_measures(["a", "b"], [sick, clean], [clean, clean])
    assert found["outlier-share"].difference.tolist() == pytest.approx([2 / 24, 0])
    assert found["cls-mass-registers"].images == ("b",) and found[
        "cls-mass-registers"
    ].left_out == ("a",)
    assert list(found) == [measure.quantity.id for measure in MEASURES]
