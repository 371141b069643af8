"""What a reader takes away: the address, the caption, the picture."""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from playwright.sync_api import Page, expect

from generator.cli import main
from generator.present.drawing.colors import color_table
from generator.present.drawing.quantize import decode
from generator.records.store import Store
from tests.browser.opened import Opened
from tests.browser.test_numbers import chunk, scale
from tests.present.gallery import Gallery

Visit = Callable[..., Opened]


def copied(opened: Opened, button: str) -> str:
    opened.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened.page.get_by_role("button", name=button).click()
    expect(opened.page.locator("#taken")).to_contain_text("copied")
    return str(opened.page.evaluate("() => navigator.clipboard.readText()"))


@pytest.mark.slow
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
    text = copied(opened, "Copy caption")
    for wanted in (
        "Attention of the CLS token on Image0, in times uniform",
        f"Registers: tiny/registers at {'c' * 12}, 4 × 6 patches, input 96 × 64 pixels",
        "bicubic, float32; layer 2, head 2",
        "mean received attention",
        "Color scale of each map, sqrt,",
        "cut off at 0.5\u00a0%",
        "Layers are matched by number.",
        "top 60\u00a0% of the mass",
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
@pytest.mark.slow
def test_the_picture_holds_the_maps_with_bar_and_caption(
    visit: Visit, site: Any, tmp_path: Path, over: str, view: str
) -> None:
    page = visit(f"i/image0/index.html#layer=2&head=2&overlay=100&view={view}", over=over).page
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save PNG").click()
    assert waiting.value.suggested_filename == "image0-layer-2-head-2-CLS.png"
    path = tmp_path / "view.png"
    waiting.value.save_as(path)
    picture = np.asarray(Image.open(io.BytesIO(path.read_bytes())).convert("RGB"), dtype=int)
    assert picture.shape[1] == 2 * 28 + 4 * 340 + 3 * 24
    assert (picture[0] == 255).all()
    # the first model's map, at its place, in the colors of the page
    values = decode(chunk(site, "plain")[0])[1, 1]
    index = np.clip(scale(site).position(values) * 256, 0, 255).astype(int)
    height = 340 * 4 / 6
    y = (28 + 23 + (np.arange(4) + 0.3) / 4 * height).astype(int)
    x = (28 + (np.arange(6) + 0.3) / 6 * 340).astype(int)
    wanted = color_table("magma").astype(int)[index]
    assert np.abs(picture[np.ix_(y, x)] - wanted).max() <= 3
    # the bar below it runs through the colors
    below = picture[int(28 + 23 + height + 8 + 6 + 5), 28 + 12 : 28 + 340 - 12]
    assert np.abs(below[[1, -2]] - color_table("magma").astype(int)[[0, 255]]).max() <= 8
    # and the caption is black on white at the end
    end = picture[-28 - 17 : -28, 28:400]
    assert (end < 100).any()


def test_the_address_holds_nothing_but_what_a_view_needs(image_page: Page) -> None:
    image_page.select_option("#layer", "2")
    assert re.fullmatch(
        r"layer=2&head=mean&query=CLS&scale=shared&form=log2&clip=0\.5&keep=100&draw=nearest"
        r"&overlay=80&layers=depth",
        image_page.url.split("#")[1],
    )


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [
        ("layer=2&head=2", "--layers 2 --heads 2"),
        ("layer=1&head=max&query=reg1&overlay=60&scale=map", "--overlay 60 --scale map"),
        (
            "layer=2&head=1&scale=model&form=sqrt&clip=2&keep=60",
            "--scale model --form sqrt --clip 2 --keep 60 -o",
        ),
        ("layer=2&head=mean&scale=map", "--scale map --form log2 --clip 0.5"),
        ("layer=2&head=min&query=CLS", "--heads min"),
        ("layer=2&head=mean&view=heads", "--rows heads --layers 2 --heads all"),
        ("layer=2&head=1&view=layers", "--rows layers --layers all --heads 1"),
        ("layer=3&head=mean&layers=depth", "--place plain 2 mean"),
        ("layer=2&head=mean&query=patch&from=20.0,30.0", "--queries at-20.0-30.0"),
        ("layer=2&head=mean&view=pair&a=plain&b=deep", "-m plain -m deep --layers"),
    ],
)
@pytest.mark.slow
def test_the_command_draws_the_view(
    visit: Visit,
    site: tuple[Gallery, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fragment: str,
    expected: str,
) -> None:
    opened = visit(f"i/image0/index.html#{fragment}", over="http")
    command = copied(opened, "Copy figure command")
    assert expected in command
    store = Store(tmp_path / "store")
    for record in site[0].records.values():
        store.put(record)
    monkeypatch.setenv("ATTENTION_GALLERY_CACHE", str(store.root))
    program, name, folder, *words = shlex.split(command)
    assert (program, name, folder) == ("attention-gallery", "figure", ".")
    monkeypatch.chdir(site[1])
    out = tmp_path / words.pop()
    result = CliRunner().invoke(main, [name, folder, *words, str(out)])
    assert result.exit_code == 0, result.output
    assert {path.suffix for path in tmp_path.glob(f"{out.stem}.*")} == {".pdf", ".tex", ".bib"}


def test_the_command_says_what_it_leaves_out(visit: Visit) -> None:
    opened = visit(
        "i/image0/index.html#keep=60&outliers=outline&draw=smooth&view=pair", over="http"
    )
    copied(opened, "Copy figure command")
    expect(opened.page.locator("#taken")).to_contain_text(
        "It draws no outlines of outliers, squares, both maps without their difference."
    )
