"""A column with a test-time register says so wherever its model is described."""

from __future__ import annotations

import csv
import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from generator.cli import main
from generator.errors import GalleryError
from generator.pipeline.build import Outcome, planned_gallery
from generator.progress import Silent
from generator.records.store import Store
from generator.spec.gallery import GallerySpec
from tests.capture.planted import Planted, marked_picture, planted_patch_sink
from tests.pipeline.galleries import build, gallery, manifest


def words(page: Path) -> str:
    """What a page says, without its tags."""
    text = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", page.read_text(encoding="utf-8"))
    return " ".join(html.unescape(text).split())


def moved_gallery(place: Path, planted: Planted, asked: Any, **keys: Any) -> GallerySpec:
    (place / "photos").mkdir(exist_ok=True)
    for n in range(2):
        marked_picture(place / "photos" / f"shown-{n}.png", n, n)
    folder = str(planted.folder)
    models = (
        {"id": folder, "label": "plain"},
        {"id": folder, "label": "moved", "test_time_registers": asked},
    )
    return gallery(place, models=models, compare=[["plain", "moved"]], **keys)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[GallerySpec, Outcome]:
    place = tmp_path_factory.mktemp("moved")
    planted = planted_patch_sink(place / "sink", patch=None, layers=(2, 3))
    (place / "others").mkdir()
    for n in range(4):
        marked_picture(place / "others" / f"held-out-{n}.png", 3, n)
    spec = moved_gallery(place, planted, {"neurons": 3, "calibration": place / "others"})
    return spec, build(spec)


MADE = (
    "One register was added at test time, without training. 1 MLP neuron of layer 2 was moved to "
    "it, the most active at 4 outlier patches after layer 2, in 4 of 4 calibration pictures "
    "(held-out-0.png, held-out-1.png, held-out-2.png and 1 more), none of which this gallery shows."
)
CHECKED = (
    "The register takes over from the patches. On the calibration pictures its norm is 7.87 times "
    "the median patch norm (largest patch: 1.41 times). It gets"
)


def test_pages_say_what_was_moved_and_that_it_worked(built: tuple[GallerySpec, Outcome]) -> None:
    spec, outcome = built
    assert outcome.failures == () and outcome.notes == ()
    model = words(spec.out / "m" / outcome.run.models[1].slug / "index.html")
    assert f"Test-time register {MADE} Method: Jiang et al., 2025." in model
    assert f"Register check {CHECKED}" in model and "No outlier patch is left." in model
    tokens = "CLS and 1 test-time register"
    image = words(spec.out / "i" / "shown-0" / "index.html")
    for page in (model, image, words(spec.out / "index.html")):
        assert tokens in page
    source = (spec.out / "i" / "shown-0" / "index.html").read_text(encoding="utf-8")
    assert "test-time register with 1 moved neuron, " in source  # for captions made in the page
    plain = words(spec.out / "m" / outcome.run.models[0].slug / "index.html")
    assert "test-time" not in plain.lower().replace("moved", "")


def test_the_methods_paragraph_says_it_and_cites_it(built: tuple[GallerySpec, Outcome]) -> None:
    spec, _ = built
    methods = words(spec.out / "methods" / "index.html")
    assert f"moved: {MADE} {CHECKED}" in methods
    assert "CLS and 1 test-time register" in methods
    assert "\\cite{oquab2024dinov2,jiang2025vision,checkpoint-sink" in methods
    assert "@article{jiang2025vision" in methods


def test_the_comparison_speaks_of_one_checkpoint(built: tuple[GallerySpec, Outcome]) -> None:
    spec, _ = built
    page = words(next((spec.out / "r").rglob("index.html")))
    assert (
        "Both models run the same checkpoint. The register of “moved” was added at test time, "
        "without training. It takes the outliers from the patches by construction, so lower patch "
        "norms are no finding. Differences show what this intervention does, not what training "
        "with registers does." in page
    )
    assert "Two checkpoints may differ" not in page
    assert page.count("CLS and 1 test-time register") == 2  # above, and among the key numbers


def test_the_manifest_has_neurons_layers_and_pictures(built: tuple[GallerySpec, Outcome]) -> None:
    spec, outcome = built
    plain, moved = json.loads((spec.out / "manifest.json").read_text())["models"]
    assert plain["register"] is None
    assert moved["register"]["calibration"] == [f"held-out-{n}.png" for n in range(4)]
    assert moved["register"]["shown"] == 0
    (neuron,) = moved["register"]["made"]["neurons"]
    assert (neuron["layer"], neuron["neuron"]) == (1, 7)
    assert moved["register"]["made"]["taken_over"]["holds"] is True
    assert manifest(spec).models[1].register == outcome.run.models[1].register


