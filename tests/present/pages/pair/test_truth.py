"""Two models against objects that people have marked; and a copy of the site, without the masks."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generator.analysis.cells.digest import FoundObject
from generator.analysis.features.truth import MapScores, best_iou
from generator.export.source import run_of
from generator.present.cells.digests import DIGESTS
from generator.present.cells.truth import CellTruth
from generator.present.files.manifest_file import read_manifest
from generator.present.site.write import build_site
from generator.records.packing import unpack
from generator.records.record import AttentionRecord
from generator.records.run import ObjectBox
from generator.text.numbers import percent, points
from tests.present.analyzed import complete
from tests.present.gallery import Gallery, gallery

REPORT = "r/plain--registers/index.html"
BOX = ObjectBox(48, 16, 96, 64)
Built = tuple[Gallery, Path]


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Both images have a mask; the first one a box, too."""
    folder = tmp_path_factory.mktemp("marked")
    trial = complete(gallery(folder / "pictures"))
    mask = Image.new("L", (96, 64))
    mask.paste(255, (48, 16, 96, 64))
    mask.save(folder / "mask.png")
    first, second, *others = trial.run.images
    images = (
        replace(first, mask=folder / "mask.png", boxes=(BOX,)),
        replace(second, mask=folder / "mask.png"),
        *others,
    )
    trial.run = replace(trial.run, images=images)
    build_site(trial.run, trial.read, folder / "site", version="1.2.3")
    return trial, folder / "site"


def truth_of(site: Path, model: str, image: str) -> CellTruth:
    [path] = site.glob(f"data/{model}/{image}.truth.*.safetensors")
    return unpack(CellTruth, path.read_bytes())


def rows_of(site: Path) -> dict[str, list[str]]:
    html = (site / REPORT).read_text(encoding="utf-8")
    part = html[html.index('id="truth"') : html.index('id="agreement"')]
    found = re.findall(r'<th scope="row"><a [^>]*>([^<]*)</a></th>((?:<td>[^<]*</td>)+)', part)
    return {name: re.findall(r"<td>([^<]*)</td>", cells) for name, cells in found}


def test_scores_of_both_models_are_means_over_the_same_images(marked: Built) -> None:
    rows = rows_of(marked[1])
    scores = [
        [truth_of(marked[1], model, image).maps[0] for image in ("image0", "image1")]
        for model in ("plain", "registers")
    ]
    means = []
    for own in scores:
        values = [each.mass_inside for each in own if isinstance(each, MapScores)]
        assert len(values) == 2
        means.append(sum(values) / 2)
    row = rows["last layer, mass inside"]
    assert row[:3] == [*map(percent, means), points(means[0] - means[1])]
    assert row[4] == "2"
    # maps that know nothing of the picture stand below; of a uniform one all places tie
    assert rows["uniform, mass inside"][:3] == ["37.5\u00a0%", "37.5\u00a0%", "–"]
    assert "uniform, hits" not in rows
    assert "rollout, average precision" in rows


def test_found_boxes_are_judged_where_there_are_boxes(marked: Built) -> None:
    row = rows_of(marked[1])["LOST in keys, box IoU"]
    wanted = [
        truth_of(marked[1], model, "image0").overlaps[0].lost for model in ("plain", "registers")
    ]
    assert row[:2] == [percent(iou) for iou in wanted if isinstance(iou, float)]
    assert row[4] == "1"
    corloc = rows_of(marked[1])["LOST in keys, CorLoc"]
    assert corloc[:2] == [percent(iou >= 0.5) for iou in wanted if isinstance(iou, float)]


def test_boxes_are_scored_in_all_vectors_they_were_found_in(marked: Built) -> None:
    page, index = (
        " ".join(re.sub(r"<[^>]+>", " ", (marked[1] / name).read_text(encoding="utf-8")).split())
        for name in ("i/image0/index.html", "index.html")
    )
    digest = DIGESTS.read(next(marked[1].glob("data/plain/image0.digest.*")))
    assert digest.vectors == ("keys", "values")
    for found in digest.objects:
        assert isinstance(found.lost, FoundObject) and isinstance(found.tokencut, FoundObject)
        ious = [best_iou(each.pixels, [BOX.box]) for each in (found.lost, found.tokencut)]
        texts = [percent(iou).replace("\u00a0", " ") for iou in ious]
        assert f"LOST in {found.vectors}: box IoU {texts[0]}, " in page
        assert f"TokenCut in {found.vectors}: box IoU {texts[1]}, " in page
        hits = [100 * int(float(iou) >= 0.5) for iou in ious]
        assert f"Plain, {found.vectors} {hits[0]} % 1 {hits[1]} % 1" in index.replace("\u00a0", " ")


