"""From folders of models and pictures to a site: what is measured, what is kept, what fails."""

from __future__ import annotations

import errno
import getpass
import hashlib
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image
from rich.console import Console
from safetensors.torch import load_file, save_file

from generator.bundled import bundled
from generator.dry_run import print_plan
from generator.errors import GalleryError, ModelError, StoreError
from generator.extras import EXTRAS
from generator.figure_spec import FigureSpec
from generator.measure.load import LoadedModel
from generator.options import Options, merge
from generator.pipeline import Outcome, build_gallery
from generator.present.manifest import Manifest, read_manifest
from generator.progress import Bars, Lines, Silent, reporter_for
from generator.sequence_spec import SequenceSpec
from generator.spec import GallerySpec, ModelSpec
from generator.store import Store, load_records
from tests import moving
from tests.measure.families import FAMILIES


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small seeded models called ``plain`` and ``registers``."""
    folder = tmp_path_factory.mktemp("checkpoints")
    families = {family.name: family for family in FAMILIES}
    families["dinov2"].save(folder / "plain")
    families["dinov2 with registers"].save(folder / "registers")
    return folder


def picture(path: Path, seed: int, size: tuple[int, int] = (90, 60), **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(values).save(path, **options)
    return path


@pytest.fixture
def spec(checkpoints: Path, tmp_path: Path) -> GallerySpec:
    """Two models on two pictures."""
    for seed, name in enumerate(("first.png", "second.jpg")):
        picture(tmp_path / "photos" / name, seed)
    return gallery(tmp_path, checkpoints / "plain", checkpoints / "registers")


def gallery(place: Path, *models: Path, **keys: Any) -> GallerySpec:
    values: dict[str, Any] = {
        "title": "Two by two",
        "models": tuple(ModelSpec.model_validate(str(model)) for model in models),
        "images": (place / "photos",),
        "out": place / "site",
        "store": place / "store",
        "device": "cpu",
    }
    return GallerySpec(**values | keys)


def build(spec: GallerySpec) -> Outcome:
    return build_gallery(spec, command="attention-gallery build", reporter=Silent())


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, by its path in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def manifest(spec: GallerySpec) -> Manifest:
    found = read_manifest(spec.out)
    assert found is not None
    return found


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What runs through a network from now on: the model and the number of pictures."""
    seen: list[tuple[str, int]] = []
    forward = LoadedModel.forward

    def watched(model: LoadedModel, pixels: torch.Tensor, layout: Any) -> torch.Tensor:
        seen.append((model.facts.id, len(pixels)))
        return forward(model, pixels, layout)

    monkeypatch.setattr(LoadedModel, "forward", watched)
    return seen


# --- what is measured ----------------------------------------------------------------------------


def test_every_model_is_measured_on_every_image(
    spec: GallerySpec, passes: list[tuple[str, int]]
) -> None:
    outcome = build(spec)
    assert (outcome.measured, outcome.reused, outcome.site.failures) == (4, 0, ())
    assert passes == [("plain", 2), ("registers", 2)]
    cells = [(cell.model, cell.image) for cell in manifest(spec).cells]
    images = ("first", "second")
    assert cells == [(model, image) for image in images for model in ("plain", "registers")]
    records = {record.key: record for record in load_records(spec.store)}
    assert {cell.record for cell in manifest(spec).cells} == set(records)
    page = (spec.out / "index.html").read_text()
    assert "Two by two" in page and "plain" in page and "registers" in page


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


def replace_models(spec: GallerySpec, *folders: Path) -> GallerySpec:
    return spec.model_copy(
        update={"models": tuple(ModelSpec.model_validate(str(folder)) for folder in folders)}
    )


def test_title_and_templates_only_write_pages_again(
    spec: GallerySpec, tmp_path: Path, passes: list[tuple[str, int]]
) -> None:
    build(spec)
    passes.clear()
    titled = merge(spec, Options(title="A new title"))
    outcome = build(titled)
    assert (outcome.measured, outcome.site.rendered, passes) == (0, 0, [])
    assert "A new title" in (spec.out / "index.html").read_text()

    own = tmp_path / "templates"
    own.mkdir()
    (own / "index.html.jinja2").write_text("<p>{{ page.title }}, in my own words</p>")
    outcome = build(merge(titled, Options(templates=own)))
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


