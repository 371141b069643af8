"""A site that was kept small, opened from a folder: what is there is right, what isn't is said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from generator.present.files.settings import Settings
from generator.present.site.write import build_site
from generator.records.paper import Paper, TeaserCell
from tests.browser.opened import Opened, overflow, read_number, settle
from tests.present.filmed import with_frames
from tests.present.gallery import Gallery
from tests.present.sized import HEADS, LAYERS, SIDE, sized

Small = tuple[Gallery, Path]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    folder = tmp_path_factory.mktemp("small")
    trial = sized(folder / "pictures", patches=False)
    settings = Settings(analyses="none", walls=False)
    while True:  # each time a byte too many, until the heads of low layers go
        report = build_site(trial.run, trial.read, folder / "site", version="1", settings=settings)
        if report.reduction.steps == ("grid", "low-heads"):
            return trial, folder / "site"
        settings = replace(settings, max_bytes=report.bytes - 1)


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """A sequence of three frames, of which only the first keeps single heads."""
    folder = tmp_path_factory.mktemp("uneven")
    trial = sized(folder / "pictures", patches=False)
    paper = Paper(teaser=(TeaserCell("fine", "image0"),))
    trial = Gallery(replace(with_frames(trial.run, 0), paper=paper), trial.records)
    settings = Settings(analyses="none", walls=False)
    while True:
        report = build_site(trial.run, trial.read, folder / "site", version="1", settings=settings)
        if report.reduction.whole == ("image0",):
            return trial, folder / "site"
        settings = replace(settings, max_bytes=report.bytes - 1)


@pytest.fixture
def opened(chromium: Browser, small: Small) -> Iterator[Opened]:
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    page = Opened(context.new_page(), small[1].as_uri())
    page.page.goto(f"{page.root}/i/image1/index.html#layer=6&head=2")
    page.wait()
    yield page
    context.close()


def test_a_reduced_page_is_silent_and_says_what_is_left_out(opened: Opened) -> None:
    notice = opened.page.locator("main > .notice")
    expect(notice).to_contain_text("are shown as area means on 16 × 16 cells")
    expect(notice).to_contain_text("single heads of all but the last 3 layers")
    for query in ("reg1", "CLS"):
        opened.page.select_option("#query", query)
        opened.wait()
    for view in ("heads", "layers", "pair", "wall"):
        opened.page.click(f'[data-view="{view}"]')
        opened.wait()
    assert opened.noise == []


def test_the_value_under_the_pointer_is_the_area_mean(opened: Opened, small: Small) -> None:
    record = small[0].record("fine", "image1")
    row = np.asarray(record.rows("CLS"), dtype=np.float64)[LAYERS - 1, 1]
    fine = row[record.layout.patch_slice].reshape(SIDE, SIDE)
    parts = fine.repeat(4, axis=0).repeat(4, axis=1)
    means = parts.reshape(16, 5, 16, 5).mean(axis=(1, 3))
    box = opened.page.locator('[data-model="0"] [data-stage]').bounding_box()
    assert box
    for at in ((0, 0), (7, 3), (15, 12)):
        x, y = (at[1] + 0.5) / 16, (at[0] + 0.5) / 16
        opened.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        settle(opened.page)
        said = opened.page.locator('[data-reading="0"]')
        expect(said).to_contain_text(f"row {at[0] + 1}, col {at[1] + 1}")
        value = read_number(said.locator(".value").inner_text().split()[0])
        # three digits, and half a code of the map's maximum
        assert value == pytest.approx(means[at], abs=0.004 * means.max(), rel=0.006)
        share = float(said.locator(".share").inner_text().split()[0])
        whole = 100 * means[at] * SIDE * SIDE / 256 / record.layout.tokens
        assert share == pytest.approx(whole, rel=0.06)


def test_a_model_on_a_small_grid_says_nothing_of_means(opened: Opened) -> None:
    expect(opened.page.locator('[data-reading="1"] .rank')).to_have_text("1 of 36")
    opened.page.locator("#numbers > summary").click()
    says = "the mean of 1.6 patches: shown on 16 × 16, measured on 20 × 20"
    expect(opened.page.locator('[data-numbers="0"]')).to_contain_text(says)
    assert "the mean of" not in opened.page.locator('[data-numbers="1"]').inner_text()


def test_a_head_that_is_left_out_is_said_to_be_and_its_mean_is_shown(opened: Opened) -> None:
    page = opened.page
    page.select_option("#layer", "2")
    opened.wait()
    stage = page.locator('[data-model="0"] [data-stage]')
    gone = "Not in this site, to keep it small: single heads of layers 1 to 3; their mean is there."
    expect(stage.locator(".stage-message")).to_have_text(gone)
    expect(stage.locator(".stage-map")).to_be_hidden()
    cell = page.locator('[data-wall="0"] .wall-cell')
    expect(cell).to_have_attribute("aria-label", f"Layer 2, head 2: {gone}")
    expect(page.locator('[data-wall="0"] .wall-title')).to_contain_text(gone)
    page.select_option("#head", "max")
    opened.wait()
    expect(stage.locator(".stage-message")).to_have_text(gone)
    page.select_option("#head", "mean")
    opened.wait()
    expect(stage.locator(".stage-map")).to_be_visible()
    assert painted(page) == [HEADS + 3 if layer >= 3 else 1 for layer in range(LAYERS)]


def painted(page: Page) -> list[int]:
    """How many maps there are in each row of the first model's wall."""
    found: list[int] = page.evaluate(
        """() => {
            const canvas = document.querySelector('[data-wall="0"] canvas');
            const page = JSON.parse(document.getElementById('page-data').textContent);
            const columns = page.models[0].heads + 3;
            const rows = 6;
            const context = canvas.getContext('2d');
            return Array.from({length: rows}, (_, row) => {
                const y = Math.floor((row + 0.5) * canvas.height / rows);
                const line = context.getImageData(0, y, canvas.width, 1).data;
                return Array.from({length: columns}, (_, column) => {
                    const x = Math.floor((column + 0.5) * canvas.width / columns);
                    return line[4 * x + 3] > 0 ? 1 : 0;
                }).reduce((sum, one) => sum + one, 0);
            });
        }"""
    )
    return found


