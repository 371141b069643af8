from __future__ import annotations

import statistics
from dataclasses import replace

import numpy as np
import pytest

from generator.analysis.stream.norms import (
    CUTOFFS,
    EDGES,
    QUANTILES,
    combine_norms,
    norm_summary,
    outliers_of,
)
from generator.analysis.stream.onset import onset_layer, onset_of, onset_series
from generator.errors import AnalysisError
from tests import tiny
from tests.analysis import full


@pytest.mark.value_of("norm-ratio", "max-norm", "median-norm", "outlier-share-layer")
def test_a_summary_agrees_with_loops_over_the_norms() -> None:
    record = tiny.record(tiny.layout(registers=2), seed=3)
    found = norm_summary(record)
    assert found.images == 1 and found.patches == 24 and found.tokens == ("CLS", "reg1", "reg2")
    for layer, norms in enumerate(record.norms.astype(float)):
        patches = sorted(norms[3:])
        median = statistics.median(patches)
        assert found.median[layer] == pytest.approx(median)
        assert found.maximum[layer] == pytest.approx(patches[-1])
        assert found.ratio[layer] == pytest.approx(patches[-1] / median)
        for place, quantile in enumerate(QUANTILES):
            expected = np.quantile(patches, quantile)
            assert found.quantiles[layer, place] == pytest.approx(expected)
        for place, cutoff in enumerate(CUTOFFS):
            above = sum(norm > cutoff * median for norm in patches)
            assert found.above[layer, place] == pytest.approx(above / 24)
        for place in range(100):
            inside = sum(EDGES[place] <= norm < EDGES[place + 1] for norm in patches)
            assert found.histogram[layer, place] == inside
        assert found.of("reg1") is not None
        assert found.of("reg1")[layer] == pytest.approx(norms[1])
    assert found.peak == int(np.argmax(found.ratio)) and found.of("reg3") is None


@pytest.mark.value_of("outlier-count")
def test_planted_outliers_are_found_where_they_are_and_nowhere_else() -> None:
    layout, planted = tiny.layout(registers=1), (0, 9, 23)
    record = full.record(layout, full.random(layout), full.plain_norms(layout, outliers=planted))
    found = norm_summary(record)
    assert found.outliers is not None and found.outliers.shape == (4, 6)
    assert tuple(np.flatnonzero(found.outliers)) == planted
    assert found.peak >= 2 and found.above[found.peak, 0] == pytest.approx(3 / 24)
    assert outliers_of(record).count == 3
    assert not norm_summary(full.record(layout, full.random(layout))).outliers.any()


def test_norms_outside_the_histogram_are_counted_at_its_ends() -> None:
    record = tiny.record(tiny.layout())
    norms = record.norms.copy()
    norms[1, 1:3] = 1e-3, 1e6
    found = norm_summary(replace(record, norms=norms)).histogram
    assert found[1, 0] == 1 and found[1, -1] == 1
    assert (found.sum(axis=1) == 24).all()


def test_images_combine_to_medians_sums_and_means() -> None:
    records = [tiny.record(tiny.layout(), seed=seed) for seed in range(3)]
    one = [norm_summary(record) for record in records]
    found = combine_norms(one)
    assert found.images == 3 and found.patches == 72 and found.outliers is None
    for layer in range(4):
        assert found.median[layer] == statistics.median(each.median[layer] for each in one)
        assert found.prefix[layer, 0] == statistics.median(each.prefix[layer, 0] for each in one)
        assert (found.histogram[layer] == sum(each.histogram[layer] for each in one)).all()
        expected = sum(each.above[layer, 0] for each in one) / 3
        assert found.above[layer, 0] == pytest.approx(expected)


def test_norms_of_different_models_do_not_combine() -> None:
    one = norm_summary(tiny.record(tiny.layout()))
    two = norm_summary(tiny.record(tiny.layout(registers=1)))
    with pytest.raises(AnalysisError, match="different layers or prefix tokens"):
        combine_norms([one, two])
    with pytest.raises(AnalysisError, match="There are no norms to combine"):
        combine_norms([])


def test_onset_is_the_first_layer_above_half_the_peak() -> None:
    assert onset_layer(np.array([1, 1.2, 4, 6, 9, 7])) == 3
    assert onset_layer(np.array([8, 1, 1, 10])) == 0
    assert onset_layer(np.array([1, 4.2, 4.6, 9])) == 2
    assert onset_layer(np.array([1, 2, 2.9])) is None


@pytest.mark.value_of("norm-onset")
def test_planted_onsets_of_patches_and_of_a_register() -> None:
    layout = tiny.layout(registers=2)
    norms = np.full((7, layout.tokens), 5, dtype=np.float32)
    norms[4:, 3 + 11] = 60
    norms[2:, 2] = 100
    record = full.record(layout, full.random(layout, layers=6), norms)
    found = onset_of([onset_series(record)] * 2)
    assert found.images == 2
    assert found.patch_onset == 4
    assert found.prefix_onsets == (None, None, 2)
    assert found.patch_ratio.tolist() == [1, 1, 1, 1, 12, 12, 12]


@pytest.mark.value_of("largest-cls-attention", "largest-cls-attention-patch")
def test_onset_series_are_means_over_images_of_maxima_over_keys() -> None:
    layout = tiny.layout(registers=2)
    attention = [full.random(layout, seed=seed) for seed in range(3)]
    records = [full.record(layout, each) for each in attention]
    found = onset_of([onset_series(record) for record in records])
    assert found.patch_attention is not None and found.register_attention is not None
    for layer in range(3):
        rows = [[sum(each[layer, :, 0, key]) / 2 for key in range(27)] for each in attention]
        expected = sum(max(row[3:]) for row in rows) / 3
        assert found.patch_attention[layer] == pytest.approx(expected, rel=1e-3)
        expected = sum(max(row[1:3]) for row in rows) / 3
        assert found.register_attention[layer] == pytest.approx(expected, rel=1e-3)
    for layer in range(4):
        expected = sum(max(each.norms[layer, 3:]) for each in records) / 3
        assert found.patch_norm[layer] == pytest.approx(expected)


def test_onsets_of_models_without_cls_or_registers() -> None:
    bare = onset_of([onset_series(tiny.record(tiny.layout(cls=False)))])
    assert bare.patch_attention is None and bare.register_attention is None
    assert bare.tokens == () and bare.prefix_onsets == ()
    assert onset_of([onset_series(tiny.record())]).register_attention is None
    with pytest.raises(AnalysisError, match="no mean"):
        onset_of([onset_series(tiny.record()), onset_series(tiny.record(layers=4))])
