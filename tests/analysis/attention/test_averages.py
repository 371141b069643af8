from __future__ import annotations

from dataclasses import replace
from functools import reduce

import numpy as np
import pytest

from generator.analysis.absent import NotApplicable
from generator.analysis.attention.averages import LocationAverages, LocationSums
from generator.errors import AnalysisError
from tests import tiny
from tests.analysis import full


@pytest.mark.value_of("location-average", "outlier-rate")
def test_averages_agree_with_loops_over_images_and_heads() -> None:
    layout = tiny.layout(registers=1)
    records = []
    for seed in range(100):
        norms = full.plain_norms(layout, layers=2, outliers=(5,) if seed % 4 else (5, 11))
        records.append(full.record(layout, full.random(layout, layers=2, seed=seed), norms))
    parts = [LocationSums.of(record) for record in records]
    found = reduce(LocationSums.merge, parts).averages()
    assert isinstance(found, LocationAverages)
    assert found.images == 100 and found.queries == ("CLS", "reg1")
    assert found.attention.shape == (2, 2, 4, 6)
    for query, layer, patch in ((0, 0, 0), (1, 1, 13), (0, 1, 23)):
        values = [
            float(r.attention[query, layer, head, 2 + patch]) for r in records for head in (0, 1)
        ]
        place = divmod(patch, 6)
        assert found.attention[query, layer][place] == pytest.approx(sum(values) / 200)
        values = [float(r.received[layer, head, 2 + patch]) for r in records for head in (0, 1)]
        assert found.received[layer][place] == pytest.approx(sum(values) / 200)
    rate = np.zeros((4, 6))
    rate[0, 5], rate[1, 5] = 1, 0.25
    np.testing.assert_allclose(found.outlier_rate, rate)


def test_parts_merge_in_any_order_and_stay_as_they_were() -> None:
    one, two = (LocationSums.of(tiny.record(seed=seed)) for seed in (1, 2))
    before = one.attention.copy()
    np.testing.assert_array_equal(one.merge(two).attention, two.merge(one).attention)
    assert one.images == 1 and np.array_equal(one.attention, before)


def test_too_few_images_are_withheld_with_their_number() -> None:
    sums = reduce(LocationSums.merge, [LocationSums.of(tiny.record())] * 99)
    assert sums.averages() == NotApplicable(
        "averages by place need at least 100 images; this run has 99"
    )
    assert isinstance(sums.merge(LocationSums.of(tiny.record())).averages(), LocationAverages)


def test_other_grids_and_models_are_refused() -> None:
    one = LocationSums.of(tiny.record())
    with pytest.raises(AnalysisError) as grid:
        one.merge(LocationSums.of(tiny.record(tiny.layout(rows=5))))
    assert str(grid.value) == (
        "Averages by place need one model on one grid: tiny/model on 4x6, tiny/model on 5x6. "
        "Average images of one shape (the square field of view gives that)."
    )
    with pytest.raises(AnalysisError, match="one model"):
        one.merge(replace(one, model=("other", "1")))
