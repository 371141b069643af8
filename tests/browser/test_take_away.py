"""What a reader takes away: the address, the caption, the picture."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from generator.present.colours import colour_table
from generator.present.quantise import decode
from tests.browser.opened import Opened
from tests.browser.test_numbers import chunk, scale

Visit = Callable[..., Opened]


def copied(opened: Opened, button: str) -> str:
    opened.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened.page.get_by_role("button", name=button).click()
    expect(opened.page.locator("#taken")).to_contain_text("copied")
    return str(opened.page.evaluate("() => navigator.clipboard.readText()"))


def test_the_link_opens_the_same_view(visit: Visit) -> None:
    opened = visit(
        "i/image0/index.html#layer=2&head=2&query=reg1&scale=map&view=heads", over="http"
    )
    link = copied(opened, "Copy link")
    again = visit(link.removeprefix(opened.root), over="http").page
    assert again.url == link
    assert again.input_value("#query") == "reg1"
    assert again.locator(".tiles").is_visible()


def test_the_caption_says_everything_a_figure_must(visit: Visit) -> None:
    opened = visit("i/image0/index.html#layer=2&head=2&scale=map&form=sqrt&keep=60", over="http")
    text = copied(opened, "Copy figure caption")
    for wanted in (
        "Attention of the CLS token on Image0, in times uniform",
        f"Registers: tiny/registers at {'c' * 12}, 4 × 6 patches, input 96 × 64 pixels",
        "bicubic, float32; layer 2, head 2",
        "mean received attention",
        "Colour scale of each map, sqrt,",
        "cut off at 0.5 %",
        "Layers are paired by number.",
        "top 60 % of the mass",
        "not interpolated",
    ):
        assert wanted in text, wanted


def test_without_a_clipboard_the_text_can_be_copied_by_hand(image_page: Page) -> None:
    image_page.evaluate("() => Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    image_page.get_by_role("button", name="Copy link").click()
    box = image_page.get_by_label("Text to copy")
    assert box.input_value() == image_page.url


@pytest.mark.parametrize("over", ["file", "http"])
@pytest.mark.parametrize("view", ["wall", "heads", "pair"])
def test_the_picture_holds_the_maps_with_bar_and_caption(
    visit: Visit, site: Any, tmp_path: Path, over: str, view: str
) -> None:
    page = visit(f"i/image0/index.html#layer=2&head=2&view={view}", over=over).page
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save PNG").click()
    assert waiting.value.suggested_filename == "image0-layer-2-head-2-CLS.png"
    path = tmp_path / "view.png"
    waiting.value.save_as(path)
    picture = np.asarray(Image.open(io.BytesIO(path.read_bytes())).convert("RGB"), dtype=int)
    assert picture.shape[1] == 2 * 28 + 4 * 340 + 3 * 24
    assert (picture[0] == 255).all()
    # the first model's map, at its place, in the colours of the page
    values = decode(chunk(site, "plain")[0])[1, 1]
    index = np.clip(scale(site).position(values) * 256, 0, 255).astype(int)
    height = 340 * 4 / 6
    y = (28 + 23 + (np.arange(4) + 0.3) / 4 * height).astype(int)
    x = (28 + (np.arange(6) + 0.3) / 6 * 340).astype(int)
    wanted = colour_table("magma").astype(int)[index]
    assert np.abs(picture[np.ix_(y, x)] - wanted).max() <= 3
    # the bar below it runs through the colours
    below = picture[int(28 + 23 + height + 8 + 6 + 5), 28 + 12 : 28 + 340 - 12]
    assert np.abs(below[[1, -2]] - colour_table("magma").astype(int)[[0, 255]]).max() <= 8
    # and the caption is black on white at the end
    end = picture[-28 - 17 : -28, 28:400]
    assert (end < 100).any()


def test_the_address_holds_nothing_but_what_a_view_needs(image_page: Page) -> None:
    image_page.select_option("#layer", "2")
    assert re.fullmatch(
        r"layer=2&head=mean&query=CLS&scale=shared&form=log2&clip=0\.5&keep=100&draw=nearest"
        r"&overlay=80",
        image_page.url.split("#")[1],
    )
