"""On a phone: from a small map to the large one, and back to where one was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.opened import Opened, overflow
from tests.present.gallery import Gallery

Motion = Literal["reduce", "no-preference"]
START = "i/image0/index.html#layer=3"


def phone(chromium: Browser, site: tuple[Gallery, Path], motion: Motion) -> Opened:
    context = chromium.new_context(
        viewport={"width": 390, "height": 760},
        has_touch=True,
        is_mobile=True,
        reduced_motion=motion,
    )
    opened = Opened(context.new_page(), site[1].as_uri() + "/")
    opened.page.goto(opened.root + START)
    opened.wait()
    return opened


@pytest.fixture(params=["reduce", "no-preference"])
def page(
    chromium: Browser, site: tuple[Gallery, Path], request: pytest.FixtureRequest
) -> Iterator[Page]:
    opened = phone(chromium, site, request.param)
    yield opened.page
    opened.page.context.close()
    assert opened.noise == []


def focused(locator: Locator) -> bool:
    return bool(locator.evaluate("element => element === document.activeElement"))


def rest(page: Page) -> None:
    """Until the page no longer scrolls."""
    page.evaluate(
        """() => new Promise(done => {
            let [last, still] = [-1, 0];
            const look = () => {
                still = scrollY === last ? still + 1 : 0;
                last = scrollY;
                if (still > 12) done(); else requestAnimationFrame(look);
            };
            look();
        })"""
    )


def clear_of_the_bar(page: Page, box: Any) -> bool:
    bar = page.locator(".controls-main").bounding_box()
    assert bar is not None
    return bool(box["y"] >= bar["y"] + bar["height"] and box["y"] + box["height"] <= 760)


def test_a_tap_on_a_small_map_shows_the_large_one_and_there_is_a_way_back(page: Page) -> None:
    frame = page.locator('[data-wall="3"] .wall-frame')
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] * 4.5 / 6, box["y"] + box["height"] * 1.5 / 6)
    rest(page)
    stage = page.locator('[data-model="3"] [data-stage]')
    assert clear_of_the_bar(page, stage.bounding_box())
    assert clear_of_the_bar(page, page.locator("#model-3").bounding_box())
    assert focused(stage)
    assert (page.input_value("#layer"), page.input_value("#head")) == ("2", "3")
    back = page.get_by_role("button", name="Back to the small maps")
    assert clear_of_the_bar(page, back.bounding_box())
    back.tap()
    rest(page)
    cell = page.locator('[data-wall="3"] [role=gridcell]')
    assert focused(cell)
    assert clear_of_the_bar(page, cell.bounding_box())
    expect(back).to_have_count(0)


def test_a_tap_on_a_head_does_the_same(page: Page) -> None:
    page.get_by_role("button", name="Heads of this layer").tap()
    tile = page.get_by_role("button", name="Deep, layer 3, head 2")
    tile.tap()
    rest(page)
    assert clear_of_the_bar(page, page.locator('[data-model="3"] [data-stage]').bounding_box())
    page.get_by_role("button", name="Back to the small maps").tap()
    rest(page)
    assert focused(tile)


def test_where_large_and_small_fit_together_nothing_moves(visit: Any) -> None:
    page = visit("i/image0/index.html", width=1280).page
    frame = page.locator('[data-wall="3"] .wall-frame')
    frame.scroll_into_view_if_needed()
    before = page.evaluate("() => scrollY")
    frame.click(position={"x": 5, "y": 5})
    rest(page)
    assert page.evaluate("() => scrollY") == before
    assert page.get_by_role("button", name="Back to the small maps").count() == 0


def test_more_controls_fit_in_the_window(page: Page) -> None:
    page.locator(".more > summary").tap()
    expect(page.locator("#pair-heads")).to_be_visible()
    assert overflow(page) == 0
    box = page.locator(".more-panel").bounding_box()
    assert box is not None and box["x"] >= 0
