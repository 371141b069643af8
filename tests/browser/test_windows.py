"""Layers that attend within windows are named as such: on the image page and the model page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from generator.present.site.write import build_site
from tests.browser.opened import Opened, Tabs
from tests.present.gallery import gallery

WINDOWS = "within windows of 3 × 3 patches"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Layers 1 and 2 of 3 of the model without a class token attend within windows."""
    folder = tmp_path_factory.mktemp("windows")
    trial = gallery(folder / "pictures", images=1)
    key = trial.run.cell("probe", "image0").record
    facts = replace(trial.records[key].model, window=3, windowed=(0, 1))
    trial.records[key] = replace(trial.records[key], model=facts)
    run = replace(trial.run, pairs=(("plain", "probe"),))
    build_site(run, trial.read, folder / "site", version="1.2.3")
    return folder / "site"


@pytest.fixture(params=[1280, 390], ids=["desktop", "phone"])
def page(request: pytest.FixtureRequest, tabs: Tabs, site: Path) -> Iterator[Page]:
    page = tabs.open(request.param)
    opened = Opened(page, site.as_uri() + "/")
    page.goto(f"{opened.root}i/image0/index.html#layer=1")
    opened.wait()
    yield page
    opened.leave()
    tabs.close(page)
    assert opened.noise == []


def test_a_map_of_such_a_layer_says_so_below_it(page: Page) -> None:
    titles = page.locator(".readout-title .visually-hidden")
    assert [text for text in titles.all_inner_texts() if "windows" in text] == [
        "Layer 1 of 3, windows of 3 × 3, mean, mean received attention (this model has no CLS "
        "token)"
    ]
    options = page.locator("#layer option").all_inner_texts()
    assert options[:4] == ["1 of 6, windows", "2 of 6, windows", "3 of 6", "4 of 6"]
    page.select_option("#layer", "3")
    expect(titles.nth(2)).to_contain_text("Layer 3 of 3, mean")
    assert "windows" not in titles.nth(2).inner_text()


def test_layers_by_depth_have_the_mark_at_their_depth(page: Page) -> None:
    page.locator("#more").click()
    page.select_option("#pair-layers", "depth")
    expect(page.locator("#layer option", has_text="windows")).to_have_text(
        [f"{depth} of 6, windows" for depth in (1, 2, 3, 4)]
    )
    page.select_option("#layer", "4")
    expect(page.locator(".readout-title .visually-hidden", has_text="windows")).to_contain_text(
        "Layer 2 of 3"
    )


def test_the_wall_marks_these_layers(page: Page) -> None:
    wall = page.locator("[data-wall='2']")
    expect(wall).to_contain_text(f"layers 1-2 {WINDOWS} (bars beside the numbers)")
    bars = wall.locator(".wall-layers div")
    assert bars.evaluate_all("all => all.map(bar => bar.title)") == [
        f"Layer 1, {WINDOWS}",
        f"Layer 2, {WINDOWS}",
    ]
    for number, bar in enumerate(bars.all()):
        beside = wall.locator(".wall-layers span").nth(number)
        assert bar.bounding_box()["y"] == pytest.approx(beside.bounding_box()["y"], abs=0.1)
    assert wall.locator(".wall-cell").get_attribute("aria-label").startswith(f"Layer 1, {WINDOWS}")
    assert page.locator("[data-wall='0'] .wall-layers div").count() == 0


def test_the_caption_says_so(page: Page) -> None:
    page.evaluate("() => Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.locator("#copy-caption").click()
    words = re.compile(re.escape(f"layer 1, {WINDOWS}, mean over heads"))
    expect(page.locator("#taken-text")).to_have_value(words)
    assert page.locator("#taken-text").input_value().count("windows") == 1


def test_the_model_page_says_what_cannot_be_compared(page: Page, site: Path) -> None:
    page.goto(f"{site.as_uri()}/m/probe/index.html")
    said = page.locator("main").evaluate("main => main.textContent")
    assert f"Layers 1-2 {WINDOWS}; the others to the whole picture" in said
    # log 9 / log 24 patches; the mean distance in a square of 3, of 4 rows
    assert f"Layers 1-2 {WINDOWS}: their entropy is at most 0.691" in said
    assert f"Layers 1-2 {WINDOWS}: an even spread over a whole window would give 0.363" in said
    assert f"Layers 1-2 {WINDOWS}: a rollout leaves a window only in layers" in said
    assert "First layer (within windows): " in said
    page.goto(f"{site.as_uri()}/m/plain/index.html")
    assert "windows" not in page.locator("main").evaluate("main => main.textContent")


def test_the_tiles_of_a_layer_and_the_page_of_two_models_say_so(page: Page, site: Path) -> None:
    page.goto(f"{site.as_uri()}/i/image0/index.html#layer=1&view=heads")
    page.reload()
    tiles = page.get_by_text(f", layer 1, {WINDOWS}, head")
    expect(tiles.first).to_be_attached()
    names = tiles.evaluate_all("all => all.map(tile => tile.textContent.split(',')[0])")
    assert set(names) == {"Probe"}
    (pair,) = site.glob("r/*/index.html")
    page.goto(pair.as_uri())
    heading = page.locator("li", has_text="Probe").filter(has_text=WINDOWS)
    expect(heading.first).to_contain_text(f"; layers 1-2 {WINDOWS}")
