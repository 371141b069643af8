"""What the page shows is what the record says: numbers, colors, places."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from generator.present.cells.chunks.chunk import read_chunk
from generator.present.drawing.colors import color_table
from generator.present.drawing.quantize import Quantized, decode, encode, error_bound
from generator.present.drawing.scale import Scale
from generator.present.files.manifest_file import read_manifest
from tests.browser.conftest import PART
from tests.browser.opened import Opened, read_number, settle
from tests.present.gallery import Gallery

Visit = Callable[..., Opened]
Site = tuple[Gallery, Path]
MODELS = ("plain", "registers", "probe", "deep")


def chunk(site: Site, model: str, query: str = "CLS") -> tuple[Quantized, str]:
    found = read_manifest(site[1])
    assert found is not None
    (cell,) = (c for c in found.cells if (c.model, c.image) == (model, "image0"))
    (file,) = (f for f in cell.files if (f.kind, f.query) == ("chunk", query))
    return read_chunk(site[1] / file.path)[1], file.path


def scale(site: Site) -> Scale:
    found = read_manifest(site[1])
    assert found is not None
    return Scale(int(np.log2(found.scale.low)), int(np.log2(found.scale.high)))


def stage(page: Page, model: str) -> object:
    return page.locator(f'[data-model="{MODELS.index(model)}"] [data-stage]')


def point(page: Page, model: str, x: float, y: float) -> None:
    """Move the pointer to a place of the original picture, in its pixels, on a model's stage."""
    box = stage(page, model).bounding_box()
    page.mouse.move(box["x"] + x / 96 * box["width"], box["y"] + y / 64 * box["height"])
    settle(page)


def readout(page: Page, model: str) -> str:
    """The row of a model in the table of values: value, share, rank, norm, patch, on patches."""
    cells = page.locator(f'[data-reading="{MODELS.index(model)}"] td:not([hidden])')
    return "\t".join(cells.all_text_contents())


def test_the_page_decodes_the_codes_that_python_wrote(site: Site, image_page: Page) -> None:
    for number, model in enumerate(MODELS):
        quantized, _ = chunk(site, model)
        codes = image_page.evaluate(
            """async number => {
                const page = JSON.parse(document.getElementById('page-data').textContent);
                const {record, chunks} = page.models[number];
                return Array.from((await Chunks.load(record, 'CLS', chunks.CLS)).codes);
            }""",
            number,
        )
        layers, columns, rows, cols = quantized.codes.shape
        atlas = quantized.codes.swapaxes(1, 2).reshape(layers * rows, columns * cols)
        assert codes == atlas.ravel().tolist()


@pytest.mark.parametrize("seed", range(3))
def test_any_png_filter_is_undone(image_page: Page, seed: int) -> None:
    rng = np.random.default_rng(seed)
    smooth = np.cumsum(rng.integers(-2, 3, (23, 31)), axis=seed % 2).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(smooth).save(file, format="PNG", optimize=True)
    decoded = image_page.evaluate(
        "async bytes => Array.from((await Decode.png(new Uint8Array(bytes))).codes)",
        list(file.getvalue()),
    )
    assert decoded == smooth.ravel().tolist()


@pytest.mark.parametrize(("layer", "head"), [(1, 1), (3, 2)])
def test_the_value_under_the_pointer_is_the_records_in_all_models(
    visit: Visit, site: Site, layer: int, head: int
) -> None:
    page = visit(f"i/image0/index.html#layer={layer}&head={head}").page
    x, y = 40.0, 50.0
    point(page, "plain", x, y)
    for model in MODELS:
        record = site[0].record(model, "image0")
        left, top, right, bottom = record.view.box
        row = int((y - top) / (bottom - top) * record.layout.rows)
        col = int((x - left) / (right - left) * record.layout.cols)
        rows = record.received_by_all() if model == "probe" else record.rows("CLS")
        folded = record.layout.fold(rows)[layer - 1, head - 1].astype(np.float32)
        text = readout(page, model)
        assert f"row {row + 1}, col {col + 1}" in text, model
        value = read_number(text.split("×")[0])
        bound = error_bound(folded[row, col], folded.max())
        rounding = 0.0051 * max(folded[row, col], 0.001)  # three digits
        assert abs(value - folded[row, col]) <= bound + rounding, model
        share = float(text.split("\t")[1].split("%")[0])
        assert share == pytest.approx(100 * value / record.layout.tokens, rel=0.06)


