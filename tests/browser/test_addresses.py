"""Whatever a reader can choose has an address that brings it back, and Back undoes it.

Controls are read off the page, so that a new one is tried too, and fails here without an address.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from generator.present.site.write import build_site
from generator.records.paper import Paper, Patch, TeaserCell
from tests.browser.opened import Opened
from tests.present.gallery import Gallery, gallery, many

Seen = dict[str, Any]
"""What a reader sees of a page: values of controls, what is pressed, what is drawn, words."""

MIDDLE = "layer=2&head=1"
STARTS = (
    MIDDLE,
    f"{MIDDLE}&query=patch",
    f"{MIDDLE}&scale=map&draw=smooth",
    f"{MIDDLE}&view=heads",
    f"{MIDDLE}&view=layers",
    *(f"{MIDDLE}&view=pair&how={how}" for how in ("difference", "flicker", "slider")),
)
"""Fragments that between them show every control, in a state where it can be moved."""

NO_CHOICE = {
    "copy-link": "takes something away",
    "copy-caption": "takes something away",
    "copy-embed": "takes something away",
    "copy-figure": "takes something away",
    "save-png": "takes something away",
    "taken-text": "holds what is taken away",
    "flick": "the moment of a flicker",
    "play": "the moment of a flicker",
    "more": "opens further settings",
    "×": "closes copies of the chosen maps",
    "term-word": "explains a word",
}
"""Controls of an image page that choose nothing, and why."""

DRAGGED = {"strength", "keep", "slide", "stage=map"}
"""What is dragged or pointed at changes the address in place: Back would walk through the drag."""

FIND = """
    () => {
        const found = 'select, input, textarea, button, [role=gridcell], [role=application]';
        const name = element => {
            const {id, className, dataset} = element;
            const data = Object.entries(dataset).map(
                ([key, value]) => key !== 'tested' && `${key}=${value}`);
            const role = element.getAttribute('role');
            return id || data.filter(Boolean).join(' ') || element.name || role || className
                || element.textContent;
        };
        for (const details of document.querySelectorAll('main details')) details.open = true;
        const more = document.querySelector('#more-panel');
        if (more) more.hidden = false;
        return [...document.querySelectorAll('main')].flatMap(main =>
            [...main.querySelectorAll(found)].map((element, index) => {
                element.dataset.tested = index;
                return [name(element), element.checkVisibility()];
            }));
    }
"""

SEEN = """
    () => {
        const hash = text => {
            let sum = 0;
            for (let i = 0; i < text.length; i++) sum = (sum * 31 + text.charCodeAt(i)) | 0;
            return sum;
        };
        const all = selector =>
            [...document.querySelectorAll(selector)].filter(
                // copies of what is there already come and go
                e => e.checkVisibility() && !e.closest('.peek'));
        const pressed = all('main button[aria-pressed], main [role=gridcell]').map(
            e => [e.textContent, e.getAttribute('aria-pressed'), e.getAttribute('aria-label')]);
        const drawn = all('main canvas').map(e => {
            const style = getComputedStyle(e);
            const cut = e.closest('.pair-layer')?.style.clipPath ?? '';
            return [e.toDataURL(), style.opacity, style.imageRendering, cut].map(hash).join(' ');
        });
        return {
            values: all('main select, main input').map(e => [e.id, e.value, e.checked]),
            pressed,
            drawn,
            // but for what is read out, which waits for the end of a walk
            text: all('main > :not(#announcer)').map(e => e.innerText),
        };
    }
