"""A whole site in one file, opened by double click: every page, every control, no request."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from generator.export.single.file import single_file
from generator.present.cells.chunks.chunk import read_chunk
from generator.present.files.manifest_file import read_manifest
from generator.text.numbers import number
from tests.browser.opened import Opened, heat_cell, overflow, settle
from tests.export.conftest import Exportable, exported
from tests.present.gallery import HOSTILE, Gallery, gallery, many

pytestmark = pytest.mark.browser
CAPTION = "#page=i/image1&layer=2&head=1&query=CLS"


def pictures_that_are_shown(page: Page) -> None:
    """Every picture in the page has arrived, wherever it is."""
    script = """async () => {
      const images = [...document.body.querySelectorAll('img')];
      images.forEach((image) => (image.loading = 'eager'));
      await Promise.all(images.map((image) => image.decode().catch(() => undefined)));
      return [images.length, images.filter((image) => !image.naturalWidth).length];
    }"""
    count, broken = page.evaluate(script)
    assert count > 0
    assert broken == 0


@pytest.mark.slow
def test_the_same_site_is_the_same_file(twice: Callable[..., Path], single: Path) -> None:
    assert twice("single", "gallery.html").read_bytes() == single.read_bytes()


@pytest.mark.slow
def test_from_the_index_to_an_image_to_a_model_and_back(
    look: Callable[..., Opened], single: Path
) -> None:
    opened = look(single)
    page = opened.page
    expect(page.locator("h1")).to_have_text("Trial")
    pictures_that_are_shown(page)
    page.get_by_role("link", name="Image1").click()
    expect(page.locator("h1")).to_have_text("Image1")
    opened.wait()
    expect(page).to_have_title("Image1 · Trial")
    pictures_that_are_shown(page)
    page.locator("#layer").select_option("1")
    page.locator("#query").select_option("patch")
    opened.wait()
    assert "page=i/image1&layer=1" in page.url
    page.get_by_role("link", name="Registers").first.click()
    expect(page.locator("h1")).to_have_text("Registers")
    pictures_that_are_shown(page)
    page.go_back()
    expect(page.locator("h1")).to_have_text("Image1")
    opened.wait()
    assert page.locator("#layer").input_value() == "1"
    assert page.locator("#query").input_value() == "patch"
    page.locator(".masthead-title").click()
    expect(page.locator("h1")).to_have_text("Trial")
    assert overflow(page) <= 0


@pytest.mark.slow
def test_a_deep_link_opens_the_view_it_names(look: Callable[..., Opened], single: Path) -> None:
    page = look(single, CAPTION + "&view=heads").page
    assert page.locator("#layer").input_value() == "2"
    assert page.locator("#head").input_value() == "1"
    expect(page.locator(".tiles")).to_be_visible()
    page.locator("#head").select_option("2")
    assert "page=i/image1&layer=2&head=2" in page.url
    page.reload()
    expect(page.locator("h1")).to_have_text("Image1")
    assert page.locator("#head").input_value() == "2"


@pytest.mark.slow
def test_the_next_image_keeps_what_is_chosen(look: Callable[..., Opened], single: Path) -> None:
    opened = look(single, "#page=i/image0&layer=1&head=2")
    opened.page.locator("a[rel=next]").click()
    expect(opened.page.locator("h1")).to_have_text("Image1")
    opened.wait()
    assert "page=i/image1&layer=1&head=2" in opened.page.url
    assert opened.page.evaluate("scrollY") == 0


def test_values_are_those_of_the_site(
    look: Callable[..., Opened], single: Path, made: Exportable
) -> None:
    """What a reader reads off in the file is what the site's own chunk says."""
    manifest = read_manifest(made.site)
    assert manifest is not None
    cell = next(c for c in manifest.cells if (c.model, c.image) == ("plain", "image0"))
    header, _ = read_chunk(made.site / cell.files[0].path)
    expected = header.maxima[2][header.heads]
    page = look(single, "#page=i/image0&layer=3&head=mean").page
    text = page.locator('[data-reading="0"]').inner_text()
    assert f"{number(expected)}" in text


def test_places_on_a_page_and_files_to_download(look: Callable[..., Opened], single: Path) -> None:
    page = look(single, CAPTION).page
    page.locator("a.skip").focus()
    page.keyboard.press("Enter")
    assert CAPTION in page.url
    assert page.evaluate("document.activeElement.id") == "main"
    with page.expect_download() as download:
        page.get_by_role("link", name="manifest").click()
    assert download.value.suggested_filename == "manifest.json"
    saved = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert saved["title"] == "Trial"


def test_a_square_of_a_heat_map_leads_to_its_head(
    look: Callable[..., Opened], single: Path
) -> None:
    opened = look(single, "#page=m/registers")
    page = opened.page
    page.mouse.click(*heat_cell(page, "head-entropy", 3, 2))
    expect(page.locator("h1")).to_have_text("Image0")
    opened.wait()
    assert page.locator("#layer, #head").evaluate_all("all => all.map(e => e.value)") == ["3", "2"]


def test_a_chart_leads_to_the_place_where_its_number_is_defined(
    look: Callable[..., Opened], single: Path
) -> None:
    page = look(single, "#page=m/registers").page
    page.locator("#rollout-cosine").get_by_role("link", name="similarity of rollouts").click()
    expect(page.locator("h1")).to_have_text("Methods")
    expect(page.locator("h3", has_text="similarity of rollouts")).to_be_in_viewport()
    page.get_by_role("link", name="Versions").click()
    expect(page.locator("#versions")).to_be_in_viewport()
    expect(page.locator("h1")).to_have_text("Methods")


def test_a_page_that_is_not_there_is_the_front_page(
    look: Callable[..., Opened], single: Path
) -> None:
    page = look(single, "#page=m/nothing").page
    expect(page.locator("h1")).to_have_text("Trial")
    expect(page.locator("body")).to_be_visible()


