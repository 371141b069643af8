"""From pixels to pixels: a model whose attention lies on the one patch that is magenta.

The whole way is walked, preprocessing, network, record, page, and what is drawn is compared with
what the picture shows in the same place, whatever was cropped and however the screen is made.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

import generator
from generator.records.record import FieldOfView
from generator.spec.gallery import GallerySpec, ModelSpec
from tests.browser.opened import settle
from tests.capture.planted import GRAY, MAGENTA, planted_patch_sink

GRID = 5
LAYER = 4
"""From 1: one in which the magenta patch draws attention."""

Box = tuple[float, float, float, float]
Size = tuple[int, int]


def in_square(size: Size, row: int, col: int) -> Box:
    """A patch of the centered square, in pixels of the picture."""
    side = min(size) / GRID
    left, top = ((edge - min(size)) / 2 for edge in size)
    return left + col * side, top + row * side, left + (col + 1) * side, top + (row + 1) * side


def in_crop(size: Size, row: int, col: int) -> Box:
    """A patch of what is left of a short side of 80 pixels when the middle 70 are cut out."""
    scale = min(size) / 80
    left, top = ((edge / scale - 70) / 2 for edge in size)
    corner = left + 14 * col, top + 14 * row
    x, y = corner[0] * scale, corner[1] * scale
    return x, y, x + 14 * scale, y + 14 * scale


def in_whole(size: Size, row: int, col: int) -> Box:
    """A patch of a whole picture whose short side has ``GRID`` of them."""
    side = min(size) / GRID
    return col * side, row * side, (col + 1) * side, (row + 1) * side


def seen(case: str, size: Size) -> Box:
    """Left, top, width and height of what the model saw, in pixels of the picture."""
    if case == "whole":
        return 0, 0, *size
    side = min(size) * (70 / 80 if case == "crop" else 1)
    return (size[0] - side) / 2, (size[1] - side) / 2, side, side


def on_the_stage(case: str) -> tuple[Box, float]:
    """The magenta patch in pixels of the part that is shown, and that part's width."""
    _, size, box_of, place = CASES[case]
    x, y, width, _ = seen(case, size)
    left, top, right, bottom = box_of(size, *place)
    return (left - x, top - y, right - x, bottom - y), width


CROP = {
    "image_processor_type": "BitImageProcessor",
    "size": {"shortest_edge": 80},
    "do_center_crop": True,
    "crop_size": {"height": 70, "width": 70},
    "image_mean": [0.0, 0.0, 0.0],
    "image_std": [1.0, 1.0, 1.0],
    "resample": 3,
}
CASES: dict[str, tuple[FieldOfView, Size, Callable[[Size, int, int], Box], tuple[int, int]]] = {
    "square": ("square", (700, 500), in_square, (2, 4)),
    "crop": ("checkpoint", (800, 560), in_crop, (4, 1)),
    "whole": ("whole", (500, 900), in_whole, (7, 3)),
}


@pytest.fixture(scope="module", params=CASES)
def marked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp(request.param)
    field_of_view, size, box_of, place = CASES[request.param]
    planted = planted_patch_sink(folder / "model", patch=None, grid=GRID)
    if field_of_view == "checkpoint":
        text = json.dumps(CROP)
        (planted.folder / "preprocessor_config.json").write_text(text, encoding="utf-8")
    picture = Image.new("RGB", size, GRAY)
    left, top, right, bottom = (round(edge) for edge in box_of(size, *place))
    picture.paste(MAGENTA, (left, top, right, bottom))
    picture.save(folder / "marked.png")
    built = generator.build(
        GallerySpec(
            models=(ModelSpec.model_validate(str(planted.folder)),),
            images=(folder / "marked.png",),
            out=folder / "site",
            store=folder / "store",
            field_of_view=field_of_view,
        )
    )
    return request.param, built.site


def shot(page: Page, site: Path, state: str) -> np.ndarray:
    """The stage of the model as it is painted: int ``[y, x, 3]``."""
    page.goto("about:blank")
    page.goto(f"{site.as_uri()}/i/marked/index.html#layer={LAYER}&{state}")
    page.wait_for_selector("html.ready", state="attached")
    stage = page.locator('[data-model="0"] [data-stage]')
    stage.scroll_into_view_if_needed()
    page.mouse.move(1, 1)
    settle(page)
    png = stage.screenshot()
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def edges(shown: np.ndarray, x: float, y: float) -> np.ndarray:
    """Left, top, right, bottom of what has the color of a point, along the lines through it."""
    alike = np.abs(shown - shown[int(y), int(x)]).max(axis=-1) < 24
    found = []
    for line, at in ((alike[int(y)], int(x)), (alike[:, int(x)], int(y))):
        others = np.flatnonzero(~line)
        before, after = others[others < at], others[others > at]
        found.append((before[-1] + 1 if len(before) else 0, after[0] if len(after) else len(line)))
    (left, right), (top, bottom) = found
    return np.array([left, top, right, bottom])


@pytest.mark.parametrize(("width", "ratio"), [(1280, 1.0), (390, 2.0)])
@pytest.mark.slow
def test_the_strongest_patch_lies_on_what_it_looks_at(
    chromium: Browser, marked: tuple[str, Path], width: int, ratio: float
) -> None:
    case, site = marked
    place = CASES[case][3]
    (left, top, right, bottom), shown = on_the_stage(case)
    context = chromium.new_context(
        viewport={"width": width, "height": 1000}, device_scale_factor=ratio
    )
    page = context.new_page()
    photo = shot(page, site, "overlay=0")
    across = down = photo.shape[1] / shown
    # not the very middle, where a mark may be
    x, y = (left + 0.3 * (right - left)) * across, (top + 0.3 * (bottom - top)) * down
    cell = edges(shot(page, site, "overlay=100"), x, y)
    # a pixel of the page for rounding, and one of the picture, whose edges are not sharp
    assert np.abs(cell - edges(photo, x, y)).max() <= ratio + max(1, across)
    # the point of a patch nearest to its neighbors is its own
    stage = page.locator('[data-model="0"] [data-stage]').bounding_box()
    assert stage is not None
    factor = stage["width"] / shown
    for share in (0.06, 0.94):
        page.mouse.move(
            stage["x"] + (left + share * (right - left)) * factor,
            stage["y"] + (top + share * (bottom - top)) * factor,
        )
        settle(page)
        said = page.locator('[data-reading="0"]').text_content() or ""
        assert f"row {place[0] + 1}, col {place[1] + 1}" in said
        rank = page.locator('[data-reading="0"] .rank').text_content() or ""
        assert rank.startswith("1 of")
    context.close()


@pytest.mark.slow
def test_a_click_makes_that_patch_the_query(chromium: Browser, marked: tuple[str, Path]) -> None:
    case, site = marked
    place = CASES[case][3]
    (left, top, right, bottom), shown = on_the_stage(case)
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    for share in (0.06, 0.94):
        shot(page, site, "")
        stage = page.locator('[data-model="0"] [data-stage]').bounding_box()
        assert stage is not None
        factor = stage["width"] / shown
        page.mouse.click(
            stage["x"] + (left + share * (right - left)) * factor,
            stage["y"] + (top + share * (bottom - top)) * factor,
        )
        settle(page)
        title = page.locator('[data-model="0"] .readout-title .visually-hidden').inner_text()
        assert f"query: the patch in row {place[0] + 1}, col {place[1] + 1}" in title
    context.close()
