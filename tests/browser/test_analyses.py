"""The analyses of an image, in a browser: folded, lazy, without scripts, on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from generator.analysis.features.cosine import cosine_maps
from generator.present.site.write import build_site
from tests.browser.conftest import OUTLIERS
from tests.browser.opened import Opened
from tests.present.analyzed import complete
from tests.present.gallery import Gallery, gallery

IMAGE = "i/image0/index.html"
FOLDED = "details.study:not([open]) > summary"
PLACE = """mark => {
  const box = mark.getBBox(), matrix = mark.getScreenCTM();
  const start = new DOMPoint(box.x, box.y).matrixTransform(matrix);
  return [start.x, start.y, box.width * matrix.a, box.height * matrix.d];
}"""
"""Left, top, width and height of a drawing on the screen, without its line's width."""


def unfold(opened: Opened) -> None:
    while opened.page.locator(FOLDED).count():
        opened.page.locator(FOLDED).first.click()


def test_they_are_there_and_unfold_without_scripts(visit: Callable[..., Opened]) -> None:
    opened = visit(IMAGE, scripts=False)
    studies = opened.page.locator(".studies")
    expect(studies).to_be_visible()
    expect(studies.locator("#analysis-norms .panel").first).to_be_hidden()
    expect(studies.locator("#analysis-rollout .panel").first).to_be_hidden()
    studies.locator("#analysis-rollout > summary").click()
    expect(studies.locator("#analysis-rollout .panel").first).to_be_visible()


def test_folded_maps_are_not_loaded_at_first(visit: Callable[..., Opened]) -> None:
    opened = visit(IMAGE)
    assert [url for url in opened.requests if "rollout" in url] == []
    opened.page.locator("#analysis-rollout > summary").click()
    opened.page.locator("#analysis-rollout .map").first.scroll_into_view_if_needed()
    opened.page.wait_for_function(
        "document.querySelector('#analysis-rollout .map').naturalWidth === 6"
    )
    assert [url for url in opened.requests if "rollout" in url]


def test_every_panel_has_a_name_with_numbers(visit: Callable[..., Opened]) -> None:
    opened = visit(IMAGE)
    unfold(opened)
    panels = opened.page.locator(".panel-picture")
    names = panels.evaluate_all(
        "all => all.map((one) => one.getAttribute('aria-label') ?? one.querySelector('img').alt)"
    )
    assert len(names) > 20
    assert [name for name in names if not re.search(r"\d|none", name)] == []


def test_outliers_lie_over_the_places_of_the_picture_that_are_outliers(
    visit: Callable[..., Opened],
) -> None:
    """The box around the outline is that of the planted patches, in the picture's own pixels."""
    opened = visit(IMAGE)
    opened.page.locator("#analysis-norms > summary").click()
    model = opened.page.locator("#analysis-norms .study-model", has_text="Deep").first
    svg, mark = model.locator("svg.panel-picture"), model.locator(".mark-outline")
    frame = svg.bounding_box()
    assert frame
    measured = mark.evaluate(PLACE)
    cols, rows = [n % 12 for n in OUTLIERS], [n // 12 for n in OUTLIERS]
    expected = (
        frame["x"] + frame["width"] * min(cols) / 12,
        frame["y"] + frame["height"] * min(rows) / 8,
        frame["width"] * (max(cols) + 1 - min(cols)) / 12,
        frame["height"] * (max(rows) + 1 - min(rows)) / 8,
    )
    assert measured == pytest.approx(expected, abs=0.6)


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.slow
def test_nothing_sticks_out_of_the_page(
    visit: Callable[..., Opened], width: int, scripts: bool
) -> None:
    opened = visit(IMAGE, width=width, scripts=scripts)
    unfold(opened)
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    edges = opened.page.locator(".panel, .study-line, .terms").evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect().right)"
    )
    assert max(edges) <= width


ALIKE = "details#analysis-alike"


@pytest.fixture(scope="module")
def alike_site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Gallery, Path]:
    """A site of records with every part; the other galleries of browser tests have none."""
    folder = tmp_path_factory.mktemp("alike")
    trial = complete(gallery(folder / "pictures", images=1))
    build_site(trial.run, trial.read, folder / "site", version="1.2.3")
    return trial, folder / "site"


def cosine(trial: Gallery, model: str, one: tuple[int, int], two: tuple[int, int]) -> float:
    record = trial.record(model, "image0")
    assert record.features is not None
    place = one[0] * record.layout.cols + one[1]
    found = cosine_maps(record.features.last, record.layout, [place])[0]
    return float(found[two])


@pytest.mark.slow
def test_a_click_compares_a_patch_with_all_others_in_every_model(
    chromium: Browser, alike_site: tuple[Gallery, Path]
) -> None:
    trial, site = alike_site
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    opened = Opened(page, site.as_uri() + "/")
    page.goto(opened.root + IMAGE)
    opened.wait()
    assert [url for url in opened.requests if ".alike." in url and url.endswith(".js")] == []
    page.locator(f"{ALIKE} > summary").click()
    stages = page.locator(f"{ALIKE} .alike-stage")
    says = page.locator(f"{ALIKE} .alike-live .panel-text")
    expect(says.first).to_contain_text("Cosine")
    stage = stages.first
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box is not None
    # the patch in row 2, column 2 of 4 x 6, then the pointer in row 4, column 5
    page.mouse.click(box["x"] + 1.5 / 6 * box["width"], box["y"] + 1.5 / 4 * box["height"])
    page.mouse.move(box["x"] + 4.5 / 6 * box["width"], box["y"] + 3.5 / 4 * box["height"])
    for number, model in enumerate(("plain", "registers")):
        expect(says.nth(number)).to_contain_text("with row 4, col 5. The patch: row 2, col 2.")
        text = says.nth(number).inner_text().replace("\u2212", "-")
        value = float(re.search(r"Cosine (-?[\d.]+)", text)[1])  # type: ignore[index]
        assert value == pytest.approx(cosine(trial, model, (1, 1), (3, 4)), abs=0.026)
    assert re.search(r"&alike=2[34]\.\d,2[34]\.\d", page.url)
    stage.focus()
    page.keyboard.press("ArrowRight")
    page.mouse.move(2, 2)
    expect(says.first).to_contain_text("The patch: row 2, col 3.")
    # the address opens the analysis again, at the same patch
    page.reload()
    opened.wait()
    expect(says.first).to_contain_text("The patch: row 2, col 3.")
    assert opened.noise == []
    page.close()