def test_marked_boxes_are_drawn_beside_the_found_ones(marked: Built) -> None:
    html = (marked[1] / REPORT).read_text(encoding="utf-8")
    part = html[html.index('id="objects"') : html.index('id="truth"')]
    boxes = re.findall(r'class="found-truth" x="([^"]*)" y="([^"]*)" width="([^"]*)"', part)
    assert {tuple(map(float, box)) for box in boxes} == {(48, 16, 48)}
    assert len(boxes) == 2  # of one image, in both models
    digest = DIGESTS.read(next(marked[1].glob("data/plain/image0.digest.*")))
    assert isinstance(digest.lost, FoundObject)
    iou = truth_of(marked[1], "plain", "image0").overlaps[0].lost
    assert f", IoU {percent(iou)} with a marked box" in part
    assert "Filled: boxes marked by people" in part


def test_found_boxes_are_drawn_on_the_part_that_the_model_sees(
    marked: Built, tmp_path: Path
) -> None:
    """As in the rows of maps above them, so that places line up by eye."""
    trial = marked[0]

    def read(key: str) -> AttentionRecord:
        record = trial.read(key)
        return replace(record, view=replace(record.view, left=16, right=80))

    build_site(trial.run, read, tmp_path / "site", version="1.2.3")
    html = (tmp_path / "site" / REPORT).read_text(encoding="utf-8")
    part = html[html.index('id="objects"') : html.index('id="truth"')]
    views = re.findall(r'<svg class="crop-part found-boxes" viewBox="([^"]*)"', part)
    assert len(views) >= 2
    assert set(views) == {"16 0 64 64"}
    assert len(re.findall(r'<image href="[^"]*" width="96" height="64"', part)) == len(views)


def test_without_marks_the_page_has_no_such_part(marked: Built, tmp_path: Path) -> None:
    trial = marked[0]
    bare = tuple(replace(image, mask=None, boxes=()) for image in trial.run.images)
    build_site(replace(trial.run, images=bare), trial.read, tmp_path / "site", version="1.2.3")
    html = (tmp_path / "site" / REPORT).read_text(encoding="utf-8")
    assert 'id="truth"' not in html
    assert 'href="#truth"' not in html
    assert "found-truth" not in html
    assert list((tmp_path / "site").glob("data/*/*.truth.*")) == []


def test_a_copy_of_the_site_has_the_scores_without_the_masks(marked: Built, tmp_path: Path) -> None:
    trial, site = marked
    found = read_manifest(site)
    assert found is not None
    run = run_of(found, site)
    assert all(image.mask is None and not image.boxes for image in run.images)
    copy = tmp_path / "copy"
    shutil.copytree(site, copy)
    build_site(run, trial.read, copy, version="1.2.3", settings=found.settings)
    assert rows_of(copy) == rows_of(site)
    for path in ("i/image0/index.html", "index.html"):
        pages = [(folder / path).read_text(encoding="utf-8") for folder in (site, copy)]
        parts = [page[page.index("Against the marked objects") :] for page in pages]
        assert parts[0][:4000] == parts[1][:4000], path


def test_where_nothing_stands_out_nothing_counts_as_found(tmp_path: Path) -> None:
    """All keys of a model are alike: LOST has no choice, TokenCut no cut, and CorLoc a miss."""
    trial = complete(gallery(tmp_path / "pictures"))
    for image in ("image0", "image1"):
        key = trial.run.cell("plain", image).record
        record = trial.records[key]
        assert record.features is not None and record.features.keys is not None
        keys = record.features.keys
        alike = replace(
            record.features,
            keys=np.full_like(keys, 0.5),
            values=keys if image == "image0" else None,
        )
        trial.records[key] = replace(record, features=alike)
    images = tuple(
        image if image.failure else replace(image, boxes=(BOX,)) for image in trial.run.images
    )
    trial.run = replace(trial.run, images=images)
    site = tmp_path / "site"
    build_site(trial.run, trial.read, site, version="1.2.3")
    assert truth_of(site, "plain", "image0").overlaps[0].tokencut == 0
    assert rows_of(site)["TokenCut in keys, CorLoc"][0].startswith("0")
    assert rows_of(site)["TokenCut in keys, CorLoc"][-1] == "2"
    report = (site / REPORT).read_text(encoding="utf-8")
    assert "<td>all patches are alike</td>" in report
    assert "<td>keys: 96 × 64 pixels, all 24 patches: no object stands out" in report
    page = " ".join((site / "i/image0/index.html").read_text(encoding="utf-8").split())
    assert "Nothing found in the keys of the last layer: all patches are alike." in page
    assert page.count("All patches have the same degree: the seed is the first of them") == 1
