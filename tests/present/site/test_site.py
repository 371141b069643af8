"""The built folder: complete, portable, always the same, and safe whatever names it is given."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from generator.errors import StoreError
from generator.present.cells.chunks.chunk import read_chunk
from generator.present.drawing.quantize import decode, error_bound
from generator.present.files.manifest import Manifest
from generator.present.files.manifest_file import read_manifest
from generator.present.files.reductions import wall_grid
from generator.present.site.result import SiteResult
from generator.present.site.write import build_site
from generator.records.record import View
from generator.text.numbers import number
from tests.present.gallery import COMMAND, HOSTILE, Gallery, gallery, tree

Built = tuple[Gallery, Path, SiteResult]
VERSION = "1.2.3"


class Page(HTMLParser):
    """Links, texts and elements of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        self.links += [v for k, v in found.items() if k in {"href", "src"} and v]

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def page(site: Path, path: str) -> Page:
    return Page((site / path).read_text(encoding="utf-8"))


def manifest(site: Path) -> Manifest:
    found = read_manifest(site)
    assert found is not None
    return found


def page_data(site: Path, path: str) -> dict:
    html = (site / path).read_text(encoding="utf-8")
    found = re.search(r'id="page-data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


# --- what is there ------------------------------------------------------------------------------


def test_a_models_small_maps_say_what_they_are_and_their_unit(built: Built) -> None:
    trial, site, _ = built
    for model in trial.run.models:
        records = [r for r in trial.records.values() if r.model.id == model.id]
        if records:
            html = (site / f"m/{model.slug}/index.html").read_text(encoding="utf-8")
            assert f"layer {records[0].model.layers}, mean over heads, one scale" in html
            assert "times uniform" in html


def test_every_model_image_and_failure_is_on_the_index(built: Built) -> None:
    trial, site, _ = built
    index = page(site, "index.html")
    for model in trial.run.models:
        assert model.label in index.text
        assert f"m/{model.slug}/index.html" in index.links
    for image in trial.run.images:
        assert image.title in index.text
    for failure in trial.run.failures:
        assert failure.message in index.text
        assert failure.hint in index.text
    assert COMMAND in index.text
    assert "A. Painter, CC0" in index.text


def test_an_image_page_names_every_model_and_why_one_is_missing(built: Built) -> None:
    trial, site, _ = built
    found = page(site, "i/image0/index.html")
    for model in trial.run.models:
        assert model.label in found.text
    assert "The model tiny/gone is not on the hub." in found.text
    assert "mean received attention (this model has no CLS token)" in found.text


def test_without_scripts_every_wall_is_an_image_with_a_text_from_its_data(built: Built) -> None:
    trial, site, _ = built
    html = (site / "i/image0/index.html").read_text(encoding="utf-8")
    plain = Page(html[html.index("<noscript>") : html.index("</noscript>")])
    walls = [image for image in plain.all("img") if "wall" in (image["src"] or "")]
    assert len(walls) == 4
    record = trial.record("plain", "image0")
    strongest = record.attention[0][..., record.layout.patch_slice].max()
    assert f"{number(strongest)} times uniform" in (walls[0]["alt"] or "")
    # the shared scale's numbers stand beside them
    assert "times uniform" in plain.text
    low = manifest(site).scale.low
    assert f"1/{round(1 / low)}" in plain.text


def test_a_wall_shows_every_head_of_every_layer_in_its_place(built: Built) -> None:
    trial, site, _ = built
    (cell,) = (c for c in manifest(site).cells if (c.model, c.image) == ("registers", "image1"))
    (wall,) = (file for file in cell.files if file.kind == "wall")
    with Image.open(site / wall.path) as png:
        pixels = np.asarray(png.convert("RGB"), dtype=int)
    rows, cols = 4, 6
    assert pixels.shape == (3 * (rows + 1) - 1, 5 * (cols + 1) - 1, 3)
    record = trial.record("registers", "image1")
    maps = record.layout.fold(record.rows("CLS")).astype(float)
    brightness = pixels.sum(-1)
    for layer in range(3):
        for head in range(2):
            top, left = layer * (rows + 1), head * (cols + 1)
            shown = brightness[top : top + rows, left : left + cols]
            brightest = np.unravel_index(shown.argmax(), shown.shape)
            assert maps[layer, head][brightest] >= 0.8 * maps[layer, head].max()
    # then what is over heads: mean, maximum and minimum, in order of brightness
    fused = [brightness[:, (2 + n) * (cols + 1) :][:, :cols] for n in range(3)]
    assert fused[1].sum() > fused[0].sum() > fused[2].sum()
    for layer in range(3):
        shown = fused[2][layer * (rows + 1) :][:rows]
        brightest = np.unravel_index(shown.argmax(), shown.shape)
        least = maps[layer].min(axis=0)
        assert least[brightest] >= 0.8 * least.max()


@pytest.mark.parametrize(
    ("grid", "cells"),
    [((4, 6), (4, 6)), ((37, 37), (16, 16)), ((24, 48), (8, 16)), ((1, 99), (1, 16))],
)
def test_the_maps_of_a_wall_keep_their_proportions(
    grid: tuple[int, int], cells: tuple[int, int]
) -> None:
    assert wall_grid(*grid) == cells


def test_chunks_hold_the_record_within_the_bound(built: Built) -> None:
    trial, site, _ = built
    for cell in manifest(site).cells:
        for file in cell.files:
            if file.kind != "chunk":
                continue
            header, quantized = read_chunk(site / file.path)
            record = trial.record(cell.model, cell.image)
            assert header.record == record.key
            token = header.token
            source = record.received_by_all() if token == "received" else record.rows(token)
            wanted = record.layout.fold(source).astype(np.float32)
            found = decode(quantized)[: record.model.layers, : record.model.heads]
            maxima = wanted.max((-2, -1), keepdims=True)
            assert (np.abs(found - wanted) <= error_bound(wanted, maxima)).all()


def test_the_page_draws_over_exactly_what_the_grid_covers(tmp_path: Path) -> None:
    trial = gallery(tmp_path / "pictures", field_of_view="square")
    key = trial.run.cell("plain", "image0").record
    view = View(96, 64, left=16.5, top=0, right=80.5, bottom=64, input_width=96, input_height=64)
    trial.records[key] = replace(trial.records[key], view=view)
    build_site(trial.run, trial.read, tmp_path / "site", version=VERSION)
    data = page_data(tmp_path / "site", "i/image0/index.html")
    model = data["models"][0]
    assert (data["width"], data["height"]) == (96, 64)
    assert model["view"] == [16.5, 0, 80.5, 64]
    assert model["grid"] == [4, 6]


def test_the_report_counts_what_was_made(built: Built) -> None:
    trial, site, report = built
    assert report.pages == 1 + 2 + 5 + 1 + 1
    assert report.bytes == sum(len(data) for data in tree(site).values())
    assert report.failures == tuple(dict.fromkeys(trial.run.failures))
    assert len(trial.reads) == len(set(trial.reads)) == 8


# --- portable -----------------------------------------------------------------------------------


def test_every_link_is_relative_and_leads_somewhere(built: Built) -> None:
    _, site, _ = built
    for path in site.rglob("*.html"):
        found = Page(path.read_text(encoding="utf-8"))
        for link in found.links:
            if link.startswith(("data:", "#")):
                continue
            assert not re.match(r"[a-z]+:|/", link), link
            assert (path.parent / unquote(link.partition("#")[0])).is_file(), f"{path}: {link}"


def test_nothing_in_the_site_knows_where_or_when_it_was_made(built: Built) -> None:
    trial, site, _ = built
    forbidden = [str(site.parent), str(trial.run.images[0].path.parent), "SecretCamera"]
    forbidden += ["SecretComment", "GPS"]
    for path, data in tree(site).items():
        for word in forbidden:
            assert word.encode() not in data, f"{word} in {path}"


def test_published_pictures_carry_pixels_only(built: Built) -> None:
    _, site, _ = built
    pictures = list(site.rglob("*.webp"))
    # the picture, a small one, and what the models saw
    assert len(pictures) == 6
    for path in pictures:
        with Image.open(path) as picture:
            assert dict(picture.getexif()) == {}
            assert not {"exif", "icc_profile", "xmp", "comment"} & set(picture.info)


def test_pages_allow_nothing_but_their_own_files(built: Built) -> None:
    _, site, _ = built
    for path in site.rglob("*.html"):
        found = Page(path.read_text(encoding="utf-8"))
        policy = next(m["content"] for m in found.all("meta") if m.get("http-equiv"))
        assert policy is not None
        assert "default-src 'none'" in policy
        assert "connect-src 'none'" in policy
        assert not any("style" in attrs for _, attrs in found.tags)
        assert not any(k.startswith("on") for _, attrs in found.tags for k in attrs)
        assert not any(
            not attrs.get("src") and "json" not in (attrs.get("type") or "")
            for attrs in found.all("script")
        )


def test_images_have_sizes_so_that_nothing_jumps(built: Built) -> None:
    _, site, _ = built
    for path in site.rglob("*.html"):
        for image in Page(path.read_text(encoding="utf-8")).all("img"):
            assert int(image["width"] or 0) > 0
            assert int(image["height"] or 0) > 0
            assert image["alt"] is not None


def test_the_manifest_lists_every_file_that_matters(built: Built) -> None:
    trial, site, _ = built
    found = manifest(site)
    files = tree(site)
    listed = {file.path: file for file in found.files}
    heavy = {
        path
        for path in files
        if path.startswith(("data/", "i/", "m/", "r/")) and "html" not in path
    }
    assert heavy == set(listed)
    for path, file in listed.items():
        assert len(files[path]) == file.bytes
    assert set(found.pages) == {path for path in files if path.endswith(".html")}
    model = found.models[0]
    assert model.facts is not None
    assert (model.facts.commit, model.facts.license) == ("c" * 40, "apache-2.0")
    assert found.cells[0].record == trial.run.cells[0].record
    assert found.cells[4].failure is not None
    assert found.images[0].license == "CC0"


def test_the_manifests_schema_describes_every_field(built: Built) -> None:
    schema = json.loads((built[1] / "manifest.schema.json").read_text(encoding="utf-8"))
    for described in (schema, *schema["$defs"].values()):
        for name, field in described["properties"].items():
            assert len(field["description"]) > 5, name
    view = schema["$defs"]["View"]["properties"]["left"]["description"]
    assert view == "left edge of the box, in original pixels, possibly fractional."


def test_the_manifest_keeps_to_its_schema(built: Built) -> None:
    schema = json.loads((built[1] / "manifest.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads((built[1] / "manifest.json").read_bytes()))


def test_the_manifest_says_how_each_cell_was_measured(built: Built) -> None:
    trial, site, _ = built
    found = manifest(site)
    for cell in found.cells:
        if cell.failure is not None:
            assert (cell.record, cell.measurement, cell.files) == ("", None, ())
            continue
        assert cell.measurement is not None
        how, record = found.measurements[cell.measurement], trial.records[cell.record]
        assert how.layout == record.layout
        assert how.view == record.view
        assert how.preprocessing == record.preprocessing
        assert how.environment == record.environment
    # two images of one size: what is the same is said once
    assert len(found.measurements) == len(trial.run.models) - 1


def test_the_manifest_has_a_line_for_each_cell(built: Built) -> None:
    trial, site, _ = built
    lines = (site / "manifest.json").read_text(encoding="utf-8").splitlines()
    for cell in trial.run.cells:
        start = f'{{"model":"{cell.model}","image":"{cell.image}","record":"{cell.record}",'
        assert sum(line.startswith(start) for line in lines) == 1


# --- hostile names ------------------------------------------------------------------------------


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    trial = gallery(tmp_path / "pictures")
    run = replace(
        trial.run,
        title=HOSTILE,
        description=HOSTILE,
        command=HOSTILE,
        models=tuple(replace(m, label=HOSTILE + m.slug, id=HOSTILE) for m in trial.run.models),
        images=tuple(
            replace(i, title=HOSTILE, alt=HOSTILE, credit=HOSTILE, source="javascript:alert(1)")
            for i in trial.run.images
        ),
    )
    site = tmp_path / "site"
    build_site(run, trial.read, site, version=VERSION)
    for path in site.rglob("*.html"):
        html = path.read_text(encoding="utf-8")
        found = Page(html)
        assert "<img src=x" not in html
        assert not any(image["src"] == "x" for image in found.all("img"))
        assert not any(link.startswith("javascript:") for link in found.links)
        assert HOSTILE in found.text
    data = page_data(site, "i/image0/index.html")
    assert data["models"][0]["label"] == HOSTILE + "plain"
    assert manifest(site).title == HOSTILE
    for path in site.rglob("*.js"):
        assert b"alert(1)" not in path.read_bytes()


# --- what fails now -----------------------------------------------------------------------------


def test_a_record_that_cannot_be_read_becomes_a_visible_cell(
    trial: Gallery, tmp_path: Path
) -> None:
    lost = trial.run.cell("plain", "image1").record

    def read(key: str) -> object:
        if key == lost:
            raise StoreError("The record of tiny/plain on image1.jpg is damaged.", "Run it again.")
        return trial.read(key)

    site = tmp_path / "site"
    report = build_site(trial.run, read, site, version=VERSION)  # type: ignore[arg-type]
    message = "The record of tiny/plain on image1.jpg is damaged."
    assert message in [failure.message for failure in report.failures]
    assert message in page(site, "index.html").text
    assert message in page(site, "i/image1/index.html").text
    assert message in page(site, "m/plain/index.html").text


def test_a_picture_that_vanished_leaves_its_maps(trial: Gallery, tmp_path: Path) -> None:
    trial.run.images[0].path.unlink()
    site = tmp_path / "site"
    report = build_site(trial.run, trial.read, site, version=VERSION)
    assert any("image0.jpg" in failure.message for failure in report.failures)
    assert str(tmp_path) not in page(site, "i/image0/index.html").text
    assert page_data(site, "i/image0/index.html")["models"][0]["chunks"]


def test_a_gallery_where_everything_failed_is_still_a_page(tmp_path: Path) -> None:
    trial = gallery(tmp_path / "pictures")
    gone = trial.run.models[-1]
    cells = tuple(cell for cell in trial.run.cells if cell.model == "gone")
    run = replace(trial.run, models=(gone,), cells=cells)
    report = build_site(run, trial.read, tmp_path / "site", version=VERSION)
    assert report.pages == 5  # the index, two images, the model, the methods
    assert "is not on the hub" in page(tmp_path / "site", "i/image0/index.html").text
