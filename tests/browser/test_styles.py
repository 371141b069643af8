"""Each kind of page loads the style sheets that are about something on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from generator.bundled import bundled
from generator.present.pages.assets import STYLESHEETS
from generator.present.pages.source import without_comments
from generator.present.site.write import build_site
from tests.present.filmed import trained

PAGES = {
    "film": (
        "index.html",
        "i/image0/index.html",
        "q/a-walk/index.html",
        "m/plain/index.html",
        "methods/index.html",
        "s/our-run/index.html",
    ),
    "gallery": (
        "index.html",
        "i/image0/index.html#view=heads&a=plain",
        "i/image0/index.html#view=pair",
        "m/registers/index.html",
    ),
}

ABOUT = r"""(text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    const rules = [];
    // at commas outside of brackets
    const apart = (selector) => {
        let depth = 0;
        const marked = [...selector].map((letter) => {
            depth += (letter === "(") - (letter === ")");
            return letter === "," && depth === 0 ? "\n" : letter;
        });
        return marked.join("").split("\n");
    };
    const walk = (list) => {
        for (const rule of list) {
            if (rule.selectorText) rules.push(...apart(rule.selectorText));
            else if (rule.cssRules) walk(rule.cssRules);
        }
    };
    walk(sheet.cssRules);
    // whatever state an element is in
    const states = /:not\(:[a-z-]+\)|::?(hover|focus-visible|target)/g;
    const parts = /::?(before|after|first-letter|-webkit-[a-z-]+)/g;
    const plain = rules.map((rule) => rule.replace(states, "").replace(parts, "").trim());
    return plain.filter((rule) => rule && document.querySelector(rule));
}"""
"""The selectors of a style sheet that are about an element of the page."""


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory, site: Any) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("styles")
    trial = trained(folder / "frames", 3)
    build_site(trial.run, trial.read, folder / "site", version="1.2.3")
    return {"film": folder / "site", "gallery": site[1]}


@pytest.mark.parametrize(("name", "path"), [(n, path) for n in PAGES for path in PAGES[n]])
def test_no_page_lacks_a_style(
    chromium: Browser, sites: dict[str, Path], name: str, path: str
) -> None:
    page = chromium.new_page()
    page.goto(f"{sites[name].as_uri()}/{path}")
    if "view=" in path:
        page.wait_for_selector(".view-choice[aria-busy=false]")
    links = page.locator("link[rel=stylesheet]").evaluate_all("all => all.map(e => e.href)")
    files = [sites[name] / "assets" / url.rpartition("/")[2] for url in links]
    loaded = "".join(file.read_text(encoding="utf-8") for file in files)
    folder = bundled("templates") / "static" / "css"
    for sheet in filter(Path.is_file, (folder / name for name in STYLESHEETS)):
        text = sheet.read_text(encoding="utf-8")
        if without_comments(text) not in loaded:
            assert page.evaluate(ABOUT, text) == [], sheet.name
    page.close()


def test_a_gallery_without_sequences_and_sweeps_has_no_styles_of_theirs(
    sites: dict[str, Path],
) -> None:
    found = {path.name.split(".")[0] for path in (sites["gallery"] / "assets").glob("*")}
    assert not found & {"frames", "sweep", "sweep-sliders"}
    found = {path.name.split(".")[0] for path in (sites["film"] / "assets").glob("*")}
    assert found >= {"frames", "sweep", "sweep-sliders"}
