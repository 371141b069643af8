"""Values of quantities, by loops over whole matrices; most are beside their analysis."""

from __future__ import annotations

import itertools
import statistics
from dataclasses import replace

import numpy as np
import pytest

from generator.analysis.cells.digest import cell_digest
from generator.analysis.compare.pair import PairCell, measure_values
from generator.analysis.compare.readings import readings
from generator.records.extras import ValueNorms
from generator.records.record import AttentionRecord
from tests import tiny
from tests.analysis import full

LAYERS, HEADS, REGISTERS = 3, 2, 2
FIRST = 1 + REGISTERS
LAYOUT = tiny.layout(registers=REGISTERS)


@pytest.fixture(scope="module")
def attention() -> full.Full:
    return full.random(LAYOUT, layers=LAYERS, heads=HEADS, seed=7)


@pytest.fixture(scope="module")
def record(attention: full.Full) -> AttentionRecord:
    norms = full.plain_norms(LAYOUT, layers=LAYERS, outliers=(4, 17))
    norms[:, :FIRST] = np.random.default_rng(2).uniform(1, 90, size=(LAYERS + 1, FIRST))
    made = full.record(LAYOUT, attention, norms, extras=("values", "massive"))
    assert made.values is not None
    sizes = np.random.default_rng(3).uniform(0.5, 8, size=(LAYERS, HEADS, LAYOUT.tokens))
    values = ValueNorms(sizes.astype(np.float16), made.values.contribution)
    return replace(made, values=values)


@pytest.mark.value_of("cls-mass-cls", "cls-mass-registers", "cls-mass-patches")
def test_where_cls_attends(attention: full.Full, record: AttentionRecord) -> None:
    found = readings(record)
    for layer, head in itertools.product(range(LAYERS), range(HEADS)):
        row = [float(weight) for weight in attention[layer, head, 0]]
        for name, expected in (
            ("cls", row[0]),
            ("registers", sum(row[1:FIRST])),
            ("patches", sum(row[FIRST:])),
        ):
            value = found[f"cls-mass-{name}"][layer, head]
            assert value == pytest.approx(expected, abs=1e-6)


@pytest.mark.value_of("cls-mass-outliers")
def test_what_cls_gives_to_outliers_in_the_last_layer(
    attention: full.Full, record: AttentionRecord
) -> None:
    found = measure_values(PairCell(cell_digest(record), record.layout, record.view))
    rows = attention[-1, :, 0]
    expected = sum(float(row[FIRST + 4] + row[FIRST + 17]) for row in rows) / HEADS
    assert found["cls-mass-outliers"] == pytest.approx(expected, rel=2e-3)


@pytest.mark.value_of("cls-norm", "register-norm", "max-norm", "median-norm", "norm-ratio")
def test_norms_of_a_layer(record: AttentionRecord) -> None:
    found = readings(record)
    for layer, norms in enumerate(record.norms.tolist()):
        cls, registers, patches = norms[0], norms[1:FIRST], norms[FIRST:]
        median = statistics.median(patches)
        for name, expected in (
            ("cls-norm", cls),
            ("register-norm", max(registers)),
            ("max-norm", max(patches)),
            ("median-norm", median),
            ("norm-ratio", max(patches) / median),
        ):
            assert found[name][layer] == pytest.approx(expected), name


@pytest.mark.value_of("outlier-count", "outlier-share")
def test_outlier_patches_of_an_image(record: AttentionRecord) -> None:
    def above(norms: list[float]) -> int:
        return sum(norm > 3 * statistics.median(norms) for norm in norms)

    patches = record.norms[:, FIRST:].tolist()
    peak = max(patches, key=lambda norms: max(norms) / statistics.median(norms))
    found = readings(record)
    assert found["outlier-count"] == above(peak) == 2
    assert found["outlier-share"] == pytest.approx(2 / 24)


@pytest.mark.value_of("sink-value")
def test_the_value_norm_of_the_key_that_receives_most(
    attention: full.Full, record: AttentionRecord
) -> None:
    assert record.values is not None
    found = readings(record)["sink-value"]
    for layer, head in itertools.product(range(LAYERS), range(HEADS)):
        received = attention[layer, head].mean(0)
        norms = record.values.norms[layer, head].tolist()
        expected = norms[int(received.argmax())] / statistics.median(norms[FIRST:])
        assert found[layer, head] == pytest.approx(expected, rel=1e-3)


@pytest.mark.value_of("rollout-prefix")
def test_rollout_on_the_prefix_from_every_start_layer() -> None:
    """``tiny.record`` keeps no matrices; the rollout of random rows is multiplied out here."""
    attention = full.random(LAYOUT, layers=LAYERS, heads=HEADS, seed=9)
    rows = []
    for start in range(LAYERS):
        rolled = np.eye(LAYOUT.tokens)
        for layer in range(start, LAYERS):
            rolled = (attention[layer].mean(0) + np.eye(LAYOUT.tokens)) / 2 @ rolled
        rows.append(rolled[0])
    made = replace(full.record(LAYOUT, attention), rollout=np.array(rows, np.float32))
    found = readings(made)["rollout-prefix"]
    expected = [sum(float(share) for share in row[:FIRST]) for row in rows]
    assert list(found) == pytest.approx(expected, rel=1e-5)


@pytest.mark.value_of("channel-max")
def test_the_largest_channel_over_the_patches(record: AttentionRecord) -> None:
    assert record.massive is not None
    found = readings(record)["channel-max"]
    expected = [max(row) for row in record.massive.channel_max.tolist()]
    assert list(found) == pytest.approx(expected)
