"""Views below the large maps, pairing, and the numbers behind them, against numpy."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from generator.present.drawing.quantize import decode
from generator.text.numbers import number
from generator.text.numbers import signed as signed_text
from tests.browser.opened import Opened, read_number, settle
from tests.browser.test_numbers import chunk, readout

Visit = Callable[..., Opened]
Array = np.ndarray[Any, Any]


def distribution(values: Array) -> Array:
    return values.astype(float) / values.sum()


def divergence(a: Array, b: Array) -> float:
    middle = (a + b) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = [np.where(x > 0, x * np.log2(x / middle), 0).sum() for x in (a, b)]
    return float(sum(terms) / 2)


def values(site: Any, model: str, layer: int, head: int) -> Array:
    found: Array = decode(chunk(site, model)[0])[layer - 1, head - 1]
    return found


def halved(fine: Array) -> Array:
    rows, cols = fine.shape
    return fine.reshape(rows // 2, 2, cols // 2, 2).sum((1, 3))


def titles(page: Page) -> list[str]:
    return [
        text.replace(" of 3", "").replace(" of 6", "").split(",")[0:2]
        for text in page.locator(".readout-title .visually-hidden").all_inner_texts()
    ]  # type: ignore[misc]


@pytest.fixture
def comparing(image_page: Page) -> Page:
    """The page with the scripts that compare two maps."""
    image_page.evaluate("() => Later.load('match')")
    return image_page


@pytest.mark.parametrize("seed", range(3))
def test_divergence_is_that_of_numpy(comparing: Page, seed: int) -> None:
    a, b = (distribution(x) for x in np.random.default_rng(seed).random((2, 24)) ** 4)
    found = comparing.evaluate("([a, b]) => Compare.divergence(a, b)", [a.tolist(), b.tolist()])
    assert found == pytest.approx(divergence(a, b), abs=1e-12)


def test_divergence_runs_from_the_same_to_nothing_in_common(comparing: Page) -> None:
    run = "([a, b]) => Compare.divergence(a, b)"
    assert comparing.evaluate(run, [[0.5, 0.5, 0], [0.5, 0.5, 0]]) == 0
    assert comparing.evaluate(run, [[0.5, 0.5, 0], [0, 0, 1]]) == 1


def test_resampling_conserves_mass_and_shares_patches_out_by_area(comparing: Page) -> None:
    run = "([v, from, to]) => Array.from(Compare.resample(v, from, to))"
    view = [0, 0, 90, 60]
    fine = np.random.default_rng(1).random((4, 6))
    whole = {"grid": [4, 6], "view": view}
    found = comparing.evaluate(run, [fine.ravel().tolist(), whole, {"grid": [2, 3], "view": view}])
    np.testing.assert_allclose(found, halved(fine).ravel(), rtol=1e-12)
    # 3 columns onto 2: the middle one is shared out, half and half
    thirds = {"grid": [1, 3], "view": view}
    found = comparing.evaluate(run, [[1, 2, 4], thirds, {"grid": [1, 2], "view": view}])
    np.testing.assert_allclose(found, [2, 5], rtol=1e-12)
    # a grid over the right half sees only what lies there
    half = {"grid": [1, 1], "view": [45, 0, 90, 60]}
    found = comparing.evaluate(run, [[1, 2, 4], thirds, half])
    np.testing.assert_allclose(found, [5], rtol=1e-12)


def test_the_difference_is_on_the_coarser_grid_and_centered_on_zero(
    visit: Visit, site: Any
) -> None:
    page = visit(
        "i/image0/index.html#layer=2&head=1&view=pair&a=plain&b=deep&how=difference&overlay=100"
    ).page
    a = distribution(values(site, "plain", 2, 1))
    b = distribution(halved(values(site, "deep", 2, 1)))
    says = page.locator("#pair-says").inner_text()
    assert "Plain minus Deep, on the coarser grid of 4 × 6" in says
    assert f"divergence {number(divergence(a, b))} of 1 bit" in says
    signed = (a - b) * 24
    assert signed_text(np.abs(signed).max())[:4] in page.locator("#pair-bar").inner_text()
    red, blue = page.evaluate(
        """() => {
            const canvas = document.querySelector('.pair-difference canvas');
            const {width, height} = canvas;
            const {data} = canvas.getContext('2d').getImageData(0, 0, width, height);
            const at = (row, col) => 4 * (
                Math.floor((row + 0.5) * height / 4) * width + Math.floor((col + 0.5) * width / 6));
            const places = Array.from({length: 24}, (_, i) => at(Math.floor(i / 6), i % 6));
            return [places.map(i => data[i]), places.map(i => data[i + 2])];
        }"""
    )
    warm = np.subtract(red, blue)
    # the last step of the colors turns to a dark red and a dark blue, still red and blue
    clear = np.abs(signed.ravel()) > 0.05 * np.abs(signed).max()
    assert (np.sign(warm) == np.sign(signed.ravel()))[clear].all()


@pytest.mark.parametrize(("x", "y"), [(8.0, 8.0), (56.0, 40.0), (90.0, 60.0)])
def test_the_difference_under_the_pointer_is_signed_and_has_a_unit(
    visit: Visit, site: Any, x: float, y: float
) -> None:
    page = visit("i/image0/index.html#layer=2&head=1&view=pair&a=plain&b=deep").page
    a = 24 * distribution(values(site, "plain", 2, 1))
    b = 24 * distribution(halved(values(site, "deep", 2, 1)))
    row, col = int(y / 16), int(x / 16)
    stage = page.locator("[data-pair]")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + x / 96 * box["width"], box["y"] + y / 64 * box["height"])
    settle(page)
    text = page.locator("#pair-value").inner_text().replace("−", "-")
    difference = a[row, col] - b[row, col]
    assert read_number(text.split(" ×")[0]) == pytest.approx(difference, rel=0.006)
    assert f"× uniform, more in {'Plain' if difference > 0 else 'Deep'}" in text
    assert f"Plain {number(a[row, col])}"[:9] in text
    assert f"row {row + 1}, col {col + 1}" in text
    mark = page.locator(".pair-view .stage-mark").bounding_box()
    assert mark is not None
    assert mark["x"] - 1 <= box["x"] + x / 96 * box["width"] <= mark["x"] + mark["width"] + 1
    # without a pointer: where it is largest
    page.mouse.move(2, 2)
    settle(page)
    row, col = np.unravel_index(np.abs(a - b).argmax(), a.shape)
    assert f"largest: row {row + 1}, col {col + 1}" in page.locator("#pair-value").inner_text()


def test_the_bar_of_a_difference_names_its_ends_and_its_unit(visit: Visit) -> None:
    page = visit("i/image0/index.html#layer=2&head=1&view=pair&a=plain&b=deep").page
    ends = page.locator("#pair-bar").inner_text()
    assert re.search(r"−[\d.]+: more in Deep", ends)
    assert "0 × uniform" in ends
    assert re.search(r"more in Plain: \+[\d.]+", ends)


def test_most_different_heads_come_first(visit: Visit, site: Any) -> None:
    page = visit("i/image0/index.html#layer=2&view=heads&a=plain&b=registers&order=different").page
    labels = page.locator('[data-tiles="0"] .tile-label').all_inner_texts()
    by_head = {
        text.split(" · ")[0]: read_number(text.split(" · ")[1]) for text in labels if "·" in text
    }
    assert list(by_head.values()) == sorted(by_head.values(), reverse=True)
    assert set(by_head) == {"mean", "1", "2", "max", "min"}
    # the number is of the two models, and stands below their maps only
    others = page.locator('[data-tiles="3"] .tile-label').all_inner_texts()
    assert others[:5] == list(by_head) and not any("·" in text for text in others)


def test_tiles_show_heads_and_layers_and_choose_them(visit: Visit) -> None:
    opened = visit("i/image0/index.html#view=heads&layer=2")
    page = opened.page
    page.get_by_role("button", name="Deep, layer 2, head 3").click()
    settle(page)
    assert page.input_value("#head") == "3"
    page.get_by_role("button", name="Layers of this head").click()
    settle(page)
    assert page.locator('[data-tiles="3"] .tile:visible').count() == 6
    page.get_by_role("button", name="Deep, head 3, layer 5").click()
    settle(page)
    assert page.input_value("#layer") == "5"
    assert "view=layers" in page.url


@pytest.mark.parametrize(
    ("control", "value", "field"),
    [("how", "slider", "how=slider"), ("a", "deep", "a=deep"), ("b", "probe", "b=probe")],
)
@pytest.mark.slow
def test_choices_of_a_pair_are_in_the_address(
    visit: Visit, control: str, value: str, field: str
) -> None:
    opened = visit("i/image0/index.html")
    opened.page.get_by_role("button", name="Two models").click()
    opened.page.select_option(f"#{control}", value)
    settle(opened.page)
    assert field in opened.page.url.split("#")[1].split("&")
    again = visit(opened.page.url.removeprefix(opened.root)).page
    assert again.input_value(f"#{control}") == value
    opened.page.go_back()
    settle(opened.page)
    assert opened.page.input_value(f"#{control}") != value
    opened.page.go_back()
    settle(opened.page)
    assert opened.page.locator(".walls").is_visible()


@pytest.mark.slow
def test_two_models_one_after_the_other_move_only_when_asked(visit: Visit) -> None:
    page = visit("i/image0/index.html#view=pair&how=flicker").page
    says = page.locator("#pair-says")
    page.wait_for_timeout(1000)
    assert says.inner_text() == "Shown: Plain."
    page.get_by_role("button", name="Switch").click()
    assert says.inner_text() == "Shown: Registers."


def test_the_border_between_two_models_moves_by_keyboard(visit: Visit) -> None:
    page = visit("i/image0/index.html#view=pair&how=slider").page
    page.focus("#slide")
    page.keyboard.press("ArrowRight")
    settle(page)
    assert page.locator(".pair-b").evaluate("e => e.style.clipPath") == "inset(0px 0px 0px 51%)"
    assert "slide=51" in page.url


def test_layers_pair_by_relative_depth(visit: Visit) -> None:
    page = visit("i/image0/index.html#layer=4&layers=depth").page
    found = [title[0] for title in titles(page)]
    assert found == ["Layer 2", "Layer 2", "Layer 2", "Layer 4"]
    assert page.locator("#layer-says").inner_text() == "Layer by depth"
    # a click in a shallow wall chooses the depth of its layer
    cell = page.locator('[data-wall="0"] [role=gridcell]')
    cell.focus()
    page.keyboard.press("ArrowDown")
    settle(page)
    found = [title[0] for title in titles(page)]
    assert found[0] == "Layer 3"
    assert found[3] in ("Layer 5", "Layer 6")


@pytest.mark.parametrize("by", ["entropy", "distance", "mass"])
def test_heads_pair_by_rank(visit: Visit, site: Any, by: str) -> None:
    def statistic(model: str) -> Array:
        record = site[0].record(model, "image0")
        if by == "mass":
            first = record.rows("CLS")[0].astype(float)
            return first[:, record.layout.prefix_slice].sum(-1) / record.layout.tokens
        return np.asarray(getattr(record, by)[0], dtype=float)

    page = visit(f"i/image0/index.html#layer=1&head=2&heads={by}").page
    there, here = statistic("plain"), statistic("registers")
    rank = int(np.argsort(-there).tolist().index(1))
    wanted = int(np.argsort(-here)[rank]) + 1
    assert titles(page)[1][1].strip() == f"head {wanted}"


def test_heads_pair_by_best_match(visit: Visit, site: Any) -> None:
    page = visit("i/image0/index.html#layer=1&head=1&heads=match").page
    wanted = distribution(values(site, "plain", 1, 1))
    apart = [
        divergence(wanted, distribution(halved(values(site, "deep", 1, head))))
        for head in range(1, 5)
    ]
    assert titles(page)[3][1].strip() == f"head {int(np.argmin(apart)) + 1}"


def test_the_maximum_over_heads_is_no_distribution(visit: Visit, site: Any) -> None:
    page = visit("i/image0/index.html#layer=2&head=max").page
    heads = decode(chunk(site, "deep")[0])[1, :4]
    largest = heads.max(0)
    text = readout(page, "deep")
    assert read_number(text.split("×")[0]) == pytest.approx(largest.max(), rel=0.005)
    row, col = np.unravel_index(largest.argmax(), largest.shape)
    assert f"row {row + 1}, col {col + 1}" in text
    page.locator("#numbers > summary").click()
    expect(page.locator('[data-numbers="3"] .mass')).to_contain_text("not a distribution")


def test_the_read_out_ranks_the_place(visit: Visit, site: Any) -> None:
    page = visit("i/image0/index.html#layer=2&head=1&at=40,50").page
    codes = chunk(site, "plain")[0].codes[1, 0]
    rank = int((codes > codes[3, 2]).sum()) + 1
    assert readout(page, "plain").split("\t")[2] == f"{rank} of 24"


@pytest.mark.parametrize("view", ["pair", "heads", "pair&how=slider"])
@pytest.mark.slow
def test_an_address_of_a_view_brings_the_reader_to_it(visit: Visit, view: str) -> None:
    page = visit(f"i/image0/index.html#layer=2&view={view}").page
    shown = page.locator("[data-pair]" if "pair" in view else '[data-tiles="0"] .tile').first
    expect(shown).to_be_in_viewport()
    expect(page.locator(".view-choice")).to_be_in_viewport()


def test_two_models_fit_in_the_window_with_their_names_and_their_bar_above(visit: Visit) -> None:
    page = visit("i/image0/index.html#layer=2&view=pair&a=plain&b=deep").page
    stage, bar = (
        page.locator("[data-pair]").bounding_box(),
        page.locator("#pair-bar").bounding_box(),
    )
    assert stage is not None and bar is not None
    assert stage["height"] <= 0.7 * 900 + 1
    assert bar["y"] + bar["height"] <= stage["y"]
    page = visit("i/image0/index.html#layer=2&view=pair&how=slider&a=plain&b=deep").page
    assert page.locator(".pair-name:visible").all_inner_texts() == ["Plain", "Deep"]


def test_the_border_is_dragged_on_the_picture(visit: Visit) -> None:
    page = visit("i/image0/index.html#layer=2&view=pair&how=slider").page
    box = page.locator("[data-pair]").bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.5 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.2 * box["width"], y, steps=4)
    page.mouse.up()
    settle(page)
    assert "slide=20" in page.url and "query=CLS" in page.url
    assert page.locator(".pair-b").evaluate("e => e.style.clipPath") == "inset(0px 0px 0px 20%)"


@pytest.mark.parametrize("how", ["difference", "flicker", "slider"])
@pytest.mark.slow
def test_a_layer_that_one_of_two_models_lacks_is_one_sentence(visit: Visit, how: str) -> None:
    page = visit(f"i/image0/index.html#layer=5&view=pair&how={how}&a=plain&b=deep").page
    assert page.locator("#pair-says").inner_text() == "Plain: This model has 3 layers."
    expect(page.locator("[data-pair]")).to_be_hidden()
    page = visit("i/image0/index.html#layer=5&view=heads").page
    none = page.locator('[data-tile-column="0"]')
    assert none.locator(".tiles-none").inner_text() == "This model has 3 layers."
    assert none.locator(".tile:visible").count() == 0
    assert page.locator('[data-tiles="3"] .tile:visible').count() == 7


@pytest.mark.parametrize(
    ("layers", "pairs"), [("number", [(0, 0), (2, 2)]), ("depth", [(0, 1), (2, 5)])]
)
def test_rows_of_the_same_layer_are_on_one_line_in_all_walls(
    visit: Visit, layers: str, pairs: list[tuple[int, int]]
) -> None:
    page = visit(f"i/image0/index.html#layer=3&layers={layers}").page

    def lines(model: int) -> list[float]:
        labels = page.locator(f'[data-wall="{model}"] .wall-layers span')
        found: list[float] = labels.evaluate_all(
            "all => all.map(e => { e.hidden = false; return e.getBoundingClientRect().y; })"
        )
        return found

    shallow, deep = lines(0), lines(3)
    for row, other in pairs:
        assert shallow[row] == pytest.approx(deep[other], abs=1)


def test_walls_of_large_models_have_readable_cells(image_page: Page) -> None:
    found = image_page.evaluate(
        """() => {
            const rows = Array.from({length: 24}, (_, i) => String(i + 1));
            const model = {heads: 16, layers: 24, rows, view: [0, 0, 518, 518]};
            const screen = {width: 1280, height: 800, ratio: 1};
            return [1, 2, 4].map(n => {
                const models = Array(n).fill(model);
                const {across, height} = WallGeometry.arrange(models, 1252, screen);
                return [across, WallGeometry.measure(model, models, height, false, 1).width];
            });
        }"""
    )
    assert [across for across, _ in found] == [1, 2, 2]
    assert all(width >= 22 for _, width in found)


@pytest.mark.slow
def test_an_embed_shows_the_maps_and_their_legend_alone(visit: Visit) -> None:
    opened = visit("i/image0/index.html#layer=2&head=1", over="http")
    page = opened.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy embed").click()
    expect(page.locator("#taken")).to_contain_text("copied")
    snippet = page.evaluate("() => navigator.clipboard.readText()")
    found = re.fullmatch(
        r'<iframe src="([^"]+)" width="\d+" height="\d+" title="[^"]+" .*', snippet
    )
    assert found is not None
    address = found[1].replace("&amp;", "&")
    assert "layer=2&head=1" in address and address.endswith("&embed=1")
    page = visit(address.removeprefix(opened.root), over="http").page
    assert page.locator(".models .stage:visible").count() == 5
    expect(page.locator(".shared-bar")).to_be_visible()
    for other in (".masthead-title", "#layer", ".reading", ".walls", ".studies", ".colophon"):
        expect(page.locator(other)).to_be_hidden()
