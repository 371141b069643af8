"""The pages of two models: which there are, and that they say what the records hold."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from generator.analysis.cells.digest import cell_digest
from generator.present.content.sampling import evenly
from generator.present.pages.pair.literature import literature
from generator.present.site.write import build_site
from generator.records.run import Run
from generator.text.numbers import number
from tests import tiny
from tests.present.gallery import Gallery, many
from tests.present.site.test_site import page

REPORT = "r/plain--registers/index.html"
Built = tuple[Gallery, Path, object]


def build(trial: Gallery, folder: Path, run: Run | None = None) -> Path:
    build_site(run or trial.run, trial.read, folder, version="1.2.3")
    return folder


def reports(site: Path) -> set[str]:
    return {path.parent.name for path in site.glob("r/*/index.html")}


def test_a_model_with_registers_is_paired_with_the_one_of_its_size_without(built: Built) -> None:
    # not with a model that has no class token, nor with a deeper one
    assert reports(built[1]) == {"plain--registers"}


@pytest.mark.usefixtures("begun")
def test_pairs_that_were_named_go_before(trial: Gallery, tmp_path: Path) -> None:
    pairs = (("deep", "plain"), ("registers", "probe"))
    site = build(trial, tmp_path / "site", replace(trial.run, pairs=pairs))
    assert reports(site) == {"deep--plain", "registers--probe"}
    without = build(trial, site, replace(trial.run, pairs=()))
    assert reports(without) == set()
    assert "Comparisons" not in page(without, "index.html").text


def test_the_closest_id_is_chosen_of_several(tmp_path: Path) -> None:
    trial = many(tmp_path / "pictures", 2, models=3)
    ids = ("lab/vit-large-other", "lab/vit-large-reg", "lab/vit-large")
    for (key, record), cell in zip(list(trial.records.items()), trial.run.cells, strict=True):
        name = ids[int(cell.model[-1])]
        trial.records[key] = replace(record, model=replace(record.model, id=name))
    assert reports(build(trial, tmp_path / "site")) == {"model-2--model-1"}


def test_the_index_and_both_models_lead_to_it(built: Built) -> None:
    site = built[1]
    for path, url in (
        ("index.html", REPORT),
        ("m/plain/index.html", f"../../{REPORT}"),
        ("m/registers/index.html", f"../../{REPORT}"),
    ):
        assert url in [link["href"] for link in page(site, path).all("a")]
    assert "r/" not in " ".join(
        link["href"] or "" for link in page(site, "m/deep/index.html").all("a")
    )


def test_anchors_lead_to_every_part(built: Built) -> None:
    found = page(built[1], REPORT)
    ids = {tag["id"] for name in ("h2", "figure") for tag in found.all(name) if "id" in tag}
    anchors = [link["href"] for link in found.all("a") if (link["href"] or "").startswith("#")]
    assert len(anchors) > 10
    assert {anchor[1:] for anchor in anchors if anchor} - ids - {"main"} == set()


def test_ids_are_unique(built: Built) -> None:
    text = (built[1] / REPORT).read_text(encoding="utf-8")
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_maps_of_both_models_and_all_registers_are_files_of_the_site(built: Built) -> None:
    site = built[1]
    pictures = [image["src"] or "" for image in page(site, REPORT).all("img")]
    for image in ("image0", "image1"):
        for name in ("plain", "registers"):
            assert any(f"data/{name}/{image}.last." in each for each in pictures)
        for register in ("reg1", "reg2"):
            assert any(f"data/registers/{image}.last-{register}." in each for each in pictures)
    for picture in pictures:
        assert (site / REPORT).parent.joinpath(picture).resolve().is_file()


def test_each_images_agreement_is_a_file_that_holds_what_is_compared(built: Built) -> None:
    trial, site, _ = built
    for image in ("image0", "image1"):
        (path,) = site.glob(f"r/plain--registers/{image}.agreement.*.json")
        found = json.loads(path.read_text(encoding="utf-8"))
        one, two = (
            cell_digest(trial.record(model, image)).last.astype(np.float64)
            for model in ("plain", "registers")
        )
        shared = np.minimum(one / one.sum(), two / two.sum()).sum()
        assert found["between"]["similarity"] == pytest.approx(shared, abs=1e-6)
        assert found["one"]["uniform"]["pearson"] is None
        assert found["two"]["shuffled"]["divergence"] > 0


@pytest.mark.usefixtures("begun")
def test_a_rebuild_compares_nothing_again(
    trial: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    before = (site / REPORT).read_bytes()

    def compare_maps(*_: object, **__: object) -> None:
        raise AssertionError("compared again")

    monkeypatch.setattr("generator.present.content.pairs.compare_maps", compare_maps)
    build(trial, site)
    assert (site / REPORT).read_bytes() == before


def test_few_images_are_dots_without_stars(built: Built) -> None:
    text = page(built[1], REPORT).text
    assert "These are descriptions, not tests." in text
    assert "All values are shown; no significance tests below 20 images." in text
    assert "no stars below 20 images" in text
    assert not re.search(r"\d \*", text)


@pytest.mark.slow
def test_many_images_are_marked_where_the_interval_excludes_zero(tmp_path: Path) -> None:
    trial = many(tmp_path / "pictures", 24)
    base = tiny.record(tiny.layout())
    for cell in trial.run.cells:
        if cell.model == "model-0":
            norms = trial.records[cell.record].norms.copy()
            norms[2, 1:] = 1
            norms[2, 5] = 4000
            trial.records[cell.record] = tiny.with_norms(replace(base, key=cell.record), norms)
    site = build(trial, tmp_path / "site")
    found = " ".join(page(site, "r/model-0--model-1/index.html").text.split())
    assert re.search(
        r"largest norm over the median, at its peak ?times the median"
        r" ?4,?000 ?[\d.]+ ?\+[\d,.]+ \*",
        found,
    )
    assert "below 20" not in found and "descriptions, not tests" not in found
    # the layer of the outlier, not the last
    assert "Histogram of norms, where the largest stands out most" in found
    assert "Model 0, layer 2 Model 1, layer 2 patches, logarithmic" in found


@pytest.mark.usefixtures("begun")
def test_images_that_one_model_lacks_are_left_out_and_said(trial: Gallery, tmp_path: Path) -> None:
    lost = trial.run.cell("plain", "image1")
    cells = tuple(
        replace(cell, record="", failure=trial.run.models[-1].failure) if cell == lost else cell
        for cell in trial.run.cells
    )
    site = build(trial, tmp_path / "site", replace(trial.run, cells=cells))
    text = page(site, REPORT).text
    assert "Key numbers, 1 image of 2, those that both models have" in " ".join(text.split())
    assert "1 image. Shares are means over heads." in text


@pytest.mark.usefixtures("begun")
def test_a_model_that_failed_leaves_a_page_that_says_why(trial: Gallery, tmp_path: Path) -> None:
    run = replace(trial.run, pairs=(("plain", "gone"),))
    text = page(build(trial, tmp_path / "site", run), "r/plain--gone/index.html").text
    assert "The model tiny/gone is not on the hub." in text
    assert "Key numbers" not in text


@pytest.mark.usefixtures("begun")
def test_without_a_class_token_what_needs_it_is_not_applicable(
    trial: Gallery, tmp_path: Path
) -> None:
    run = replace(trial.run, pairs=(("probe", "plain"),))
    text = page(build(trial, tmp_path / "site", run), "r/probe--plain/index.html").text
    assert "Not applicable: neither model has registers." in text
    assert "CLS on outlier patches, last layer: not applicable" in text


def test_numbers_from_papers_are_for_these_checkpoints_only(built: Built) -> None:
    assert "Published about" not in page(built[1], REPORT).text
    large = literature("facebook/dinov2-large", "facebook/dinov2-with-registers-large")
    assert any("56.2" in each.value for each in large)
    assert "register 1" in large[0].value
    assert literature("facebook/dinov2-large", "facebook/dinov2-with-registers-base") == ()
    assert literature("me/dinov2-large", "facebook/dinov2-with-registers-large") == ()


def test_a_sample_is_even_and_holds_the_ends() -> None:
    assert evenly(3, 5) == (0, 1, 2)
    found = evenly(1000, 100)
    assert len(set(found)) == 100 and (found[0], found[-1]) == (0, 999)
    assert {b - a for a, b in itertools.pairwise(found)} <= {10, 11}


def test_pictures_beside_maps_show_the_part_that_the_maps_cover(
    trial: Gallery, tmp_path: Path
) -> None:
    """Places line up by eye: the square of a picture that is wider than high."""
    crops = {"image0": [(16, 0, 80, 64)], "image1": [(16, 0, 80, 64), (0, 0, 96, 64)]}
    for image, boxes in crops.items():
        for model, box in zip(("plain", "registers"), (boxes[0], boxes[-1]), strict=True):
            record = trial.record(model, image)
            left, top, right, bottom = box
            view = replace(record.view, left=left, top=top, right=right, bottom=bottom)
            trial.records[record.key] = replace(record, view=view)
    html = (build(trial, tmp_path / "site") / REPORT).read_text(encoding="utf-8")
    found = re.findall(
        r'<svg class="crop-part" viewBox="([^"]*)"[^>]*><image href="[^"]*" width="96" height="64"'
        r"[^>]*></image></svg>(?:<figcaption>([^<]*)</figcaption>)?",
        html,
    )
    square, whole = "16 0 64 64", "0 0 96 64"
    # in the order of their divergence
    shown = [(square, ""), (square, "seen by A"), (whole, "seen by B")]
    assert sorted(found[: len(shown)]) == sorted(shown)


def test_the_images_whose_maps_differ_most_come_first(tmp_path: Path) -> None:
    """Six of eight, by their divergence; three of them without being asked for."""
    trial = many(tmp_path / "pictures", 8)
    site = build(trial, tmp_path / "site")
    files = sorted(site.glob("r/model-0--model-1/*.agreement.*.json"))
    apart = {
        path.name.split(".")[0]: json.loads(path.read_text(encoding="utf-8"))["between"][
            "divergence"
        ]
        for path in files
    }
    wanted = sorted(apart, key=lambda image: -apart[image])[:6]
    html = (site / "r/model-0--model-1/index.html").read_text(encoding="utf-8")
    tables = re.findall(r'<table class="map-grid">.*?</table>', html, re.S)
    rows = [re.findall(r"data/model-0/([\w-]+)\.last\.", table) for table in tables[:2]]
    assert rows == [wanted[:3], wanted[3:]]
    notes = re.findall(r'class="map-note">([^<]*)</span>', html)
    assert notes == [f"{number(apart[image])} bits" for image in wanted]
    assert "The 3 of 8 images whose maps differ most." in html
