"""From a cell of a heat map to its head, by hand and by keyboard; what the first screen shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.opened import Opened, heat_cell, settle
from tests.present.gallery import Gallery

HEAD = "#layer=4&head=3"


@pytest.fixture
def deep(chromium: Browser, site: tuple[Gallery, Path]):
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    found = Opened(context.new_page(), site[1].as_uri() + "/")
    found.page.goto(found.root + "m/deep/index.html")
    yield found
    context.close()
    assert found.noise == []


def at_the_head(found: Opened) -> None:
    """The image page stands at layer 4, head 3, and its stage says so."""
    found.page.wait_for_url(re.compile(r"/i/image0/index\.html#layer=4&head=3"))
    found.wait()
    chosen = found.page.locator("#layer, #head").evaluate_all("all => all.map(e => e.value)")
    assert chosen == ["4", "3"]


@pytest.mark.parametrize("chart", ["head-entropy", "head-sink"])
def test_a_click_on_a_cell_opens_its_head(deep: Opened, chart: str) -> None:
    if chart == "head-sink":
        deep.page.get_by_text("more heat maps").click()
    deep.page.mouse.click(*heat_cell(deep.page, chart, 4, 3))
    at_the_head(deep)


def test_the_pointer_reads_the_number_of_a_cell(deep: Opened) -> None:
    deep.page.mouse.move(*heat_cell(deep.page, "head-entropy", 4, 3))
    line = deep.page.locator("#numbers-of-heads").text_content() or ""
    rows = [row.split("\t") for row in line.split("\n")]
    (wanted,) = (row[rows[0].index("entropy")] for row in rows if row[:2] == ["4", "3"])
    value = deep.page.locator("#head-entropy .chart-value")
    expect(value).to_have_text(f"layer 4, head 3: {wanted}")
    deep.page.mouse.move(0, 0)
    expect(value).to_have_text("")


def test_heat_maps_are_as_large_as_their_column(deep: Opened) -> None:
    drawn = deep.page.locator("#head-entropy .chart-cells").bounding_box()
    column = deep.page.locator("#head-entropy").bounding_box()
    assert drawn and column and drawn["width"] > 0.85 * column["width"]


def test_maps_stand_beside_findings_on_the_first_screen(deep: Opened) -> None:
    first = deep.page.locator(".opening img.map").first.bounding_box()
    finding = deep.page.locator(".findings strong").first.bounding_box()
    assert first and finding and first["y"] <= 160 and finding["y"] <= 160
    assert finding["x"] > first["x"] + first["width"]
    assert deep.page.locator(".findings li").count() in range(3, 6)


@pytest.mark.slow
def test_a_head_is_reached_by_keyboard(deep: Opened) -> None:
    page = deep.page
    summary = page.get_by_text("Numbers of every head")
    for _ in range(60):
        page.keyboard.press("Tab")
        if summary.evaluate("e => e === document.activeElement"):
            break
    assert summary.evaluate("e => e === document.activeElement")
    page.keyboard.press("Enter")
    link = page.locator("details", has=summary).locator(f'a[href$="{HEAD}"]')
    expect(link).to_be_visible()
    for _ in range(40):
        page.keyboard.press("Tab")
        if link.evaluate("e => e === document.activeElement"):
            break
    page.keyboard.press("Enter")
    at_the_head(deep)


def test_a_chart_leads_to_the_definition_of_its_number(deep: Opened) -> None:
    page = deep.page
    page.get_by_text("more heat maps").click()
    page.locator("#head-sink").get_by_role("link", name="largest attention received").click()
    expect(page).to_have_url(re.compile("methods/index.html#sink$"))
    settle(page)
    heading = page.locator("#sink")
    expect(heading).to_be_in_viewport()
    expect(heading).to_have_text("largest attention received")


def test_on_paper_every_chart_is_whole_and_keeps_its_colors(deep: Opened) -> None:
    page = deep.page
    page.emulate_media(media="print", color_scheme="dark")
    settle(page)
    square = page.locator("#head-entropy .chart-cells")
    expect(square).to_be_visible()
    assert square.evaluate("e => getComputedStyle(e.closest('svg')).printColorAdjust") == "exact"
    whole = page.locator("figure.chart").evaluate_all(
        "all => all.map(e => getComputedStyle(e).breakInside)"
    )
    assert set(whole) == {"avoid"}
    ink = page.locator(".chart-title").first.evaluate("e => getComputedStyle(e).color")
    assert ink == "rgb(0, 0, 0)"