@pytest.mark.slow
def test_each_frame_of_a_sequence_gives_its_own_reason(chromium: Browser, uneven: Small) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    opened = Opened(context.new_page(), uneven[1].as_uri())
    page = opened.page
    page.goto(f"{opened.root}/q/a-walk/index.html#layer=6&head=2")
    opened.wait()
    notice = page.locator("main > .notice-quiet")
    expect(notice).to_contain_text("single heads of all but the last 3 layers")
    expect(notice).to_contain_text("2 of 3 frames have no single heads, only their mean.")
    stage = page.locator('[data-model="0"] [data-stage]')
    title = page.locator('[data-wall="0"] .wall-title')
    low = "Not in this site, to keep it small: single heads of layers 1 to 3; their mean is there."
    every = "Not in this site, to keep it small: single heads; their mean is there."
    for frame, message, reason in ((1, "", low), (2, every, every), (1, "", low)):
        page.locator("#frame").fill(str(frame))
        expect(page.locator(".scrubber-waits")).to_have_count(0)
        opened.wait()
        expect(stage.locator(".stage-message")).to_have_text(message)
        expect(title).to_contain_text(reason)
    page.goto(f"{opened.root}/q/a-walk/index.html#layer=1&head=2&frame=3")
    page.reload()
    opened.wait()
    expect(title).to_contain_text(every)
    assert opened.noise == []
    context.close()


def test_the_caption_names_both_grids(opened: Opened) -> None:
    opened.page.evaluate(
        "() => { navigator.clipboard.writeText = async text => { window.kept = text; }; }"
    )
    opened.page.click("#copy-caption")
    opened.page.wait_for_timeout(100)
    caption = opened.page.evaluate("() => window.kept")
    assert "20 × 20 patches, shown on 16 × 16, input" in caption
    assert (
        "One square a cell of the grid shown, the mean of its patches, not interpolated." in caption
    )


def test_without_scripts_a_reduced_page_shows_the_last_layer(
    chromium: Browser, small: Small
) -> None:
    context = chromium.new_context(
        viewport={"width": 390, "height": 800}, java_script_enabled=False
    )
    opened = Opened(context.new_page(), small[1].as_uri())
    opened.page.goto(f"{opened.root}/i/image1/index.html")
    expect(opened.page.locator(".plain h2")).to_have_text("The last layer")
    maps = opened.page.locator(".plain-walls img")
    expect(maps).to_have_count(2)
    assert all(image.evaluate("image => image.naturalWidth > 0") for image in maps.all())
    assert opened.noise == []
    context.close()


def test_on_a_phone_nothing_is_wider_than_the_window(opened: Opened) -> None:
    opened.page.set_viewport_size({"width": 390, "height": 800})
    for path in ("index.html", "i/image1/index.html"):
        opened.page.goto(f"{opened.root}/{path}")
        settle(opened.page)
        assert overflow(opened.page) <= 0
