"""Each sentence about two models, against numbers that were planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from generator.analysis.cells.digest import cell_digest
from generator.analysis.cells.model_digest import model_digest
from generator.analysis.compare.argument import Argument, ComparedModel, argue
from generator.analysis.compare.pair import PairCell, compare_maps, measure_values, pair_measures
from generator.records.record import AttentionRecord, TokenLayout
from generator.text.numbers import number
from tests.analysis import full


def layout(registers: int = 0) -> TokenLayout:
    return TokenLayout(("CLS", *(f"reg{n + 1}" for n in range(registers))), 4, 6)


def record(
    registers: int = 0,
    *,
    outliers: tuple[int, ...] = (),
    last: bool = True,
    seed: int = 0,
    attention: np.ndarray | None = None,
) -> AttentionRecord:
    """Norms around 5 and outliers of 50 from after layer 2 on, to the end or not."""
    tokens = layout(registers)
    norms = full.plain_norms(tokens, outliers=outliers)
    if not last:
        norms[-1] = 5
    made = full.random(tokens, seed=seed) if attention is None else attention
    return full.record(tokens, made, norms)


def argued(one: list[AttentionRecord], two: list[AttentionRecord]) -> Argument:
    cells = [
        [PairCell(cell_digest(each), each.layout, each.view) for each in records]
        for records in (one, two)
    ]
    values = [[measure_values(cell) for cell in own] for own in cells]
    names = [f"image {n}" for n in range(len(one))]
    count = len(one)
    comparisons = [
        compare_maps(
            cells[0][n],
            cells[1][n],
            (cells[0][(n + 1) % count], cells[1][(n + 1) % count]) if count > 1 else None,
        )
        for n in range(count)
    ]
    models = [
        ComparedModel(
            label,
            own[0].layout.registers,
            own[0].layout.cls,
            model_digest([c.digest for c in own]),
            checkpoint=label,
        )
        for label, own in zip(("Plain", "Reg"), cells, strict=True)
    ]
    return argue(
        models[0],
        models[1],
        pair_measures(names, *values),
        [each for each in comparisons if each is not None],
    )


def text(found: Argument) -> str:
    return " ".join(found.sentences)


def test_a_clean_model_has_no_outlier_patches() -> None:
    found = text(argued([record()], [record(2)]))
    for label in ("Plain", "Reg"):
        assert (
            f"{label} has no outlier patches: at no layer does a patch's norm exceed 3 times the "
            "median patch's." in found
        )
    assert "larger share" not in found and "draw" not in found


def test_outliers_are_said_with_their_share_layer_size_and_onset() -> None:
    found = text(argued([record(outliers=(3, 9, 20))], [record(2)]))
    peaks = full.plain_norms(layout(), outliers=(3, 9, 20))[:, 1:]
    peak = int((peaks.max(1) / np.median(peaks, axis=1)).argmax())
    times = peaks[peak].max() / np.median(peaks[peak])
    assert (
        f"In Plain, 12.5\u00a0% of the patches are outliers after layer {peak}, where the largest "
        f"norm is {number(times)} times the median. High norms of patches begin after layer 2."
        in found
    )
    assert "Plain has the larger share of outliers in 1 of 1 image, Reg in 0." in found


def test_outliers_that_go_before_the_end_are_not_missed() -> None:
    gone = text(argued([record(outliers=(3,), last=False)], [record(2)]))
    assert "outliers after layer 2" in gone
    assert (
        "After the last layer none are, so a look at the last layer alone would miss them." in gone
    )


def test_outliers_in_few_images_are_counted_by_image() -> None:
    plain = [record(outliers=(3,)), *(record(seed=n) for n in range(1, 5))]
    found = text(argued(plain, [record(2, seed=n) for n in range(5)]))
    assert "Plain has outlier patches in 1 of 5 images only" in found
    assert "They are most frequent after layer 2: 0.833\u00a0% of all patches." in found
    assert "Reg has no outlier patches" in found and "in any image" in found
    assert "and in 4 there is no difference" in found


def test_equal_models_show_no_difference() -> None:
    same = [record(outliers=(3,), seed=n) for n in range(3)]
    found = text(argued(same, same))
    assert "Plain has the larger share of outliers in 0 of 3 images, Reg in 0" in found
    assert "and in 3 there is no difference" in found
    assert "The last-layer maps of Plain and Reg show no difference" in found


@pytest.mark.parametrize(("images", "test"), [(19, False), (20, True)])
def test_an_interval_is_called_a_test_from_twenty_images_on(images: int, test: bool) -> None:
    plain = [record(outliers=(3,), seed=n) for n in range(images)]
    found = argued(plain, [record(2, seed=n) for n in range(images)])
    said = text(found)
    assert ("with a nominal 95\u00a0% interval" in said) == test
    assert ("this is a description, not a test" in said) != test
    assert any("nothing is called significant" in each for each in found.caveats) != test
    if test:
        assert "is −4.17 percentage points" in said and "which excludes zero" in said


def test_an_interval_around_zero_is_said_to_include_it() -> None:
    one = [record(outliers=(3,) if n % 2 else (), seed=n) for n in range(20)]
    two = [record(2, outliers=() if n % 2 else (3,), seed=n) for n in range(20)]
    assert "which includes zero" in text(argued(one, two))


def test_sinks_are_said_with_their_share_and_layer() -> None:
    tokens = layout()
    attention = full.uniform(tokens).copy()
    attention[1] = full.sink(tokens, 1 + 3)[1]
    found = text(argued([record(outliers=(3,), attention=attention)], [record(2)]))
    assert (
        "CLS pays the outlier patches of Plain most attention in layer 2: 100\u00a0%; they are "
        "4\u00a0% of the tokens." in found
    )


def test_registers_are_said_with_their_share_layer_and_the_strongest() -> None:
    tokens = layout(2)
    attention = full.uniform(tokens).copy()
    attention[1] = 0
    attention[1, ..., 1], attention[1, ..., 2], attention[1, ..., 0] = 0.2, 0.6, 0.2
    found = text(argued([record()], [record(2, attention=attention)]))
    assert (
        "The registers of Reg hold 80\u00a0% of CLS's attention in layer 2, where they hold most "
        "(register 2 alone 75\u00a0% of that), and 7.41\u00a0% in the last; they are "
        "7.41\u00a0% of the tokens." in found
    )
    assert "The registers of Plain" not in found


def test_a_registers_norm_is_said_where_it_begins() -> None:
    high = record(2)
    norms = high.norms.copy()
    norms[1:, 2] = 100
    found = text(argued([record()], [replace(high, norms=norms)]))
    assert "beginning as follows: register 2 after layer 1." in found


def test_maps_are_said_with_their_distance_and_its_measure() -> None:
    tokens = layout()
    here, there = full.sink(tokens, 4), full.sink(tokens, 9)
    found = text(argued([record(attention=here)], [record(attention=there)]))
    assert "differ by 1 bits (Jensen-Shannon divergence" in found
    one = [record(attention=full.sink(tokens, 1 + n)) for n in range(4)]
    same = text(argued(one, [record(attention=full.sink(tokens, 1 + n)) for n in range(4)]))
    assert "show no difference" in same and "of another image" not in same


def divided(tokens: TokenLayout, *keys: int) -> np.ndarray:
    """Attention that only these keys get, in even parts."""
    made = np.zeros_like(full.uniform(tokens))
    made[..., list(keys)] = 1 / len(keys)
    return made


def test_a_flat_map_is_not_said_to_agree_with_a_peaked_one() -> None:
    """The even map is nearer to any peaked map than another peaked map is."""
    tokens = layout()
    peaked = [record(attention=divided(tokens, 1 + n, 2 + n)) for n in range(0, 6, 2)]
    even = [record(attention=full.uniform(tokens)) for _ in range(3)]
    found = text(argued(peaked, even))
    # half on each of 2 of 24 places, against 1/24 on each
    apart = (np.log2(24 / 13) + np.log2(2 / 13) / 12 + 11 / 12) / 2
    assert f"differ by {number(apart)} bits on average over 3 images" in found
    said = found.split(
        "For comparison, maps differ from an even map, a Gaussian in the center and "
    )[1]
    assert said.startswith(f"their own map of another image: Plain's by {number(apart)}, ")
    assert " and 1 and Reg's by 0, " in said
    assert "In 0 of 3 images the two models' maps are closer to each other than either" in said


def test_maps_that_agree_are_said_to_be_closer_than_what_knows_nothing_of_the_picture() -> None:
    tokens = layout()
    one = [record(attention=divided(tokens, *range(1 + n, 9 + n))) for n in range(0, 9, 4)]
    two = [record(attention=divided(tokens, *range(1 + n, 10 + n))) for n in range(0, 9, 4)]
    assert "In 3 of 3 images the two models' maps are closer to each other" in text(
        argued(one, two)
    )
    alone = text(argued(one[:1], two[:1]))
    assert "from an even map and a Gaussian in the center: Plain's by" in alone
    assert "another image" not in alone and "In 1 of 1 image the two" in alone


def test_even_maps_are_said_to_show_nothing() -> None:
    even = [record(attention=full.uniform(layout()))]
    found = text(argued(even, even))
    assert (
        "show no difference" in found
        and "show next to nothing else, either: both are even" in found
    )
    peaked = [record(attention=divided(layout(), 3))]
    assert "both are even" not in text(argued(peaked, peaked))


def test_maps_of_another_kind_are_said_to_be_of_another_kind() -> None:
    bare = TokenLayout((), 4, 6)
    without = [full.record(bare, full.random(bare), full.plain_norms(bare))]
    found = text(argued(without, [record(2)]))
    assert "Plain has no class token: its map is what the patches receive" in found
    assert "has no class token" not in text(argued(without, without))


def test_no_cause_and_no_importance_is_claimed() -> None:
    found = argued([record(outliers=(3,))], [record(2)])
    words = text(found)
    for claim in ("because", "caused", "cause", "importan", "prove", "significan", "better"):
        assert claim not in words
    assert any("not shown to be caused by registers" in each for each in found.caveats)
    alike = argued([record()], [record()])
    assert not any("caused by registers" in each for each in alike.caveats)
