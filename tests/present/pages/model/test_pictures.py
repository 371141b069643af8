"""Pictures on the page of a model: averages by place, and what its weights show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generator.analysis.attention.averages import LocationAverages
from generator.errors import StoreError
from generator.present.content import averages
from generator.present.drawing.colors import color_table
from generator.present.site.result import SiteResult
from generator.present.site.write import build_site
from generator.records.extras import ModelWeights
from generator.records.packing import unpack
from generator.records.run import Run
from tests import tiny
from tests.present.gallery import BARE, Gallery, many
from tests.present.pages.model.test_model_page import ModelPage, records
from tests.present.site.test_site import VERSION, manifest

Built = tuple[Gallery, Path, SiteResult]


# --- averages by place ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hundred(tmp_path_factory: pytest.TempPathFactory) -> tuple[Gallery, Path]:
    folder = tmp_path_factory.mktemp("hundred")
    trial = many(folder / "pictures", 102, groups=1)
    build_site(trial.run, trial.read, folder / "site", version=VERSION, settings=BARE)
    return trial, folder / "site"


def test_averages_are_withheld_below_a_hundred_images(built: Built) -> None:
    page = ModelPage(built[1], "plain")
    wanted = "Withheld: averages by place need at least 100 images; this run has 2."
    assert wanted in page.text


def test_averages_by_place_are_means_over_all_images(hundred: tuple[Gallery, Path]) -> None:
    trial, site = hundred
    own = records(trial, "model-1")
    (model,) = (item for item in manifest(site).models if item.slug == "model-1")
    files = {file.kind: site / file.path for file in model.files}
    found = unpack(LocationAverages, files["averages"].read_bytes())
    assert found.images == 102
    patches = own[0].layout.patch_slice
    wanted = np.mean([r.attention[..., patches].astype(float).mean(2) for r in own], axis=0)
    np.testing.assert_allclose(found.attention.reshape(wanted.shape), wanted, rtol=1e-4)
    with Image.open(files["average-maps"]) as maps:
        assert maps.size == (3 * 7 - 1, 4 * 5 - 1)  # layers across; CLS, two registers, received
    page = ModelPage(site, "model-1")
    assert "withheld: averages" not in page.text.lower()
    assert "Over 102 images." in page.text
    assert "Queries from the top: CLS token, register 1, register 2; then" in page.text
    assert files["outlier-rates"].name in page.html


@pytest.mark.slow
def test_averages_are_taken_over_without_a_record(hundred: tuple[Gallery, Path]) -> None:
    trial, site = hundred
    before = {file.path for model in manifest(site).models for file in model.files}
    trial.reads.clear()
    another = replace(trial.run, title="Another")
    build_site(another, trial.read, site, version=VERSION, settings=BARE)
    assert trial.reads == []
    assert {file.path for model in manifest(site).models for file in model.files} == before


def test_images_on_several_grids_have_no_averages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(averages, "LEAST_IMAGES", 10)
    trial = many(tmp_path / "pictures", 10, models=1, groups=1)
    key = trial.run.cells[4].record
    other = tiny.record(tiny.layout(rows=3, cols=5))
    trial.records[key] = replace(other, key=key, model=trial.records[key].model)
    build_site(trial.run, trial.read, tmp_path / "site", version=VERSION, settings=BARE)
    page = ModelPage(tmp_path / "site", "model-0")
    assert "Withheld: Averages by place need one model on one grid" in page.text
    assert "4x6" in page.text and "3x5" in page.text


# --- weights --------------------------------------------------------------------------------------


def weights(*, position: bool = True, side: int = 3) -> ModelWeights:
    rng = np.random.default_rng(5)
    f32 = np.float32
    return ModelWeights(
        key="0123abcd" * 8,
        model="tiny/plain",
        position=rng.normal(size=(side * side, 8)).astype(f32) if position else None,
        position_grid=(side, side) if position else (0, 0),
        position_note="" if position else "rotary embedding",
        filters=rng.normal(size=(9, 3, 4, 4)).astype(f32),
        spectrum=np.linspace(2, 0, 16, dtype=f32) / 16,
    )


def with_weights(trial: Gallery) -> Run:
    models = tuple(replace(model, weights="0123abcd" * 8) for model in trial.run.models)
    return replace(trial.run, models=models)


@pytest.mark.usefixtures("begun")
def test_position_embeddings_are_a_mosaic_of_cosines_on_one_scale(
    trial: Gallery, tmp_path: Path
) -> None:
    kept = weights()
    build_site(
        with_weights(trial),
        trial.read,
        tmp_path / "site",
        version=VERSION,
        read_weights=lambda _: kept,
    )
    (model,) = (item for item in manifest(tmp_path / "site").models if item.slug == "plain")
    files = {file.kind: tmp_path / "site" / file.path for file in model.files}
    with Image.open(files["positions"]) as png:
        pixels = np.asarray(png.convert("RGB"), dtype=int)
    assert pixels.shape == (3 * 4 - 1, 3 * 4 - 1, 3)
    assert kept.position is not None
    unit = kept.position / np.linalg.norm(kept.position, axis=1, keepdims=True)
    cosine = (unit @ unit.T).reshape(3, 3, 3, 3)
    middles = color_table()[((np.arange(32) + 0.5) * 8).astype(int)].astype(int)
    for (tile_row, tile_col, row, col), value in np.ndenumerate(cosine):
        step = min(int((value + 1) / 2 * 32), 31)
        shown = pixels[4 * tile_row + row, 4 * tile_col + col]
        assert np.abs(middles[max(step - 1, 0) : step + 2] - shown).sum(1).min() == 0
    with Image.open(files["filters"]) as png:
        tiles = np.asarray(png, dtype=float)
    assert tiles.shape == (2 * 5 - 1, 7 * 5 - 1, 4)
    filters = kept.filters.transpose(0, 2, 3, 1)
    wanted = 127.5 + 127.5 * filters[8] / np.abs(kept.filters).max()
    np.testing.assert_allclose(tiles[5:9, 5:9, :3], wanted, atol=0.51)
    page = ModelPage(tmp_path / "site", "plain")
    assert "Native grid of 3 × 3 places." in page.text
    assert "The first 9 of 16 components hold" in page.text


@pytest.mark.usefixtures("begun")
@pytest.mark.slow
def test_pictures_of_weights_are_taken_over_without_the_weights(
    trial: Gallery, tmp_path: Path
) -> None:
    kept, run, site = weights(), with_weights(trial), tmp_path / "site"
    build_site(run, trial.read, site, version=VERSION, read_weights=lambda _: kept)
    before = ModelPage(site, "plain").text

    def gone(key: str) -> ModelWeights:
        raise StoreError(f"The weights {key[:12]} are not there.")

    build_site(run, trial.read, site, version=VERSION, read_weights=gone)
    assert ModelPage(site, "plain").text == before
    build_site(run, trial.read, tmp_path / "new", version=VERSION, read_weights=gone)
    assert "The weights 0123abcd0123 are not there." in ModelPage(tmp_path / "new", "plain").text


@pytest.mark.usefixtures("begun")
def test_a_fine_grid_of_positions_is_shown_in_part_and_says_so(
    trial: Gallery, tmp_path: Path
) -> None:
    kept = weights(side=26)
    site = tmp_path / "site"
    build_site(with_weights(trial), trial.read, site, version=VERSION, read_weights=lambda _: kept)
    (model,) = (item for item in manifest(site).models if item.slug == "plain")
    (file,) = (file for file in model.files if file.kind == "positions")
    with Image.open(site / file.path) as png:
        assert png.size == (9 * 27 - 1, 9 * 27 - 1)
    assert "One tile for 3 × 3 places: 9 × 9 tiles." in ModelPage(site, "plain").text


@pytest.mark.usefixtures("begun")
def test_weights_that_cannot_be_shown_say_why(trial: Gallery, built: Built, tmp_path: Path) -> None:
    site = tmp_path / "site"
    kept = weights(position=False)
    run = with_weights(trial)
    build_site(run, trial.read, site, version=VERSION, read_weights=lambda _: kept)
    text = ModelPage(site, "plain").text
    assert "Position embedding similarity: not applicable, rotary embedding." in text
    assert "Principal components of the patch filters" in text
    assert (
        "Not measured: the store has nothing of this model's weights."
        in ModelPage(built[1], "plain").text
    )
