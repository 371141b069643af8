"""From a square of a heat map to its head, by hand and by keyboard; charts without scripts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.opened import Opened, settle
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
def test_a_click_on_a_mark_opens_its_head(deep: Opened, chart: str) -> None:
    mark = deep.page.locator(f'#{chart} a[href$="{HEAD}"]')
    expect(mark).to_have_count(1)
    mark.click()
    at_the_head(deep)


def test_a_head_is_reached_by_keyboard_through_the_table(deep: Opened) -> None:
    page = deep.page
    summary = page.get_by_text("Numbers of every head")
    for _ in range(60):
        page.keyboard.press("Tab")
        if summary.evaluate("e => e === document.activeElement"):
            break
    assert summary.evaluate("e => e === document.activeElement")
    page.keyboard.press("Enter")
    link = page.locator("details", has=summary).locator(f'table a[href$="{HEAD}"]')
    expect(link).to_be_visible()
    for _ in range(40):
        page.keyboard.press("Tab")
        if link.evaluate("e => e === document.activeElement"):
            break
    page.keyboard.press("Enter")
    at_the_head(deep)


def test_a_chart_leads_to_the_definition_of_its_number(deep: Opened) -> None:
    page = deep.page
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
    square = page.locator("#head-entropy svg path[fill]").first
    expect(square).to_be_visible()
    assert square.evaluate("e => getComputedStyle(e.closest('svg')).printColorAdjust") == "exact"
    whole = page.locator("figure.chart").evaluate_all(
        "all => all.map(e => getComputedStyle(e).breakInside)"
    )
    assert set(whole) == {"avoid"}
    ink = page.locator(".chart-title").first.evaluate("e => getComputedStyle(e).color")
    assert ink == "rgb(0, 0, 0)"
