"""The page of a model: it says what its records hold, and why it cannot say the rest."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from generator.analysis.absent import NotApplicable
from generator.analysis.attention.budget import mass_budget
from generator.analysis.attention.values import sink_values
from generator.present.site.result import SiteResult
from generator.present.site.write import build_site
from generator.records.record import AttentionRecord, TokenLayout
from generator.text.numbers import number
from tests import tiny
from tests.present.gallery import BARE, Gallery, gallery
from tests.present.pages.model.page import ModelPage, records, value
from tests.present.site.test_site import VERSION

Built = tuple[Gallery, Path, SiteResult]


HEADS = "Numbers of every head"


# --- heads ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["plain", "registers", "probe", "deep"])
def test_the_table_of_heads_holds_the_means_of_the_records(built: Built, model: str) -> None:
    trial, site, _ = built
    page, own = ModelPage(site, model), records(trial, model)
    side = min(own[0].layout.rows, own[0].layout.cols) * 16
    wanted = {
        "entropy": np.mean([r.entropy for r in own], axis=0),
        "entropy over patches": np.mean([r.entropy_patches for r in own], axis=0),
        "distance over patches (share of the short side)": np.mean(
            [r.distance_patches / side for r in own], axis=0
        ),
        "distance, prefix counted 0 (share of the short side)": np.mean(
            [r.distance / side for r in own], axis=0
        ),
        "largest received": np.mean(
            [r.received_by_all().max(-1) / r.layout.tokens for r in own], axis=0
        ),
    }
    if own[0].layout.cls:
        wanted["largest of CLS"] = np.mean(
            [r.rows("CLS").max(-1).astype(float) / r.layout.tokens for r in own], axis=0
        )
    if own[0].layout.registers:
        wanted["CLS to registers"] = np.mean([r.mass[:, :, 0, 1:3].sum(-1) for r in own], axis=0)
        wanted["CLS to reg2"] = np.mean([r.mass[:, :, 0, 2] for r in own], axis=0)
    for name, values in wanted.items():
        assert page.column(HEADS, name) == pytest.approx(values.ravel(), rel=5.1e-3, abs=6e-5), name
    head, *rows = page.tables[HEADS]
    places = [(row[0], row[1]) for row in rows]
    layers, heads = own[0].entropy.shape
    assert head[:2] == ["layer", "head"]
    assert places == [(str(i + 1), str(j + 1)) for i in range(layers) for j in range(heads)]
    assert ("largest of CLS" in head) == bool(own[0].layout.cls)


@pytest.mark.parametrize("model", ["plain", "registers", "probe", "deep"])
def test_two_values_of_a_sentence_have_as_many_decimals(built: Built, model: str) -> None:
    trial, site, _ = built
    text = " ".join((site / f"m/{model}/index.html").read_text(encoding="utf-8").split())
    entropy = np.mean([r.entropy_patches for r in records(trial, model)], axis=0)
    ends = re.search(r"over patches ranges from ([\d.]+) \(.+?\) to ([\d.]+) \(", text)
    assert ends is not None
    assert [float(end) for end in ends.groups()] == pytest.approx(
        [entropy.min(), entropy.max()], abs=1e-3
    )
    pairs = re.search(r"Most similar: .+?, ([\d.]+)\. Mean of all pairs: ([\d.]+)\.", text)
    distances = re.search(r"distance is ([\d.]+) of .+? in layer 1 and ([\d.]+) in", text)
    assert model == "probe" or (pairs and distances)
    for found in filter(None, (ends, pairs, distances)):
        one, two = (number.partition(".")[2] for number in found.groups())
        assert len(one) == len(two), found[0]


def test_a_cell_has_the_color_of_its_number(built: Built) -> None:
    trial, site, _ = built
    page = ModelPage(site, "deep")
    entropy = np.mean([r.entropy for r in records(trial, "deep")], axis=0)
    assert page.levels("head-entropy") == pytest.approx(entropy, abs=1 / 255)


def test_every_head_has_a_link_without_scripts(built: Built) -> None:
    trial, site, _ = built
    layers, heads = records(trial, "deep")[0].entropy.shape
    assert ModelPage(site, "deep").heads == [
        f"../../i/image0/index.html#layer={layer + 1}&head={head + 1}"
        for layer in range(layers)
        for head in range(heads)
    ]


def test_a_color_is_the_same_number_on_the_pages_of_all_models(built: Built) -> None:
    trial, site, _ = built
    ends = []
    for model in ("plain", "registers", "deep"):
        own = records(trial, model)
        sink = np.mean([r.received_by_all().max(-1) / r.layout.tokens for r in own], axis=0)
        levels = ModelPage(site, model).levels("head-sink")
        slope = np.polyfit(sink.ravel(), levels.ravel(), 1)[0]
        ends.append(1 / slope)
    assert ends == pytest.approx([ends[0]] * 3, rel=0.05)


def heights(path: str) -> list[float]:
    """Vertical places of the marks of a path."""
    return [float(place) for place in re.findall(r"M[-\d.]+ ([-\d.]+)h", path)]


def on_a_line(drawn: list[float], values: np.ndarray) -> bool:
    """Whether marks are higher up in proportion to their values."""
    return float(np.corrcoef(drawn, values.ravel())[0, 1]) < -0.9999


def test_distance_has_a_dot_a_head_and_the_line_of_uniform_attention(built: Built) -> None:
    trial, site, _ = built
    own = records(trial, "registers")
    page = ModelPage(site, "registers")
    side = 64
    for figure, name in (
        ("distance-by-layer", "distance"),
        ("distance-patches-by-layer", "distance_patches"),
    ):
        mean = np.mean([getattr(r, name) / side for r in own], axis=0)
        (path,) = page.marks[figure]
        assert len(heights(path)) == mean.size and on_a_line(heights(path), mean)
    row, col = np.divmod(np.arange(24), 6)
    uniform = np.hypot(row[:, None] - row, col[:, None] - col).mean() * 16 / side
    assert f"Uniform attention would give {number(uniform)} over the patches." in page.text


@pytest.mark.parametrize(
    ("layers", "heads", "size", "packed", "elements"),
    [(24, 16, 500_000, 90_000, 5_000), (40, 24, 900_000, 170_000, 7_500)],
)
@pytest.mark.slow
def test_the_page_of_a_large_model_stays_light(
    layers: int, heads: int, size: int, packed: int, elements: int, tmp_path: Path
) -> None:
    trial = gallery(tmp_path / "pictures", images=1)
    layout = tiny.layout(registers=4, rows=14, cols=14)
    key = trial.run.cell("registers", "image0").record
    record = tiny.record(layout, layers=layers, heads=heads, extras=("massive", "values"))
    trial.records[key] = replace(record, key=key)
    build_site(trial.run, trial.read, tmp_path / "site", version=VERSION, settings=BARE)
    page = ModelPage(tmp_path / "site", "registers")
    assert page.cells["head-entropy"].shape == (layers, heads, 3)
    assert len(page.heads) == len(page.tables[HEADS]) - 1 == layers * heads
    assert len(page.html) < size
    assert len(gzip.compress(page.html.encode())) < packed
    assert len(re.findall(r"<[a-z]", page.html)) < elements


# --- budget, norms --------------------------------------------------------------------------------


def test_bars_hold_the_budget_of_every_kind_of_query_and_sum_to_everything(built: Built) -> None:
    trial, site, _ = built
    own = records(trial, "registers")
    page = ModelPage(site, "registers")
    budgets = [mass_budget(record) for record in own]
    for title, query in (
        ("What CLS attends to", "CLS"),
        ("What register 1 attends to", "reg1"),
        ("What register 2 attends to", "reg2"),
        ("What normal patches attend to", "normal patches"),
    ):
        head, *rows = page.numbers(title)
        assert head[0] == "layer"
        assert rows[-1][0] == "uniform"
        found = [budget.of(query) for budget in budgets]
        shares = np.nan_to_num(np.stack([one.shares for one in found if one])).mean(0)
        keys = ["itself", "CLS", "register 1", "register 2", "outlier patches", "other patches"]
        for layer, row in enumerate(rows[:-1]):
            for name, cell in zip(head[1:], row[1:], strict=True):
                digits = len(cell.removesuffix("\u00a0%").partition(".")[2])
                share = 100 * float(shares[layer, keys.index(name)])
                assert digits >= 1 or share in (0, 100), (title, name)
                assert cell == f"{share:.{digits}f}\u00a0%", (title, name)
        uniform = [float(cell.removesuffix("\u00a0%")) for cell in rows[-1][1:] if cell != "–"]
        assert sum(uniform) == pytest.approx(100, abs=0.1)


def test_single_heads_stand_beside_the_bars_with_their_own_shares(built: Built) -> None:
    trial, site, _ = built
    own = records(trial, "registers")
    page = ModelPage(site, "registers")
    head, *rows = page.tables["Numbers of every head"]
    mass = np.mean([record.mass.astype(float) for record in own], axis=0)
    for name, shares in (
        ("patches to CLS", mass[:, :, -1, 0]),
        ("patches to registers", mass[:, :, -1, 1:3].sum(-1)),
        ("CLS to itself", mass[:, :, 0, 0]),
    ):
        column = [value(row[head.index(name)]) for row in rows]
        np.testing.assert_allclose(column, shares.ravel(), rtol=5.1e-3)
    for name, key in (("budget-heads-cls", 0), ("budget-heads-all-patches", -1)):
        wanted = [mass[:, :, key, 0], mass[:, :, key, 1:3].sum(-1)]
        assert len(page.marks[name]) >= 2
        for path, shares in zip(page.marks[name], wanted, strict=False):
            assert on_a_line(heights(path), shares)
        figure = page.html[page.html.index(f'id="{name}"') :]
        assert figure[: figure.index("</figure>")].count('class="chart-rule"') >= 1


def test_a_model_without_special_tokens_has_no_strip_of_them(built: Built) -> None:
    page = ModelPage(built[1], "probe")
    assert "budget-heads-all-patches" not in page.ids
    assert "patches to registers" not in page.tables["Numbers of every head"][0]


def test_sinks_and_channels_are_shown_or_said_to_be_not_measured(tmp_path: Path) -> None:
    trial = gallery(tmp_path / "pictures", images=1)
    key = trial.run.cell("registers", "image0").record
    found = trial.records[key]
    record = tiny.record(
        found.layout, extras=("massive", "values"), image_sha256=found.image_sha256
    )
    assert record.massive is not None
    loud = record.massive.channel_max.copy()
    loud[:, 5] = 1000
    massive = replace(record.massive, channel_max=loud)
    trial.records[key] = replace(record, key=key, massive=massive)
    build_site(trial.run, trial.read, tmp_path / "site", version=VERSION)
    page = ModelPage(tmp_path / "site", "registers")
    rows = page.tables["The largest channel over the patches of each layer"][1:]
    assert [row[:3] for row in rows] == [[str(n), "5", "1"] for n in range(4)]
    assert "It is channel 5 in all images" in page.text
    wanted = sink_values(trial.records[key])
    assert not isinstance(wanted, NotApplicable)
    shown = page.numbers("Value norm of the sink")[1:]
    medians = np.median(wanted.relative, axis=1)
    np.testing.assert_allclose([float(row[1]) for row in shown], medians, rtol=5.1e-3)
    which = page.numbers("Which token receives most")
    share = (wanted.token == 0).mean(axis=1)
    np.testing.assert_allclose([value(row[1]) for row in which[1:]], share, rtol=5.1e-3)
    plain = ModelPage(tmp_path / "site", "plain")
    assert "Build again with --extras values." in plain.text
    assert "Build again with --extras massive." in plain.text


def test_a_channel_is_not_given_what_belongs_to_others(tmp_path: Path) -> None:
    """The largest channel is 5, 7 and 7 on three images: no number is said to be one channel's."""
    trial = gallery(tmp_path / "pictures", images=3)
    for image, channel in enumerate((5, 7, 7)):
        key = trial.run.cell("registers", f"image{image}").record
        found = trial.records[key]
        record = tiny.record(
            found.layout, extras=("massive",), image_sha256=found.image_sha256, seed=image
        )
        assert record.massive is not None
        loud = np.ones_like(record.massive.channel_max)
        loud[:, channel] = 100 * (image + 1)
        median = np.full_like(record.massive.median, 2)
        massive = replace(record.massive, channel_max=loud, median=median)
        trial.records[key] = replace(record, key=key, massive=massive)
    build_site(trial.run, trial.read, tmp_path / "site", version=VERSION)
    text = ModelPage(tmp_path / "site", "registers").text
    assert (
        "The largest channel over patches reaches 100 × the median magnitude in the embedding "
        "(mean over images). The channel varies: channel 7 is most common (2 of 3 images, 4 of 4 "
        "layers)." in text
    )
    assert "channel 7 in all images" not in text


