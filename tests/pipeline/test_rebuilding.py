"""A second build: what is measured anew, and what is taken from the store."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from safetensors.torch import load_file, save_file

from generator.commands.dry_run import print_plan
from generator.progress import Silent
from generator.records import file_hashes
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


def places(spec: GallerySpec) -> dict[Path, int]:
    """The pages of a site, each with its number in the file system: a new file has another."""
    return {path: path.stat().st_ino for path in spec.out.rglob("*.html")}


def test_a_site_of_which_nothing_changed_stays_as_it_is(spec: GallerySpec) -> None:
    first = build(spec)
    before = places(spec)
    again = build(spec)
    assert places(spec) == before
    for name in ("pages", "bytes", "scale", "limit", "failures"):
        assert getattr(again.site, name) == getattr(first.site, name), name
    assert again.site.rendered == 0 < again.site.reused
    assert (spec.store / "kept" / "records.json").is_file()


def test_weights_and_pictures_are_read_once_and_other_weights_are_seen(
    spec: GallerySpec, checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "trained"
    shutil.copytree(checkpoints / "plain", folder)
    spec = replace_models(spec, folder)
    read, digest = [], hashlib.file_digest

    def told(file: Any, algorithm: str) -> Any:
        read.append(Path(file.name).name)
        return digest(file, algorithm)

    monkeypatch.setattr(hashlib, "file_digest", told)
    monkeypatch.setattr(file_hashes, "SETTLED", -3600 * 10**9)  # the files of a test are new
    first = build(spec)
    assert {"model.safetensors", "first.png", "second.jpg"} <= {*read}
    read.clear()
    assert build(spec).measured == 0
    assert read == []

    file = folder / "model.safetensors"
    before = file.stat()
    with file.open("r+b") as stream:  # a last bit, as after a training step; as large and as old
        stream.seek(-4, os.SEEK_END)
        stream.write(b"\x01")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    again = build(spec)
    assert again.measured == 2
    assert read.count("model.safetensors") == 1
    assert again.run.models[0].weights != first.run.models[0].weights


@pytest.mark.parametrize("what", ["page", "manifest", "number", "missing", "left behind"])
@pytest.mark.slow
def test_a_site_that_is_not_as_it_was_is_built_again(spec: GallerySpec, what: str) -> None:
    build(spec)
    before, good = spec.out.stat().st_ino, files(spec.out)
    changed = {
        "page": "index.html",
        "manifest": "manifest.json",
        "number": manifest(spec).files[0].path,
    }
    leftover = spec.out.with_name(f".{spec.out.name}.staging")
    if what in changed:
        path = spec.out / changed[what]
        path.write_bytes(path.read_bytes().replace(b"e", b"a", 1))
    elif what == "missing":
        (spec.out / "methods" / "index.html").unlink()
    else:
        leftover.mkdir()
    build(spec)
    assert spec.out.stat().st_ino != before
    assert files(spec.out) == good
    assert not leftover.exists()


def test_another_mask_under_the_same_name_is_seen(spec: GallerySpec, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    masks.mkdir()
    values = np.zeros((60, 90), np.uint8)
    values[:30] = 255
    for name in ("first", "second"):
        Image.fromarray(values).save(masks / f"{name}.png")
    masked = merge(spec, masks=masks)
    build(masked)
    before = files(spec.out)["i/first/index.html"]
    Image.fromarray(values.T.copy().reshape(60, 90)[::-1]).save(masks / "first.png")
    build(masked)
    assert files(spec.out)["i/first/index.html"] != before


@pytest.mark.slow
def test_later_builds_import_only_what_they_need(spec: GallerySpec) -> None:
    build(spec)
    models = [word for model in spec.models for word in ("-m", str(model.folder))]
    words = [*models, "-i", "photos", "--store", "store", "--title", "Another"]
    heavy = {
        "torch",
        "transformers",
        "scipy",
        "matplotlib",
        "jinja2",
        "generator.present.site.write",
    }
    code = (
        "import sys; from generator.cli import main\n"
        "main(['build', *sys.argv[1:]], standalone_mode=False)\n"
        f"print(*sorted({heavy} & set(sys.modules)))"
    )
    # the first one writes every page for the new title, comparisons too; the second one none
    for needed in ("generator.present.site.write jinja2 scipy", ""):
        done = subprocess.run(
            [sys.executable, "-c", code, *words],
            cwd=spec.out.parent,
            capture_output=True,
            text=True,
            check=True,
        )
        first, *_, modules = done.stdout.split("\n")[:-1]
        assert first == "2 models x 2 images: 0 measured, 4 from the store."
        assert modules == needed
        assert "Another" in (spec.out / "index.html").read_text()


@pytest.mark.slow
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


@pytest.mark.slow
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
