"""The hero of the index: chosen by its rule, with numbers that an independent computation gives."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.distance import jensenshannon

from generator.present.drawing.colors import color_table
from generator.present.drawing.heatmap import SMOOTH, smooth_png
from generator.present.pages.index.hero import best_columns
from generator.present.site.write import build_site
from generator.records.paper import Paper, TeaserCell
from tests.present.gallery import Gallery, gallery, many
from tests.present.site.test_site import VERSION, manifest, page

Again = Callable[..., tuple[Gallery, Path]]
PAIRS = [(0, 1), (0, 2), (1, 2)]


def built(trial: Gallery, folder: Path) -> Path:
    build_site(trial.run, trial.read, folder / "site", version=VERSION)
    return folder / "site"


def means(trial: Gallery, model: str, image: str) -> np.ndarray:
    """Means over heads of CLS attention: ``[layer, patch]``, of sum 1."""
    record = trial.record(model, image)
    found = record.layout.fold(record.rows("CLS")).astype(float).mean(1)
    return found.reshape(len(found), -1) / found.sum((1, 2))[:, None]


def apart(maps: list[np.ndarray]) -> float:
    bits = [jensenshannon(maps[a], maps[b], base=2) ** 2 for a, b in PAIRS[: len(maps) * 2 - 3]]
    return float(np.mean(bits))


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> tuple[Gallery, Path]:
    """Models of 3 layers on the same grid."""
    folder = tmp_path_factory.mktemp("three")
    trial = many(folder / "pictures", 6, models=3)
    return trial, built(trial, folder)


def test_the_picture_and_the_layer_are_those_on_which_the_models_differ_most(
    three: tuple[Gallery, Path],
) -> None:
    trial, site = three
    index = page(site, "index.html")
    models = [model.slug for model in trial.run.models]
    last = {
        image.slug: apart([means(trial, model, image.slug)[-1] for model in models])
        for image in trial.run.images
    }
    image = max(last, key=lambda slug: last[slug])
    layers = [apart([means(trial, model, image)[layer] for model in models]) for layer in range(3)]
    layer = 1 + int(np.argmax(layers))
    (slider,) = [each for each in index.all("input") if each.get("id") == "hero-depth"]
    assert (slider["value"], slider["max"]) == (str(layer), "3")
    assert f"i/{image}/index.html#layer={layer}" in index.links
    (said,) = [each for each in index.all("output") if each.get("id") == "hero-apart"]
    bits = [float(text.removesuffix(" bits")) for text in (said["data-apart"] or "").split("|")]
    assert bits == pytest.approx(layers, abs=2e-3)
    text = " ".join(index.text.split())
    where = "the last layer" if layer == 3 else f"layer {layer} of 3"
    apart_here = (said["data-apart"] or "").split("|")[layer - 1]
    assert f"(of 6 pictures). In {where}, their maps differ by {apart_here}" in text


def test_it_says_what_share_the_strongest_tenth_of_the_patches_holds(
    three: tuple[Gallery, Path],
) -> None:
    trial, site = three
    text = " ".join(page(site, "index.html").text.replace("\u00a0", " ").split())
    found = re.search(
        r"tenth of the patches holds from ([\d.]+) % of CLS attention in “(.+?)” to "
        r"([\d.]+) % in “(.+?)”\.",
        text,
    )
    assert found is not None
    html = (site / "index.html").read_text(encoding="utf-8")
    link = re.search(r'"i/([^/]+)/index.html#layer=(\d)"', html)
    assert link is not None
    shares = {}
    for model in trial.run.models:
        record = trial.record(model.slug, link[1])
        values = record.layout.fold(record.rows("CLS")).astype(float).mean(1)[int(link[2]) - 1]
        strongest = np.sort(values.ravel())[::-1][: round(values.size / 10)]
        shares[model.label] = 100 * strongest.sum() / record.layout.tokens
    least, most = min(shares, key=shares.__getitem__), max(shares, key=shares.__getitem__)
    assert (found[2], found[4]) == (least, most)
    assert float(found[1]) == pytest.approx(shares[least], rel=0.01)
    assert float(found[3]) == pytest.approx(shares[most], rel=0.01)
    decimals = [len(found[n].partition(".")[2]) for n in (1, 3)]
    assert decimals[0] == decimals[1]


def test_models_of_different_depth_are_shown_at_the_same_relative_depth(again: Again) -> None:
    _, site = again()
    index = page(site, "index.html")
    (slider,) = [each for each in index.all("input") if each.get("id") == "hero-depth"]
    depth = int(slider["value"] or "")
    assert slider["max"] == "6"
    assert f"layer {depth}/6" in index.text
    assert f"layer {max(1, int(depth / 2 + 0.5))}/3" in index.text
    # a model that failed is not among them, and is told of below
    assert len([each for each in index.all("figure") if each.get("class") == "hero-map"]) == 4
    assert "The model tiny/gone is not on the hub." in index.text


def test_one_model_has_the_picture_on_which_it_looks_most_narrowly(tmp_path: Path) -> None:
    trial = many(tmp_path / "pictures", 6, models=1)
    index = page(built(trial, tmp_path), "index.html")
    # entropy falls from picture to picture
    text = " ".join(index.text.replace("\u00a0", " ").split())
    assert (
        "“Model 0” looks most narrowly on Picture 5 (of 6 pictures). In the last layer, the "
        "strongest tenth of the patches holds" in text
    )
    assert "hero-apart" not in (tmp_path / "site/index.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_teaser_of_a_paper_takes_its_place(again: Again) -> None:
    _, site = again(paper=Paper(teaser=(TeaserCell("registers", "image1", 2, 1),)))
    html = (site / "index.html").read_text(encoding="utf-8")
    assert 'class="teaser"' in html
    assert 'class="hero"' not in html


@pytest.mark.parametrize(
    ("layer", "slides"), [("last", True), (3, False)], ids=["same depth", "other depth"]
)
@pytest.mark.slow
def test_a_teaser_of_one_picture_at_one_depth_has_the_slider(
    again: Again, layer: int | Literal["last"], slides: bool
) -> None:
    paper = Paper(teaser=(TeaserCell("deep", "image1", layer), TeaserCell("plain", "image1")))
    _, site = again(paper=paper)
    html = (site / "index.html").read_text(encoding="utf-8")
    assert ('class="hero"' in html, 'class="teaser"' in html) == (slides, not slides)
    if slides:
        index = page(site, "index.html")
        assert "in the last layer, the maps differ by" in " ".join(index.text.split())
        assert index.text.index("Deep") < index.text.index("Plain")
        assert "The authors chose this picture" in page(site, "methods/index.html").text


def test_a_gallery_without_a_measured_cell_has_none(tmp_path: Path) -> None:
    trial = gallery(tmp_path / "pictures")
    run = trial.run
    failed = tuple(replace(cell, record="", failure=run.models[-1].failure) for cell in run.cells)
    site = built(replace(trial, run=replace(run, cells=failed)), tmp_path)
    assert 'class="hero"' not in (site / "index.html").read_text(encoding="utf-8")


def test_its_files_are_in_the_manifest_and_the_rule_on_the_methods_page(again: Again) -> None:
    _, site = again()
    front = {file.path for file in manifest(site).front}
    assert len([path for path in front if "-mean-smooth." in path]) == 4
    assert all((site / path).is_file() for path in front)
    methods = page(site, "methods/index.html").text
    assert "The picture on which the models' last layers differ most" in methods


def test_a_smooth_map_has_the_colors_of_its_own_scale() -> None:
    values = np.array([[1 / 8, 1], [2, 8]], dtype=np.float32)
    with Image.open(io.BytesIO(smooth_png(values, "magma"))) as png:
        drawn = np.asarray(png.convert("RGB"))
    assert drawn.shape == (2 * SMOOTH, 2 * SMOOTH, 3)
    table = color_table("magma")
    # the corners are the patches themselves, the ends of the scale
    assert (drawn[0, 0] == table[0]).all()
    assert np.abs(drawn[-1, -1].astype(int) - table[255]).max() <= 12
    light = drawn.astype(int).sum(-1)
    assert (np.diff(light, axis=0) >= 0).all()
    assert (np.diff(light, axis=1) >= 0).all()


@pytest.mark.parametrize(
    ("models", "aspect", "columns"),
    [(1, 1.0, 2), (2, 1.0, 3), (3, 1.0, 4), (4, 1.0, 5), (6, 1.5, 4), (3, 1.5, 2), (2, 0.6, 3)],
)
def test_columns_are_those_with_which_maps_are_largest(
    models: int, aspect: float, columns: int
) -> None:
    assert best_columns(models + 1, aspect) == columns