def test_many_class_tokens_are_one_part_of_a_bar(tmp_path: Path) -> None:
    """Pixio has eight: more than can be told apart by color."""
    trial = gallery(tmp_path / "pictures", images=1)
    layout = TokenLayout((*(f"CLS{n + 1}" for n in range(8)), "reg1", "reg2"), 4, 6)
    key = trial.run.cell("registers", "image0").record
    record = tiny.record(layout, extras=("values",))
    trial.records[key] = replace(record, key=key)
    build_site(trial.run, trial.read, tmp_path / "site", version=VERSION)
    page = ModelPage(tmp_path / "site", "registers")
    head, first, *_ = page.numbers("What CLS3 attends to")
    shown = dict(zip(head, first, strict=True))
    mass = record.mass[0].mean(0)[2].astype(float)
    assert value(shown["itself"]) == pytest.approx(mass[2], rel=5.1e-3)
    classes = mass[[0, 1, 3, 4, 5, 6, 7]].sum()
    assert value(shown["class tokens"]) == pytest.approx(classes, rel=5.1e-3)
    assert value(shown["registers"]) == pytest.approx(mass[8:10].sum(), rel=5.1e-3)
    which = page.numbers("Which token receives most")
    assert which[0] == ["layer", "registers", "class tokens", "a patch"]
    received = sink_values(record)
    assert not isinstance(received, NotApplicable)
    share = (received.token < 8).mean(axis=1)
    np.testing.assert_allclose([value(row[2]) for row in which[1:]], share, rtol=5.1e-3)


