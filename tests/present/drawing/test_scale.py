"""The shared scale: fair to every model, numbered, the same whatever the order."""

from __future__ import annotations

import numpy as np

from generator.present.drawing.colors import color_tables
from generator.present.drawing.scale import (
    FIRST_OCTAVE,
    FLOOR,
    LOW_TAIL,
    OCTAVES,
    Scale,
    octave_histogram,
    shared_scale,
)


def test_ticks_are_powers_of_two_at_their_places() -> None:
    ticks = Scale(low=-6, high=4).ticks
    assert [tick.label for tick in ticks] == ["1/64", "1/16", "1/4", "1", "4", "16"]
    assert [round(10 * tick.position, 4) for tick in ticks] == [0, 2, 4, 6, 8, 10]


def test_ticks_of_a_short_scale_name_every_octave() -> None:
    assert [t.label for t in Scale(-2, 3).ticks] == ["1/4", "1/2", "1", "2", "4", "8"]


def test_uniform_attention_has_a_tick_and_ends_are_numbered_on_every_scale() -> None:
    for low in range(-6, 0):
        for high in range(1, 12):
            labels = [tick.label for tick in Scale(low, high).ticks]
            assert labels[0] == f"1/{2**-low}"
            assert labels[-1] == str(2**high)
            assert len(labels) <= 10
            if low < -1 and high > 1:
                assert "1" in labels, (low, high)


def test_position_is_logarithmic_and_marks_what_is_outside() -> None:
    place = Scale(-2, 2).position(np.array([0.25, 1, 4, 8, 0.1, 0]))
    assert place[:3].tolist() == [0, 0.5, 1]
    assert place[3] > 1
    assert place[4] < 0
    assert place[5] == -np.inf


def test_histogram_counts_by_octave_at_the_exact_edges() -> None:
    counts = octave_histogram(np.array([1, 1.999, 2, 0.5, 0, np.nan, 2.0**40]))
    assert counts[-FIRST_OCTAVE] == 2  # [1, 2)
    assert counts[-FIRST_OCTAVE + 1] == 1
    assert counts[-FIRST_OCTAVE - 1] == 1
    assert counts[0] == 1
    assert counts[OCTAVES - 1] == 1
    assert sum(counts) == 6


def test_no_model_loses_more_than_half_a_percent_above() -> None:
    rng = np.random.default_rng(0)
    flat = np.exp(rng.normal(scale=0.3, size=100_000))
    peaked = np.exp(rng.normal(scale=2.5, size=1_000))  # far fewer patches, far wider
    scale = shared_scale({"flat": [octave_histogram(flat)], "peaked": [octave_histogram(peaked)]})
    for values in (flat, peaked):
        assert (values > 2.0**scale.high).mean() <= 0.005
    assert scale == shared_scale(
        {"peaked": [octave_histogram(peaked)], "flat": [octave_histogram(flat)]}
    )


def test_the_low_end_follows_the_sharpest_model_and_stops_at_the_floor() -> None:
    rng = np.random.default_rng(0)
    flat = np.exp(rng.normal(scale=0.3, size=10_000))
    peaked = np.exp(rng.normal(loc=-1, scale=1.5, size=10_000))
    without = np.exp(rng.normal(loc=-9, scale=1.5, size=10_000))
    counts = {
        name: [octave_histogram(values)]
        for name, values in (("flat", flat), ("peaked", peaked), ("without", without))
    }
    both = shared_scale({name: counts[name] for name in ("flat", "peaked")})
    assert FLOOR < both.low < shared_scale({"flat": counts["flat"]}).low
    assert (peaked < 2.0**both.low).mean() <= LOW_TAIL
    # no wider than that needs
    assert (peaked < 2.0 ** (both.low + 1)).mean() > LOW_TAIL
    assert shared_scale(counts).low == FLOOR


def test_a_scale_exists_when_nothing_was_measured() -> None:
    assert shared_scale({"gone": []}) == Scale(-1, 1)


def test_colors_are_those_of_matplotlib() -> None:
    import base64

    import matplotlib

    for name, table in color_tables().items():
        wanted = matplotlib.colormaps[name](np.arange(256))[:, :3] * 255
        found = np.frombuffer(base64.b64decode(table), np.uint8).reshape(256, 3)
        assert np.abs(found - wanted).max() <= 0.5 + 1e-9, name
