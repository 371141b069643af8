"""What all pages share: navigation line, column, sizes of type, terms that explain themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from generator.present.site.write import build_site
from tests.browser.opened import Opened, overflow
from tests.present.gallery import gallery

KINDS = (
    "index.html",
    "i/image0/index.html",
    "m/registers/index.html",
    "r/plain--registers/index.html",
    "methods/index.html",
)
SMALLEST = 14
"""Pixels; only numbers on axes and color bars are smaller."""

SMALL = r"""(smallest) => {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode;
        const element = node.parentElement;
        const label = element.closest("svg, .heat, .wall, script, template, noscript, sup");
        if (!node.data.trim() || label || !element.checkVisibility()) continue;
        if (parseFloat(getComputedStyle(element).fontSize) >= smallest) continue;
        found.push(`${element.className || element.localName}: ${node.data.trim()}`);
    }
    return found;
}"""

OWN = """{% extends "!own/index.html.jinja2" %}
{% import "macros/glossary.html.jinja2" as glossary %}
{% block front %}
{% set text = "A map of one layer for one query." %}
<p id="said">{{ glossary.marked(text, ["layer", "query", "norm"]) }}</p>
<p id="edge">{{ glossary.term("register", "Registers") }}</p>
{% endblock %}"""


@pytest.mark.parametrize("path", KINDS)
@pytest.mark.slow
def test_every_page_has_its_title_on_the_navigation_line(
    visit: Callable[..., Opened], path: str
) -> None:
    page = visit(path).page
    title, line = page.locator("h1"), page.locator(".masthead")
    assert title.count() == 1
    assert title.bounding_box()["height"] < 30  # type: ignore[index]
    below = line.bounding_box()
    assert below is not None
    assert below["y"] + below["height"] <= 60
    if path != "index.html":
        line.get_by_role("link", name="Trial", exact=True).click()
        expect(title).to_have_text("Trial")


@pytest.mark.parametrize("width", [390, 1280, 2560])
@pytest.mark.slow
def test_the_column_starts_at_the_same_place_on_every_page(
    visit: Callable[..., Opened], width: int
) -> None:
    def starts(page: Page) -> tuple[float, float]:
        found = page.locator("main, .masthead").evaluate_all(
            """all => all.map((e) => {
                const padding = parseFloat(getComputedStyle(e).paddingLeft);
                return e.getBoundingClientRect().left + padding;
            })"""
        )
        return found[0], found[1]

    found = {starts(visit(path, width=width).page) for path in KINDS}
    assert len(found) == 1
    assert len(set(found.pop())) == 1


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("path", KINDS)
def test_nothing_that_is_read_is_small(visit: Callable[..., Opened], path: str, width: int) -> None:
    page = visit(path, width=width).page
    page.evaluate("() => document.querySelectorAll('details').forEach(e => { e.open = true; })")
    assert page.evaluate(SMALL, SMALLEST) == []


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("glossary")
    trial = gallery(folder / "pictures")
    (folder / "own").mkdir()
    (folder / "own/index.html.jinja2").write_text(OWN, encoding="utf-8")
    (folder / "own/static/css").mkdir(parents=True)
    (folder / "own/static/css/custom.css").write_text("#edge { text-align: right; }")
    build_site(trial.run, trial.read, folder / "site", version="1", templates=folder / "own")
    return folder / "site/index.html"


@pytest.fixture(params=["with scripts", "without scripts"])
def terms(chromium: Browser, explained: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = chromium.new_context(java_script_enabled=request.param == "with scripts")
    page = context.new_page()
    page.goto(explained.as_uri())
    yield page
    context.close()


def test_a_term_explains_itself_under_the_pointer_and_with_the_focus(terms: Page) -> None:
    said = terms.locator("#said")
    assert said.inner_text() == "A map of one layer for one query."
    query = said.get_by_role("button", name="query")
    text = terms.get_by_role("tooltip").filter(has_text="The token that looks")
    expect(text).to_be_hidden()
    query.hover()
    expect(text).to_be_visible()
    # the pointer may go to what it reads
    text.hover()
    expect(text).to_be_visible()
    terms.mouse.move(0, 0)
    expect(text).to_be_hidden()
    said.get_by_role("button", name="layer").focus()
    terms.keyboard.press("Tab")
    expect(text).to_be_visible()
    assert query.get_attribute("aria-describedby") == text.get_attribute("id")
    terms.keyboard.press("Tab")
    expect(text).to_be_hidden()


def test_escape_closes_an_explanation(chromium: Browser, explained: Path) -> None:
    page = chromium.new_page()
    page.goto(explained.as_uri())
    query, text = page.get_by_role("button", name="query"), page.get_by_role("tooltip")
    query.focus()
    expect(text).to_have_count(1)
    page.keyboard.press("Escape")
    expect(text).to_have_count(0)
    expect(query).to_be_focused()
    query.blur()
    query.hover()
    expect(text).to_have_count(1)
    page.keyboard.press("Escape")
    expect(text).to_have_count(0)
    page.mouse.move(0, 0)
    query.hover()
    expect(text).to_have_count(1)
    page.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_an_explanation_stays_inside_the_window(
    chromium: Browser, explained: Path, width: int
) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 800})
    page.goto(explained.as_uri())
    page.get_by_role("button", name="Registers").focus()
    box = page.get_by_role("tooltip").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert overflow(page) <= 0
    page.close()