"""


def seen(opened: Opened) -> Seen:
    """What a reader sees of a page: its controls, its maps and its words."""
    opened.page.mouse.move(0, 0)
    opened.page.evaluate(
        """() => {
            document.querySelectorAll('main details').forEach(e => { e.open = true; });
            document.querySelectorAll('#more-panel').forEach(e => { e.hidden = false; });
        }"""
    )
    opened.wait()
    found: Seen = opened.page.evaluate(SEEN)
    return found


def alternatives(control: Locator) -> list[str]:
    """What a control can be set to, other than what it is; for buttons and maps, what is done."""
    tag, role = control.evaluate("element => [element.tagName, element.getAttribute('role')]")
    if tag == "SELECT":
        options = control.locator("option").evaluate_all("all => all.map(one => one.value)")
        others = [value for value in options if value != control.input_value()]
        # of numbers, which one code reads and writes, the first and the last
        return [others[0], others[-1]] if others[2:] and all(map(str.isdigit, others)) else others
    if tag == "INPUT":
        return ["click"] if control.get_attribute("type") in ("checkbox", "radio") else ["55"]
    return ["ArrowUp"] if role in ("gridcell", "application") else ["click"]


def operate(control: Locator, value: str) -> None:
    """Set a control as a reader does."""
    if value == "click":
        # a step at the end of its way is left in place, and does nothing
        control.click(force=True)
    elif value.startswith("Arrow"):
        control.press(value)
    elif control.evaluate("element => element.tagName") == "SELECT":
        control.select_option(value)
    else:
        control.fill(value)


def controls(page: Page) -> dict[str, Locator | None]:
    """Every control of a page by name, None where it is not to be seen.

    Of several with one name, such as the maps of a layer, the last one stands for all.
    """
    found = page.evaluate(FIND)
    named: dict[str, Locator | None] = {name: None for name, _ in found}
    for index, (name, visible) in enumerate(found):
        if visible:
            named[name] = page.locator(f'[data-tested="{index}"]')
    return named


def entry_of(page: Page) -> int:
    """The place of a page's present address in the browser's history."""
    return int(page.evaluate("() => navigation.currentEntry.index"))


@contextmanager
def opening(context: BrowserContext, url: str) -> Iterator[Opened]:
    opened = Opened(context.new_page(), url)
    opened.page.goto(url)
    yield opened
    assert opened.noise == []
    opened.page.close()


def load(opened: Opened, url: str) -> None:
    """Open an address in a tab as if it were new."""
    if opened.page.url != "about:blank":
        opened.page.evaluate("() => sessionStorage.clear()")
        opened.page.goto("about:blank")
    opened.page.goto(url)


@dataclass
class Trial:
    """What came of trying the controls of a page.

    Attributes:
        page: tries controls.
        fresh: a tab of its own, in which addresses are opened as if for the first time.
        known: controls that are on the page.
        tried: those that changed the address.
        dragged: those that made no entry in the history.
        wrong: what was not as before, in words.
    """

    page: Opened
    fresh: Opened
    known: set[str] = field(default_factory=set)
    tried: set[str] = field(default_factory=set)
    dragged: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def start(self, url: str) -> None:
        """Try the controls that an address shows and that were not tried yet."""
        load(self.page, url)
        self.page.wait()
        before = seen(self.page)
        found = controls(self.page.page)
        self.known |= found.keys()
        for name, control in found.items():
            if control is not None and name not in self.tried | NO_CHOICE.keys():
                before = self.control(name, before)

    def control(self, name: str, before: Seen) -> Seen:
        """Try everything that a control can be set to; what is seen after going back."""
        page = self.page.page
        control = controls(page)[name]
        assert control is not None
        for value in alternatives(control):
            here, entry = page.url, entry_of(page)
            operate(control, value)
            after = seen(self.page)
            if page.url == here:
                before = after
                continue
            self.tried.add(name)
            if after == before:
                self.wrong.append(f"{name} {value}: nothing is to be seen of it")
            load(self.fresh, page.url)
            self.note(f"{name} {value}: in a fresh page", after, seen(self.fresh))
            if entry_of(page) == entry:
                self.dragged.add(name)
                page.goto(here)
            else:
                page.go_back()
            back = seen(self.page)
            self.note(f"{name} {value}: after Back", before, back)
            before = back
        return before

    def note(self, what: str, wanted: Seen, found: Seen) -> None:
        parts = [part for part in wanted if found[part] != wanted[part]]
        if parts:
            self.wrong.append(f"{what}: other {' and '.join(parts)}")


@pytest.mark.slow
def test_every_control_of_an_image_page_has_an_address(
    chromium: Browser, site: tuple[Gallery, Path]
) -> None:
    root = (site[1] / "i/image0/index.html").as_uri()
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    trial = Trial(*(Opened(context.new_page(), root) for _ in range(2)))
    for start in STARTS:
        trial.start(f"{root}#{start}")
    context.close()
    assert trial.wrong == []
    assert trial.page.noise == trial.fresh.noise == []
    assert trial.known - trial.tried == NO_CHOICE.keys()
    assert trial.dragged == DRAGGED


@pytest.mark.parametrize(
    ("start", "where", "buttons", "field"),
    [
        ("", '[data-stage="picture"]', [], "from"),
        ("", '[data-model="3"] [data-stage]', [], "from"),
        ("", '[data-model="3"] [data-stage]', ["Shift"], "at"),
        ("query=patch", '[data-stage="picture"]', [], "from"),
        ("query=patch", '[data-model="1"] [data-stage]', ["Shift"], "at"),
        ("", '[data-wall="1"] .wall-frame', [], "layer"),
    ],
)
@pytest.mark.slow
def test_every_place_has_an_address(
    chromium: Browser,
    site: tuple[Gallery, Path],
    start: str,
    where: str,
    buttons: list[Any],
    field: str,
) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    url = f"{(site[1] / 'i/image0/index.html').as_uri()}#layer=2&head=1&{start}"
    with opening(context, url) as opened:
        before = seen(opened)
        area = opened.page.locator(where)
        area.scroll_into_view_if_needed()
        box = area.bounding_box()
        assert box is not None
        area.click(position={"x": box["width"] * 0.4, "y": box["height"] * 0.3}, modifiers=buttons)
        after = seen(opened)
        assert f"{field}=" in opened.page.url
        assert after != before
        with opening(context, opened.page.url) as fresh:
            assert seen(fresh) == after
        if field != "at":
            opened.page.go_back()
            assert seen(opened) == before
    context.close()


INDEX_NO_CHOICE = {
    "find-more": "shows more of the same",
    "find-clear": "goes back to nothing",
    "hero-depth": "a look at other layers, which the page of the picture has addresses for",
    "term-word": "explains a term",
}
"""Controls of the index that choose nothing, and why."""


def found(page: Page) -> tuple[list[str], str, list[str]]:
    """What the finder shows: what is looked for, how many answer, and which."""
    fields = page.locator("#finder input, #finder select")
    return (
        [field.input_value() for field in fields.all()],
        page.locator("#find-count").inner_text(),
        # what is off the screen is not laid out, and has no inner text
        [text.strip() for text in page.locator(".image-card-title:visible").all_text_contents()],
    )


@pytest.mark.slow
def test_every_control_of_the_index_has_an_address(chromium: Browser, tmp_path: Path) -> None:
    trial = many(tmp_path / "pictures", 12)
    build_site(trial.run, trial.read, tmp_path / "site", version="1.2.3")
    root = (tmp_path / "site/index.html").as_uri()
    context = chromium.new_context()
    names = []
    with opening(context, root) as opened:
        page = opened.page
        for name, control in controls(page).items():
            names.append(name)
            if name in INDEX_NO_CHOICE:
                continue
            assert control is not None, name
            for value in ["1"] if name == "find-name" else alternatives(control):
                before = found(page)
                operate(control, value)
                expect(page.locator("#find-count")).to_contain_text("of 12 pictures")
                after = found(page)
                assert after != before
                with opening(context, page.url) as fresh:
                    expect(fresh.page.locator("#find-count")).to_have_text(after[1])
                    assert found(fresh.page) == after
                page.go_back()
                expect(page.locator("#image-cards")).to_be_visible()
                assert found(page) == before
    assert set(names) == {"find-name", "find-group", "find-sort", *INDEX_NO_CHOICE}
    context.close()


@pytest.mark.slow
def test_typing_on_the_index_is_one_step_back(chromium: Browser, tmp_path: Path) -> None:
    trial = many(tmp_path / "pictures", 12)
    build_site(trial.run, trial.read, tmp_path / "site", version="1.2.3")
    context = chromium.new_context()
    with opening(context, (tmp_path / "site/index.html").as_uri()) as opened:
        page = opened.page
        page.locator("#find-sort").select_option("name")
        expect(page.locator("#find-count")).to_have_text("12 of 12 pictures")
        for text, answer in (("1", "3 of 12 pictures"), ("11", "1 of 12 pictures")):
            page.locator("#find-name").fill(text)
            expect(page.locator("#find-count")).to_have_text(answer)
        page.go_back()
        expect(page.locator("#find-count")).to_have_text("12 of 12 pictures")
        assert page.locator("#find-name").input_value() == ""
        assert page.locator("#find-sort").input_value() == "name"
    context.close()


@pytest.mark.slow
def test_a_teaser_leads_to_its_own_query(chromium: Browser, tmp_path: Path) -> None:
    trial = gallery(tmp_path / "pictures")
    cell = TeaserCell("registers", "image0", 2, 1, query=Patch(3, 5))
    run = replace(trial.run, paper=Paper(teaser=(cell,)))
    build_site(run, trial.read, tmp_path / "site", version="1.2.3")
    context = chromium.new_context()
    with opening(context, (tmp_path / "site/index.html").as_uri()) as opened:
        opened.page.get_by_role("link", name="Registers, layer 2, head 1, query at row 3").click()
        opened.wait()
        chosen = [opened.page.input_value(f"#{name}") for name in ("layer", "head", "query")]
        assert chosen == ["2", "1", "patch"]
        assert "row 3, col 5" in opened.page.locator('[data-model="1"]').inner_text()
    context.close()