@pytest.mark.slow
def test_paper_and_report_say_it(built: tuple[GallerySpec, Outcome], tmp_path: Path) -> None:
    spec, _ = built
    store = ["--store", str(spec.store)]
    report, figure = tmp_path / "report.html", tmp_path / "fig.pdf"
    for command in (
        ["export", "report", str(spec.out), "-o", str(report)],
        ["figure", str(spec.out), "--preset", "test-time-registers-5", "-o", str(figure)],
    ):
        ran = CliRunner().invoke(main, [*command, *store])
        assert ran.exit_code == 0, ran.output
    assert "CLS and 1 test-time register" in words(report)
    assert MADE in words(report)
    caption = figure.with_suffix(".tex").read_text(encoding="utf-8")
    assert "float32, test-time register with 1 moved neuron" in caption
    assert "jiang2025vision" in caption
    assert "@article{jiang2025vision" in figure.with_suffix(".bib").read_text(encoding="utf-8")


def test_tables_and_maps_say_which_rows_it_is_about(
    built: tuple[GallerySpec, Outcome], tmp_path: Path
) -> None:
    """Both columns have one id and one commit."""
    spec, _ = built
    table, maps = tmp_path / "a.csv", tmp_path / "maps"
    for kind, out in (("statistics", table), ("maps", maps)):
        words = ["export", kind, str(spec.out), "-o", str(out), "--store", str(spec.store)]
        ran = CliRunner().invoke(main, words)
        assert ran.exit_code == 0, ran.output
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    items = json.loads((maps / "maps.json").read_text(encoding="utf-8"))["maps"]
    for found in (rows, items):
        said = {(each["commit"], each["intervention"]) for each in found}
        assert len({commit for commit, _ in said}) == 1
        assert {words for _, words in said} == {"", "test-time register with 1 moved neuron"}


def test_a_register_that_takes_nothing_over_is_warned_of(tmp_path: Path) -> None:
    """Also by a build that measures nothing: the warning comes from the record."""
    planted = planted_patch_sink(tmp_path / "sink", patch=None, layers=(2, 3))
    spec = moved_gallery(tmp_path, planted, {"up_to_layer": 1})
    for measured in (4, 0):
        outcome = build(spec)
        assert outcome.measured == measured
        (note,) = outcome.notes
        assert note.startswith(
            "moved: The register does not take over from the patches. On the calibration pictures "
            "its norm is 0 times the median patch norm (largest patch: 8 times). It gets "
        )
        assert note.endswith(
            "2 outlier patches are left. Change neurons or up_to_layer in test_time_registers."
        )
    page = words(spec.out / "m" / outcome.run.models[1].slug / "index.html")
    assert "0 MLP neurons were moved to it," in page
    assert "(shown-0.png, shown-1.png), which this gallery shows." in page
    assert "Register check The register does not take over from the patches." in page
    image = words(spec.out / "i" / "shown-0" / "index.html")
    assert "the test-time register does not take over from the patches" in image


def test_calibration_pictures_are_found_hashed_and_checked(tmp_path: Path) -> None:
    planted = planted_patch_sink(tmp_path / "sink", patch=None, layers=(2, 3))
    others = tmp_path / "others"
    others.mkdir()

    def planned(place: Path) -> Any:
        spec = moved_gallery(tmp_path, planted, {"calibration": place})
        return planned_gallery(spec, Store(spec.store), Silent()).models[1]

    def said(place: Path) -> str:
        failure = planned(place).entry.failure
        return f"{failure.message} {failure.hint}"

    advice = (
        "Correct calibration in test_time_registers, or leave it out for the gallery's pictures."
    )
    assert said(tmp_path / "nowhere") == (
        f"sink has no calibration pictures in nowhere: there is no such folder. {advice}"
    )
    assert said(others) == (
        f"sink has no calibration pictures in others: it holds no picture. {advice}"
    )
    (others / "broken.png").write_bytes(b"no picture")
    assert said(others) == (
        "sink has no calibration pictures in others: broken.png is not a picture in a "
        "format that can be read. "
        f"{advice}"
    )
    one = marked_picture(others / "one.png", 1, 2)
    first = planned(others).register
    assert [picture.name for picture in first.pictures] == ["one.png"]
    (tmp_path / "twin").mkdir()
    (tmp_path / "twin" / "other-name.png").write_bytes(one.read_bytes())
    assert planned(tmp_path / "twin").register.asked == first.asked
    marked_picture(others / "one.png", 2, 1)
    assert planned(others).register.asked != first.asked


def test_the_site_never_takes_the_place_of_calibration_pictures(tmp_path: Path) -> None:
    planted = planted_patch_sink(tmp_path / "sink", patch=None, layers=(2, 3))
    with pytest.raises(GalleryError) as caught:
        moved_gallery(tmp_path, planted, {"calibration": tmp_path / "site" / "pictures"})
    assert caught.value.message == (
        f"out: a site in {tmp_path / 'site'} would replace the calibration pictures."
    )
