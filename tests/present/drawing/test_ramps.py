"""Scales and colors of the analyses' maps, and outlines over them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from generator.present.cells.analysis_maps import drawings, ramp_of
from generator.present.drawing.colors import color_table, diverging_table
from generator.present.drawing.heatmap import map_png
from generator.present.drawing.ramps import Ramp, chances, octaves
from generator.present.drawing.scale import Scale
from generator.present.pages.image.panels import outline
from tests.present.analyzed import maps_of, planted


def test_a_map_of_two_models_has_one_scale_that_holds_both() -> None:
    one, two = np.array([[0.3, 1.0]]), np.array([[2.0, 11.0]])
    ramp = octaves([one, two])
    assert (ramp.low, ramp.high) == (-2, 4)
    assert ramp.clipped(one) == ramp.clipped(two) == 0
    assert [tick.label for tick in ramp.ticks][:3] == ["1/4", "1/2", "1"]


def test_what_lies_beyond_a_scale_is_counted() -> None:
    assert Ramp(-3, 3, signed=True).clipped(np.array([-4.0, 0, 1, 3.5])) == 0.5


def test_a_probability_never_lies_above_its_scale() -> None:
    assert chances([np.array([[1e-7, 1.0]])], floor=-10) == Ramp(-10, 0, log=True)


def test_pixels_are_the_values_through_the_scale() -> None:
    for each in drawings(maps_of(planted())):
        ramp = ramp_of(each.family, [each.values], Scale(-4, 4))
        pixels = np.asarray(
            Image.open(io.BytesIO(map_png(each.values, ramp, "magma"))).convert("RGB")
        )
        table = diverging_table() if ramp.signed else color_table("magma")
        assert pixels.shape == (4, 6, 3)
        for (row, col), value in np.ndenumerate(each.values.astype(float)):
            bent = value if not ramp.log else np.log2(value) if value > 0 else -np.inf
            place = min(max((bent - ramp.low) / (ramp.high - ramp.low), 0), 1)
            step = min(int(np.float32(place) * 256), 255)
            near = table[max(step - 1, 0) : step + 2].tolist()
            assert pixels[row, col].tolist() in near, (each.name, row, col)


def test_zero_is_neutral_and_signs_have_their_own_colors() -> None:
    low, middle, high = diverging_table()[[0, 128, 255]].astype(int)
    assert np.ptp(middle) <= 5
    assert low[2] > low[0]
    assert high[0] > high[2]


@pytest.mark.parametrize(
    ("mask", "path"),
    [
        ([[0, 0], [0, 0]], ""),
        ([[0, 0, 0], [0, 1, 0]], "M1 1h1v1h-1z"),
        ([[1, 1, 0], [0, 1, 0]], "M0 0h2v2h-1v-1h-1z"),
        ([[1, 1, 1], [1, 0, 1], [1, 1, 1]], "M0 0h3v3h-3zM1 1v1h1v-1z"),
        ([[1, 0], [0, 1]], "M0 0h1v1h-1zM1 1h1v1h-1z"),
    ],
)
def test_outlines_go_around_what_is_inside(mask: list[list[int]], path: str) -> None:
    assert outline(np.array(mask, dtype=bool)) == path
