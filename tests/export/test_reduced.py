"""Exports of a site that was kept small: what is made of records is whole, the rest is the site."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from generator.cli import main
from generator.export.publish.review import review_site
from generator.present.files.manifest_file import read_manifest
from generator.present.files.settings import Settings
from generator.present.site.write import build_site
from generator.records.store import Store
from tests.export.conftest import Exportable
from tests.present.gallery import tree
from tests.present.sized import sized


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Exportable, Exportable]:
    """A whole site, and the same without the heads of low layers on a coarse grid."""
    folder = tmp_path_factory.mktemp("reduced")
    trial = sized(folder / "pictures", images=2, patches=False)
    store = Store(folder / "store")
    for record in trial.records.values():
        store.put(record)
    settings = Settings(analyses="none", walls=False)
    whole, less = folder / "whole", folder / "less"
    size = build_site(trial.run, trial.read, whole, version="1", settings=settings).bytes
    while True:
        settings = replace(settings, max_bytes=size - 1)
        report = build_site(trial.run, trial.read, less, version="1", settings=settings)
        if report.reduction.steps == ("grid", "low-heads"):
            # a copy without names is smaller: the size must leave it no room for more
            settings = replace(settings, max_bytes=report.bytes + 1000)
            build_site(trial.run, trial.read, less, version="1", settings=settings)
            found = (Exportable(trial, site, folder / "store") for site in (whole, less))
            return next(found), next(found)
        size = report.bytes


def test_maps_and_statistics_are_those_of_the_records(
    both: tuple[Exportable, Exportable], tmp_path: Path
) -> None:
    words = ("--layers", "1,6", "--heads", "2", "-m", "Fine")
    for number, made in enumerate(both):
        made.export("maps", "-o", str(tmp_path / f"maps{number}"), *words)
        made.export("statistics", "-o", str(tmp_path / f"{number}.csv"))
    assert tree(tmp_path / "maps0") == tree(tmp_path / "maps1")
    assert (tmp_path / "0.csv").read_bytes() == (tmp_path / "1.csv").read_bytes()


@pytest.mark.slow
def test_a_figure_is_drawn_from_the_records(
    both: tuple[Exportable, Exportable], tmp_path: Path
) -> None:
    for number, made in enumerate(both):
        words = ["figure", str(made.site), "-i", "image0", "--layers", "2", "--heads", "3"]
        words += ["--store", str(made.store), "-o", str(tmp_path / str(number) / "figure.pdf")]
        (tmp_path / str(number)).mkdir()
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 0, result.output
    assert tree(tmp_path / "0") == tree(tmp_path / "1")


def test_an_archive_and_one_file_hold_what_the_site_holds(
    both: tuple[Exportable, Exportable], tmp_path: Path
) -> None:
    _, less = both
    less.export("zip", "-o", str(tmp_path / "site.zip"))
    with zipfile.ZipFile(tmp_path / "site.zip") as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    assert held == {path: data for path, data in tree(less.site).items() if path != ".nojekyll"}
    less.export("single", "-o", str(tmp_path / "one.html"))
    text = (tmp_path / "one.html").read_text(encoding="utf-8")
    assert "Not everything is in this site" in text
    assert "Left out of this file" not in text
    assert '"grid":[16,16]' in text
    assert '"grid":[20,20]' not in text


@pytest.mark.slow
def test_an_anonymous_copy_leaves_out_the_same(
    both: tuple[Exportable, Exportable], tmp_path: Path
) -> None:
    _, less = both
    less.export("zip", "--anonymous", "-o", str(tmp_path / "anonymous.zip"))
    manifest = read_manifest(less.site)
    assert manifest is not None
    with zipfile.ZipFile(tmp_path / "anonymous.zip") as archive:
        copied = json.loads(archive.read("manifest.json"))
    assert [item["step"] for item in copied["reductions"]] == ["grid", "low-heads"]
    chunks = [
        {file.sha256 for file in cell.files if file.kind == "chunk"} for cell in manifest.cells
    ]
    assert chunks == [
        {file["sha256"] for file in cell["files"] if file["kind"] == "chunk"}
        for cell in copied["cells"]
    ]


def test_a_look_before_publishing_says_what_is_left_out(
    both: tuple[Exportable, Exportable],
) -> None:
    whole, less = (review_site(made.site, "branch") for made in both)
    assert whole.left_out == ""
    assert less.left_out.startswith("The site was kept within ")
    assert "(their area means on 16 × 16 stay); single heads of all but the" in less.left_out
    assert less.errors == ()
