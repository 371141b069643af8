"""Pages of a single file are turned in place: where a reader is, what is kept, what is let go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.opened import Opened, heat_cell, settle
from tests.export.conftest import exported
from tests.present.gallery import many

pytestmark = pytest.mark.browser

CHOICE = "#page=i/image1&layer=2&head=1&query=CLS"


def mark(page: Page) -> None:
    """Leave a mark on the document, which loading the file again would wipe off."""
    page.evaluate("() => { document.documentElement.dataset.mark = 'kept'; }")


def is_same_document(page: Page) -> bool:
    return page.evaluate("() => document.documentElement.dataset.mark") == "kept"


def heading(page: Page) -> str:
    """The page's heading, which has the focus."""
    return page.evaluate(
        "() => document.activeElement.matches('h1') && document.activeElement.textContent"
    )


@pytest.mark.slow
def test_a_page_is_turned_without_loading_the_file_again(
    look: Callable[..., Opened], single: Path
) -> None:
    opened = look(single)
    page = opened.page
    mark(page)
    page.get_by_role("link", name="Image1").click()
    opened.wait()
    expect(page).to_have_title("Image1 · Trial")
    assert heading(page) == "Image1"
    assert page.locator("h1").count() == 1
    page.get_by_role("link", name="Registers").first.click()
    expect(page.locator("h1")).to_have_text("Registers")
    assert heading(page) == "Registers"
    page.get_by_role("link", name="methods").first.click()
    expect(page).to_have_title("Methods · Trial")
    page.locator(".masthead-title").click()
    expect(page).to_have_title("Trial")
    assert heading(page) == "Trial"
    assert is_same_document(page)


@pytest.mark.slow
def test_back_and_forward_find_a_page_as_it_was_left(
    look: Callable[..., Opened], single: Path
) -> None:
    opened = look(single)
    page = opened.page
    page.locator(".image-card-title a").last.scroll_into_view_if_needed()
    left = page.evaluate("scrollY")
    assert left > 0
    mark(page)
    page.locator(".image-card-title a").last.click()
    opened.wait()
    assert page.evaluate("scrollY") == 0
    page.locator("#layer").select_option("1")
    page.mouse.wheel(0, 700)
    page.wait_for_timeout(300)
    below = page.evaluate("scrollY")
    assert below > 0
    page.go_back()
    page.go_back()
    expect(page).to_have_title("Trial")
    settle(page)
    assert page.evaluate("scrollY") == left
    page.go_forward()
    opened.wait()
    page.go_forward()
    settle(page)
    assert page.evaluate("scrollY") == below
    assert page.locator("#layer").input_value() == "1"
    assert is_same_document(page)


@pytest.mark.slow
def test_a_file_that_is_loaded_again_shows_the_page_that_was_turned_to(
    look: Callable[..., Opened], single: Path
) -> None:
    opened = look(single, "#page=m/registers")
    page = opened.page
    page.mouse.click(*heat_cell(page, "head-entropy", 3, 2))
    opened.wait()
    page.reload()
    opened.wait()
    expect(page.locator("h1")).to_have_text("Image0")
    assert page.locator("#head").input_value() == "2"
    page.go_back()
    expect(page.locator("h1")).to_have_text("Registers")


def test_pages_are_turned_with_the_keyboard_alone(
    look: Callable[..., Opened], single: Path
) -> None:
    opened = look(single, "#page=i/image0&layer=1&head=2")
    page = opened.page
    mark(page)
    page.locator(".wall-cell").first.focus()
    page.keyboard.press("PageDown")
    expect(page.locator("h1")).to_have_text("Image1")
    opened.wait()
    assert "page=i/image1&layer=1&head=2" in page.url
    page.locator("[data-stage=map]").first.focus()
    page.keyboard.press("ArrowRight")
    assert "&at=" in page.url
    page.locator(".masthead-title").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Trial")
    assert heading(page) == "Trial"
    assert is_same_document(page)


