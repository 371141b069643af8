"""Sinks and single channels over the images of a model."""

from __future__ import annotations

import numpy as np
import pytest

from generator.analysis.attention.values import SinkValues
from generator.analysis.stream.massive import MassiveSummary
from generator.analysis.stream.means import channel_means, sink_means


def sinks(received: list[list[float]], relative: list[list[float]]) -> SinkValues:
    values = np.array(relative, dtype=np.float32)
    token = np.zeros(values.shape, dtype=np.int32)
    return SinkValues(token, np.array(received, dtype=np.float32), values, values)


def test_only_keys_that_receive_a_third_count_as_strong() -> None:
    one = sinks([[0.9, 0.1, 0.2], [0.1, 0.1, 0.1]], [[0.1, 3, 5], [1, 2, 3]])
    two = sinks([[0.5, 0.2, 0.2], [0.1, 0.2, 0.1]], [[0.3, 7, 9], [5, 6, 7]])
    found = sink_means([one, two])
    assert found is not None
    assert found.count.tolist() == [2, 0]
    assert found.strong[0] == pytest.approx(0.2)
    assert np.isnan(found.strong[1])
    # median over heads of each image, then the mean
    np.testing.assert_allclose(found.relative, [5, 4])


def test_no_sinks_were_measured() -> None:
    assert sink_means([]) is None


def test_the_channel_of_most_images_is_named_with_how_many_agree() -> None:
    def summary(channels: tuple[int, ...], largest: list[float]) -> MassiveSummary:
        size = np.array(largest, dtype=np.float32)
        return MassiveSummary(
            largest=np.stack([size] * 3, axis=1),
            median=np.array([2.0, 4.0], dtype=np.float32),
            channel_max=size,
            channel_argmax=channels,
            found=(),
        )

    found = channel_means(
        [summary((7, 3), [4, 8]), summary((7, 5), [8, 8]), summary((1, 5), [0, 8])]
    )
    assert found.channel == (7, 5)
    assert found.agree == (2, 2)
    np.testing.assert_allclose(found.largest, [4, 8])
    np.testing.assert_allclose(found.ratio, [2, 2])
