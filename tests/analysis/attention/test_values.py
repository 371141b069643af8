from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from generator.analysis.absent import NotApplicable
from generator.analysis.attention.values import SinkValues, as_shares, contribution, sink_values
from generator.analysis.stream.massive import Massive, MassiveSummary, massive_summary
from generator.records.extras import MassiveActivations, ValueNorms
from tests import tiny
from tests.analysis import full


def test_shares_sum_to_one_where_there_is_anything() -> None:
    np.testing.assert_allclose(as_shares(np.array([[1, 3], [0.5, 0]])), [[0.25, 0.75], [1, 0]])
    assert not as_shares(np.zeros((2, 3))).any()


def test_a_sink_without_value_fades_and_says_so() -> None:
    layout = tiny.layout(registers=1)
    record = full.record(layout, full.sink(layout, 1), extras=("values",))
    norms = np.ones((3, 2, layout.tokens), np.float16)
    norms[..., 1] = 0.125
    values = ValueNorms(norms=norms, contribution=record.values.contribution)
    found = sink_values(replace(record, values=values))
    assert isinstance(found, SinkValues)
    assert (found.token == 1).all() and (found.received == 1).all()
    assert (found.norm == 0.125).all() and (found.relative == 0.125).all()


def test_contribution_is_as_measured() -> None:
    record = tiny.record(extras=("values",))
    found = contribution(record)
    assert isinstance(found, np.ndarray) and found.dtype == np.float32
    np.testing.assert_array_equal(found, record.values.contribution)


def test_values_that_were_not_measured() -> None:
    record = tiny.record()
    expected = NotApplicable("norms of value vectors were not measured")
    assert contribution(record) == expected and sink_values(record) == expected
    assert massive_summary(record) == NotApplicable("massive activations were not measured")


@pytest.mark.value_of("massive-activation", "channel-max")
def test_massive_activations_meet_both_parts_of_the_rule() -> None:
    layout = tiny.layout(registers=1)
    record = tiny.record(layout, layers=2, extras=("massive",))
    part = MassiveActivations(
        # Massive; not 1000 times the median; not above 100.
        value=np.array([[-300, 120, 50], [150, 99, 1], [99, 98, 97]], np.float32),
        token=np.array([[0, 1, 2], [2 + 8, 0, 0], [0, 0, 0]], np.int32),
        channel=np.array([[7, 7, 3], [5, 1, 1], [1, 2, 3]], np.int32),
        median=np.array([0.2, 0.125, 0.001], np.float32),
        channel_max=np.array([[1, 5, 2], [3, 1, 1], [0, 0, 4]], np.float32),
    )
    found = massive_summary(replace(record, massive=part))
    assert isinstance(found, MassiveSummary)
    assert found.found == (
        Massive(0, 0, "CLS", None, 7, -300.0, pytest.approx(1500)),
        Massive(1, 10, "", (1, 2), 5, 150.0, 1200.0),
    )
    assert found.largest[0].tolist() == [300, 120, 50]
    assert found.channel_argmax == (1, 0, 2) and found.channel_max.tolist() == [5, 3, 4]


def test_random_activations_are_not_massive() -> None:
    found = massive_summary(tiny.record(extras=("massive",)))
    assert isinstance(found, MassiveSummary) and found.found == ()
