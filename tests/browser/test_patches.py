"""A patch as the query: chosen in a picture, shown in every model, the record's numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from generator.present.drawing.quantize import error_bound
from generator.records.record import AttentionRecord
from tests.browser.opened import Opened, read_number
from tests.browser.test_numbers import MODELS, point, readout
from tests.present.gallery import Gallery

Visit = Callable[..., Opened]
Site = tuple[Gallery, Path]


def messages(page: Page) -> list[str]:
    return page.locator(".model .stage-message").all_inner_texts()


def patch(record: AttentionRecord, x: float, y: float) -> tuple[int, int]:
    """Row and column of the patch at a place of the original picture."""
    left, top, right, bottom = record.view.box
    row = int((y - top) / (bottom - top) * record.layout.rows)
    return row, int((x - left) / (right - left) * record.layout.cols)


def click(opened: Opened, model: str, x: float, y: float) -> None:
    stage = opened.page.locator(f'[data-model="{MODELS.index(model)}"] [data-stage]')
    box = stage.bounding_box()
    assert box is not None
    at = {"x": x / 96 * box["width"], "y": y / 64 * box["height"]}
    stage.click(position=at)  # type: ignore[arg-type]
    opened.page.mouse.move(2, 2)
    opened.wait()


def test_a_clicked_patch_shows_what_it_attends_to_in_every_model(visit: Visit, site: Site) -> None:
    opened = visit("i/image0/index.html#query=patch&layer=2")
    page = opened.page
    assert "Patch queries were not kept for this model." in messages(page)[2]
    click(opened, "plain", 60.0, 20.0)
    found = re.search(r"from=([0-9.]+),([0-9.]+)", page.url)
    # a click is at a whole pixel of the screen, less than half a pixel of the picture here
    assert found and [float(n) for n in found.groups()] == pytest.approx([60.0, 20.0], abs=0.5)
    assert page.locator(".stage-query:visible").count() == 4  # the picture and three models
    point(page, "plain", 40.0, 50.0)
    for model in ("plain", "registers", "deep"):
        record = site[0].record(model, "image0")
        assert record.patch_attention is not None
        query, key = patch(record, 60.0, 20.0), patch(record, 40.0, 50.0)
        maps = record.patch_attention.astype(np.float32)
        maps = maps.mean(1) if maps.ndim == 4 else maps
        row = record.layout.fold(maps[1, query[0] * record.layout.cols + query[1]])
        value = read_number(readout(page, model).split("×")[0])
        bound = error_bound(row[key], row.max()) + 0.0051 * row[key]
        assert abs(value - row[key]) <= bound, model
        title = page.locator(
            f'[data-model="{MODELS.index(model)}"] .readout-title .visually-hidden'
        ).inner_text()
        assert f"query: the patch in row {query[0] + 1}, col {query[1] + 1}" in title


def test_heads_that_are_not_kept_are_said(visit: Visit) -> None:
    page = visit("i/image0/index.html#query=patch&head=2").page
    only = "For patches: mean over heads only."
    assert [messages(page)[n] for n in (0, 1, 3)] == [only, "", only]


def test_outside_of_what_a_model_saw_there_is_no_query(visit: Visit) -> None:
    page = visit("i/image0/index.html#query=patch&from=3,30").page
    assert messages(page)[1] == "The chosen patch is outside of what this model saw."
    assert messages(page)[0] == ""


@pytest.mark.slow
def test_arrow_keys_move_the_query_and_the_address_brings_it_back(visit: Visit) -> None:
    opened = visit("i/image0/index.html#query=patch&from=50,30")
    page = opened.page
    page.locator('[data-model="0"] [data-stage]').focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    opened.wait()
    title = page.locator(".readout-title .visually-hidden").first
    assert "the patch in row 3, col 5" in title.inner_text()
    page.keyboard.press("Shift+ArrowUp")
    opened.wait()
    assert "at=" in page.url
    again = visit(page.url.removeprefix(opened.root))
    assert (
        "the patch in row 3, col 5"
        in again.page.locator(".readout-title .visually-hidden").first.inner_text()
    )
    page.go_back()
    opened.wait()
    assert "the patch in row 2, col 4" in title.inner_text()


@pytest.mark.parametrize("head", ["mean", "1"])
def test_the_query_itself_is_no_part_of_a_maps_own_range(
    visit: Visit, site: Site, head: str
) -> None:
    page = visit(
        f"i/image0/index.html#query=patch&from=50,30&scale=map&clip=0&layer=1&head={head}"
    ).page
    record = site[0].record("registers", "image0")
    assert record.patch_attention is not None
    # the other models keep no heads: then this is the only map, and the bar of the page is its own
    own = page.locator('[data-model="1"] .readout-title .visually-hidden').text_content() or ""
    shared = page.locator(".shared-bar").get_attribute("aria-label") or ""
    high = read_number((own.split(" ×")[0] if head == "mean" else shared).split(" to ")[1])
    left, _, right, _ = record.view.box
    query = 1 * 6 + int((50 - left) / (right - left) * 6)
    maps = record.patch_attention.astype(np.float32)[0]
    row = record.layout.fold((maps.mean(0) if head == "mean" else maps[0])[query]).ravel()
    assert high == pytest.approx(np.delete(row, query).max(), rel=0.02)


def test_rows_of_patches_are_loaded_only_when_asked_for(visit: Visit) -> None:
    opened = visit("i/image0/index.html")
    assert not any(".patch." in url for url in opened.requests)
    opened.page.select_option("#query", "patch")
    opened.wait()
    assert sum(".patch." in url for url in opened.requests) == 3
