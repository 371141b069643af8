from __future__ import annotations

import math

import numpy as np
import pytest

from generator.analysis.compare.paired import RESAMPLES, bootstrap, paired
from generator.errors import AnalysisError


def test_differences_are_of_images_that_both_models_have() -> None:
    found = paired(["a", "b", "c", "d"], [1, None, 3, 5], [2, 7, math.nan, 4])
    assert found.images == ("a", "d") and found.left_out == ("b", "c") and found.n == 2
    assert found.difference.tolist() == [1, -1] and found.mean == 0
    assert found.one.tolist() == [1, 5] and found.two.tolist() == [2, 4]


@pytest.mark.value_of("paired-difference")
def test_the_interval_agrees_with_a_loop_over_resamples() -> None:
    values = np.random.default_rng(1).normal(size=7)
    rng = np.random.default_rng(3)
    picks = rng.integers(0, 7, size=(RESAMPLES, 7))
    means = sorted(sum(values[pick] for pick in row) / 7 for row in picks)
    found = bootstrap(values, seed=3)
    assert found is not None and found.level == 0.95
    # The 250th and 9750th of 10,000.
    assert means[248] <= found.low <= means[251]
    assert means[9748] <= found.high <= means[9751]


def test_the_interval_of_many_images_is_near_the_normal_one() -> None:
    values = np.random.default_rng(2).normal(loc=1, size=2000)
    found = bootstrap(values)
    assert found is not None
    error = 1.96 * values.std() / math.sqrt(2000)
    assert found.low == pytest.approx(values.mean() - error, abs=0.1 * error)
    assert found.high == pytest.approx(values.mean() + error, abs=0.1 * error)
    assert found == bootstrap(values)


def test_one_image_has_no_interval_and_few_have_no_stars() -> None:
    one = paired(["a"], [1], [2])
    assert one.interval is None and one.mean == 1 and not one.stars_allowed
    none = paired([], [], [])
    assert none.interval is None and math.isnan(none.mean)
    names = [str(n) for n in range(20)]
    values = [float(n) for n in range(20)]
    assert paired(names, values, values).stars_allowed
    assert not paired(names[1:], values[1:], values[1:]).stars_allowed


def test_lists_of_different_lengths_are_refused() -> None:
    with pytest.raises(AnalysisError, match="2 images, 1 and 2 values"):
        paired(["a", "b"], [1], [1, 2])