def test_outlier_patches_have_bars_where_there_are_any_and_else_a_sentence(tmp_path: Path) -> None:
    trial = gallery(tmp_path / "pictures", images=1)
    key = trial.run.cell("plain", "image0").record
    norms = np.full_like(trial.records[key].norms, 10)
    calm = tiny.with_norms(trial.records[key], norms)
    loud = norms.copy()
    loud[2, calm.layout.patch_slice.start + 5] = 90
    for name, record in (("calm", calm), ("loud", tiny.with_norms(calm, loud))):
        trial.records[key] = record
        build_site(trial.run, trial.read, tmp_path / name, version=VERSION)
    pages = {name: ModelPage(tmp_path / name, "plain") for name in ("calm", "loud")}
    nothing = "Outlier patches as queries: not applicable, the image has none."
    assert nothing in pages["calm"].text
    assert "budget-outlier-patches" not in pages["calm"].ids
    assert nothing not in pages["loud"].text
    assert "budget-outlier-patches" in pages["loud"].ids
    assert "stands out most in layer 2: 9 × the layer's median" in pages["loud"].text
    assert "There, 4.17\u00a0% of patches exceed 3 × the median" in pages["loud"].text
    assert "4.17\u00a0% of patches are outliers there." in pages["loud"].text
    assert "There, no patch exceeds 3 × the median" in pages["calm"].text
    assert "No patch is an outlier there." in pages["calm"].text
    assert "High norms begin: patches in layer 2." in pages["loud"].text
    _, *rows = pages["loud"].numbers("Patches above a cutoff")
    assert [(row[0], row[1]) for row in rows] == [
        (str(n), "4.17\u00a0%" if n < 9 else "0\u00a0%") for n in range(2, 11)
    ]


