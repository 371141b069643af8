"""A page's numbers are the record's within the stated bound, whatever the map looks like."""

from __future__ import annotations

import numpy as np
import pytest

from generator.present.drawing.quantize import decode, encode, error_bound


@pytest.mark.parametrize("peak", [1.0, 30.0, 1370.0])
def test_error_stays_within_the_bound(peak: float) -> None:
    rng = np.random.default_rng(0)
    maps = np.exp(rng.normal(scale=2, size=(3, 4, 37, 37))).astype(np.float32)
    maps[..., 5, 7] = peak * maps.max()
    quantized = encode(maps)
    bound = error_bound(maps, quantized.maxima[..., None, None])
    assert (np.abs(decode(quantized) - maps) <= bound).all()


def test_the_bound_holds_where_values_are_few_tiny_or_equal() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        choices = np.array([0, 1e-7, 1e-3, 0.5, 1, 3, 2000], dtype=np.float16)
        maps = rng.choice(choices, size=(2, 3, 5)).astype(np.float32)
        quantized = encode(maps)
        bound = error_bound(maps, quantized.maxima[..., None, None])
        assert (np.abs(decode(quantized) - maps) <= bound).all()


def test_the_bound_is_at_most_0_4_percent_of_the_maximum() -> None:
    assert error_bound(np.array([8.0]), np.array([8.0]))[0] <= 0.004 * 8


def test_the_maximum_is_exact_and_zero_stays_zero() -> None:
    maps = np.array([[[0.0, 0.1], [3.3, 7.7]], [[0, 0], [0, 0]]], dtype=np.float32)
    back = decode(encode(maps))
    assert back[0, 1, 1] == np.float32(7.7)
    assert back[0, 0, 0] == 0
    assert (back[1] == 0).all()


def test_a_map_that_does_not_exist_has_no_maximum() -> None:
    quantized = encode(np.full((1, 2, 2), np.nan, dtype=np.float32))
    assert np.isnan(quantized.maxima[0])
    assert (quantized.codes == 0).all()
