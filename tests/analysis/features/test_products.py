"""Dot products in float32 are compared as exact ones are."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from generator.analysis.features.products import DotProducts


def exactly_above(vectors: np.ndarray, cosine: float, bias: float = 0.0) -> np.ndarray:
    """The comparison in float64."""
    wide = vectors.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1)
    lengths[lengths == 0] = 1
    return wide @ wide.T + bias > cosine * lengths * lengths[:, None]


@pytest.mark.parametrize("cosine", [0.0, 0.2, -0.1])
@pytest.mark.parametrize("scale", [1e-4, 1.0, 300.0])
def test_products_of_random_vectors(cosine: float, scale: float) -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        vectors = (rng.normal(size=(300, 384)) * scale).astype(np.float16)
        found = DotProducts(vectors).above(cosine)
        assert (found == exactly_above(vectors, cosine)).all()
        assert found.any()
        assert not found.all()


def test_products_that_float32_cannot_tell_from_zero() -> None:
    """Large numbers cancel, and what is left is a rounding error of float32."""
    rng = np.random.default_rng(0)
    large = rng.normal(size=(200, 64)) * 100
    turned = np.concatenate([large[:, 32:], -large[:, :32]], axis=1)
    vectors = np.concatenate([large, turned]).astype(np.float16)
    # each pair's product is now a tiny number of either sign
    vectors = np.concatenate([vectors, (rng.normal(size=(400, 1)) / 64).astype(np.float16)], axis=1)
    found = DotProducts(vectors).above()
    for one in range(200):
        pairs = zip(vectors[one].tolist(), vectors[one + 200].tolist(), strict=True)
        product = sum(Fraction(a) * Fraction(b) for a, b in pairs)
        assert found[one, one + 200] == found[one + 200, one] == (product > 0)
    assert (found == found.T).all()


def test_vectors_at_right_angles_and_vectors_of_zeros() -> None:
    vectors = np.zeros((40, 12))
    vectors[np.arange(36), np.arange(36) % 12] = 7
    found = DotProducts(vectors).above()
    assert (found == exactly_above(vectors, 0)).all()
    assert not found[36:].any()
    assert not DotProducts(vectors).above(0.2)[36:].any()


def test_products_with_a_bias() -> None:
    vectors = np.random.default_rng(1).normal(size=(50, 16))
    for bias in (0.7, -0.7):
        assert (DotProducts(vectors).above(bias=bias) == exactly_above(vectors, 0, bias)).all()


def test_single_products_and_their_sums() -> None:
    vectors = np.random.default_rng(2).normal(size=(50, 16))
    products = DotProducts(vectors)
    gram = vectors @ vectors.T
    np.testing.assert_allclose(products.of(7), gram[7], rtol=1e-12, atol=1e-12)
    groups = [np.array([3]), np.array([5, 9, 20])]
    wanted = [gram[3], gram[[5, 9, 20]].sum(axis=0)]
    np.testing.assert_allclose(products.sums(groups), wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_an_overflow_is_seen(value: float) -> None:
    vectors = np.ones((4, 3), dtype=np.float16)
    assert DotProducts(vectors).finite
    vectors[2, 1] = value
    assert not DotProducts(vectors).finite
