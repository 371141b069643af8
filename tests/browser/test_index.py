"""Finding images on the index: filtered and sorted over all pages, by hand and by address."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from generator.present.site.write import build_site
from generator.records.paper import Paper
from tests.browser.opened import Opened, Tabs, overflow, settle
from tests.present.gallery import many

Open = Callable[..., Opened]


@pytest.fixture
def visit_big(tabs: Tabs, big: Path) -> Iterator[Open]:
    opened: list[Opened] = []

    def visit(path: str = "index.html", *, width: int = 1280, scripts: bool = True) -> Opened:
        found = Opened(tabs.open(width, scripts=scripts), big.as_uri() + "/")
        opened.append(found)
        found.page.goto(found.root + path)
        return found

    yield visit
    for one in opened:
        one.leave()
        tabs.close(one.page)
    for one in opened:
        assert one.noise == []
        assert [url for url in one.requests if not url.startswith((one.root, "data:"))] == []


def titles(page: Page) -> list[str]:
    return page.locator("#found .image-card-title").all_text_contents()


def number(page: Page, name: str) -> list[float]:
    texts = page.locator("#found .image-card-figure").all_text_contents()
    return [float(re.search(rf"{name}:\s([\d.]+)", text)[1]) for text in texts]  # type: ignore[index]


@pytest.mark.slow
def test_sorting_reaches_the_images_of_all_pages(visit_big: Open) -> None:
    page = visit_big().page
    page.get_by_label("Sort by").select_option(label="entropy, lowest first")
    expect(page.locator("#found .image-card")).to_have_count(200)
    expect(page.locator("#find-count")).to_have_text("450 of 450 pictures")
    assert titles(page)[0] == "Picture 449"
    lowest = number(page, "entropy")
    assert lowest == sorted(lowest)
    page.get_by_label("Sort by").select_option(label="outliers, highest first")
    expect(page.locator("#found .image-card-title").first).to_have_text("Picture 6")
    outliers = number(page, "outliers")
    assert outliers == sorted(outliers, reverse=True)
    assert page.locator("#image-cards").is_hidden()


@pytest.mark.slow
def test_a_name_and_a_group_narrow_it_down(visit_big: Open) -> None:
    page = visit_big("page-2/index.html").page
    page.get_by_label("Search").fill("PICTURE 44")
    expect(page.locator("#find-count")).to_have_text("14 of 450 pictures")
    page.get_by_label("Group").select_option(label="Group 2 (150)")
    expect(page.locator("#found .image-card")).to_have_count(4)
    assert titles(page) == ["Picture 244", "Picture 442", "Picture 445", "Picture 448"]
    # the maps and the page of an image that another page lists
    shown = page.locator("#found .image-card").last.locator("img.map").first
    expect(shown).to_have_js_property("complete", True)
    assert shown.evaluate("image => image.naturalWidth") == 6
    page.get_by_role("link", name="Picture 448").click()
    page.wait_for_selector("html.ready", state="attached")
    assert page.url.endswith("/i/picture-0448/index.html")


@pytest.mark.slow
def test_what_is_looked_for_has_an_address(visit_big: Open) -> None:
    opened = visit_big("page-3/index.html#sort=name&group=0&name=picture+1")
    page = opened.page
    assert page.get_by_label("Search").input_value() == "picture 1"
    expect(page.locator("#found .image-card-title").first).to_have_text("Picture 12")
    shown = titles(page)
    page.get_by_role("link", name="Picture 12", exact=True).click()
    page.wait_for_selector("html.ready", state="attached")
    page.go_back()
    expect(page.locator("#found .image-card")).to_have_count(len(shown))
    assert titles(page) == shown
    page.get_by_role("button", name="Show all").click()
    expect(page.locator("#image-cards")).to_be_visible()
    assert "#" not in page.url


def test_nothing_found_is_said(visit_big: Open) -> None:
    page = visit_big().page
    page.get_by_label("Search").fill("walrus")
    expect(page.locator("#find-count")).to_have_text("None of 450 pictures")
    expect(page.locator("#found .image-card")).to_have_count(0)


@pytest.mark.slow
def test_more_comes_in_portions(visit_big: Open) -> None:
    page = visit_big("index.html#sort=name").page
    expect(page.locator("#find-count")).to_have_text("450 of 450 pictures")
    expect(page.locator("#found .image-card")).to_have_count(200)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("#found .image-card")).to_have_count(400)
    assert page.evaluate("() => document.activeElement.textContent") == "Picture 200"
    page.get_by_role("button", name="Show more").press("Enter")
    expect(page.locator("#found .image-card")).to_have_count(450)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()


def test_the_data_of_all_images_is_loaded_only_when_needed(visit_big: Open) -> None:
    opened = visit_big()
    assert not any("index-data" in url for url in opened.requests)
    opened.page.get_by_label("Sort by").select_option("name")
    expect(opened.page.locator("#found .image-card")).to_have_count(200)
    assert sum("index-data" in url for url in opened.requests) == 1


def test_the_data_is_there_when_the_first_letter_is_typed(visit_big: Open) -> None:
    page = visit_big().page
    with page.expect_request(re.compile("index-data")):
        page.get_by_label("Search").focus()


@pytest.mark.slow
def test_a_result_that_is_followed_at_once_is_found_again_on_the_way_back(visit_big: Open) -> None:
    page = visit_big().page
    page.get_by_label("Search").fill("picture-0044")
    page.locator("#found .image-card-title a").first.click()
    expect(page.locator("h1")).to_have_text("Picture 44")
    page.go_back()
    expect(page.locator("#find-count")).to_have_text("1 of 450 pictures")
    page.go_back()
    expect(page.locator("#find-count")).to_have_text("")
    expect(page.locator("#image-cards")).to_be_visible()


@pytest.mark.slow
def test_an_image_card_built_by_script_says_what_the_page_says(visit_big: Open) -> None:
    page = visit_big().page
    own = page.locator("#image-cards .image-card").first
    words = own.inner_text()
    alts = own.locator("img").evaluate_all("images => images.map(image => image.alt)")
    addresses = own.locator("img").evaluate_all("images => images.map(image => image.src)")
    page.get_by_label("Search").fill("picture-0000")
    built = page.locator("#found .image-card")
    expect(built).to_have_count(1)
    settle(page)  # cards are laid out as they come into sight
    assert built.inner_text() == words
    found = built.locator("img")
    assert found.evaluate_all("images => images.map(image => image.alt)") == alts
    assert found.evaluate_all("images => images.map(image => image.src)") == addresses


@pytest.mark.slow
def test_without_scripts_all_images_are_on_their_pages(visit_big: Open) -> None:
    page = visit_big(scripts=False).page
    assert page.locator("#finder").is_hidden()
    assert page.locator("#image-cards .image-card").count() == 200
    page.get_by_role("link", name="Page 3").click()
    assert page.locator("#image-cards .image-card").count() == 50
    current = page.get_by_role("navigation", name="Pages").locator("[aria-current]")
    assert current.text_content() == "Page 3"


@pytest.mark.parametrize("width", [390, 768, 1280, 2560])
@pytest.mark.slow
def test_the_index_of_many_images_fits(visit_big: Open, width: int) -> None:
    page = visit_big("page-2/index.html", width=width).page
    assert overflow(page) <= 0
    page.get_by_label("Sort by").select_option("name")
    expect(page.locator("#found .image-card")).to_have_count(200)
    assert overflow(page) <= 0


def test_the_skip_link_is_no_search(visit_big: Open) -> None:
    page = visit_big("index.html#name=44").page
    expect(page.locator("#found .image-card")).to_have_count(14)
    page.get_by_role("link", name="Skip to the content").press("Enter")
    assert page.locator("#found .image-card").count() == 14


@pytest.mark.slow
def test_bibtex_is_copied_or_at_least_selected(chromium: Browser, tmp_path: Path) -> None:
    trial = many(tmp_path / "pictures", 4)
    run = replace(trial.run, paper=Paper(bibtex="@article{a,\n  title = {T}\n}"))
    build_site(run, trial.read, tmp_path / "site", version="1.2.3")
    for allowed in (True, False):
        context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
        page = context.new_page()
        if not allowed:
            page.add_init_script("navigator.clipboard.writeText = () => Promise.reject();")
        page.goto((tmp_path / "site/index.html").as_uri())
        page.get_by_role("button", name="Copy").press("Enter")
        said = page.locator(".copied")
        if allowed:
            expect(said).to_have_text("Copied")
            text = page.evaluate("() => navigator.clipboard.readText()")
        else:
            expect(said).to_contain_text("Selected")
            text = page.evaluate("() => String(getSelection())")
        assert text == run.paper.bibtex  # type: ignore[union-attr]
        context.close()
