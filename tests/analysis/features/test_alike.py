"""Patch similarity: what the page reads of them is near the cosines of the record."""

from __future__ import annotations

import numpy as np
import pytest

from generator.analysis.absent import NotApplicable
from generator.analysis.features.alike import NEAR, alike_maps, small_features
from generator.analysis.features.cosine import cosine_matrix
from generator.analysis.features.eigen import leading_coordinates
from generator.analysis.features.objects import find_objects
from generator.records.extras import EXTRAS
from tests import tiny
from tests.tiny import patch_token


def read(codes: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """As a page reads it: dot products of codes times scales."""
    vectors = codes.T * scales
    return np.clip(vectors @ vectors.T, -1, 1)


@pytest.mark.parametrize(("patches", "channels", "rank"), [(24, 32, 32), (60, 384, 12), (5, 3, 3)])
def test_cosines_are_read_within_the_error_that_is_stated(
    patches: int, channels: int, rank: int
) -> None:
    rng = np.random.default_rng(patches)
    features = rng.normal(size=(patches, rank)) @ rng.normal(size=(rank, channels))
    found = small_features(features)
    error = np.abs(read(found.codes, found.scales) - cosine_matrix(features))
    assert error.max() == pytest.approx(found.most, abs=1e-5)
    assert error.mean() == pytest.approx(found.mean, abs=1e-5)
    assert found.most <= NEAR
    assert found.codes.dtype == np.int8


def test_what_does_not_fit_is_off_and_says_so() -> None:
    features = np.random.default_rng(0).normal(size=(300, 1024))
    found = small_features(features)
    assert len(found.codes) == 128
    assert found.most > NEAR
    error = np.abs(read(found.codes, found.scales) - cosine_matrix(features))
    assert error.max() == pytest.approx(found.most, abs=1e-5)


def test_few_directions_are_kept_where_few_are_needed() -> None:
    rng = np.random.default_rng(1)
    flat = rng.normal(size=(200, 4)) @ rng.normal(size=(4, 256))
    assert len(small_features(flat).codes) == 16


@pytest.mark.parametrize("shape", [(200, 64), (60, 256)])
def test_kept_directions_lose_no_more_than_those_of_a_singular_value_decomposition(
    shape: tuple[int, int],
) -> None:
    rng = np.random.default_rng(3)
    features = rng.normal(size=shape) * np.exp(-np.arange(shape[1]) / 8)
    found = small_features(features)
    count = len(found.codes)
    assert count < min(shape)
    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    left, values, _ = np.linalg.svd(units, full_matrices=False)
    best = np.abs(left[:, :count] * values[:count])
    kept = np.abs(found.codes.T * found.scales)
    # each coordinate is rounded to half a step
    np.testing.assert_allclose(kept, best, atol=found.scales.max() * 0.51)


def test_stated_patches_are_the_seed_the_largest_norm_and_the_middle() -> None:
    record = tiny.record(tiny.layout(), extras=EXTRAS)
    norms = np.full(record.norms.shape, 2.0, dtype=np.float32)
    norms[2, patch_token(record.layout, 3, 4)] = 24
    record = tiny.with_norms(record, norms)
    objects = find_objects(record)
    found = alike_maps(record, objects)
    assert not isinstance(found, NotApplicable)
    places = {each.name: each.place for each in found}
    assert places["outlier"] == (3, 4)
    assert places["center"] == (2, 3)
    assert not isinstance(objects.lost, NotApplicable)
    assert places["seed"] == objects.lost.seed
    assert record.features is not None
    exact = cosine_matrix(record.features.last)
    for each in found:
        row, col = each.place
        assert each.values[row, col] == 1
        wanted = exact[row * record.layout.cols + col].reshape(each.values.shape)
        np.testing.assert_allclose(each.values, wanted, atol=1e-3)


def test_without_features_there_is_a_reason() -> None:
    record = tiny.record()
    assert isinstance(alike_maps(record, find_objects(record)), NotApplicable)


@pytest.mark.parametrize(("decay", "more"), [(0.5, 0.12), (1.0, 0.08), (2.0, 0.01)])
def test_coordinates_of_many_patches_lose_hardly_more_than_exact_ones(
    decay: float, more: float
) -> None:
    """From 480 patches on they are found by two products with the Gram matrix."""
    rng = np.random.default_rng(4)
    features = rng.normal(size=(600, 512)) / np.arange(1, 513) ** decay
    features[7] = 0
    features = features @ np.linalg.qr(rng.normal(size=(512, 512)))[0]
    gram = (features @ features.T).astype(np.float32)
    found = leading_coordinates(gram, 128).astype(float)
    sizes, axes = np.linalg.eigh(gram.astype(float))
    best = axes[:, :-129:-1] * np.sqrt(sizes[:-129:-1])
    np.testing.assert_allclose((found[:, :16] ** 2).sum(0), sizes[:-17:-1], rtol=2e-3)
    lost, least = (np.linalg.norm(gram - each @ each.T) for each in (found, best))
    assert lost < (1 + more) * least + 1e-5 * sizes[-1]
    assert not found[7].any()


def test_patches_without_any_feature_have_no_coordinates() -> None:
    found = small_features(np.zeros((600, 512)))
    assert not found.codes.any()
    assert found.most == 0
