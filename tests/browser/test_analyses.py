"""The analyses of an image, in a browser: folded, lazy, without scripts, on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OUTLIERS
from tests.browser.opened import Opened

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
    expect(studies.locator("#analysis-norms .panel").first).to_be_visible()
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
