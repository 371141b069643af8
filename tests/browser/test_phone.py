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


def test_a_map_is_at_the_top_and_the_controls_at_the_bottom(page: Page) -> None:
    stage = page.locator(".models .stage").first.bounding_box()
    bar = page.locator(".controls").bounding_box()
    assert stage is not None and bar is not None
    assert stage["y"] <= 220 - 100  # of a map, 100 pixels are seen within the first 220
    assert bar["y"] + bar["height"] == 760
    assert bar["height"] <= 130
    assert overflow(page) == 0


def test_a_tap_on_a_small_map_shows_its_result_and_leaves_the_reader_there(page: Page) -> None:
    frame = page.locator('[data-wall="3"] .wall-frame')
    frame.scroll_into_view_if_needed()
    rest(page)
    before = page.evaluate("() => scrollY")
    box = frame.bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] * 4.5 / 6, box["y"] + box["height"] * 1.5 / 6)
    rest(page)
    assert page.evaluate("() => scrollY") == before
    assert (page.input_value("#layer"), page.input_value("#head")) == ("2", "3")
    peek = page.locator(".peek").bounding_box()
    bar = page.locator(".controls").bounding_box()
    assert peek is not None and bar is not None
    assert peek["x"] >= 0 and peek["y"] + peek["height"] <= bar["y"] + 1
    expect(page.locator(".peek")).to_contain_text("Layer 2 of 6, head 3")
    assert focused(page.locator('[data-wall="3"] [role=gridcell]'))
    page.get_by_role("button", name="Close the copies").tap()
    expect(page.locator(".peek")).to_be_hidden()


def test_a_tap_on_a_head_does_the_same(page: Page) -> None:
    page.get_by_role("button", name="Heads of this layer").tap()
    tile = page.get_by_role("button", name="Deep, layer 3, head 2")
    tile.tap()
    rest(page)
    expect(page.locator(".peek")).to_contain_text("Layer 3 of 6, head 2")
    assert focused(tile)


def test_where_large_maps_are_seen_there_are_no_copies(visit: Any) -> None:
    page = visit("i/image0/index.html", width=1280).page
    page.set_viewport_size({"width": 1280, "height": 2000})
    page.locator('[data-wall="3"] .wall-frame').click(position={"x": 5, "y": 5})
    rest(page)
    expect(page.locator(".peek")).to_be_hidden()


def test_more_controls_fit_in_the_window(page: Page) -> None:
    page.locator("#more").tap()
    expect(page.locator("#pair-heads")).to_be_visible()
    assert overflow(page) == 0
    box = page.locator(".more-panel").bounding_box()
    assert box is not None and box["x"] >= 0 and box["y"] >= 0
