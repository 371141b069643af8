"""A second build: what is measured anew, and what is taken from the store."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from safetensors.torch import load_file, save_file

from generator.commands.dry_run import print_plan
from generator.progress import Silent
from generator.records.store import Store, load_records
from generator.spec.gallery import GallerySpec
from generator.spec.options import merge
from tests.pipeline.galleries import build, files, manifest, picture, replace_models


def test_second_build_measures_nothing_and_changes_no_byte(
    spec: GallerySpec, passes: list[tuple[str, int]]
) -> None:
    build(spec)
    before = files(spec.out)
    passes.clear()
    outcome = build(spec)
    assert (outcome.measured, outcome.reused, passes) == (0, 4, [])
    assert outcome.site.rendered == 0
    assert files(spec.out) == before


def test_second_build_imports_no_torch(spec: GallerySpec) -> None:
    build(spec)
    models = [word for model in spec.models for word in ("-m", str(model.folder))]
    words = [*models, "-i", "photos", "--store", "store", "--title", "Another"]
    code = (
        "import sys; from generator.cli import main\n"
        "main(['build', *sys.argv[1:]], standalone_mode=False)\n"
        "print(sorted({'torch', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=spec.out.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    first, *_, modules = done.stdout.splitlines()
    assert first == "2 models x 2 images: 0 measured, 4 from the store."
    assert modules == "[]"
    assert "Another" in (spec.out / "index.html").read_text()


def test_new_image_is_measured_alone(spec: GallerySpec, passes: list[tuple[str, int]]) -> None:
    build(spec)
    passes.clear()
    picture(spec.images[0] / "third.png", 7)
    outcome = build(spec)
    assert (outcome.measured, outcome.reused) == (2, 4)
    assert passes == [("plain", 1), ("registers", 1)]


def test_new_model_is_measured_alone(
    spec: GallerySpec, checkpoints: Path, passes: list[tuple[str, int]]
) -> None:
    build(replace_models(spec, checkpoints / "plain"))
    passes.clear()
    outcome = build(spec)
    assert (outcome.measured, outcome.reused) == (2, 2)
    assert passes == [("registers", 2)]


def test_title_and_templates_only_write_pages_again(
    spec: GallerySpec, tmp_path: Path, passes: list[tuple[str, int]]
) -> None:
    build(spec)
    passes.clear()
    titled = merge(spec, title="A new title")
    outcome = build(titled)
    assert (outcome.measured, outcome.site.rendered, passes) == (0, 0, [])
    assert "A new title" in (spec.out / "index.html").read_text()

    own = tmp_path / "templates"
    own.mkdir()
    (own / "index.html.jinja2").write_text("<p>{{ page.title }}, in my own words</p>")
    outcome = build(merge(titled, templates=own))
    assert (outcome.measured, outcome.site.rendered, passes) == (0, 0, [])
    assert (spec.out / "index.html").read_text().startswith("<p>A new title")


def test_other_weights_under_the_same_name_are_measured_anew(
    spec: GallerySpec, checkpoints: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(checkpoints / "plain", tmp_path / "models" / "plain")
    mine = replace_models(spec, copy)
    assert build(mine).measured == 2
    weights = load_file(copy / "model.safetensors")
    weights["embeddings.cls_token"] += 1
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    assert build(mine).measured == 2
    commits = {cell.record for cell in manifest(mine).cells}
    records = {record.key: record for record in load_records(spec.store)}
    assert len(records) == 4 and len({records[key].model.version for key in commits}) == 1


def test_weights_are_seen_without_measuring_again(
    spec: GallerySpec, capsys: pytest.CaptureFixture[str]
) -> None:
    """Records from before, weights not yet: the plan says that each model is loaded once."""
    first = build(spec)
    store = Store(spec.store)
    keys = [model.weights for model in first.run.models]
    assert all(store.has_weights(key) for key in keys)
    for file in (spec.store / "weights").iterdir():
        file.unlink()
    print_plan(spec, Console(width=120), Silent())
    assert capsys.readouterr().out.splitlines()[-2:] == [
        f"{name} is loaded once, without an image: its position embeddings and patch filters are "
        "not in the store."
        for name in ("plain", "registers")
    ]
    again = build(spec)
    assert (again.measured, again.reused) == (0, 4)
    assert [model.weights for model in again.run.models] == keys
    grids = [store.get_weights(key).position_grid for key in keys]
    assert grids == [(4, 4), (4, 4)]