def test_norms_are_those_of_the_records(built: Built) -> None:
    trial, site, _ = built
    own = records(trial, "registers")
    page = ModelPage(site, "registers")
    patches = [r.norms[:, r.layout.patch_slice] for r in own]
    head, *rows = page.numbers("Norms by kind of token")
    assert head[1:] == ["patches, median", "patches, largest", "CLS", "register 1", "register 2"]
    wanted = np.stack(
        [
            np.median([np.median(n, axis=1) for n in patches], axis=0),
            np.median([n.max(axis=1) for n in patches], axis=0),
            *np.median([r.norms[:, :3] for r in own], axis=0).T,
        ],
        axis=1,
    )
    found = np.array([[float(cell.removesuffix("\u00a0%")) for cell in row[1:]] for row in rows])
    np.testing.assert_allclose(found, wanted, rtol=5.1e-3)
    ratio = np.median([(n / np.median(n, axis=1)[:, None]).max(1) for n in patches], axis=0)
    column = [float(row[1]) for row in page.numbers("Largest norm over the median, by layer")[1:]]
    assert column == pytest.approx(ratio, rel=5.1e-3)
    counts = page.numbers(f"Norms of patches in {_layer(int(ratio.argmax()))}")[1:]
    assert sum(float(row[1]) for row in counts) == sum(n.shape[1] for n in patches)