def test_resolution_dtype_and_view_are_part_of_what_is_measured(
    spec: GallerySpec, checkpoints: Path
) -> None:
    spec = replace_models(spec, checkpoints / "plain")
    build(spec)
    for options in (
        Options(resolution=96),
        Options(field_of_view="whole"),
        Options(dtype="bfloat16"),
        Options(patch_queries="heads"),
    ):
        assert build(merge(spec, options)).measured == 2
    assert build(spec).measured == 0


def test_same_picture_twice_is_measured_once(
    spec: GallerySpec, passes: list[tuple[str, int]]
) -> None:
    shutil.copy(spec.images[0] / "first.png", spec.images[0] / "again.png")
    outcome = build(spec)
    assert (outcome.measured, passes) == (4, [("plain", 2), ("registers", 2)])
    cells = manifest(spec).cells
    assert len(cells) == 6 and all(cell.record for cell in cells)
    assert len({cell.record for cell in cells}) == 4
    assert build(spec).reused == 6


def test_pictures_of_different_shapes_keep_their_own_grid(spec: GallerySpec) -> None:
    photos = spec.images[0]
    picture(photos / "tall.png", 3, (60, 120))
    picture(photos / "tall too.png", 4, (60, 120))
    whole = merge(spec, Options(field_of_view="whole"))
    outcome = build(whole)
    assert (outcome.measured, outcome.site.failures) == (8, ())
    found = manifest(spec)
    measured = [(c.image, found.measurements[c.measurement or 0]) for c in found.cells]
    grids = {(image, how.layout.rows, how.layout.cols) for image, how in measured}
    assert grids == {("first", 4, 6), ("second", 4, 6), ("tall", 8, 4), ("tall-too", 8, 4)}
    for _, how in measured:
        assert (how.view.left, how.view.top) == (0, 0)
        size = (how.view.right, how.view.bottom)
        assert size == (how.view.image_width, how.view.image_height)
    # As if each had come alone.
    alone = gallery(
        spec.out.parent,
        *(model.folder for model in spec.models if model.folder),
        images=(photos / "tall.png",),
        store=spec.out.parent / "other-store",
        field_of_view="whole",
    )
    build(alone)
    together = {record.key: record for record in load_records(spec.store)}
    for record in load_records(alone.store):
        other = together[record.key]
        np.testing.assert_allclose(
            record.attention.astype(float), other.attention.astype(float), rtol=2e-3, atol=1e-4
        )


# --- what fails ----------------------------------------------------------------------------------


def broken_model(checkpoints: Path, place: Path) -> Path:
    folder = shutil.copytree(checkpoints / "plain", place / "models" / "not-finite")
    weights = load_file(folder / "model.safetensors")
    weights["encoder.layer.0.norm1.weight"][0] = float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def windowed_model(place: Path) -> Path:
    folder = place / "models" / "windows"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "swin", "patch_size": 4}')
    return folder


NAN = (
    "The weights of not-finite hold NaN or infinity, in encoder.layer.0.norm1.weight first.",
    "Use another revision of the checkpoint, or float32 if it was converted.",
)
WINDOWS = (
    "windows is a swin model, which attends within windows and pools its tokens: it has no "
    "attention map over the whole picture.",
    "Use a plain vision transformer (ViT, DeiT, DINOv2, DINOv3, CLIP, SigLIP, ...).",
)
EMPTY = ("empty.jpg is empty (0 bytes).", "Copy the file again.")


