"""What is asked for while a reader drags, steps and plays: what is shown, not what was passed."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, expect

from generator.present.site.write import build_site
from tests.browser.opened import Opened, settle
from tests.present.filmed import trained
from tests.present.sweeping import STEPS, sweeping

FRAMES = 20
FILM = "q/a-walk/index.html"

DRAG = """([selector, from, to]) => {
    const slider = document.querySelector(selector);
    for (let at = from; at !== to; ) {
        at += Math.sign(to - from);
        slider.value = String(at);
        slider.dispatchEvent(new Event("input", { bubbles: true }));
    }
    slider.dispatchEvent(new Event("change", { bubbles: true }));
}"""
"""A slider moved faster than anything loads."""

SAID = """(count) => new Promise((done) => {
    const says = document.querySelector("#frame-says");
    const seen = [];
    new MutationObserver(() => {
        if (seen.at(-1) !== says.textContent) seen.push(says.textContent);
        if (seen.length >= count) done(seen);
    }).observe(says, { childList: true, characterData: true, subtree: true });
})"""


class _Slow(SimpleHTTPRequestHandler):
    """Every file of numbers takes its time."""

    def do_GET(self) -> None:
        if "/data/" in self.path and self.path.endswith(".js"):
            time.sleep(0.15)
        super().do_GET()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A clip under a sweep in ``film``, and a sweep of many steps in ``steps``, served slowly."""
    folder = tmp_path_factory.mktemp("slow")
    steps = tuple(range(0, 1600, 100))
    trials = {
        "film": trained(folder / "frames", FRAMES),
        "steps": sweeping(folder / "pictures", images=1, steps=steps),
    }
    for name, trial in trials.items():
        build_site(trial.run, trial.read, folder / "site" / name, version="1.2.3")
    handler = partial(_Slow, directory=str(folder / "site"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def open_at(chromium: Browser, root: str) -> Iterator[Callable[[str], Opened]]:
    opened: list[Opened] = []

    def open_at(path: str) -> Opened:
        found = Opened(chromium.new_page(viewport={"width": 1280, "height": 900}), root)
        opened.append(found)
        found.page.goto(root + path)
        expect(found.page.locator("html.ready")).to_have_count(1)
        settled(found)
        return found

    yield open_at
    for one in opened:
        one.page.close()
        assert one.noise == []


def settled(opened: Opened) -> None:
    """Until what is chosen is shown, and nothing more has been asked for in a while."""
    page = opened.page
    expect(page.locator(".stage-loading:visible")).to_have_count(0)
    expect(page.locator(".scrubber-waits")).to_have_count(0)
    before = -1
    while before < len(opened.requests):
        before = len(opened.requests)
        page.wait_for_timeout(600)
    settle(page)


def chunks(opened: Opened) -> list[tuple[str, str]]:
    """Model and image of the chunks that were asked for, in order."""
    found = (re.search(r"/data/([^/]+)/([^./]+)\.[^/]+\.js$", url) for url in opened.requests)
    return [(match[1], match[2]) for match in found if match]


def frames(opened: Opened) -> set[int]:
    """The frames whose chunks were asked for, from 1."""
    return {int(image.removeprefix("image")) + 1 for _, image in chunks(opened)}


@pytest.mark.slow
def test_of_a_sequence_only_the_chosen_step_is_loaded(open_at: Callable[[str], Opened]) -> None:
    opened = open_at(f"film/{FILM}#step=2000")
    page = opened.page
    page.locator("#frame").fill("2")
    settled(opened)
    assert {model for model, _ in chunks(opened)} == {"plain", "checkpoint-2000"}
    page.get_by_role("button", name="Next step").click()
    settled(opened)
    last = f"checkpoint-{STEPS[-1]}"
    assert {model for model, _ in chunks(opened)} == {"plain", "checkpoint-2000", last}
    # the next frames of the step that is shown now, too
    assert {image for model, image in chunks(opened) if model == last} == {
        f"image{n}" for n in range(1, 6)
    }
    page.get_by_role("button", name="Steps side by side").click()
    settled(opened)
    shown = {model for model, image in chunks(opened) if image == "image1"}
    assert shown == {"plain", *(f"checkpoint-{step}" for step in STEPS)}


@pytest.mark.slow
def test_dragging_through_frames_asks_for_few_of_those_passed(
    open_at: Callable[[str], Opened],
) -> None:
    opened = open_at(f"film/{FILM}")
    page = opened.page
    assert frames(opened) == {1, 2, 3, 4, 5}
    page.evaluate(DRAG, ["#frame", 5, 15])
    expect(page.locator("#frame-says")).to_contain_text(f"frame 15 of {FRAMES}")
    settled(opened)
    assert frames(opened) >= {15, 16, 17, 18, 19}
    assert not frames(opened) & set(range(9, 15))
    for photo in page.locator(".stage-photo").all():
        expect(photo).to_have_attribute("src", re.compile("i/image14/picture"))


@pytest.mark.slow
def test_dragging_back_to_what_is_shown_leaves_it_there(
    open_at: Callable[[str], Opened],
) -> None:
    opened = open_at(f"film/{FILM}")
    page = opened.page
    page.evaluate(DRAG, ["#frame", 5, 12])
    page.evaluate(DRAG, ["#frame", 12, 1])
    settled(opened)
    page.wait_for_timeout(600)  # whatever was on its way has arrived
    expect(page.locator("#frame-says")).to_contain_text(f"frame 1 of {FRAMES}")
    for photo in page.locator(".stage-photo").all():
        expect(photo).to_have_attribute("src", re.compile("i/image0/picture"))


@pytest.mark.slow
def test_dragging_through_steps_asks_for_few_of_those_passed(
    open_at: Callable[[str], Opened],
) -> None:
    opened = open_at("steps/i/image0/index.html")
    page = opened.page
    page.evaluate(DRAG, ["#sweep-0", 15, 2])
    settled(opened)
    expect(page.locator("article.model:visible h2").last).to_have_text("our run, step 200")
    asked = [model for model, _ in chunks(opened)]
    assert asked[-1] == "checkpoint-200"
    # two at the beginning, those under way when the next was chosen, and the chosen one
    assert len(asked) <= 2 + 4 + 1
    # what was passed is loaded all the same when it is chosen
    page.locator("#sweep-0").fill("8")
    settled(opened)
    assert [model for model, _ in chunks(opened)][-1] == "checkpoint-800"
    expect(page.locator("article.model:visible .stage-message")).to_have_text(["", ""])


def scripts(opened: Opened) -> set[str]:
    """The scripts that were asked for."""
    found = (re.search(r"/assets/([a-z-]+)\.[0-9a-f]{8}\.js$", url) for url in opened.requests)
    return {match[1] for match in found if match}


@pytest.mark.slow
def test_scripts_that_not_every_reader_uses_wait_until_they_are_wanted(
    open_at: Callable[[str], Opened],
) -> None:
    opened = open_at("steps/i/image0/index.html")
    page = opened.page
    waiting = {"views", "tiles", "pair", "compare", "maps", "diverging", "alike"}
    waiting |= {"caption", "figure", "figure-command", "patch-queries", "frames"}
    assert not scripts(opened) & waiting
    page.click('[data-view="pair"]')
    expect(page.locator("#pair-says")).to_contain_text("Jensen-Shannon divergence")
    assert scripts(opened) >= {"views", "tiles", "pair", "compare", "maps", "diverging"}
    page.select_option("#query", "patch")
    settled(opened)
    expect(page.locator("article.model:visible .stage-map").last).to_be_visible()
    page.click("#copy-figure")
    expect(page.locator("#taken")).not_to_be_empty()
    page.locator("#analysis-alike summary").click()
    expect(page.locator(".alike-live .panel-text:visible").last).to_contain_text("Cosine")
    assert scripts(opened) >= waiting - {"frames"}
    asked = [url for url in opened.requests if "/assets/" in url]
    assert len(asked) == len(set(asked)) or len(asked) - len(set(asked)) <= 1  # one color bar


@pytest.mark.slow
def test_a_view_whose_scripts_do_not_come_says_so_and_may_be_chosen_again(
    chromium: Browser, root: str
) -> None:
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.route("**/assets/pair.*.js", lambda route: route.abort())
    page.route("**/assets/caption.*.js", lambda route: route.abort())
    page.goto(f"{root}steps/i/image0/index.html")
    expect(page.locator("html.ready")).to_have_count(1)
    page.click('[data-view="heads"]')
    problem = page.get_by_text("This view could not be loaded.")
    expect(problem).to_be_visible()
    page.click("#copy-caption")
    expect(page.locator("#taken")).to_have_text("What this needs could not be loaded.")
    page.unroute("**/assets/pair.*.js")
    page.click('[data-view="layers"]')
    expect(page.locator(".tiles")).to_be_visible()
    expect(problem).to_be_hidden()
    page.close()


@pytest.mark.slow
def test_it_plays_on_when_the_step_changes_and_when_loading_is_slow(
    open_at: Callable[[str], Opened],
) -> None:
    opened = open_at(f"film/{FILM}")
    page = opened.page
    page.locator("#frame-play").click()
    page.evaluate(SAID, 3)
    page.evaluate(DRAG, ["#sweep-0", 3, 0])
    expect(page.locator("article.model:visible h2").last).to_have_text("our run, step 0")
    said = page.evaluate(SAID, 6)
    numbers = [int(re.findall(r"frame (\d+) of", text)[0]) for text in said]
    assert numbers == list(range(numbers[0], numbers[0] + 6))
    page.select_option("#query", "reg1")
    assert len(page.evaluate(SAID, 3)) == 3
    page.locator("#frame-play").click()
    settled(opened)
    expect(page.locator("article.model:visible .stage-map").last).to_be_visible()
