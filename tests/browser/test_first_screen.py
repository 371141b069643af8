"""The first screen of an image page: where the maps begin, and how much of it they fill."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from generator.present.site.write import build_site
from tests.present.gallery import many

GRIDS = {"square": (4, 4), "landscape": (4, 6), "portrait": (6, 4)}
"""Rows and columns of square patches."""

MAPS = """() => [...document.querySelectorAll(".models .stage")]
    .map(e => e.getBoundingClientRect()).map(b => [b.x, b.y, b.width, b.height])"""


@pytest.fixture(scope="module")
def open_page(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, int, tuple[int, int]], Page]:
    made: dict[tuple[str, int], Path] = {}

    def open_page(shape: str, models: int, window: tuple[int, int]) -> Page:
        site = made.get((shape, models))
        if site is None:
            site = made[shape, models] = tmp_path_factory.mktemp("first") / "site"
            trial = many(site.parent / "pictures", 1, models=models, grid=GRIDS[shape])
            build_site(trial.run, trial.read, site, version="1.2.3")
        page = chromium.new_page(viewport={"width": window[0], "height": window[1]})
        page.goto((next((site / "i").iterdir()) / "index.html").as_uri())
        page.wait_for_selector("html.ready", state="attached")
        return page

    return open_page


def share(maps: list[list[float]], width: int, height: int) -> float:
    """Share of the first screen that is a map."""
    area = 0.0
    for x, y, wide, high in maps:
        across = min(width, x + wide) - max(0, x)
        area += max(0, across) * max(0, min(height, y + high) - max(0, y))
    return area / (width * height)


@pytest.mark.parametrize("shape", GRIDS)
@pytest.mark.parametrize(("models", "least"), [(2, 0.5), (4, 0.4)])
@pytest.mark.slow
def test_maps_begin_at_once_and_fill_the_first_screen(
    open_page: Callable[..., Page], shape: str, models: int, least: float
) -> None:
    page = open_page(shape, models, (1280, 800))
    maps = page.evaluate(MAPS)
    assert len(maps) == models
    assert min(y for _, y, _, _ in maps) <= 160
    if shape != "portrait" or models > 2:
        # two tall maps are as tall as the window, and fill less of its width
        assert share(maps, 1280, 800) >= least
    assert max(y + high for _, y, _, high in maps) <= 800
    page.close()


@pytest.mark.parametrize("shape", GRIDS)
def test_at_a_zoom_of_200_percent_maps_and_controls_are_usable(
    open_page: Callable[..., Page], shape: str
) -> None:
    page = open_page(shape, 2, (640, 400))
    maps = page.evaluate(MAPS)
    assert min(y for _, y, _, _ in maps) <= 160
    assert share(maps, 640, 400) >= 0.25
    bar = page.locator(".controls").bounding_box()
    assert bar is not None and bar["height"] <= 100
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 640
    page.close()


@pytest.mark.parametrize("window", [(1280, 800), (390, 844)])
def test_captions_below_narrow_maps_are_whole(
    open_page: Callable[..., Page], window: tuple[int, int]
) -> None:
    page = open_page("square", 4, window)
    heads = page.locator(".model-head")
    # what is outside of the map's width, or cut there
    lost = heads.evaluate_all(
        """all => all.filter(head => [...head.querySelectorAll("a, .readout-title, [aria-hidden]")]
            .some(e => e.getBoundingClientRect().right > head.getBoundingClientRect().right + 1
                || getComputedStyle(e).textOverflow === "ellipsis"))"""
    )
    assert heads.count() == 4 and lost == []
    said = page.locator(".readout-title [aria-hidden]").all_inner_texts()
    assert all(re.fullmatch(r"L(\d+)/\1, mean", text) for text in said), said
    full = page.locator(".readout-title").first.get_attribute("title") or ""
    assert re.match(r"Layer \d+ of \d+, mean", full)
    page.close()