def test_bad_models_and_images_leave_visible_cells_and_the_rest_is_built(
    spec: GallerySpec, checkpoints: Path, tmp_path: Path
) -> None:
    (spec.images[0] / "empty.jpg").touch()
    models = (
        checkpoints / "plain",
        broken_model(checkpoints, tmp_path),
        windowed_model(tmp_path),
    )
    mixed = replace_models(spec, *models)
    outcome = build(mixed)
    assert outcome.measured == 2
    reasons = {(failure.message, failure.hint) for failure in outcome.site.failures}
    assert reasons == {NAN, WINDOWS, EMPTY}

    found = manifest(mixed)
    failed = {item.slug: item.failure and item.failure.message for item in found.models}
    assert failed == {"plain": None, "not-finite": NAN[0], "windows": WINDOWS[0]}
    assert {item.slug: item.failure is None for item in found.images} == {
        "first": True,
        "second": True,
        "empty": False,
    }
    assert len(found.cells) == 9
    assert all(bool(cell.record) != (cell.failure is not None) for cell in found.cells)
    pages = {name: text.decode() for name, text in files(spec.out).items() if ".html" in name}
    for message, _ in (NAN, WINDOWS, EMPTY):
        assert any(message in page for page in pages.values()), message
    # Once repaired, only what failed is measured.
    picture(spec.images[0] / "empty.jpg", 9)
    assert build(replace_models(spec, checkpoints / "plain")).measured == 1


@pytest.mark.parametrize("what", ["image", "weights", "architecture"])
def test_strict_stops_at_the_first_failure(
    spec: GallerySpec, checkpoints: Path, tmp_path: Path, what: str
) -> None:
    build(spec)
    before = files(spec.out)
    models = [checkpoints / "plain", checkpoints / "registers"]
    expected = {"image": EMPTY, "weights": NAN, "architecture": WINDOWS}[what]
    if what == "image":
        (spec.images[0] / "empty.jpg").touch()
    else:
        make = {"weights": lambda: broken_model(checkpoints, tmp_path)}
        models.append(make.get(what, lambda: windowed_model(tmp_path))())
    with pytest.raises(GalleryError) as caught:
        build(merge(replace_models(spec, *models), Options(strict=True)))
    assert (caught.value.message, caught.value.hint) == expected
    assert files(spec.out) == before, "the former site stays"


