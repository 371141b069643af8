"""Planted checkpoints, measured and compared: the sentences say exactly what was planted."""

from __future__ import annotations

from pathlib import Path

import pytest

import generator
from generator.analysis.cells.digest import cell_digest
from generator.analysis.cells.model_digest import ModelDigest, model_digest
from generator.analysis.compare.argument import Argument, argue
from generator.analysis.compare.compared import ComparedModel
from generator.analysis.compare.pair import PairCell, compare_maps, measure_values, pair_measures
from generator.analysis.stream.norms import CUTOFFS
from generator.text.numbers import number, percent
from tests.capture.planted import Planted, plain_picture, planted_patch_sink, planted_register_sink


def measured(planted: Planted, image: Path) -> PairCell:
    record = generator.measure(planted.folder, image, extras=())
    return PairCell(cell_digest(record), record.layout, record.view)


def said(found: Argument) -> str:
    return " ".join((*found.outliers, *found.attention, *found.maps))


def compared(one: PairCell, two: PairCell) -> tuple[Argument, ModelDigest, ModelDigest]:
    digests = model_digest([one.digest]), model_digest([two.digest])
    models = [
        ComparedModel(label, cell.layout.registers, cell.layout.cls, digest, label)
        for label, cell, digest in zip(("Plain", "Reg"), (one, two), digests, strict=True)
    ]
    comparison = compare_maps(one, two, None)
    assert comparison is not None
    measures = pair_measures(["gray"], [measure_values(one)], [measure_values(two)])
    return argue(models[0], models[1], measures, [comparison]), *digests


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return plain_picture(tmp_path / "gray.png")


@pytest.mark.parametrize(
    ("layers", "share", "norm", "register"),
    [((2, 3), 0.4, 8.0, 2), ((3, 4), 0.6, 20.0, 4)],
)
def test_the_sentences_say_what_was_planted(
    layers: tuple[int, ...],
    share: float,
    norm: float,
    register: int,
    tmp_path: Path,
    image: Path,
) -> None:
    plain = planted_patch_sink(tmp_path / "plain", layers=layers, share=share, norm=norm)
    reg = planted_register_sink(
        tmp_path / "reg", layers=layers, share=share, norm=norm, register=register
    )
    found, one, two = compared(measured(plain, image), measured(reg, image))
    text = said(found)
    first, draws = layers[0], layers[0] + 1

    # one patch of sixteen, where the stream enters the first block in which it is a sink
    assert (one.norms.peak, one.onset.patch_onset) == (first, first)
    assert one.norms.above[first, CUTOFFS.index(3)] == pytest.approx(1 / 16)
    assert two.onset.patch_onset is None and not two.norms.above[:, CUTOFFS.index(3)].any()
    assert two.onset.prefix_onsets[register] == first
    assert (
        f"“Plain” has 6.25\u00a0% outlier patches after layer {first}: the largest norm is "
        f"{number(norm)} × the layer's median. High norms begin after layer {first}. None remain "
        "after the last layer, so the last layer alone would not show them." in text
    )
    assert "“Reg” has no outlier patches" in text
    assert (
        f"In “Plain”, CLS gives outlier patches at most {percent(share)} of its attention (layer "
        f"{draws}). They are 5.88\u00a0% of the tokens." in text
    )
    n = reg.tokens
    registers = share + 3 * (1 - share) / (n - 1)
    assert (
        f"In “Reg”, CLS gives registers at most {percent(registers)} of its attention (layer "
        f"{draws}). Register {register} alone has {percent(share / registers)} of that." in text
    )
    assert f"High norms begin: register {register} after layer {first}." in text
    # in the last layer both attend to everything alike
    assert "The last-layer maps show no difference" in text


def test_a_model_compared_with_itself_differs_in_nothing(tmp_path: Path, image: Path) -> None:
    planted = planted_patch_sink(tmp_path / "plain", layers=(4, 5), share=0.7)
    cell = measured(planted, image)
    text = said(compared(cell, cell)[0])
    assert "More outliers: “Plain” in 0 of 1 image, “Reg” in 0; equal in 1." in text
    assert "The last-layer maps show no difference" in text