@pytest.mark.slow
def test_a_page_that_is_turned_to_again_is_as_it_was_made(
    look: Callable[..., Opened], single: Path
) -> None:
    opened = look(single, CHOICE)
    page = opened.page
    before = page.locator("main").evaluate("main => main.querySelectorAll('*').length")
    page.locator(".masthead-title").click()
    page.go_back()
    opened.wait()
    assert page.locator("main").evaluate("main => main.querySelectorAll('*').length") == before
    page.locator("#head").select_option("2")
    assert "layer=2&head=2" in page.url
    assert page.locator("[data-step=layer][data-by='1']").count() == 1
    page.locator("[data-step=layer][data-by='1']").click()
    # one step, however often the page was set up
    expect(page.locator("#layer")).to_have_value("3")


def test_models_that_flicker_stop_when_the_page_is_turned(
    look: Callable[..., Opened], single: Path
) -> None:
    opened = look(single, CHOICE + "&view=pair&how=flicker")
    page = opened.page
    page.locator("#play").click()
    page.get_by_role("link", name="methods").first.click()
    expect(page.locator("h1")).to_have_text("Methods")
    page.go_back()
    opened.wait()
    expect(page.locator("#play")).to_have_text("Play")


@pytest.mark.slow
def test_what_is_found_on_the_index_is_found_again_on_the_way_back(
    tmp_path: Path, look: Callable[..., Opened]
) -> None:
    exported(many(tmp_path / "pictures", 12, groups=1), tmp_path).export(
        "single", "-o", str(tmp_path / "many.html")
    )
    page = look(tmp_path / "many.html").page
    page.locator("#find-name").fill("picture 1")
    expect(page.locator("#find-count")).to_have_text("3 of 12 pictures")
    page.locator("#found .image-card-title a").last.click()
    expect(page.locator("h1")).to_have_text("Picture 11")
    page.go_back()
    expect(page.locator("#find-count")).to_have_text("3 of 12 pictures")
    assert page.locator("#find-name").input_value() == "picture 1"
    page.locator("#find-clear").click()
    expect(page.locator("#image-cards")).to_be_visible()
    # what was typed just before a page is turned does not change that page's address
    page.locator("#find-name").fill("picture 2")
    page.locator("#found .image-card-title a").first.click()
    expect(page.locator("h1")).to_have_text("Picture 2")
    settle(page)
    page.wait_for_timeout(300)
    assert page.url.endswith("many.html#page=i/picture-0002")


@pytest.mark.slow
def test_a_comparison_leads_to_images_and_back(look: Callable[..., Opened], single: Path) -> None:
    opened = look(single, "#page=r/plain--registers")
    page = opened.page
    title = page.locator("h1").inner_text()
    mark(page)
    page.locator("main a[href*='page=i/']").first.click()
    opened.wait()
    page.go_back()
    expect(page.locator("h1")).to_have_text(title)
    assert page.locator("main img").first.evaluate("image => image.decode().then(() => true)")
    assert is_same_document(page)


@pytest.mark.slow
def test_turning_many_pages_leaves_nothing_behind(
    look: Callable[..., Opened], single: Path
) -> None:
    """Of what was shown before, at most one page is still waiting to be let go of."""
    opened = look(single, CHOICE)
    page = opened.page
    client = page.context.new_cdp_session(page)

    def round_trip() -> None:
        page.locator(".masthead-title").click()
        expect(page.locator("h1")).to_have_text("Trial")
        page.get_by_role("link", name="Image1").first.click()
        opened.wait()
        page.get_by_role("link", name="Registers").first.click()
        expect(page.locator("h1")).to_have_text("Registers")

    def counted() -> dict[str, int]:
        # once a reader does something, a page is no longer held in its place
        page.keyboard.press("Shift")
        found = []
        for _ in range(8):  # what is let go of late, such as decoded pictures, holds its page
            settle(page)
            client.send("HeapProfiler.collectGarbage")
            page.wait_for_timeout(100)
            found.append(dict(client.send("Memory.getDOMCounters")))
        return min(found, key=lambda counts: counts["nodes"])

    a_page = page.evaluate("() => document.querySelectorAll('main *').length")
    round_trip()
    round_trip()
    before = counted()
    for _ in range(10):
        round_trip()
    after = counted()
    assert after["documents"] <= before["documents"]
    assert after["nodes"] < before["nodes"] + 2 * a_page
    assert after["jsEventListeners"] < 2 * max(before["jsEventListeners"], 100)