@pytest.mark.parametrize("fusion", ["max", "min"])
@pytest.mark.slow
def test_the_maximum_and_minimum_over_heads_are_as_exact_as_they_say(
    visit: Visit, site: Site, fusion: str
) -> None:
    page = visit(f"i/image0/index.html#layer=3&head={fusion}").page
    for y in (8.0, 24.0, 40.0, 56.0):
        point(page, "plain", 40.0, y)
        for model in ("plain", "registers", "deep"):
            record = site[0].record(model, "image0")
            left, top, right, bottom = record.view.box
            row = int((y - top) / (bottom - top) * record.layout.rows)
            col = int((40.0 - left) / (right - left) * record.layout.cols)
            heads = record.layout.fold(record.rows("CLS"))[2].astype(float)
            true = float(getattr(np, fusion)(heads, axis=0)[row, col])
            text = readout(page, model)
            value = read_number(text.split("×")[0])
            within = read_number(text.split("± ")[1].split()[0])
            assert abs(value - true) <= within + 0.0051 * max(true, 0.001), (model, y)
            assert within <= 0.02 * heads.max(), (model, y)
    page = visit("i/image0/index.html#layer=3&head=1").page
    point(page, "plain", 40.0, 40.0)
    assert "±" not in readout(page, "plain")


def test_received_attention_compares_models_with_and_without_a_class_token(
    visit: Visit, site: Site
) -> None:
    page = visit("i/image0/index.html#layer=2&head=1&query=received").page
    x, y = 40.0, 50.0
    point(page, "plain", x, y)
    for model in MODELS:
        record = site[0].record(model, "image0")
        left, top, right, bottom = record.view.box
        row = int((y - top) / (bottom - top) * record.layout.rows)
        col = int((x - left) / (right - left) * record.layout.cols)
        folded = record.layout.fold(record.received_by_all())[1, 0]
        value = read_number(readout(page, model).split("×")[0])
        bound = error_bound(folded[row, col], folded.max()) + 0.0051 * folded[row, col]
        assert abs(value - folded[row, col]) <= bound, model


def test_numbers_below_each_other_have_as_many_decimals(visit: Visit) -> None:
    opened = visit("i/image0/index.html")
    page = opened.page
    seen = set()
    for layer, head in product(("1", "2", "3"), ("mean", "1", "2")):
        page.select_option("#layer", layer)
        page.select_option("#head", head)
        opened.wait()
        rows = page.locator(".reading tbody tr:visible").all()
        texts = [row.locator("td").all_inner_texts() for row in rows]
        for column in zip(*(row for row in texts if len(row) > 1), strict=True):
            found = [re.match(r"[\d.]+", text) for text in column]
            numbers = [each[0] for each in found if each and each[0] != "100"]
            decimals = {len(number.partition(".")[2]) for number in numbers}
            assert len(decimals) < 2, column
            seen |= decimals
    assert len(seen) > 1


def test_outside_of_what_a_model_saw_there_is_no_value(image_page: Page) -> None:
    point(image_page, "plain", 5, 32)
    assert "Outside of what this model saw." in readout(image_page, "registers")
    assert "row 3, col 1" in readout(image_page, "plain")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_overlay_covers_exactly_the_view(visit: Visit, width: int) -> None:
    page = visit("i/image0/index.html", width=width).page
    whole = stage(page, "registers").bounding_box()
    box = page.locator('[data-model="1"] .stage-map').bounding_box()
    factor = whole["width"] / 96
    assert whole["height"] == pytest.approx(64 * factor, abs=0.5)
    assert box["x"] - whole["x"] == pytest.approx(PART.left * factor, abs=0.5)
    assert box["width"] == pytest.approx((PART.right - PART.left) * factor, abs=0.5)
    assert box["height"] == pytest.approx(64 * factor, abs=0.5)
    photo = page.locator('[data-model="1"] .stage-photo').bounding_box()
    assert photo == pytest.approx(whole, abs=0.5)


@pytest.mark.slow
def test_values_that_codes_cannot_tell_from_zero_are_bounds_and_equal_ranks_a_range(
    visit: Visit, site: Site
) -> None:
    page = visit("i/image0/index.html#layer=1&head=1").page
    codes = chunk(site, "plain")[0].codes[0, 0]
    for (row, col), code in np.ndenumerate(codes):
        point(page, "plain", (col + 0.5) * 16, (row + 0.5) * 16)
        value, share, rank, *_ = readout(page, "plain").split("\t")
        first, same = int((codes > code).sum()) + 1, int((codes == code).sum())
        assert rank == (f"{first} of 24" if same == 1 else f"{first}–{first + same - 1} of 24")
        assert value.startswith("<") == share.startswith("<") == (code == 0)


