from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from generator.analysis.compare.paired import (
    FEWEST,
    Paired,
    mean_interval,
    paired,
    share_interval,
    starred,
)
from generator.errors import AnalysisError

Draw = Callable[[np.random.Generator, int], np.ndarray]

TRIALS = 2000
"""Samples a case: a coverage of 0.95 is measured to 0.0049 (one standard error)."""

DISTRIBUTIONS: dict[str, tuple[Draw, float]] = {
    "normal": (lambda rng, n: rng.normal(size=n), 0.0),
    "exponential": (lambda rng, n: rng.exponential(size=n), 1.0),
    "lognormal": (lambda rng, n: rng.lognormal(size=n), math.exp(0.5)),
}
"""How values are drawn, and their mean. A lognormal has a skewness of 6.2, an exponential of 2."""


def coverage(name: str, n: int) -> float:
    """Share of intervals that hold the mean."""
    draw, mean = DISTRIBUTIONS[name]
    rng = np.random.default_rng(20260)
    found = [mean_interval(draw(rng, n)) for _ in range(TRIALS)]
    return float(np.mean([each is not None and each.low <= mean <= each.high for each in found]))


@pytest.mark.value_of("paired-difference")
def test_differences_are_of_images_that_both_models_have() -> None:
    found = paired(["a", "b", "c", "d"], [1, None, 3, 5], [2, 7, math.nan, 4])
    assert found.images == ("a", "d") and found.left_out == ("b", "c") and found.n == 2
    assert found.difference.tolist() == [-1, 1] and found.mean == 0
    assert found.one.tolist() == [1, 5] and found.two.tolist() == [2, 4]


@pytest.mark.parametrize("n", [8, 20, 50])
@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("normal", 0.94, 0.96), ("exponential", 0.93, 0.96), ("lognormal", 0.89, 0.96)],
)
def test_intervals_hold_the_mean_as_often_as_the_methods_page_says(
    name: str, least: float, most: float, n: int
) -> None:
    """Nominal 95 %; the lognormal's 0.90 is measured to 0.007."""
    assert least <= coverage(name, n) <= most


def test_there_is_no_interval_of_so_few_images_that_it_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert FEWEST == 8
    for n in (0, 1, 2, 5, 7):
        values = np.random.default_rng(n).normal(size=n)
        assert mean_interval(values) is None and share_interval(values > 0) is None
        names = [str(k) for k in range(n)]
        assert paired(names, values, 2 * values).p is None
    monkeypatch.setattr("generator.analysis.compare.paired.FEWEST", 5)
    assert coverage("lognormal", 5) < 0.90


@pytest.mark.value_of("paired-difference")
def test_without_skewness_it_is_the_t_interval() -> None:
    half = np.random.default_rng(1).normal(size=10)
    values = 3 + np.concatenate([half, -half])
    found = mean_interval(values)
    assert found is not None and found.level == 0.95
    low, high = stats.t.interval(0.95, 19, values.mean(), stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9)
    narrow = mean_interval(values, level=0.5)
    assert narrow is not None and found.low < narrow.low < narrow.high < found.high


def test_a_long_tail_moves_both_ends_towards_it() -> None:
    values = np.random.default_rng(2).lognormal(size=30)
    found = mean_interval(values)
    assert found is not None
    low, high = stats.t.interval(0.95, 29, values.mean(), stats.sem(values))
    assert found.low > low and found.high > high
    mirrored = mean_interval(-values)
    assert mirrored is not None
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))


def test_ends_solve_the_equation_of_hall() -> None:
    values = np.random.default_rng(3).lognormal(size=12)
    found = mean_interval(values)
    assert found is not None
    a = stats.skew(values, bias=False) / 12**0.5
    quantile = stats.t.ppf(0.975, 11)
    for end, expected in ((found.low, quantile), (found.high, -quantile)):
        t = (values.mean() - end) / stats.sem(values)
        assert t + a * t**2 / 3 + a**2 * t**3 / 27 + a / 6 == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("difference", "p"), [(0.0, 1.0), (0.1, 0.0)])
def test_equal_differences_are_zero_or_are_not(difference: float, p: float) -> None:
    found = paired([str(n) for n in range(25)], np.zeros(25), np.full(25, difference))
    assert found.p == p


def test_values_that_are_all_the_same_have_an_interval_of_no_width() -> None:
    found = mean_interval(np.full(9, 0.1))
    assert found is not None and found.low == found.high == pytest.approx(0.1)


def test_p_is_where_the_interval_begins_to_leave_out_zero() -> None:
    rng = np.random.default_rng(4)
    for shift in (-1.0, 0.2, 0.9):
        difference = rng.exponential(size=25) - 1 + shift
        found = paired([str(n) for n in range(25)], np.zeros(25), difference)
        assert found.p is not None and 0 < found.p < 1
        for level, apart in ((1 - found.p * 1.001, True), (1 - found.p * 0.999, False)):
            interval = mean_interval(difference, level=level)
            assert interval is not None
            assert (not interval.low <= 0 <= interval.high) == apart


def test_shares_have_wilsons_interval() -> None:
    """Also where all or none are hits, of which resampling would say that it is certain."""
    for hits, n in ((0, 8), (8, 8), (3, 20), (49, 50)):
        values = np.array([1.0] * hits + [0.0] * (n - hits))
        found = share_interval(values)
        assert found is not None
        wanted = stats.binomtest(hits, n).proportion_ci(0.95, method="wilson")
        assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=1e-12)


def seeded(seed: int, n: int, shift: float = 0.0) -> Paired:
    values = np.random.default_rng(seed).normal(loc=shift, size=n)
    return paired([str(k) for k in range(n)], np.zeros(n), values)


def test_stars_are_corrected_for_the_number_of_measures() -> None:
    clear, none = seeded(1, 30, 2.0), seeded(2, 30)
    near = next(
        found
        for seed in range(200)
        if (found := seeded(seed, 30, 0.4)).p is not None and 0.015 < found.p < 0.045
    )
    assert starred({"clear": clear, "near": near}) == {"clear", "near"}
    # With two more that differ in nothing, the same p is no longer small enough.
    assert starred({"clear": clear, "near": near, "a": none, "b": none, "c": none}) == {"clear"}
    few = seeded(1, 19, 2.0)
    assert few.p is not None and few.p < 1e-4 and not few.stars_allowed
    assert starred({"few": few, "near": near}) == {"near"}


def test_measures_without_any_difference_rarely_get_a_star() -> None:
    """One table in twenty, not one measure in twenty."""
    tables = [starred({str(m): seeded(7 * t + m, 20) for m in range(7)}) for t in range(400)]
    assert np.mean([bool(marked) for marked in tables]) == pytest.approx(0.05, abs=0.025)


def test_one_image_has_no_interval_and_few_have_no_stars() -> None:
    one = paired(["a"], [1], [2])
    assert one.interval is None and one.mean == -1 and not one.stars_allowed
    none = paired([], [], [])
    assert none.interval is None and math.isnan(none.mean)
    names = [str(n) for n in range(20)]
    values = [float(n) for n in range(20)]
    assert paired(names, values, values).stars_allowed
    assert not paired(names[1:], values[1:], values[1:]).stars_allowed


def test_lists_of_different_lengths_are_refused() -> None:
    with pytest.raises(AnalysisError, match="2 images, 1 and 2 values"):
        paired(["a", "b"], [1], [1, 2])
    with pytest.raises(AnalysisError, match="1 and 2 values"):
        paired(["a"], [1], [1, 2])
