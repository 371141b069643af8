"""Which heads and layers are alike, on the page of a model and of two."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import optimize

from generator.analysis.attention.head_similarity import row_similarity
from generator.analysis.stream.layer_similarity import layer_similarity
from generator.present.content.pair_similarity import PairHeads
from generator.present.content.sampling import evenly
from generator.present.content.similarity import HeadsAlike
from generator.present.site.write import build_site
from generator.records.packing import unpack
from generator.records.record import AttentionRecord
from generator.text.numbers import MINUS, number
from tests import tiny
from tests.present.gallery import BARE, Gallery, gallery, many
from tests.present.pages.model.test_model_page import ModelPage
from tests.present.pages.model.test_model_page import records as records_of
from tests.present.site.test_site import VERSION, manifest

ENOUGH = 100
"""Images for which layers are compared here; the program asks for more, and takes longer."""
REPORT = "r/model-0--model-1/index.html"
HEADS = "The most similar other head of each head, and the head's place in clustered order"
Built = tuple[Gallery, Path]


def planted(record: AttentionRecord, seed: int) -> AttentionRecord:
    """Head 2 of layer 3 attends as head 1 of layer 1 does; features are of this image alone."""
    attention, mass = record.attention.copy(), record.mass.copy()
    attention[0, 2, 1], mass[2, 1, 0] = attention[0, 0, 0], mass[0, 0, 0]
    parts = tiny.parts(record.layout, layers=3, heads=2, seed=seed, extras=("features",))
    return replace(record, attention=attention, mass=mass, **parts)


def alike(folder: Path, images: int) -> Built:
    """A site of two models with planted heads; they have a page together, as one has registers."""
    trial = many(folder / "pictures", images, groups=1)
    for seed, cell in enumerate(trial.run.cells):
        trial.records[cell.record] = planted(trial.records[cell.record], seed)
    build_site(trial.run, trial.read, folder / "site", version=VERSION, settings=BARE)
    return trial, folder / "site"


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return alike(tmp_path_factory.mktemp("few"), 30)


@pytest.fixture(scope="module")
def built_with_enough(tmp_path_factory: pytest.TempPathFactory) -> Built:
    with pytest.MonkeyPatch.context() as patch:
        ask_for_less(patch)
        return alike(tmp_path_factory.mktemp("enough"), ENOUGH)


@pytest.fixture
def enough(built_with_enough: Built, monkeypatch: pytest.MonkeyPatch) -> Built:
    ask_for_less(monkeypatch)
    return built_with_enough


def ask_for_less(patch: pytest.MonkeyPatch) -> None:
    for module in ("present.content.layers_alike", "analysis.stream.layer_similarity"):
        patch.setattr(f"generator.{module}.LEAST_IMAGES", ENOUGH)


def model_files(site: Path, model: str) -> dict[str, Path]:
    (found,) = (item for item in manifest(site).models if item.slug == model)
    return {file.path.rpartition("/")[2].split(".")[0]: site / file.path for file in found.files}


def text_of(site: Path, path: str) -> str:
    html = (site / path).read_text(encoding="utf-8")
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_heads_that_attend_alike_are_each_others_most_similar(few: Built) -> None:
    page = ModelPage(few[1], "model-0")
    rows = {tuple(row[:2]): row[2:] for row in page.tables[HEADS][1:]}
    assert len(rows) == 6
    assert rows["1", "1"][:2] == ["layer 3, head 2", "1"]
    assert rows["3", "2"][:2] == ["layer 1, head 1", "1"]
    assert all(
        float(row[1]) < 0.95 for at, row in rows.items() if at not in {("1", "1"), ("3", "2")}
    )
    assert "Most similar: layer 1, head 1 and layer 3, head 2, 1." in page.text
    # side by side in the clustered order
    places = sorted(int(row[2]) for row in rows.values())
    assert places == [1, 2, 3, 4, 5, 6]
    assert abs(int(rows["1", "1"][2]) - int(rows["3", "2"][2])) == 1


def test_heads_are_compared_over_24_images_at_most_and_the_page_says_so(few: Built) -> None:
    files = model_files(few[1], "model-0")
    found = unpack(HeadsAlike, files["head-similarity"].read_bytes())
    assert found.images == 24
    assert "Mean over 24 images (at most 24, evenly spaced)." in ModelPage(few[1], "model-0").text


def test_pictures_have_a_pixel_a_pair_and_gaps_between_layers(few: Built) -> None:
    files = model_files(few[1], "model-0")
    with Image.open(files["head-similarity-by-layer"]) as picture:
        assert picture.size == (3 * 3 - 1, 3 * 3 - 1)
        alpha = np.asarray(picture.convert("RGBA"))[..., 3]
        colors = np.asarray(picture.convert("RGB"))
    assert (alpha[2] == 0).all() and (alpha[:, 5] == 0).all()
    assert (alpha[:2, :2] == 255).all()
    # layer 1, head 1 with layer 3, head 2: as with itself
    np.testing.assert_array_equal(colors[0, 7], colors[0, 0])
    with Image.open(files["head-similarity-clustered"]) as picture:
        assert picture.size == (6, 6)


def test_without_a_class_token_heads_are_not_compared(tmp_path: Path) -> None:
    trial = gallery(tmp_path / "pictures")
    pairs = (("plain", "probe"),)
    build_site(replace(trial.run, pairs=pairs), trial.read, tmp_path / "site", version=VERSION)
    page = ModelPage(tmp_path / "site", "probe")
    assert "Not applicable: no CLS token." in page.text
    assert HEADS not in page.tables
    together = text_of(tmp_path / "site", "r/plain--probe/index.html")
    assert "Not applicable: one of the models has no CLS token." in together


@pytest.mark.parametrize("path", ["m/model-0/index.html", REPORT])
def test_layers_are_withheld_below_256_images(few: Built, path: str) -> None:
    wanted = "Withheld: similarity of layers needs at least 256 images; this run has 30."
    assert wanted in text_of(few[1], path)
    assert "layer-similarity" not in model_files(few[1], "model-0")


def test_layers_of_enough_images_are_compared(enough: Built) -> None:
    trial, site = enough
    page = ModelPage(site, "model-0")
    features = [r.features for r in records_of(trial, "model-0") if r.features is not None]
    for group, name in enumerate(("CLS token", "Mean patch")):
        values = np.stack([each.pooled[:, group] for each in features])
        for standardize, end in ((False, ""), (True, ", channels standardized")):
            wanted = layer_similarity(values, values, standardize=standardize)
            assert isinstance(wanted, np.ndarray)
            table = page.tables[f"{name}{end}: numbers"][1:]
            shown = [[float(cell.replace(MINUS, "-")) for cell in row[1:]] for row in table]
            np.testing.assert_allclose(shown, wanted, atol=0.0051)
    assert f"Over {ENOUGH} images. Layer 0 is the embedding." in page.text
    assert "similarity of layers needs" not in page.text


def test_two_models_are_compared_on_the_same_images(enough: Built) -> None:
    trial, site = enough
    both = []
    for model in ("model-0", "model-1"):
        features = [r.features for r in records_of(trial, model) if r.features is not None]
        both.append(np.stack([each.pooled[:, 0] for each in features]))
    wanted = layer_similarity(both[0], both[1])
    assert isinstance(wanted, np.ndarray)
    text = text_of(site, REPORT)
    row = " ".join(map(number, wanted[1]))
    assert f" 1 {row} " in text


def test_features_themselves_are_no_part_of_a_site(enough: Built) -> None:
    found = manifest(enough[1])
    files = [file for file in found.files if file.kind == "layer-similarity"]
    assert len(files) == 3  # of two models, and of both
    # four matrices of 4 x 4, whatever the features' width and the number of images
    assert all(file.bytes < 8 * ENOUGH * len("picture-0000") for file in files)
    features = enough[0].records[enough[0].run.cells[0].record].features
    assert features is not None
    assert all(file.bytes < ENOUGH * features.pooled.nbytes / 10 for file in files)


@pytest.mark.slow
def test_layers_of_two_models_can_be_compared_later(enough: Built, tmp_path: Path) -> None:
    trial, site = enough
    later = shutil.copytree(site, tmp_path / "site")
    build_site(replace(trial.run, pairs=()), trial.read, later, version=VERSION, settings=BARE)
    assert not (later / REPORT).exists()
    build_site(trial.run, trial.read, later, version=VERSION, settings=BARE)
    assert text_of(later, REPORT) == text_of(site, REPORT)


def test_features_that_were_not_measured_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.present.content.layers_alike.LEAST_IMAGES", 4)
    trial = many(tmp_path / "pictures", 4, models=1, groups=1)
    build_site(trial.run, trial.read, tmp_path / "site", version=VERSION, settings=BARE)
    assert "Withheld: features were not measured." in ModelPage(tmp_path / "site", "model-0").text
    trial.reads.clear()
    build_site(trial.run, trial.read, tmp_path / "site", version=VERSION, settings=BARE)
    assert trial.reads == []


def test_numbers_are_those_of_the_records(few: Built) -> None:
    trial, site = few
    found = unpack(HeadsAlike, model_files(site, "model-1")["head-similarity"].read_bytes())
    own = records_of(trial, "model-1")
    chosen = [own[place] for place in evenly(len(own), 24)]
    rows = [record.rows("CLS").reshape(-1, record.layout.tokens) for record in chosen]
    wanted = np.mean([row_similarity(each) for each in rows], axis=0)
    np.testing.assert_allclose(found.similarity, wanted, atol=0.005)


def test_heads_of_two_models_are_matched_one_to_one(few: Built) -> None:
    site = few[1]
    (pair,) = manifest(site).pairs
    (file,) = (item for item in pair.files if item.kind == "pair-similarity")
    found = unpack(PairHeads, (site / file.path).read_bytes())
    assert found.images == 24
    assert found.similarity.shape == (6, 6)
    html = (site / REPORT).read_text(encoding="utf-8")
    part = html[html.index('id="heads-matched"') : html.index('id="layers-alike"')]
    rows = re.findall(r"(layer \d, head \d)</th><td>(layer \d, head \d)</td><td>([\d.]+)", part)
    assert len({one for one, _, _ in rows}) == len({two for _, two, _ in rows}) == 6
    mean = np.mean([float(value) for _, _, value in rows])
    (said,) = re.findall(r"of ([\d.]+) on the images they were matched on, over 6 pairs", part)
    assert float(said) == pytest.approx(mean, abs=0.011)
    (chance,) = re.findall(r"The best of 1,000 random matchings reaches ([\d.]+) \(", part)
    # 1,000 trials find the best of 720 or next to it, and never more
    assert 0 < float(chance) <= float(said)


def test_a_matching_is_measured_on_images_that_it_was_not_made_for(few: Built) -> None:
    trial, site = few
    maps = [
        [np.float64(each.layout.fold(each.rows("CLS"))).reshape(6, -1) for each in own]
        for own in (records_of(trial, "model-0"), records_of(trial, "model-1"))
    ]
    shown = evenly(30, 24)
    alike = np.array(
        [[[1 - divergence(a, b) for b in maps[1][n]] for a in maps[0][n]] for n in shown]
    )
    one, two = alike[::2].mean(0), alike[1::2].mean(0)
    wanted = np.mean(
        [to[optimize.linear_sum_assignment(-made)].mean() for made, to in ((one, two), (two, one))]
    )
    said = text_of(site, REPORT).split("Matched heads have a mean similarity of ")[1]
    assert said.split(" ")[1:4] == ["on", "held-out", "images"]
    assert float(said.split(" ")[0]) == pytest.approx(wanted, abs=0.006)


def divergence(one: np.ndarray, two: np.ndarray) -> float:
    one, two = one / one.sum(), two / two.sum()
    middle = (one + two) / 2
    return float((one * np.log2(one / middle) + two * np.log2(two / middle)).sum() / 2)


def test_a_model_matches_its_copy_head_by_head(tmp_path: Path) -> None:
    trial = many(tmp_path / "pictures", 3, groups=1)
    for one, two in zip(trial.run.cells[::2], trial.run.cells[1::2], strict=True):
        trial.records[two.record] = replace(trial.records[one.record], key=two.record)
    run = replace(trial.run, pairs=(("model-0", "model-1"),))
    build_site(run, trial.read, tmp_path / "site", version=VERSION)
    html = (tmp_path / "site" / REPORT).read_text(encoding="utf-8")
    rows = re.findall(r"(layer \d, head \d)</th><td>(layer \d, head \d)</td><td>([\d.]+)", html)
    assert len(rows) == 6
    assert all(one == two and value == "1" for one, two, value in rows)


def test_a_rebuild_reads_no_record(enough: Built) -> None:
    trial, site = enough
    before = {file.path: file.sha256 for file in manifest(site).files}
    trial.reads.clear()
    another = replace(trial.run, title="Another")
    build_site(another, trial.read, site, version=VERSION, settings=BARE)
    assert trial.reads == []
    assert {file.path: file.sha256 for file in manifest(site).files} == before