@pytest.mark.slow
def test_reading_values_never_moves_the_page(visit: Visit) -> None:
    page = visit("i/image0/index.html").page
    heights = set()
    for x in (2.0, 20.0, 50.0, 94.0):
        for y in (2.0, 33.0, 62.0):
            point(page, "deep", x, y)
            heights.add(page.evaluate("() => document.documentElement.scrollHeight"))
    assert len(heights) == 1


CUT = """() => [...document.querySelectorAll(".reading thead th, .reading td")]
  .filter((cell) => cell.checkVisibility() && cell.textContent)
  .filter((cell) => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    const room = cell.clientWidth - parseFloat(getComputedStyle(cell).paddingInlineEnd);
    return range.getBoundingClientRect().width > room + 0.5;
  })
  .map((cell) => cell.textContent)"""


JOINED = """() => [...document.querySelectorAll(".reading tbody tr")].flatMap((row) => {
  const boxes = [...row.querySelectorAll("td")].filter((cell) => cell.checkVisibility()).slice(0, 4)
    .map((cell) => {
      const range = document.createRange();
      range.selectNodeContents(cell);
      return { text: cell.textContent, ...range.getBoundingClientRect().toJSON() };
    });
  return boxes.slice(1).filter((box, i) => box.left < boxes[i].right + 4).map((box) => box.text);
})"""
"""Numbers with no room to what is before them."""

WRITE = """(numbers) => document.querySelectorAll(".reading tbody tr").forEach((row) =>
  numbers.forEach((number, i) => { row.querySelectorAll("td")[i].textContent = number; }))"""

LONGEST = [
    ["0.0123 ×", "0.0881 %", "1,369", "12.34 ×"],
    ["113.4 ×", "0.945 %", "1–12", "1.20 ×"],
]
"""Of maps of 37 x 37 patches: value, share, rank and norm."""


@pytest.mark.parametrize("width", [360, 390, 720, 900, 1024, 1280])
def test_no_number_in_the_table_of_values_is_cut(visit: Visit, width: int) -> None:
    page = visit("i/image0/index.html", width=width).page
    point(page, "plain", 40, 50)
    assert page.evaluate(CUT) == []
    assert page.locator('[data-reading="0"] td:visible').count() >= 4
    for numbers in LONGEST:
        page.evaluate(WRITE, numbers)
        assert page.evaluate(CUT) == []
        assert page.evaluate(JOINED) == []
    point(page, "plain", 2, 33)
    assert "Outside of what this model saw." in readout(page, "registers")
    assert page.evaluate(CUT) == []


@pytest.mark.parametrize("width", [390, 1280])
def test_the_table_says_at_which_patch_its_values_are(visit: Visit, width: int) -> None:
    page = visit("i/image0/index.html", width=width).page
    said = page.locator("#reading-of")
    expect(said).to_have_text("Values at the strongest patch of each map")
    clipped = said.evaluate("caption => getComputedStyle(caption).clipPath !== 'none'")
    # where there is room for the column of patches, that says it
    assert clipped == page.locator('[data-reading="0"] .where').is_visible()
    point(page, "plain", 40, 30)
    expect(said).to_have_text("Values at the patch under the pointer")
    page.keyboard.down("Shift")
    page.mouse.down()
    page.mouse.up()
    page.keyboard.up("Shift")
    page.mouse.move(1, 1)
    expect(said).to_have_text("Values at the pinned patch")


def test_the_mark_is_on_the_same_place_in_every_model(image_page: Page) -> None:
    point(image_page, "plain", 40, 50)
    for number, model in enumerate(MODELS):
        whole = stage(image_page, model).bounding_box()
        mark = image_page.locator(
            f'[data-model="{number}"] .stage-mark:not(.stage-query)'
        ).bounding_box()
        x = (40 / 96 * whole["width"]) + whole["x"]
        y = (50 / 64 * whole["height"]) + whole["y"]
        assert mark["x"] - 0.5 <= x <= mark["x"] + mark["width"] + 0.5, model
        assert mark["y"] - 0.5 <= y <= mark["y"] + mark["height"] + 0.5, model


def test_a_patch_has_the_color_of_its_value_on_the_shared_scale(visit: Visit, site: Site) -> None:
    page = visit("i/image0/index.html#layer=2&head=2&overlay=100").page
    shared, colors = scale(site), color_table("magma").astype(int)
    for number, model in enumerate(MODELS):
        quantized, _ = chunk(site, model)
        values = decode(quantized)[1, 1]
        index = np.clip(shared.position(values) * 256, 0, 255).astype(int)
        canvas = page.locator(f'[data-model="{number}"] .stage-map')
        shot = np.asarray(Image.open(io.BytesIO(canvas.screenshot())).convert("RGB"), dtype=int)
        rows, cols = values.shape
        # a third down and right of the corner: neither the mark of a clipped patch nor its dot
        y = ((np.arange(rows) + 0.3) / rows * shot.shape[0]).astype(int)
        x = ((np.arange(cols) + 0.3) / cols * shot.shape[1]).astype(int)
        assert np.abs(shot[np.ix_(y, x)] - colors[index]).max() <= 2, model