def test_network_that_crashes_costs_only_its_own_column(
    spec: GallerySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = LoadedModel.forward

    def crash(model: LoadedModel, *inputs: Any) -> torch.Tensor:
        if model.facts.id == "plain":
            raise TypeError("forward() got an unexpected keyword\nand so on")
        return forward(model, *inputs)

    monkeypatch.setattr(LoadedModel, "forward", crash)
    outcome = build(spec)
    assert outcome.measured == 2
    assert [str(failure.message) for failure in outcome.site.failures] == [
        "plain cannot be measured: TypeError: forward() got an unexpected keyword."
    ]
    with pytest.raises(TypeError, match="unexpected keyword"):
        build(merge(spec, Options(strict=True)))


def test_nothing_to_show_is_an_error(spec: GallerySpec, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        build(replace_models(spec, windowed_model(tmp_path)))
    assert str(caught.value) == "No model is left to measure: " + " ".join(WINDOWS)
    for path in spec.images[0].iterdir():
        path.unlink()
    (spec.images[0] / "empty.jpg").touch()
    with pytest.raises(GalleryError) as no_image:
        build(spec)
    assert str(no_image.value) == "No image is left to measure: " + " ".join(EMPTY)
    assert not spec.out.exists()


def test_picture_that_disappears_while_measuring(
    spec: GallerySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planning saw it; when its turn comes it is gone."""
    monkeypatch.setattr(
        "generator.measure.load.find_blocks", _then((spec.images[0] / "second.jpg").unlink)
    )
    outcome = build(spec)
    assert outcome.measured == 2
    messages = {failure.message for failure in outcome.site.failures}
    assert messages == {"There is no file second.jpg."}


def _then(action: Any) -> Any:
    """Find the blocks, and do something once."""
    from generator.measure.residual import find_blocks

    waiting = [action]

    def find(*args: Any, **options: Any) -> Any:
        if waiting:
            waiting.pop()()
        return find_blocks(*args, **options)

    return find


def test_full_disk_keeps_what_was_measured(
    spec: GallerySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(spec)
    before = files(spec.out)
    shutil.rmtree(spec.store)
    room = ["weights", "record", "record", "weights"]
    fsync = os.fsync

    def sync(descriptor: int) -> None:
        if not room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        room.pop()
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    with pytest.raises(StoreError) as caught:
        build(spec)
    assert caught.value.message.startswith(
        f"The disk of the record store {spec.store} is full: a record needs "
    )
    assert caught.value.hint == "Free some space, or name a folder on another disk with --store."
    assert files(spec.out) == before
    monkeypatch.setattr(os, "fsync", fsync)
    outcome = build(spec)
    assert (outcome.measured, outcome.reused) == (2, 2)
    assert files(spec.out) == before


@pytest.mark.parametrize("content", ["notes.txt", "index.html"])
def test_folder_of_somebody_else_is_not_replaced(spec: GallerySpec, content: str) -> None:
    spec.out.mkdir()
    (spec.out / content).write_text("mine")
    with pytest.raises(StoreError) as caught:
        build(spec)
    assert str(caught.value) == (
        f"The folder {spec.out} is not empty and was not written by attention-gallery, so it is "
        "left alone. Choose another folder with -o, or empty this one."
    )
    assert files(spec.out) == {content: b"mine"}


# --- stopped in the middle -----------------------------------------------------------------------

HALTING = """
import sys
from generator import cli
from generator.store import Store
from jinja2 import Template

def halt(owner, name):
    real = getattr(owner, name)
    def wrapped(*args, **options):
        real(*args, **options)
        print("halted", flush=True)
        sys.stdin.readline()
    setattr(owner, name, wrapped)

halt(*{"record": (Store, "put"), "page": (Template, "render")}[sys.argv[1]])
cli.main(sys.argv[2:])
"""


@pytest.fixture
def halted(spec: GallerySpec) -> Iterator[Any]:
    """Runs the command line until it has stored a record or rendered a page, and waits there."""
    running: list[subprocess.Popen[str]] = []

    def run(where: str) -> subprocess.Popen[str]:
        models = [word for model in spec.models for word in ("-m", str(model.folder))]
        words = ["build", *models, "-i", "photos", "--store", "store", "--batch-size", "1"]
        process = subprocess.Popen(
            [sys.executable, "-c", HALTING, where, *words],
            cwd=spec.out.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line == "halted\n", process.communicate()[1]
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


def test_killed_while_measuring_goes_on_where_it_stood(spec: GallerySpec, halted: Any) -> None:
    process = halted("record")
    process.kill()
    process.wait()
    assert len(list(load_records(spec.store))) == 1
    assert not spec.out.exists(), "no half-new site"
    outcome = build(spec)
    assert (outcome.measured, outcome.reused, outcome.site.failures) == (3, 1, ())


def test_killed_while_writing_leaves_the_former_site(spec: GallerySpec, halted: Any) -> None:
    build(spec)
    before = files(spec.out)
    (spec.images[0] / "first.png").unlink()
    process = halted("page")
    process.kill()
    process.wait()
    assert files(spec.out) == before
    outcome = build(spec)
    assert (outcome.measured, outcome.reused) == (0, 2)
    assert len(manifest(spec).images) == 1
    left = {path.name for path in spec.out.parent.iterdir()}
    assert left == {"photos", "site", "store"}, "nothing is left beside the site"


def test_ctrl_c_says_that_nothing_is_lost(spec: GallerySpec, halted: Any) -> None:
    process = halted("record")
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode == 130
    message = "Stopped. What was measured is kept: run the same command to go on."
    assert stderr.splitlines()[-1] == message
    assert "Traceback" not in stderr
    assert len(list(load_records(spec.store))) == 1
    assert not spec.out.exists()


# --- what is published ---------------------------------------------------------------------------


def test_two_builds_of_the_same_inputs_are_byte_identical(
    spec: GallerySpec, tmp_path: Path
) -> None:
    build(spec)
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(spec.images[0], elsewhere / "photos")
    other = gallery(elsewhere, *(model.folder for model in spec.models if model.folder))
    build(other)
    one, two = files(spec.out), files(other.out)
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []


def test_site_tells_nothing_of_this_machine(
    spec: GallerySpec, checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not of what went well, and not of what failed."""
    forward = LoadedModel.forward

    def crash(model: LoadedModel, *inputs: Any) -> torch.Tensor:
        if model.facts.id == "registers":
            raise FileNotFoundError(f"no such file: {model.resolved.location}/kernels.so")
        return forward(model, *inputs)

    monkeypatch.setattr(LoadedModel, "forward", crash)
    (spec.images[0] / "empty.jpg").touch()
    (tmp_path / "models" / "bare").mkdir(parents=True)
    cut = shutil.copytree(checkpoints / "plain", tmp_path / "models" / "cut")
    (cut / "model.safetensors").rename(cut / "other.safetensors")
    models = [*(model.folder for model in spec.models if model.folder), cut, cut.parent / "bare"]
    outcome = build(replace_models(spec, *models))
    assert len(outcome.site.failures) == 4 and outcome.measured == 2
    names = {getpass.getuser(), socket.gethostname(), socket.getfqdn()}
    names = {name for name in names if len(name) > 4} - {"localhost"}  # others are in any text
    secrets = [str(tmp_path), tmp_path.name, str(Path.home()), "/tmp/", *names]
    for name, content in files(spec.out).items():
        for secret in secrets:
            assert secret.encode() not in content, f"{secret} in {name}"


def test_published_pictures_carry_no_metadata(spec: GallerySpec) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "Somebody Secret"
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (48.0, 51.0, 24.0)
    picture(spec.images[0] / "private.jpg", 8, (120, 60), exif=exif, comment=b"Taken at home")
    assert b"Somebody Secret" in (spec.images[0] / "private.jpg").read_bytes()
    build(spec)
    for name, content in files(spec.out).items():
        assert b"Somebody Secret" not in content and b"Taken at home" not in content, name
    (item,) = [item for item in manifest(spec).images if item.slug == "private"]
    assert (item.width, item.height) == (60, 120), "upright"
    pictures = [file for file in item.files if file.path.endswith(".webp")]
    assert len(pictures) == 2
    for file in pictures:
        with Image.open(spec.out / file.path) as image:
            assert not image.getexif() and set(image.info) <= {"loop", "background"}
            assert image.height == 2 * image.width


def test_awkward_names_of_pictures(spec: GallerySpec) -> None:
    photos = spec.images[0]
    names = [
        "a/same.png",
        "b/same.png",
        "Case.png",
        "case.png",
        'mit Leerzeichen & "Zeichen" <b>.png',
        "雪山.png",
        "été.png",
        "index.png",
        "100%.png",
    ]
    for seed, name in enumerate(names):
        picture(photos / name, seed + 20)
    outcome = build(spec)
    assert outcome.site.failures == ()
    images = manifest(spec).images
    assert {image.name for image in images} >= {Path(name).name for name in names}
    slugs = [image.slug for image in images]
    assert len({slug.casefold() for slug in slugs}) == len(names) + 2
    for page in manifest(spec).pages:
        assert page.isascii() and " " not in page and (spec.out / page).is_file()
    text = "".join(page.read_text() for page in spec.out.rglob("*.html"))
    assert "<b>.png" not in text and "雪山" in text


# --- planning ------------------------------------------------------------------------------------


def test_dry_run_prints_the_plan_and_writes_nothing(
    spec: GallerySpec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(tmp_path)
    print_plan(spec, Console(width=120), Silent())
    head, plain, registers, total, *extras = capsys.readouterr().out.splitlines()
    assert head.split() == [
        *("model", "grid", "tokens", "in", "store", "to", "measure"),
        *("time", "memory", "store", "site"),
    ]
    assert plain.split()[:5] == ["plain", "4x4", "17", "0", "2"]
    assert registers.split()[:5] == ["registers", "4x4", "21", "0", "2"]
    assert total.startswith("2 of 2 images usable. In all: about 0 s on this CPU")
    assert [line.partition(":")[0] for line in extras] == list(EXTRAS)
    on = r"{}: on: about \d+ % of the forward pass, [\d.]+ kB\."
    for line in (extras[0], extras[2], extras[4]):
        assert re.fullmatch(on.format(line.partition(":")[0]), line)
    assert extras[1] == "lens: off; no model has a class head."
    assert files(tmp_path) == before

    build(spec)
    before = files(tmp_path)
    print_plan(spec, Console(width=120), Silent())
    _, plain, _, total, *_ = capsys.readouterr().out.splitlines()
    assert plain.split()[:7] == ["plain", "4x4", "17", "2", "0", "0", "s"]
    assert f"0 B more in {spec.store}" in total
    assert files(tmp_path) == before


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


def test_a_model_that_cannot_be_loaded_has_no_weights_to_show(
    spec: GallerySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **options: Any) -> LoadedModel:
        raise ModelError("No.")

    monkeypatch.setattr("generator.measure.load.load", broken)
    outcome = build(spec)
    assert [model.weights for model in outcome.run.models] == ["", ""]


def test_extras_are_measured_as_the_spec_says(spec: GallerySpec) -> None:
    records = {}
    for extras in ("none", "features,massive"):
        chosen = merge(spec, Options(extras=extras, objects="values,keys"))
        outcome = build(chosen)
        records[extras] = Store(spec.store).get(outcome.run.cells[0].record)
    bare, more = records["none"], records["features,massive"]
    assert (bare.features, bare.massive, bare.values) == (None, None, None)
    assert more.features is not None and more.massive is not None and more.values is None
    assert [*more.features.objects] == ["keys", "values"]
    np.testing.assert_array_equal(bare.attention, more.attention)


def test_prices_follow_from_shapes(spec: GallerySpec) -> None:
    from generator.pipeline import plan_gallery
    from generator.workplan import extra_prices

    prices = {p.name: p for p in extra_prices(plan_gallery(spec, Store(spec.store), Silent()))}
    # Four layers' states of 32 channels, 16 patches in half precision twice, for four cells.
    assert prices["features"].store == 4 * (2 * 2 * 16 * 32 + 4 * 2 * 32 * 4)
    assert prices["massive"].store == 4 * 4 * (3 * 12 + 4 + 4 * 32)
    # Tokens are 17 and 21, of two models on two images.
    assert prices["values"].store == 2 * (17 + 21) * 3 * (2 * 4 + 4)
    assert prices["features"].models == ("plain", "registers")
    assert 0 < prices["features"].share < prices["values"].share
    assert (prices["relevance"].models, prices["relevance"].share) == ((), 0)


def test_a_class_head_has_its_price(spec: GallerySpec, tmp_path: Path) -> None:
    from generator.pipeline import plan_gallery
    from generator.workplan import extra_prices

    family = next(f for f in FAMILIES if f.name == "vit with a class head")
    headed = merge(spec, Options(models=(str(family.save(tmp_path / "headed")),)))
    prices = {p.name: p for p in extra_prices(plan_gallery(headed, Store(spec.store), Silent()))}
    assert prices["relevance"].models == ("headed",)
    assert 2 <= prices["relevance"].share <= 3
    assert prices["relevance"].store == 2 * 4 * 17
    assert prices["lens"].store == 2 * 4 * 17 * 6


def test_planned_sizes_are_near_the_real_ones(spec: GallerySpec) -> None:
    from generator.pipeline import plan_gallery
    from generator.workplan import estimate, site_price

    store = Store(spec.store)
    photographs = bundled("examples") / "images"
    larger = merge(
        spec,
        Options(
            resolution=256,
            patch_queries="heads",
            images=(photographs / "coffee.jpg", photographs / "rocket.jpg"),
        ),
    )
    plan = plan_gallery(larger, store, Silent())
    costs = estimate(plan)
    outcome = build(larger)
    assert 0.8 < sum(cost.store for cost in costs) / store.bytes() < 1.25
    planned = site_price(plan, drawn=True, limit=None)
    assert 0.7 < planned.whole / outcome.site.bytes < 1.5
    # and so are those of a site that is kept within a size, by the steps that were planned
    limit = round(0.97 * outcome.site.bytes)
    planned = site_price(plan, drawn=True, limit=round(0.97 * planned.whole))
    less = build(merge(larger, Options(max_site_size=str(limit)))).site
    assert planned.reduction.steps == less.reduction.steps == ("patch-heads",)
    assert 0.7 < planned.bytes / less.bytes < 1.5


def test_progress_is_told_in_order(
    spec: GallerySpec, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.progress.SECONDS_BETWEEN_LINES", 1e9)
    build_gallery(spec, command="", reporter=Lines(Console(width=100)))
    told = [line.partition(" (")[0] for line in capsys.readouterr().out.splitlines()]
    assert told == [
        "resolving plain",
        "resolving registers",
        "loading plain",
        "plain: 2/2",
        "loading registers",
        "registers: 2/2",
        "pages: 8/8",
    ]


def test_lines_tell_rate_and_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("generator.progress.time.monotonic", lambda: clock[0])
    with Lines(Console(width=100)).job("a [model]", 5) as job:
        for seconds in (4.0, 11.0, 12.0, 24.0, 25.0):
            clock[0] = seconds
            job.advance()
    assert capsys.readouterr().out.splitlines() == [
        "a [model]: 2/5 (0.2/s, 16 s left)",
        "a [model]: 4/5 (0.2/s, 6 s left)",
        "a [model]: 5/5 (0.2/s)",
    ]


def test_bars_are_for_terminals() -> None:
    terminal = Console(force_terminal=True, width=100, file=io.StringIO())
    assert isinstance(reporter_for(terminal), Bars)
    assert isinstance(reporter_for(Console(file=io.StringIO())), Lines)
    reporter = reporter_for(terminal)
    reporter.note("loading [it]")
    with reporter.job("a [model]", 2) as job:
        job.advance()
        job.advance()
    assert isinstance(terminal.file, io.StringIO)
    shown = terminal.file.getvalue()
    assert "loading [it]" in shown and "a [model]" in shown and "2/2" in shown


def test_record_names_are_those_of_the_plan(spec: GallerySpec) -> None:
    """What is measured answers to the key that the next plan looks for, whatever the options."""
    build(merge(spec, Options(field_of_view="checkpoint", batch_size=1)))
    again = build(merge(spec, Options(field_of_view="checkpoint", batch_size=2)))
    assert (again.measured, again.reused) == (0, 4)
    records = list(load_records(spec.store))
    assert all(replace(record).key == record.key for record in records)
    assert {json.dumps(record.environment.versions) for record in records} != {"[]"}


# --- figures --------------------------------------------------------------------------------------


def test_figures_are_drawn_with_the_site_and_linked_from_its_index(spec: GallerySpec) -> None:
    figures = (
        FigureSpec(name="fig1", preset="registers-1", venue="icml"),
        FigureSpec(name="wall", rows="layers", layers="all", images=("first",), format="svg"),
    )
    spec = spec.model_copy(update={"figure": figures})
    build(spec)
    folder = spec.out / "figures"
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(first) == {
        *("fig1.pdf", "fig1.tex", "fig1.bib"),
        *("wall.svg", "wall.tex", "wall.bib"),
    }
    index = (spec.out / "index.html").read_text()
    assert all(f'href="figures/{name}" download' in index for name in first)
    manifest = read_manifest(spec.out)
    assert manifest is not None
    listed = {file.path: file for figure in manifest.figures for file in figure.files}
    assert set(listed) == {f"figures/{name}" for name in first}
    for name, data in first.items():
        assert listed[f"figures/{name}"].sha256 == hashlib.sha256(data).hexdigest()
    build(spec)
    assert first == {path.name: path.read_bytes() for path in folder.iterdir()}
    build(spec.model_copy(update={"figure": ()}))
    assert not folder.exists()


def test_a_figure_that_cannot_be_drawn_is_a_failure_beside_the_others(spec: GallerySpec) -> None:
    figures = (
        FigureSpec(name="many", preset="registers-16"),
        FigureSpec(name="wall", rows="layers", layers="all", images=("first",)),
    )
    outcome = build(spec.model_copy(update={"figure": figures}))
    (failure,) = (one for one in outcome.failures if "Figure" in one.message)
    assert failure.message == (
        "Figure many: The figure registers-16 needs at least 100 images of one grid."
    )
    assert {path.name for path in (spec.out / "figures").iterdir()} == {
        f"wall.{end}" for end in ("pdf", "tex", "bib")
    }
    index = (spec.out / "index.html").read_text()
    assert "Not drawn. The figure registers-16 needs at least 100 images of one grid." in index
    manifest = read_manifest(spec.out)
    assert manifest is not None
    assert [bool(figure.failure) for figure in manifest.figures] == [True, False]


def test_a_strict_build_stops_at_a_figure_and_the_old_site_stays(spec: GallerySpec) -> None:
    build(spec)
    before = (spec.out / "index.html").read_bytes()
    bad = FigureSpec(name="many", preset="registers-16")
    with pytest.raises(GalleryError, match=r"Figure many: .* at least 100 images"):
        build(spec.model_copy(update={"figure": (bad,), "strict": True}))
    assert (spec.out / "index.html").read_bytes() == before


def test_a_figure_of_no_known_name_is_found_before_the_work(spec: GallerySpec) -> None:
    bad = FigureSpec(name="one", preset="registers-0")
    with pytest.raises(GalleryError, match="Figure one: No figure is called registers-0"):
        build(spec.model_copy(update={"figure": (bad,)}))
    assert not spec.store.exists()


def test_a_video_becomes_frames_that_are_measured_like_pictures(
    checkpoints: Path, tmp_path: Path
) -> None:
    """With a phone's position and title in it, which nothing that is published may tell."""
    clip = moving.video(
        tmp_path / "walk.mp4",
        6,
        metadata={
            "location": "+48.8584+002.2945/",
            "title": "SecretTitle",
            "comment": "SecretWord",
        },
    )
    assert b"SecretTitle" in clip.read_bytes()
    spec = gallery(
        tmp_path,
        checkpoints / "plain",
        images=(clip,),
        sequences=(),
    )
    outcome = build(spec)
    assert (outcome.measured, outcome.failures) == (6, ())
    manifest = read_manifest(spec.out)
    assert manifest is not None
    assert [i.frame.time for i in manifest.images if i.frame] == [n / 10 for n in range(6)]
    assert (spec.out / "q/walk/index.html").is_file()
    for name, data in files(spec.out).items():
        for secret in (b"SecretTitle", b"SecretWord", b"48.8584"):
            assert secret not in data, name
    before = files(spec.out)
    again = build(spec)
    assert (again.measured, again.reused) == (0, 6)
    assert files(spec.out) == before
    # more frames of the same clip cost only those
    longer = SequenceSpec(path=clip, every=0.2, label="A walk")
    outcome = build(spec.model_copy(update={"images": (), "sequences": (longer,)}))
    assert (outcome.measured, outcome.reused) == (0, 3)


def test_which_frames_were_taken_is_told(checkpoints: Path, tmp_path: Path) -> None:
    clip = moving.animation(tmp_path / "a.gif", 8)
    spec = gallery(
        tmp_path,
        checkpoints / "plain",
        images=(),
        sequences=(SequenceSpec(path=clip, max_frames=3),),
    )
    console = Console(file=io.StringIO(), width=200)
    print_plan(spec, Console(file=io.StringIO(), width=200), Lines(console))
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    assert "a.gif: 3 of 8 frames, spread evenly, from 0.000 s to 0.700 s" in said