def test_without_javascript_the_front_page_is_there(
    look: Callable[..., Opened], single: Path
) -> None:
    page = look(single, scripts=False).page
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator("noscript .left-out")).to_be_visible()
    shown = page.locator(".image-card img")
    assert shown.count() > 4


def test_nothing_in_the_file_leads_outside_or_to_a_folder(single: Path) -> None:
    html = single.read_text(encoding="utf-8")
    assert re.findall(r'(?:src|href)="(?!data:|#|https?://)([^"]*)"', html) == []
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    assert "unsafe" not in policy[1]
    assert "'self'" not in policy[1]


def test_a_narrow_window_is_enough(look: Callable[..., Opened], single: Path) -> None:
    opened = look(single, CAPTION, width=390)
    assert overflow(opened.page) <= 0


# --- the cap -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_does_not_fit_is_left_out_in_order_and_said(
    made: Exportable, single: Path, tmp_path: Path, look: Callable[..., Opened]
) -> None:
    whole = len(single.read_bytes())
    path = tmp_path / "small.html"
    said: list[str] = []
    sizes = []
    for percent in range(98, 40, -2):
        megabytes = f"{whole * percent / 100 / 1e6:.6f}"
        output = made.export("single", "-o", str(path), "--max-size", megabytes)
        sizes.append(len(path.read_bytes()))
        assert sizes[-1] <= float(megabytes) * 1e6
        lines = [line.split(": ", 1)[1] for line in output.splitlines() if "Left out" in line]
        assert lines[: len(said)] == said or len(lines) >= len(said)
        if "heads stays)." in output:
            break
        said = lines
    assert said[:2] == [
        "attention with patches as queries.",
        "cosines with any chosen patch (those with a few stated patches stay).",
    ]
    opened = look(path, "#page=i/image0&layer=3&head=1&query=reg1")
    page = opened.page
    expect(page.locator(".left-out").first).to_contain_text("attention with patches as queries")
    assert "patch" not in page.locator("#query option").evaluate_all("a => a.map(o => o.value)")
    message = page.locator('[data-model="1"] [data-stage]')
    expect(message).to_contain_text("Left out of this file to keep it small")
    page.locator("#head").select_option("mean")
    expect(message).not_to_contain_text("Left out")


@pytest.mark.slow
def test_pages_of_images_go_last_and_from_the_end(
    tmp_path: Path, look: Callable[..., Opened]
) -> None:
    trial = many(tmp_path / "pictures", 12, groups=1)
    other = exported(trial, tmp_path)
    other.export("single", "-o", str(tmp_path / "whole.html"))
    size = (tmp_path / "whole.html").stat().st_size
    small = tmp_path / "small.html"
    for percent in range(95, 20, -5):
        limit = f"{size * percent / 100 / 1e6:.6f}"
        said = other.export("single", "-o", str(small), "--max-size", limit)
        if "last" in said and "images" in said:
            break
    gone = int(re.findall(r"of the last (\d+) images", said)[0])
    page = look(small).page
    titles = page.locator("#image-cards .image-card-title a[href]").all_inner_texts()
    assert titles == [f"Picture {n}" for n in range(12 - gone)]
    page.locator("#find-name").fill("Picture")
    expect(page.locator("#find-count")).to_have_text("12 of 12 pictures")
    assert page.locator("#found .image-card-title a").all_inner_texts() == titles
    pictures_that_are_shown(page)
    page.locator("#found .image-card-title a").first.click()
    expect(page.locator("h1")).to_have_text("Picture 0")


@pytest.mark.slow
def test_as_many_images_stay_as_fit_to_the_byte(tmp_path: Path) -> None:
    other = exported(many(tmp_path / "pictures", 8, groups=1), tmp_path)
    manifest = read_manifest(other.site)
    assert manifest is not None
    smallest = len(single_file(other.site, manifest, 10**9).data)
    for _ in range(40):
        smallest = smallest * 95 // 100
        found = single_file(other.site, manifest, smallest)
        if "images" in found.left_out[-1]:
            break
    size = len(found.data)
    assert single_file(other.site, manifest, size).left_out == found.left_out
    fewer = single_file(other.site, manifest, size - 1)
    gone, more = (int(re.findall(r"last (\d+) images", f.left_out[-1])[0]) for f in (found, fewer))
    assert more == gone + 1
    assert len(fewer.data) < size


def test_a_size_that_nothing_fits_in_is_refused(made: Exportable, tmp_path: Path) -> None:
    said = made.export("single", "-o", str(tmp_path / "a.html"), "--max-size", "0.001", code=2)
    assert re.fullmatch(
        r"Error: Even with one image the file would have \d\.\d MB, "
        r"more than the 1\.0 kB allowed\. "
        r"Allow more with --max-size, or export the site as an archive\.\n",
        said,
    )


@pytest.mark.slow
def test_a_page_of_hostile_names_stays_text(tmp_path: Path, look: Callable[..., Opened]) -> None:
    trial = gallery(tmp_path / "pictures")
    images = tuple(replace(image, title=HOSTILE, alt=HOSTILE) for image in trial.run.images)
    models = tuple(replace(model, label=HOSTILE + model.slug) for model in trial.run.models)
    run = replace(trial.run, title=HOSTILE, images=images, models=models)
    other = exported(Gallery(run, trial.records), tmp_path)
    other.export("single", "-o", str(tmp_path / "a.html"))
    opened = look(tmp_path / "a.html", "#page=i/image0&layer=1")
    settle(opened.page)
    expect(opened.page.locator("h1")).to_have_text(HOSTILE)
    assert opened.page.title() == f"{HOSTILE} · {HOSTILE}"