@pytest.mark.slow
def test_the_wall_shows_each_map_in_its_row_and_column(visit: Visit, site: Site) -> None:
    page = visit("i/image0/index.html#layer=3").page
    quantized, _ = chunk(site, "plain")
    shared, colors = scale(site), color_table("magma").astype(int)
    values = decode(quantized)
    # as the page finds it: the maximum and the minimum over heads have columns, too
    heads = values[:, :-1]
    fused = [decode(encode(each(heads, 1)[:, None])) for each in (np.max, np.min)]
    values = np.concatenate([values, *fused], axis=1)
    frame = page.locator('[data-wall="0"] .wall-frame')
    frame.scroll_into_view_if_needed()
    pixels = page.evaluate(
        """() => {
            const canvas = document.querySelector('[data-wall="0"] canvas');
            const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            return [canvas.width, canvas.height, Array.from(data.data)];
        }"""
    )
    wall = np.array(pixels[2]).reshape(pixels[1], pixels[0], 4)[..., :3]
    layers, columns, rows, cols = values.shape
    height = (wall.shape[0] + 1) / layers - 1
    width = (wall.shape[1] - 7 - (columns - 2)) / columns
    for layer in range(layers):
        for column in range(columns):
            place = (column + 3) % columns  # those over all heads stand first
            left = place * (width + 1) + (6 if place > 2 else 0)
            y = (layer * (height + 1) + (np.arange(rows) + 0.5) / rows * height).astype(int)
            x = (left + (np.arange(cols) + 0.5) / cols * width).astype(int)
            index = np.clip(shared.position(values[layer, column]) * 256, 0, 255).astype(int)
            found = wall[np.ix_(y, x)]
            assert np.abs(found - colors[index]).max() <= 2, (layer, column)


def test_each_maps_own_scale_is_labeled(visit: Visit) -> None:
    page = visit("i/image0/index.html").page
    titles = page.locator(".readout-title .visually-hidden")
    assert not any("Scale" in text for text in titles.all_text_contents())
    page.get_by_role("radio", name="look").check()
    settle(page)
    own = [re.match(r"Scale (\S+) to (\S+) ×\. Layer", text) for text in titles.all_text_contents()]
    assert all(own)
    assert len({found[2] for found in own if found}) == 4
    assert "each map on its own scale" in page.locator("#bar-says").inner_text()
    assert (
        page.locator(".shared-bar .bar-ticks").evaluate(
            "element => getComputedStyle(element).visibility"
        )
        == "hidden"
    )


def test_the_minimum_over_heads_says_what_it_sums_to(visit: Visit, site: Site) -> None:
    page = visit("i/image0/index.html#layer=3&head=min").page
    record = site[0].record("registers", "image0")
    least = record.rows("CLS")[2].astype(float).min(axis=0) / record.layout.tokens
    page.locator("#numbers > summary").click()
    beside = page.locator('[data-numbers="1"] .mass')
    expect(beside.locator("li")).to_have_count(4)
    shown = [text.replace("\xa0", " ").split() for text in beside.locator("li").all_inner_texts()]
    assert float(shown[-1][1]) == pytest.approx(
        100 * least[record.layout.patch_slice].sum(), rel=0.06
    )
    said = beside.locator(".mass-note").inner_text()
    assert float(said.split("sums to about ")[1].split("\xa0")[0]) == pytest.approx(
        100 * least.sum(), rel=0.06
    )


def test_masses_beside_the_map_are_the_records(visit: Visit, site: Site) -> None:
    page = visit("i/image0/index.html#layer=3&head=1").page
    record = site[0].record("registers", "image0")
    row = record.rows("CLS")[2, 0].astype(float) / record.layout.tokens
    page.locator("#numbers > summary").click()
    shown = page.locator('[data-numbers="1"] .mass-list li')
    expect(shown).to_have_count(4)
    texts = [text.replace("\xa0", " ").split() for text in shown.all_inner_texts()]
    assert [text[0] for text in texts] == ["CLS", "reg1", "reg2", "patches"]
    wanted = [*row[:3], row[3:].sum()]
    for text, share in zip(texts, wanted, strict=True):
        assert float(text[1]) == pytest.approx(100 * share, rel=0.06)
