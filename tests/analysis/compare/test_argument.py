"""Each finding and sentence about two models, against numbers that were planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from generator.analysis.attention.head_similarity import Match
from generator.analysis.cells.digest import cell_digest
from generator.analysis.cells.model_digest import model_digest
from generator.analysis.compare.argument import Argument, argue
from generator.analysis.compare.compared import ComparedModel, MatchedHeads
from generator.analysis.compare.pair import PairCell, compare_maps, measure_values, pair_measures
from generator.records.record import AttentionRecord, TokenLayout
from generator.text.numbers import number, percent
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


def argued(
    one: list[AttentionRecord], two: list[AttentionRecord], heads: MatchedHeads | None = None
) -> Argument:
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
        heads,
    )


def text(found: Argument) -> str:
    return " ".join((*found.outliers, *found.attention, *found.maps))


def values(found: Argument) -> dict[str, str]:
    """Section of each finding -> its number."""
    return {each.section: each.value for each in found.findings}


def test_a_clean_model_has_no_outlier_patches() -> None:
    found = text(argued([record()], [record(2)]))
    for label in ("Plain", "Reg"):
        assert f"“{label}” has no outlier patches in any layer: the largest norm is " in found
    assert "More outliers" not in found and "gives outlier patches" not in found


def test_outliers_are_said_with_their_share_layer_size_and_onset() -> None:
    found = text(argued([record(outliers=(3, 9, 20))], [record(2)]))
    peaks = full.plain_norms(layout(), outliers=(3, 9, 20))[:, 1:]
    peak = int((peaks.max(1) / np.median(peaks, axis=1)).argmax())
    times = peaks[peak].max() / np.median(peaks[peak])
    assert (
        f"“Plain” has 12.5\u00a0% outlier patches after layer {peak}: the largest norm is "
        f"{number(times)} × the layer's median. High norms begin after layer 2." in found
    )
    assert "More outliers: “Plain” in 1 of 1 image, “Reg” in 0; equal in 0." in found


def test_outliers_that_go_before_the_end_are_not_missed() -> None:
    gone = text(argued([record(outliers=(3,), last=False)], [record(2)]))
    assert "outlier patches after layer 2" in gone
    assert "None remain after the last layer, so the last layer alone would not show them." in gone


def test_outliers_in_few_images_are_counted_by_image() -> None:
    plain = [record(outliers=(3,)), *(record(seed=n) for n in range(1, 5))]
    argument = argued(plain, [record(2, seed=n) for n in range(5)])
    found = text(argument)
    assert "“Plain” has outlier patches in 1 of 5 images: the largest norm is " in found
    assert "Outliers are most frequent after layer 2: 0.833\u00a0% of all patches." in found
    assert "“Reg” has no outlier patches in any image or layer" in found
    assert "More outliers: “Plain” in 1 of 5 images, “Reg” in 0; equal in 4." in found
    assert values(argument)["norms"] == "1 vs 0"
    (norms,) = (each.text for each in argument.findings if each.section == "norms")
    assert norms.startswith("of 5 images have outlier patches. The largest norm is ")
    assert norms.endswith(" × the layer's median (median over images).")


def test_equal_models_show_no_difference() -> None:
    same = [record(outliers=(3,), seed=n) for n in range(3)]
    found = text(argued(same, same))
    assert "More outliers: “Plain” in 0 of 3 images, “Reg” in 0; equal in 3." in found
    assert "The last-layer maps show no difference" in found


@pytest.mark.parametrize(("images", "test"), [(19, False), (20, True)])
@pytest.mark.slow
def test_an_interval_is_called_a_test_from_twenty_images_on(images: int, test: bool) -> None:
    plain = [record(outliers=(3,), seed=n) for n in range(images)]
    found = argued(plain, [record(2, seed=n) for n in range(images)])
    said = text(found)
    assert ("its nominal 95\u00a0% interval over images" in said) == test
    assert ("These are descriptions, not tests." in found.note) != test
    assert any("nothing is called significant" in each for each in found.caveats) != test
    if test:
        # first minus second: the first model has the outliers
        assert "is +4.17 percentage points" in said and "excludes zero" in said


@pytest.mark.slow
def test_an_interval_around_zero_is_said_to_include_it() -> None:
    one = [record(outliers=(3,) if n % 2 else (), seed=n) for n in range(20)]
    two = [record(2, outliers=() if n % 2 else (3,), seed=n) for n in range(20)]
    assert "includes zero" in text(argued(one, two))


def test_sinks_are_said_with_their_share_and_layer() -> None:
    tokens = layout()
    attention = full.uniform(tokens).copy()
    attention[1] = full.sink(tokens, 1 + 3)[1]
    found = argued([record(outliers=(3,), attention=attention)], [record(2)])
    assert (
        "In “Plain”, CLS gives outlier patches at most 100\u00a0% of its attention (layer 2). They "
        "are 4\u00a0% of the tokens." in text(found)
    )
    assert (
        "100\u00a0%",
        "of A's CLS attention goes to outlier patches in layer 2. They are 4\u00a0% of its tokens.",
    ) in [(each.value, each.text) for each in found.findings]


def test_registers_are_said_with_their_share_layer_and_the_strongest() -> None:
    tokens = layout(2)
    attention = full.uniform(tokens).copy()
    attention[1] = 0
    attention[1, ..., 1], attention[1, ..., 2], attention[1, ..., 0] = 0.2, 0.6, 0.2
    found = argued([record()], [record(2, attention=attention)])
    assert (
        "In “Reg”, CLS gives registers at most 80\u00a0% of its attention (layer 2). Register 2 "
        "alone has 75\u00a0% of that. In the last layer they get 7.41\u00a0%. They are "
        "7.41\u00a0% of the tokens." in text(found)
    )
    assert "In “Plain”, CLS gives registers" not in text(found)
    assert values(found)["budgets"] == "80\u00a0%"


def test_a_registers_norm_is_said_where_it_begins() -> None:
    high = record(2)
    norms = high.norms.copy()
    norms[1:, 2] = 100
    found = text(argued([record()], [replace(high, norms=norms)]))
    assert "Registers of “Reg” exceed 3 × the median patch norm." in found
    assert "High norms begin: register 2 after layer 1." in found


def test_maps_are_said_with_their_distance_and_its_measure() -> None:
    tokens = layout()
    here, there = full.sink(tokens, 4), full.sink(tokens, 9)
    apart = argued([record(attention=here)], [record(attention=there)])
    assert "differ by 1 bits (0: same, 1: no overlap)." in text(apart)
    assert values(apart)["agreement"] == "1 bits"
    one = [record(attention=full.sink(tokens, 1 + n)) for n in range(4)]
    same = text(argued(one, [record(attention=full.sink(tokens, 1 + n)) for n in range(4)]))
    assert "show no difference" in same and "of another image" not in same
    assert "below 5e−4 bits" in same


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
    assert "In 0 of 3 images, A and B are closer to each other than either is to the" in found


def test_maps_that_agree_are_said_to_be_closer_than_what_knows_nothing_of_the_picture() -> None:
    tokens = layout()
    one = [record(attention=divided(tokens, *range(1 + n, 9 + n))) for n in range(0, 9, 4)]
    two = [record(attention=divided(tokens, *range(1 + n, 10 + n))) for n in range(0, 9, 4)]
    found = argued(one, two)
    assert (
        "In 3 of 3 images, A and B are closer to each other than either is to the baselines: "
        "uniform, a centered Gaussian or their own map of another image." in text(found)
    )
    assert "In 3 of 3 images, they are closer" in found.findings[0].text
    alone = text(argued(one[:1], two[:1]))
    assert "In 1 of 1 image, A and B are closer" in alone
    assert "uniform or a centered Gaussian." in alone and "another image" not in alone


def test_even_maps_are_said_to_show_nothing() -> None:
    even = [record(attention=full.uniform(layout()))]
    found = text(argued(even, even))
    assert "show no difference" in found and "Both are uniform." in found
    peaked = [record(attention=divided(layout(), 3))]
    assert "Both are uniform" not in text(argued(peaked, peaked))


def test_maps_of_another_kind_are_said_to_be_of_another_kind() -> None:
    bare = TokenLayout((), 4, 6)
    without = [full.record(bare, full.random(bare), full.plain_norms(bare))]
    found = text(argued(without, [record(2)]))
    assert "“Plain” has no class token: its map is the attention that patches receive" in found
    assert "has no class token" not in text(argued(without, without))


def test_no_cause_and_no_importance_is_claimed() -> None:
    found = argued([record(outliers=(3,))], [record(2)])
    words = " ".join((text(found), *(each.text for each in found.findings)))
    for claim in ("because", "caused", "cause", "importan", "prove", "significan", "better"):
        assert claim not in words
    assert any("not shown to be caused by registers" in each for each in found.caveats)
    alike = argued([record()], [record()])
    assert not any("caused by registers" in each for each in alike.caveats)


def test_a_finding_has_its_number_n_and_section() -> None:
    """At most five; the one on heads is about images that the matching has not seen."""
    match = Match((0, 0), (1, 2), 0.5)
    heads = MatchedHeads((match, replace(match, similarity=0.7)), 0.4, 0.3, 6)
    pictures = [record(seed=n) for n in range(2)], [record(2, seed=n + 9) for n in range(2)]
    found = argued(*pictures, heads).findings
    assert [each.section for each in found] == [
        *("agreement", "norms", "budgets", "differences", "heads-matched"),
    ]
    assert all(each.value and each.name for each in found)
    assert [each.n for each in found] == [*4 * ["2 images"], "6 images"]
    assert (found[-1].value, found[-1].text) == (
        "0.4",
        "similarity of matched heads on held-out images. Random matchings: 0.3.",
    )
    alone = argued(*pictures, replace(heads, held_out=None)).findings[-1]
    assert alone.value == "0.6" and "held-out" not in alone.text


def test_the_number_on_spread_is_the_area_of_both_models() -> None:
    tokens = layout()
    one = [record(attention=divided(tokens, 4))]
    two = [record(attention=divided(tokens, *range(1, 25)))]
    assert values(argued(one, two))["differences"] == f"{percent(1 / 24)} vs {percent(15 / 24)}"
