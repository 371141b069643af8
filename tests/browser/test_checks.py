"""Whole sites under checkers: accessibility, valid HTML, links, layout, keyboard, silence.

Two checkers come from npm and are no part of the program: ``ATTENTION_GALLERY_CHECKERS`` names a
``node_modules`` folder that holds ``axe-core`` and ``vnu-jar``. Without it these tests are skipped,
or fail in continuous integration.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Page, expect

from generator.present.site.write import build_site
from generator.records.paper import Author, Paper, PaperLink, TeaserCell
from generator.records.run import Run
from tests.browser.opened import Opened, Tabs, overflow
from tests.once import once
from tests.present.filmed import with_frames
from tests.present.gallery import gallery
from tests.present.sweeping import sweeping

CHECKERS = "ATTENTION_GALLERY_CHECKERS"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WIDTHS = (390, 768, 1280, 2560)
PAPER = Paper(
    authors=(
        Author("Ada Lovelace", "https://a.example/", "One"),
        Author("Alan Turing", affiliation="Two"),
    ),
    venue="ICLR",
    year=2027,
    abstract="A paragraph.\n\nAnother one.",
    bibtex="@article{a,\n  title = {A title that is longer than most narrow screens are wide}\n}",
    links=tuple(PaperLink(name, "https://c.example/") for name in ("paper", "code", "data")),
    teaser=(TeaserCell("registers", "image0"), TeaserCell("deep", "image0", 2, 1)),
)


@dataclass(frozen=True)
class Sites:
    """Three sites.

    Attributes:
        small: with a paper and everything that can fail.
        many: of many images.
        trained: with a sweep and a sequence.
    """

    small: Path
    many: Path
    trained: Path

    def url(self, name: str) -> str:
        site, _, path = name.partition("/")
        return f"{getattr(self, site).as_uri()}/{path}"


def with_paper(run: Run) -> Run:
    images = tuple(
        replace(image, group="A group", source="https://s.example/a, as found there")
        for image in run.images
    )
    return replace(run, images=images, paper=PAPER, site_url="https://lab.example/gallery/")


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory, big: Path) -> Sites:
    def make(folder: Path) -> Sites:
        small = gallery(folder / "pictures", images=4)
        build_site(with_paper(small.run), small.read, folder / "small", version="1.2.3")
        trained = sweeping(folder / "trained-pictures", images=6)
        run = with_frames(trained.run, 2)
        build_site(run, trained.read, folder / "trained", version="1.2.3")
        return Sites(folder / "small", big, folder / "trained")

    return once(tmp_path_factory, "checks", make)


PAGES = (
    "small/index.html",
    "small/index.html#sort=entropy-down",
    "small/i/image0/index.html",
    "small/m/registers/index.html",
    "small/m/gone/index.html",
    "small/methods/index.html",
    "many/m/model-1/index.html",
    "small/r/plain--registers/index.html",
    "many/index.html",
    "many/page-2/index.html",
    "many/m/model-1/page-2/index.html",
    "many/r/model-0--model-1/index.html",
    "trained/index.html",
    "trained/i/image0/index.html",
    "trained/i/image3/index.html",
    "trained/s/our-run/index.html",
    "trained/q/a-walk/index.html",
    "trained/m/checkpoint-500/index.html",
)


def checker(path: str) -> Path:
    """A file of the checkers' folder."""
    folder = os.environ.get(CHECKERS)
    found = Path(folder) / path if folder else None
    if found is None or not found.is_file():
        reason = f"{CHECKERS} names no folder with {path}: npm install axe-core@4 vnu-jar."
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@contextmanager
def opened(
    tabs: Tabs, url: str, *, width: int = 1280, scheme: str = "light", bypass: bool = False
) -> Iterator[Opened]:
    """A page; afterwards the console must have been silent, and every request local."""
    found = Opened(tabs.open(width, scheme=scheme, bypass=bypass), url)
    found.page.goto(url)
    if "/i/" in url or "/q/" in url:
        found.wait()
    if "#" in url:
        expect(found.page.locator("#found .image-card").first).to_be_visible()
    yield found
    found.leave()
    tabs.close(found.page)
    assert found.noise == []
    assert [url for url in found.requests if not url.startswith(("file:", "data:"))] == []


