"""Galleries of networks that really ran, opened and clicked through: nothing on the console."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

import generator
from generator.spec.gallery import GallerySpec, ModelSpec
from tests.browser.opened import Opened

DATA = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.fixture(scope="module", params=["demo", "deit-tiny"])
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "demo":
        site: Path = request.getfixturevalue("demo")
        return site / "index.html"
    folder = tmp_path_factory.mktemp(request.param)
    if not DATA.is_dir():
        pytest.skip("There is no ../shared/data with a pretrained network to try.")
    return generator.build(
        GallerySpec(
            models=(ModelSpec.model_validate(str(DATA / "deit-tiny")),),
            images=(DATA / "photos",),
            out=folder / "site",
            store=folder / "store",
        )
    ).page


WORDS = """() => {
    const chosen = [...document.querySelectorAll("select, .visually-hidden")];
    for (const element of chosen) element.hidden = true;
    const words = document.body.innerText.split(/\\s+/).filter((word) => /\\p{L}/u.test(word));
    for (const element of chosen) element.hidden = false;
    return words.length;
}"""
"""Words that a reader of the page sees, without menus and folded parts."""


@pytest.fixture
def opened(chromium: Browser, index: Path) -> Iterator[Opened]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    found = Opened(context.new_page(), index.parent.as_uri() + "/")
    found.page.goto(index.as_uri())
    yield found
    context.close()
    assert found.noise == []
    assert [url for url in found.requests if not url.startswith((found.root, "data:"))] == []


@pytest.mark.slow
def test_click_through_every_picture_and_model(opened: Opened) -> None:
    """From the index to the first picture, along "next" through all, to a model and back."""
    page = opened.page
    images = page.locator("a[href^='i/']").evaluate_all(
        "links => new Set(links.map(link => link.getAttribute('href').split('#')[0])).size"
    )
    page.locator("#image-cards a[href^='i/']").first.click()
    for number in range(1, images + 1):
        expect(page.get_by_text(f"Picture {number}", exact=True).first).to_be_visible()
        opened.wait()
        large = page.locator(".stage-map:visible").first
        expect(large).to_be_visible()
        large.hover()
        told = page.locator("main").inner_text()
        assert "row " in told and "NaN" not in told
        values = page.locator(".reading tbody tr:visible").first.inner_text()
        assert re.search(r"[\d.,e−]+\s×\s+[\d.,e−]+\s%\s+[\d,–]+", values)
        if number < images:
            page.locator("a[rel=next]").click()
    page.locator("a[href*='/m/']").first.click()
    expect(page.get_by_role("heading", name="How it was run")).to_be_visible()
    page.locator("a[href='../../index.html']").first.click()
    expect(page.get_by_role("heading", name="Pictures")).to_be_visible()


def test_the_index_has_large_maps_and_few_words(opened: Opened, index: Path) -> None:
    opened.page.goto(index.as_uri())
    box = opened.page.locator(".hero-map a").first.bounding_box()
    assert box is not None
    assert box["y"] <= 160
    assert box["width"] >= 250
    assert opened.page.evaluate(WORDS) <= 250
