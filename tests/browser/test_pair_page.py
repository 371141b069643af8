"""The demo's page of two models in a real browser: what meets the eye, and how much there is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.opened import Opened, overflow, settle

MOST_WORDS = {"pair": 1200, "model": 1000}


@pytest.fixture
def report(demo: Path) -> Path:
    """The page of the demo's model without registers and the one with."""
    return demo / "r/demo-dinov2--demo-dinov2-registers/index.html"


@pytest.fixture
def opened(chromium: Browser, report: Path) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    found = Opened(context.new_page(), report.parents[2].as_uri() + "/")
    found.page.goto(report.as_uri())
    settle(found.page)
    yield found.page
    context.close()
    assert found.noise == []


def test_maps_stand_beside_findings_on_the_first_screen(opened: Page) -> None:
    first = opened.locator(".map-grid img").first.bounding_box()
    finding = opened.locator(".findings strong").first.bounding_box()
    assert first and finding
    assert first["y"] <= 160 and finding["y"] <= 160
    assert finding["x"] > first["x"] + first["width"]
    last = opened.locator(".findings li").last.bounding_box()
    assert last and last["y"] + last["height"] <= 800
    size = "e => parseFloat(getComputedStyle(e).fontSize)"
    assert opened.locator(".findings strong").first.evaluate(size) >= 24


def test_every_finding_leads_to_its_section(opened: Page) -> None:
    findings = opened.locator(".findings li")
    assert 3 <= findings.count() <= 5
    for finding in findings.all():
        target = finding.locator("a").get_attribute("href")
        assert target and opened.locator(f"h2{target}").count() == 1
        assert "images" in finding.inner_text()


def test_a_section_answers_its_question_before_its_first_chart(opened: Page) -> None:
    sections = opened.locator("section.analysis")
    assert sections.count() >= 5
    for section in sections.all():
        after_heading = section.locator("h2 + *").first
        assert after_heading.evaluate("e => e.matches('p') && e.innerText.length > 20")


def test_few_words_are_shown(opened: Page) -> None:
    assert 500 < len(opened.locator("main").inner_text().split()) <= MOST_WORDS["pair"]
    for name in ("plain", "with registers"):
        page = opened.url
        with opened.expect_navigation():
            opened.locator(".compared").get_by_role("link", name=name, exact=True).click()
        settle(opened)
        words = opened.locator("main").inner_text().split()
        assert 400 < len(words) <= MOST_WORDS["model"], name
        opened.goto(page)


def test_charts_that_are_compared_are_aligned(opened: Page) -> None:
    """One legend is longer than the other: the drawings still start on one line."""
    tops = opened.locator("section[aria-labelledby='budgets'] .charts").first.locator(
        ":scope > .chart > .chart-drawing"
    )
    assert tops.count() == 2
    keys = opened.locator("section[aria-labelledby='budgets'] .chart-keys")
    heights = [keys.nth(n).evaluate("e => e.children.length") for n in range(2)]
    assert heights[0] < heights[1]
    one, two = (tops.nth(n).bounding_box() for n in range(2))
    assert one and two and abs(one["y"] - two["y"]) < 1


def test_maps_have_the_size_and_crop_of_the_picture(opened: Page) -> None:
    for row in opened.locator(".opening .map-grid").first.locator("tbody tr").all():
        boxes = [
            box
            for each in row.locator("svg, img").all()
            if (box := each.bounding_box()) is not None
        ]
        assert len(boxes) == 3
        assert (
            max(box["width"] for box in boxes if box) - min(box["width"] for box in boxes if box)
            < 1.5
        )
        assert (
            max(box["height"] for box in boxes if box) - min(box["height"] for box in boxes if box)
            < 1.5
        )


@pytest.mark.parametrize("width", [390, 1280, 2560])
def test_it_fits_the_window(opened: Page, width: int) -> None:
    opened.set_viewport_size({"width": width, "height": 800})
    settle(opened)
    assert overflow(opened) <= 0