FEW = """() => {
    for (const each of document.querySelectorAll("main *"))
        while (each.children.length > 40 && !each.closest("svg")) each.lastElementChild.remove();
}"""
"""Leaves 40 of the items of each list: hundreds of the same kind take a checker seconds."""


def problems_of(page: Page, rules: list[str]) -> list[str]:
    """What axe finds on a page."""
    page.evaluate(FEW)
    page.evaluate(checker("axe-core/axe.min.js").read_text(encoding="utf-8"))
    run = (
        "rules => axe.run(document, {runOnly: rules, preload: false, resultTypes: ['violations']})"
    )
    result = page.evaluate(run, rules)
    return [
        f"{violation['id']}: {node['html']}\n{node['failureSummary']}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.slow
def test_axe_finds_nothing(tabs: Tabs, sites: Sites, name: str, width: int, scheme: str) -> None:
    with opened(tabs, sites.url(name), width=width, scheme=scheme, bypass=True) as found:
        problems = problems_of(found.page, RULES)
    assert problems == []


OPENED = {
    "plain": ("", "() => {}"),
    "everything open": (
        "#keep=60&outliers=outline",
        """() => {
            document.querySelector("#more").click();
            for (const each of document.querySelectorAll("main details")) each.open = true;
        }""",
    ),
    "look": ("#scale=map&draw=smooth", "() => {}"),
    "a patch": ("#query=patch&from=50,30", "() => {}"),
    "heads": ("#view=heads", "() => {}"),
    "layers": ("#view=layers&order=different", "() => {}"),
    "difference": ("#view=pair", "() => {}"),
    "slider": ("#view=pair&how=slider", "() => {}"),
    "copies of the chosen maps": ("", "() => document.querySelector('.wall-frame').click()"),
    "embedded": ("#embed=1", "() => {}"),
}
"""States of an image page: the fragment of its address, and what a reader opens."""


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("name", OPENED)
@pytest.mark.slow
def test_axe_finds_nothing_in_any_opened_state_of_an_image_page(
    tabs: Tabs, sites: Sites, name: str, width: int, scheme: str
) -> None:
    fragment, act = OPENED[name]
    found = Opened(tabs.open(width, scheme=scheme, bypass=True), "")
    found.page.goto(sites.url("small/i/image0/index.html") + fragment)
    found.wait()
    found.page.evaluate(act)
    found.wait()
    problems = problems_of(found.page, [*RULES, "best-practice"])
    found.leave()
    tabs.close(found.page)
    assert problems == []


@pytest.mark.slow
def test_the_validator_finds_no_error(sites: Sites) -> None:
    jar = checker("vnu-jar/build/dist/vnu.jar")
    java = shutil.which("java")
    if java is None:
        if os.environ.get("CI"):
            pytest.fail("There is no Java: apt-get install default-jre-headless.")
        pytest.skip("There is no Java.")
    pages = [*sites.small.rglob("*.html"), *sites.trained.rglob("*.html")]
    pages += [sites.many / "index.html"]
    pages += [sites.many / "page-2/index.html", sites.many / "i/picture-0000/index.html"]
    pages += [sites.many / "m/model-1/index.html"]
    command = [java, "-jar", str(jar), "--errors-only", *map(str, pages)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0


class _Links(HTMLParser):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for key, value in attrs:
            if key in {"href", "src"} and value and dict(attrs).get("rel") != "canonical":
                self.links.append(value)
            if key == "id" and value:
                self.ids.append(value)


@pytest.mark.parametrize("which", ["small", "many", "trained"])
@pytest.mark.slow
def test_every_link_resolves_and_ids_are_unique(sites: Sites, which: str) -> None:
    root = getattr(sites, which)
    pages = {path: _Links(path) for path in root.rglob("*.html")}
    assert len(pages) > 5
    for path, found in pages.items():
        assert len(found.ids) == len(set(found.ids)), path
        for link in found.links:
            parts = urlsplit(link)
            if parts.scheme in {"data", "https"}:
                continue
            assert not parts.scheme, link
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.is_file(), f"{path}: {link}"
            assert target.is_relative_to(root), link
            if parts.fragment and "=" not in parts.fragment:
                assert parts.fragment in pages[target].ids, link


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.slow
def test_pages_of_lists_models_and_methods_fit_the_window(
    tabs: Tabs, sites: Sites, scripts: bool
) -> None:
    page = tabs.open(WIDTHS[0], scripts=scripts)
    names = ["small/index.html", "many/index.html", "many/page-2/index.html"]
    names += ["small/m/deep/index.html", "many/m/model-1/index.html", "small/methods/index.html"]
    names += ["trained/index.html", "trained/s/our-run/index.html", "trained/q/a-walk/index.html"]
    for name in names:
        page.set_viewport_size({"width": WIDTHS[0], "height": 900})
        page.goto(sites.url(name))
        for width in WIDTHS:  # opened on a phone, and in windows that grow
            page.set_viewport_size({"width": width, "height": 900})
            assert overflow(page) <= 0, (name, width)
            # nothing is cut off inside the page either
            wide = page.locator("main *:visible").evaluate_all(
                "all => all.filter(e => e.getBoundingClientRect().right > innerWidth + 1)"
                ".map(e => e.outerHTML.slice(0, 80))"
            )
            assert wide == [], (name, width)
    tabs.close(page)


# --- keyboard -------------------------------------------------------------------------------------

FOCUS = """() => {
    const e = document.activeElement, box = e.getBoundingClientRect(), style = getComputedStyle(e);
    const x = box.left + box.width / 2, y = box.top + box.height / 2;
    const hit = document.elementFromPoint(x, y);
    return {
        name: e.getAttribute("aria-label") || e.labels?.[0]?.textContent || e.textContent.trim(),
        tag: e.tagName,
        ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
            || style.outlineStyle === "auto",
        seen: box.width > 0 && box.top >= 0 && box.bottom <= innerHeight + 1,
        free: !hit || e === hit || e.contains(hit) || hit.contains(e),
    };
}"""


def tabbed(page: Page, most: int = 400) -> list[dict]:
    """Everything that Tab reaches, in order, until it leaves the page."""
    stops = []
    for _ in range(most):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUS)
        if stop["tag"] == "BODY":
            break
        stops.append(stop)
    return stops


def test_tab_reaches_everything_on_the_index_and_shows_where_it_is(
    tabs: Tabs, sites: Sites
) -> None:
    with opened(tabs, sites.url("small/index.html")) as found:
        stops = tabbed(found.page)
    names = [stop["name"] for stop in stops]
    assert names[0] == "Skip to the content"
    wanted = ["Ada Lovelace", "Paper", "BibTeX", "Search", "Sort by", "Image0", "Image3"]
    wanted += ["Plain", "Copy", "manifest"]
    rest = iter(names)
    assert [name for name in wanted if name not in rest] == []  # all there, in this order
    assert [stop for stop in stops if not (stop["ring"] and stop["seen"] and stop["free"])] == []


@pytest.mark.slow
def test_an_image_is_found_and_opened_by_keyboard_alone(tabs: Tabs, sites: Sites) -> None:
    with opened(tabs, sites.url("many/page-2/index.html")) as found:
        page = found.page
        while page.evaluate(FOCUS)["name"] != "Search":
            page.keyboard.press("Tab")
        page.keyboard.type("picture 7")
        expect(page.locator("#find-count")).to_have_text(re.compile("^[0-9]+ of 450 pictures$"))
        page.keyboard.press("Tab")
        page.keyboard.type("Group 2")
        page.keyboard.press("Tab")
        page.keyboard.type("outliers, h")
        expect(page.locator("#find-sort")).to_have_value("outlier-count-down")
        first = page.locator("#found .image-card-title").first.inner_text()
        while page.evaluate(FOCUS)["name"] != first:
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_selector("html.ready", state="attached")
        assert page.get_by_role("heading", level=1).inner_text() == first
