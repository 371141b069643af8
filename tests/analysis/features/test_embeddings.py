"""Position embeddings and patch filters, as pages draw them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from generator.analysis.absent import NotApplicable
from generator.analysis.features.embeddings import (
    PatchFilters,
    PositionSimilarity,
    patch_filters,
    position_similarity,
)
from generator.records.extras import ModelWeights


def weights() -> ModelWeights:
    rng = np.random.default_rng(0)
    return ModelWeights(
        key="k",
        model="tiny/model",
        position=rng.normal(size=(6, 4)).astype(np.float32),
        position_grid=(2, 3),
        position_note="",
        filters=np.array([[[[0.5]], [[-0.25]], [[0.0]]], [[[0.1]], [[0.1]], [[-0.05]]]]),
        spectrum=np.array([0.7, 0.2, 0.06, 0.04]),
    )


@pytest.mark.value_of("position-similarity")
def test_tiles_lie_at_their_places_and_hold_cosines() -> None:
    found = position_similarity(weights())
    assert isinstance(found, PositionSimilarity)
    position = weights().position
    assert position is not None
    for one in range(6):
        for two in range(6):
            lengths = np.linalg.norm(position[one]) * np.linalg.norm(position[two])
            expected = position[one] @ position[two] / lengths
            place = (*divmod(one, 3), *divmod(two, 3))
            assert found.cosine[place] == pytest.approx(expected, abs=1e-6)
            row, col = place[0] * 2 + place[2], place[1] * 3 + place[3]
            assert found.mosaic()[row, col] == found.cosine[place]
    assert found.mosaic().shape == (4, 9)


def test_norms_do_not_leak_in() -> None:
    loud = weights()
    assert loud.position is not None
    longer = replace(loud, position=loud.position * np.array([[1], [9], [1], [2], [1], [5]]))
    one, two = position_similarity(loud), position_similarity(longer)
    assert isinstance(one, PositionSimilarity)
    assert isinstance(two, PositionSimilarity)
    np.testing.assert_allclose(one.cosine, two.cosine, atol=1e-6)


def test_a_model_without_position_embeddings_says_why() -> None:
    rotary = replace(
        weights(), position=None, position_grid=(0, 0), position_note="rotary embedding"
    )
    assert position_similarity(rotary) == NotApplicable("rotary embedding")


def test_filters_share_one_scale_around_gray() -> None:
    found = patch_filters(weights())
    assert isinstance(found, PatchFilters)
    np.testing.assert_allclose(found.display[0, 0, 0], [1, 0.25, 0.5])
    np.testing.assert_allclose(found.display[1, 0, 0], [0.6, 0.6, 0.45])
    assert found.scale == 0.5
    assert found.caption == (
        "The first 2 of 4 components hold 90\u00a0% of the filters' variance; 3 hold 95\u00a0%."
    )


def test_filters_that_are_all_zero_are_none() -> None:
    dead = replace(weights(), filters=np.zeros((2, 3, 1, 1)))
    assert patch_filters(dead) == NotApplicable("no patch filters")
    alike = replace(weights(), spectrum=np.zeros(4))  # without variance: rounding is left
    assert patch_filters(alike) == NotApplicable("no patch filters")
