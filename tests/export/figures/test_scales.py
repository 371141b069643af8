"""Scales of a figure: those of an image page, said in the caption and on the bars."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from matplotlib.text import Text

from generator.analysis.features.masks import mass_mask
from generator.export.figures.drawn import Drawn
from generator.export.figures.grid import draw_grid, layout
from generator.export.figures.layout.ranges import attention_tone
from generator.export.figures.layout.sheet import SheetPicture
from generator.export.figures.layout.style import styled
from generator.export.figures.layout.tones import Form, placed
from generator.export.figures.scene import LEFT_OUT, Scene
from generator.export.pictures.selection import selection
from generator.present.cells.chunks.maps import maps_of
from generator.present.drawing.map_range import range_of
from generator.text.numbers import between, number
from tests.export.figures.figuring import Figuring, figuring, request
from tests.once import once


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Figuring:
    return once(tmp_path_factory, "figuring", figuring)


def drawn(made: Figuring, **given: object) -> Drawn:
    with styled():
        scene = Scene(made.source, request(images=("image0",), **given))
        return draw_grid(scene, layout("images", "models"))


def said(found: Drawn) -> str:
    return "".join(part for part in found.caption if isinstance(part, str))


def bars(found: Drawn) -> list[str]:
    labels = [t.get_text() for t in found.figure.findobj(Text)]
    return [label for label in labels if "uniform" in label or "of each" in label]


@pytest.mark.parametrize("clip", [0, 0.5, 2, 5])
def test_ends_are_quantiles_to_a_part_of_an_octave(clip: float) -> None:
    values = np.random.default_rng(1).lognormal(size=(3, 40, 50)).astype(np.float32)
    low, high = range_of(list(values), clip, "log2")
    # the nearest rank, as the pages have it
    expected = np.percentile(values, [clip, 100 - clip], method="nearest")
    if clip:
        assert low <= expected[0] < low * 2 ** (1 / 64)
    assert high / 2 ** (1 / 64) <= expected[1] < high
    assert range_of(list(values), clip, "sqrt") == (0.0, high)


def test_without_any_map_there_is_still_a_range() -> None:
    assert range_of([], 0.5, "log2") == (0.5, 2.0)
    assert range_of([np.full((2, 2), np.nan)], 0.5, "linear") == (0.0, 2.0)
    low, high = range_of([np.ones((2, 2))], 0.5, "log2")
    assert low < 1 < high


@pytest.mark.parametrize("form", get_args(Form))
def test_numbers_of_a_bar_stand_where_their_values_are(form: Form) -> None:
    low = 0.03 if form == "log2" else 0.0
    tone = attention_tone(low, 33.1, form, "magma")
    places = [tick.position for tick in tone.ticks]
    assert places[0] == 0
    assert places[-1] == 1
    assert min(np.diff(places)) > 0.06
    for tick in tone.ticks[1:-1]:
        number = 1 / float(tick.label[2:]) if tick.label[:2] == "1/" else float(tick.label)
        assert placed(np.array([number]), low, 33.1, form)[0] == pytest.approx(
            tick.position, abs=1e-6
        )


def test_each_model_has_its_own_bar_over_its_layers_and_heads(made: Figuring) -> None:
    found = drawn(made, scale="model", form="sqrt", clip=2.0)
    ends = {}
    for slug, label in (("plain", "Plain"), ("registers", "Registers")):
        maps = maps_of(made.trial.record(slug, "image0"), "CLS").maps
        ends[label] = range_of([maps], 2, "sqrt")[1]
    text = said(found)
    assert (
        "Each model has a scale of its own over all its layers and heads (square root, cut" in text
    )
    for label, high in ends.items():
        assert f"{label} from 0 to {number(high)}" in text
    assert "Colors of different models do not compare." in text
    assert bars(found) == [f"attention, times uniform: {label}" for label in ends]


def test_a_layer_s_scale_is_shared_by_its_models(made: Figuring) -> None:
    text = said(drawn(made, scale="layer", layers="1"))
    maps = [maps_of(made.trial.record(m, "image0"), "CLS").maps[0] for m in ("plain", "registers")]
    low, high = range_of(maps, 0.5, "log2")
    assert f"layer 1 from {between(low, high)}" in text
    assert "cut off at 0.5\u00a0% at each end" in text


def test_more_ranges_than_bars_are_one_bar_without_numbers(made: Figuring) -> None:
    with styled():
        scene = Scene(
            made.source, request(images=("image0",), scale="layer", layers="1-2", width=2.5)
        )
        found = draw_grid(scene, layout("layers", "models"))
    assert [one for one in bars(found) if "of each" in one]
    assert all(f"layer {n} from" in said(found) for n in (1, 2))


def test_the_gallery_s_scale_in_other_steps(made: Figuring) -> None:
    high = 2**made.source.scale.high
    text = said(drawn(made, form="linear"))
    assert f"Colors run from 0 to {high} times uniform (linear), the same for all maps." in text


def test_maps_of_their_own_say_that_colors_do_not_compare(made: Figuring) -> None:
    assert "linear from 0 to its maximum" in said(drawn(made, scale="map"))
    text = said(drawn(made, scale="map", form="log2", clip=10.0))
    assert "a scale of its own (log2, cut off at 10\u00a0% at each end)" in text
    assert "lie above it" in text or "lie below it" in text


def test_a_patch_as_the_query_is_left_out_of_its_range(made: Figuring, tmp_path: Path) -> None:
    words = ("-m", "plain", "-i", "image0", "--queries", "patch-2-3", "--scale", "map")
    made.figure(tmp_path / "a.svg", *words, "--form", "log2", "--clip", "0")
    text = (tmp_path / "a.tex").read_text()
    assert "Every map has a scale of its own (log2)" in text


def test_only_the_top_of_the_mass_has_colors(made: Figuring) -> None:
    with styled():
        scene = Scene(made.source, request(images=("image0",), keep=60))
        model, image = scene.models[0], scene.images[0]
        (one,) = scene.attention(model, image, selection("last", "mean", "CLS"))
        plate = scene.attention_picture(model, image, one)
    assert isinstance(plate, SheetPicture)
    assert plate.pixels is not None
    kept = mass_mask(one.values.ravel(), 0.6).reshape(one.values.shape)
    gray = (plate.pixels == LEFT_OUT).all(axis=-1)
    assert np.array_equal(gray, ~kept)
    assert 0 < kept.sum() < kept.size
    assert "hold 60\u00a0% of each map's mass" in said(drawn(made, keep=60))