def _layer(index: int) -> str:
    return f"layer {index}" if index else "the embedding"


def test_what_a_model_cannot_have_is_said_to_be_not_applicable(built: Built) -> None:
    _, site, _ = built
    probe, plain, gone = (ModelPage(site, name) for name in ("probe", "plain", "gone"))
    assert "CLS as query: not applicable" in probe.text
    assert "Rollout on the prefix: not applicable" in probe.text
    assert "Largest attention of CLS: not applicable" in probe.text
    assert "head-max-attention" not in probe.ids
    assert "Attention of CLS to registers: not applicable, this model has none." in plain.text
    assert "Registers as queries: not applicable" in plain.text
    assert "heads" not in gone.ids
    assert "The model tiny/gone is not on the hub." in gone.text


@pytest.mark.slow
def test_massive_activations_are_drawn_found_missing_or_not_measured(tmp_path: Path) -> None:
    trial = gallery(tmp_path / "pictures", images=1)

    def built(record: AttentionRecord, name: str) -> ModelPage:
        trial.records[key] = record
        build_site(trial.run, trial.read, tmp_path / name, version=VERSION)
        return ModelPage(tmp_path / name, "plain")

    key = trial.run.cell("plain", "image0").record
    without = trial.records[key]
    measured = tiny.record(without.layout, extras=("massive",), image_sha256=without.image_sha256)
    assert measured.massive is not None
    values = measured.massive.value.copy()
    values[1, 0] = -30_000
    channels = measured.massive.channel.copy()
    channels[1, 0] = 17
    loud = replace(measured.massive, value=values, channel=channels)
    none, some = "By this rule no channel is massive in any layer.", "massive in some layer"
    page = built(without, "without")
    assert "Not measured." in page.text
    assert "massive" in page.ids
    assert none not in page.text
    page = built(replace(measured, key=without.key), "calm")
    assert none in page.text
    assert "Not measured." not in page.html[page.html.index('id="massive"') :][:2000]
    assert "But some stand out" not in page.text
    near = replace(measured.massive, value=values / 100, median=np.full_like(loud.median, 0.5))
    page = built(replace(measured, key=without.key, massive=near), "near")
    assert (
        f"{none} But some stand out: the largest value is 300 in layer 1, 600 times the median "
        "magnitude, where the rule asks for 100 and 1,000 times." in page.text
    )
    page = built(replace(measured, key=without.key, massive=loud), "loud")
    assert none not in page.text
    assert page.tables[f"Channels that are {some}"] == [["channel", "images, of 1"], ["17", "1"]]
    title = "Largest magnitude and median magnitude by layer"
    assert float(page.numbers(title)[2][1].replace(",", "")) == 30_000


def test_charts_say_in_words_what_is_to_be_seen(built: Built) -> None:
    page = ModelPage(built[1], "registers")
    figures = [name for name in page.ids if name in page.said]
    assert len(figures) > 15
    for name in figures:
        assert len(page.said[name]) > 20, name
    assert re.search(
        r"lowest 0\.\d+ at layer \d, head \d; highest 0\.\d+ at layer", page.said["head-entropy"]
    )
