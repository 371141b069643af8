"""A sequence in a browser: scrubbed, played, with keys, gone back to, and without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from generator.present.site.write import build_site
from tests.browser.opened import Opened, overflow, settle
from tests.present.filmed import filmed

PAGE = "q/a-walk/index.html"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("film")
    trial = filmed(folder / "pictures")
    build_site(trial.run, trial.read, folder / "site", version="1.2.3")
    return folder / "site"


@pytest.fixture
def watch(chromium: Browser, film: Path) -> Iterator[Callable[..., Opened]]:
    """Open a page of the site; the console stays silent, and nothing else is asked for."""
    opened: list[Opened] = []

    def watch(path: str, *, scripts: bool = True, width: int = 1280, **given: Any) -> Opened:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=scripts, **given
        )
        found = Opened(context.new_page(), film.as_uri() + "/")
        opened.append(found)
        found.page.goto(found.root + path)
        if scripts and not path.startswith("index"):
            found.wait()
        return found

    yield watch
    for one in opened:
        one.page.context.close()
        assert one.noise == []
        assert [url for url in one.requests if not url.startswith((one.root, "data:"))] == []


def at(page: Page, number: int) -> None:
    """Wait until a frame is shown: its number, its picture, and its maps in every model."""
    expect(page.locator("#frame-says")).to_contain_text(f"frame {number} of 4")
    for photo in page.locator(".stage-photo").all():
        expect(photo).to_have_attribute("src", re.compile(f"i/image{number + 2}/picture"))
    settle(page)


def pixels(page: Page, model: int) -> str:
    return str(
        page.locator(f'[data-model="{model}"] .stage-map').evaluate("canvas => canvas.toDataURL()")
    )


@pytest.mark.slow
def test_scrubbing_turns_every_model_at_once(watch: Callable[..., Opened]) -> None:
    page = watch(PAGE).page
    at(page, 1)
    before = [pixels(page, model) for model in range(4)]
    bar = page.locator(".shared-bar .bar-ticks").inner_html()
    page.locator("#frame").fill("2")
    at(page, 2)
    assert all(pixels(page, model) != before[model] for model in range(4))
    assert page.locator(".shared-bar .bar-ticks").inner_html() == bar  # one scale
    expect(page.locator("#frame-page")).to_have_attribute("href", re.compile("i/image4/"))
    page.locator("#frame").fill("1")
    at(page, 1)
    assert [pixels(page, model) for model in range(4)] == before


@pytest.mark.slow
def test_what_is_chosen_holds_for_every_frame(watch: Callable[..., Opened]) -> None:
    page = watch(f"{PAGE}#layer=2&head=1&query=reg1").page
    page.locator("#frame").fill("4")
    at(page, 4)
    assert page.locator("#layer").input_value() == "2"
    assert "layer=2&head=1&query=reg1" in page.url
    page.locator("#frame-page").click()
    expect(page).to_have_url(re.compile(r"i/image6/index\.html#layer=2&head=1&query=reg1"))
    page.locator(".of-sequence a").click()
    expect(page).to_have_url(re.compile(r"q/a-walk/index\.html#layer=2.*&frame=4"))
    at(page, 4)


@pytest.mark.slow
def test_the_map_of_a_frame_is_that_of_its_own_page(watch: Callable[..., Opened]) -> None:
    opened = watch(f"{PAGE}#frame=2")
    at(opened.page, 2)
    on_the_stage = pixels(opened.page, 1)
    opened.page.goto(opened.root + "i/image4/index.html")
    opened.wait()
    assert pixels(opened.page, 1) == on_the_stage


@pytest.mark.slow
def test_keys_move_through_time_and_back_returns(watch: Callable[..., Opened]) -> None:
    page = watch(PAGE).page
    page.keyboard.press("ArrowRight")
    at(page, 2)
    page.locator("#frame").focus()
    page.keyboard.press("ArrowRight")
    at(page, 3)
    assert page.url.endswith("&frame=3")
    label = page.locator("#frame").get_attribute("aria-valuetext")
    assert label == "1.000 s, frame 3 of 4"
    page.keyboard.press("Home")
    at(page, 1)
    page.locator('[data-wall="0"] [tabindex="0"]').first.focus()
    page.keyboard.press("PageDown")
    at(page, 2)
    page.keyboard.press("PageUp")
    at(page, 1)
    page.locator("#frame").focus()
    page.wait_for_timeout(1600)  # quick steps are one entry of the history
    page.keyboard.press("End")
    at(page, 4)
    page.go_back()
    at(page, 1)


PLAYED = """() => new Promise((done) => {
  const says = document.querySelector("#frame-says");
  const seen = [says.textContent];
  const watcher = new MutationObserver(() => {
    if (seen.at(-1) !== says.textContent) seen.push(says.textContent);
    if (seen.length < 6) return;
    watcher.disconnect();
    done(seen);
  });
  watcher.observe(says, { childList: true, characterData: true, subtree: true });
  document.querySelector("#frame-play").click();
})"""
"""What the page says of its frames from the start of playing on; a slow machine misses none."""


@pytest.mark.slow
def test_it_plays_round_and_pauses(watch: Callable[..., Opened]) -> None:
    page = watch(f"{PAGE}#frame=2").page
    button = page.locator("#frame-play")
    said = page.evaluate(PLAYED)
    expect(button).to_have_text("Pause")
    assert [re.findall(r"frame (\d) of 4", text) for text in said] == [[n] for n in "234123"]
    assert "frame=2" in page.url  # the address waits until it rests
    button.click()
    expect(button).to_have_text("Play")
    shown = page.locator("#frame").input_value()
    page.wait_for_timeout(1200)
    assert page.locator("#frame").input_value() == shown


@pytest.mark.slow
def test_less_motion_is_a_frame_a_second(watch: Callable[..., Opened]) -> None:
    page = watch(PAGE, reduced_motion="reduce").page
    page.locator("#frame-play").click()
    page.wait_for_timeout(750)  # at the clip's own rate this would be the second frame
    assert page.locator("#frame").input_value() == "1"
    expect(page.locator("#frame-says")).to_contain_text("frame 2 of 4")


def test_a_model_that_failed_on_a_frame_says_so_there(watch: Callable[..., Opened]) -> None:
    page = watch(f"{PAGE}#frame=3").page
    at(page, 3)
    deep = page.locator('[data-model="3"]')
    expect(deep.locator(".stage-message")).to_have_text("Deep ran out of memory on image5.")
    page.locator("#frame").fill("4")
    at(page, 4)
    expect(deep.locator(".stage-message")).to_have_text("")
    expect(deep.locator(".stage-map")).to_be_visible()


def test_a_patch_stays_the_query(watch: Callable[..., Opened]) -> None:
    page = watch(f"{PAGE}#query=patch&from=20,20").page
    at(page, 1)
    before = pixels(page, 0)
    page.locator("#frame").fill("2")
    at(page, 2)
    assert pixels(page, 0) != before
    assert "query=patch" in page.url and "from=20.0,20.0" in page.url


def test_a_dot_of_a_chart_leads_to_its_frame(watch: Callable[..., Opened]) -> None:
    page = watch(f"{PAGE}#layer=2").page
    page.locator("#time-entropy a").nth(2).dispatch_event("click")
    at(page, 3)
    assert page.locator("#layer").input_value() == "2"


@pytest.mark.slow
def test_without_scripts_every_frame_has_its_maps(watch: Callable[..., Opened]) -> None:
    page = watch(PAGE, scripts=False).page
    expect(page.locator("#scrubber")).to_be_hidden()
    expect(page.locator(".frame-list a > img")).to_have_count(4)
    frames = page.locator(".frame-list > li")
    names = ["Plain", "Registers", "Probe", "Deep", "Gone"]
    for frame in frames.all()[:4]:
        assert frame.locator(".image-card-label").all_inner_texts() == names
    maps = page.locator(".frame-maps img.map")
    expect(maps).to_have_count(15)
    assert all(one.evaluate("image => image.naturalWidth > 0") for one in maps.all())
    assert all("% of the" in (one.get_attribute("alt") or "") for one in maps.all())
    missing = frames.nth(2).locator(".map-missing").first
    expect(missing).to_have_text("Deep ran out of memory on image5.")
    expect(page.locator(".frame-maps-head")).to_contain_text("in the last layer, averaged over its")
    expect(page.locator(".frame-maps-head .bar")).to_be_visible()
    expect(page.locator("#time-entropy")).to_be_visible()
    page.locator(".frame-list a").nth(1).click()
    expect(page).to_have_url(re.compile("i/image4/index.html"))
    page.locator('a[rel="next"]').click()
    expect(page).to_have_url(re.compile("i/image5/index.html"))


@pytest.mark.slow
def test_on_paper_the_frames_have_their_maps_and_on_the_screen_they_cost_nothing(
    watch: Callable[..., Opened],
) -> None:
    opened = watch(PAGE)
    maps = opened.page.locator(".frame-maps img.map")
    opened.page.locator(".frame-list").scroll_into_view_if_needed()
    settle(opened.page)
    expect(maps.first).to_be_hidden()
    assert [url for url in opened.requests if ".last." in url] == []
    # as a browser's print dialog does, which waits for pictures that are loaded late
    opened.page.emulate_media(media="print")
    for image in maps.all():
        image.scroll_into_view_if_needed()
    settle(opened.page)
    expect(maps.first).to_be_visible()
    assert len({url for url in opened.requests if ".last." in url}) == 15


@pytest.mark.slow
def test_the_finder_finds_a_sequence_as_one(watch: Callable[..., Opened]) -> None:
    page = watch("index.html").page
    own = seen(page.locator("#image-cards li.image-card", has_text="walk"))
    page.locator("#find-name").fill("walk.mp4")
    found = page.locator("#found li.image-card")
    expect(found).to_have_count(1)
    expect(page.locator("#find-count")).to_have_text("1 of 4 pictures")
    assert seen(found) == own
    found.locator("a").first.click()
    expect(page).to_have_url(re.compile(r"q/a-walk/index\.html"))


def seen(card: Locator) -> tuple[list[str], list[str | None]]:
    """What a card says and shows."""
    pictures = [picture.get_attribute("src") for picture in card.locator("img").all()]
    return card.inner_text().split("\n"), pictures


@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits(watch: Callable[..., Opened], width: int) -> None:
    page = watch(PAGE, width=width).page
    assert overflow(page) == 0
    expect(page.locator("#frame-play")).to_be_in_viewport()
