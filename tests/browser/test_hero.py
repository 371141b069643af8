"""The first screen of the index: large maps, few words, one slider for the layers of all models."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from generator.present.site.write import build_site
from tests.browser.opened import Opened, Tabs, overflow, settle
from tests.present.gallery import Gallery, many

SHARE = """() => {
    const seen = (box) => {
        const width = Math.min(box.right, innerWidth) - Math.max(box.left, 0);
        const height = Math.min(box.bottom, innerHeight) - Math.max(box.top, 0);
        return Math.max(0, width) * Math.max(0, height);
    };
    const maps = [...document.querySelectorAll(".hero-map a")];
    const areas = maps.map((map) => seen(map.getBoundingClientRect()));
    return areas.reduce((sum, area) => sum + area, 0) / (innerWidth * innerHeight);
}"""
"""Share of the window that is a map."""


def first_map(page: Page) -> float:
    box = page.locator(".hero-map a").first.bounding_box()
    assert box is not None
    return box["y"]


@pytest.fixture(scope="module")
def galleries(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Number of models -> a gallery of landscape pictures."""
    found = {}
    for models in (1, 2, 3, 4, 6):
        folder = tmp_path_factory.mktemp(f"hero-{models}")
        trial: Gallery = many(folder / "pictures", 4, models=models, groups=1)
        build_site(trial.run, trial.read, folder / "site", version="1.2.3")
        found[models] = folder / "site/index.html"
    return found


@pytest.fixture
def open_at(tabs: Tabs, galleries: dict[int, Path]) -> Iterator[Callable[..., Page]]:
    opened: list[Opened] = []

    def open_at(models: int, width: int = 1280, height: int = 800, *, scripts: bool = True) -> Page:
        url = galleries[models].parent.as_uri() + "/"
        found = Opened(tabs.open(width, height, scripts=scripts), url)
        opened.append(found)
        found.page.goto(galleries[models].as_uri())
        return found.page

    yield open_at
    for one in opened:
        one.leave()
        tabs.close(one.page)
    for one in opened:
        assert one.noise == []
        assert [url for url in one.requests if not url.startswith((one.root, "data:"))] == []


@pytest.mark.parametrize(
    ("models", "share"), [(1, 0.38), (2, 0.27), (3, 0.22), (4, 0.29), (6, 0.3)]
)
def test_the_first_screen_is_mostly_maps(
    open_at: Callable[..., Page], models: int, share: float
) -> None:
    page = open_at(models)
    assert first_map(page) <= 160
    assert page.evaluate(SHARE) >= share
    last = page.locator(".hero-map a").last.bounding_box()
    assert last is not None
    assert last["y"] + last["height"] <= 800
    slider = page.get_by_role("slider", name="Layer").bounding_box()
    assert slider is not None
    assert slider["y"] <= 800


@pytest.mark.parametrize("models", [1, 2, 3, 4, 6])
def test_a_phone_begins_with_a_map(open_at: Callable[..., Page], models: int) -> None:
    page = open_at(models, 390, 844)
    assert first_map(page) <= 220
    assert page.evaluate(SHARE) >= 0.18


@pytest.mark.parametrize("models", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("width", [390, 640, 1280, 2560])
def test_it_fits(open_at: Callable[..., Page], models: int, width: int) -> None:
    assert overflow(open_at(models, width)) <= 0


def test_one_slider_turns_the_layers_of_all_models(open_at: Callable[..., Page]) -> None:
    page = open_at(2)
    slider = page.get_by_role("slider", name="Layer")
    chosen = int(slider.input_value())
    shown = page.locator(".hero-layer")
    assert shown.all_inner_texts() == [f"layer {chosen}/3"] * 2
    said = page.locator("#hero-apart")
    before = said.inner_text()
    other = 1 if chosen > 1 else 2
    slider.press("Home" if other == 1 else "ArrowRight")
    expect(page.locator(".hero-over canvas")).to_have_count(2)
    assert shown.all_inner_texts() == [f"layer {other}/3"] * 2
    assert slider.get_attribute("aria-valuetext") == f"layer {other} of 3"
    assert re.fullmatch(r"difference: 0\.\d+ bits", said.inner_text())
    assert said.inner_text() != before


def test_a_shared_address_opens_on_its_layer(open_at: Callable[..., Page]) -> None:
    page = open_at(2)
    slider = page.get_by_role("slider", name="Layer")
    other = 1 if slider.input_value() != "1" else 2
    slider.press("Home" if other == 1 else "ArrowRight")
    expect(page).to_have_url(re.compile(rf"#layer={other}$"))
    page.fill("#find-name", "image0")
    expect(page).to_have_url(re.compile(rf"#name=image0&layer={other}$"))
    page.reload()
    expect(page.locator(".hero-over canvas")).to_have_count(2)
    assert slider.input_value() == str(other)
    assert page.locator(".hero-layer").all_inner_texts() == [f"layer {other}/3"] * 2
    links = page.locator(".hero-map a").evaluate_all("all => all.map(e => e.hash)")
    assert links == [f"#layer={other}"] * 2
    page.goto(page.url.partition("#")[0] + "#layer=99")
    expect(slider).to_have_value(slider.get_attribute("value") or "")


def test_the_slider_draws_what_the_picture_showed(open_at: Callable[..., Page]) -> None:
    """Away and back: the map drawn by scripts is the rendered one."""
    page = open_at(2)
    over = page.locator(".hero-over").first
    rendered = over.locator("img").get_attribute("src")
    slider = page.get_by_role("slider", name="Layer")
    chosen = slider.input_value()
    slider.press("Home")
    slider.press("End")
    slider.fill(chosen)
    canvas = over.locator("canvas")
    expect(canvas).to_have_count(1)
    settle(page)
    assert rendered is not None
    drawn = canvas.evaluate(
        """(canvas) => [...canvas.getContext("2d")
            .getImageData(0, 0, canvas.width, canvas.height).data]"""
    )
    folder = Path(page.url.removeprefix("file://")).parent
    with Image.open(folder / rendered) as png:
        wanted = list(png.convert("RGBA").tobytes())
    assert len(drawn) == len(wanted)
    # a place between two colors may be rounded to either
    assert max(abs(one - two) for one, two in zip(drawn, wanted, strict=True)) <= 6


def test_without_scripts_it_stands_still(open_at: Callable[..., Page]) -> None:
    page = open_at(3, scripts=False)
    assert page.locator(".hero-over img").count() == 3
    assert page.locator(".hero-scrub").is_hidden()
    assert first_map(page) <= 160
    assert page.locator(".image-card").count() == 4


def test_numbers_are_loaded_only_for_the_slider(
    chromium: Browser, galleries: dict[int, Path]
) -> None:
    page = chromium.new_page()
    found = Opened(page, "")
    page.goto(galleries[2].as_uri())
    settle(page)
    assert not [url for url in found.requests if "/data/" in url and url.endswith(".js")]
    page.get_by_role("slider", name="Layer").hover()
    page.wait_for_timeout(200)
    assert len([url for url in found.requests if "/data/" in url and url.endswith(".js")]) == 2
    page.close()
