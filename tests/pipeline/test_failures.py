"""Models, images and folders that cannot be used: what is shown, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from generator.capture.checkpoint.resolved import ResolvedModel
from generator.capture.models.load import LoadedModel, load
from generator.errors import GalleryError, ImageError, ModelError, NothingLeftError, StoreError
from generator.spec.gallery import GallerySpec
from generator.spec.options import merge
from tests.pipeline.galleries import build, files, manifest, picture, replace_models


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
        build(merge(replace_models(spec, *models), strict=True))
    assert (caught.value.message, caught.value.hint) == expected
    assert files(spec.out) == before, "the former site stays"


def test_a_picture_that_is_cut_short_fails_alone_when_it_is_measured(
    spec: GallerySpec, checkpoints: Path
) -> None:
    """Its header is whole, so that the plan takes it."""
    cut = picture(spec.images[0] / "cut.jpg", 5)
    cut.write_bytes(cut.read_bytes()[:-700])
    outcome = build(spec)
    assert outcome.measured == 4
    (failure,) = outcome.failures
    assert failure.message.startswith("cut.jpg is damaged or cut short (image file is truncated (")
    assert failure.hint == "Copy the file again, or leave it out."
    found = manifest(spec)
    assert {item.slug: item.failure is None for item in found.images} == {
        "first": True,
        "second": True,
        "cut": False,
    }
    assert {(cell.image, cell.failure is None) for cell in found.cells} == {
        ("first", True),
        ("second", True),
        ("cut", False),
    }
    assert any(failure.message.encode() in text for text in files(spec.out).values())
    with pytest.raises(ImageError, match=r"^cut\.jpg is damaged or cut short"):
        build(merge(replace_models(spec, checkpoints / "plain"), strict=True))
    for name in ("first.png", "second.jpg"):
        (spec.images[0] / name).unlink()
    with pytest.raises(NothingLeftError, match=r"^Nothing could be measured: cut\.jpg is damaged"):
        build(spec)


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
        build(merge(spec, strict=True))


def test_picture_that_the_network_cannot_take_fails_alone(
    spec: GallerySpec, checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the pictures of the same batch, and not those after it."""
    Image.new("RGB", (90, 60)).save(spec.images[0] / "black.png")
    forward, ran = LoadedModel.forward, []

    def crash(model: LoadedModel, pixels: torch.Tensor, *inputs: Any) -> torch.Tensor:
        ran.append(len(pixels))
        if any(picture[0].std() == 0 for picture in pixels):
            raise RuntimeError("no contrast")
        return forward(model, pixels, *inputs)

    monkeypatch.setattr(LoadedModel, "forward", crash)
    one = replace_models(spec, checkpoints / "plain")
    outcome = build(one)
    assert (outcome.measured, ran) == (2, [3, 1, 1, 1])
    assert [failure.message for failure in outcome.failures] == [
        "plain cannot be measured on black.png: RuntimeError: no contrast."
    ]
    with pytest.raises(RuntimeError, match="no contrast"):
        build(merge(one, strict=True))


def test_a_network_that_takes_no_picture_is_given_up(
    spec: GallerySpec, checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(3):
        picture(spec.images[0] / f"more {seed}.png", 10 + seed)
    ran = []

    def crash(model: LoadedModel, *inputs: Any) -> torch.Tensor:
        ran.append(model.facts.id)
        if model.facts.id == "plain":
            raise TypeError("no")
        return forward(model, *inputs)

    forward = LoadedModel.forward
    monkeypatch.setattr(LoadedModel, "forward", crash)
    outcome = build(merge(spec, batch_size=1))
    assert (ran.count("plain"), outcome.measured) == (3, 5)
    assert [failure.message for failure in outcome.failures] == [
        "plain cannot be measured: TypeError: no."
    ]


def test_a_model_that_cannot_be_loaded_has_no_weights_to_show(
    spec: GallerySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(resolved: ResolvedModel, **options: Any) -> LoadedModel:
        if resolved.id == "plain":
            raise ModelError("No.")
        return load(resolved, **options)

    monkeypatch.setattr("generator.capture.models.load.load", broken)
    outcome = build(spec)
    assert [bool(model.weights) for model in outcome.run.models] == [False, True]


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


def test_a_site_without_a_map_does_not_take_the_place_of_a_good_one(
    spec: GallerySpec, checkpoints: Path, tmp_path: Path
) -> None:
    build(spec)
    before = files(spec.out)
    (spec.images[0] / "empty.jpg").touch()
    windows, broken = windowed_model(tmp_path), broken_model(checkpoints, tmp_path)
    with pytest.raises(GalleryError) as caught:
        build(replace_models(spec, windows, broken))
    assert str(caught.value) == "Nothing could be measured: " + " ".join(NAN)
    assert files(spec.out) == before


def test_a_site_stays_where_no_cell_can_be_measured(spec: GallerySpec) -> None:
    build(spec)
    before = files(spec.out)
    with pytest.raises(
        NothingLeftError, match=r"^Nothing is left to measure: plain would see .* at most "
    ):
        build(spec.model_copy(update={"resolution": 8000}))
    assert files(spec.out) == before


def test_picture_that_disappears_while_measuring(
    spec: GallerySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planning saw it; when its turn comes it is gone."""
    monkeypatch.setattr(
        "generator.capture.models.transformers_network.find_blocks",
        _then((spec.images[0] / "second.jpg").unlink),
    )
    outcome = build(spec)
    assert outcome.measured == 2
    messages = {failure.message for failure in outcome.site.failures}
    assert messages == {"There is no file second.jpg."}


def _then(action: Any) -> Any:
    """Find the blocks, and do something once."""
    from generator.capture.forward.residual import find_blocks

    waiting = [action]

    def find(*args: Any, **options: Any) -> Any:
        if waiting:
            waiting.pop()()
        return find_blocks(*args, **options)

    return find


@pytest.mark.parametrize("content", ["notes.txt", "index.html"])
def test_folder_of_somebody_else_is_not_replaced(spec: GallerySpec, content: str) -> None:
    spec.out.mkdir()
    (spec.out / content).write_text("mine")
    with pytest.raises(StoreError) as caught:
        build(spec)
    assert str(caught.value) == (
        f"The folder {spec.out} is not empty and was not written by attention-gallery, so it is "
        "left alone. Choose another folder (-o, or out), or empty this one."
    )
    assert files(spec.out) == {content: b"mine"}


def test_a_nearly_black_picture_says_so_on_its_page_after_every_build(
    spec: GallerySpec, checkpoints: Path, caplog: pytest.LogCaptureFixture
) -> None:
    values = np.linspace(0, 4095, 60 * 90).reshape(60, 90).astype(np.uint16)
    Image.fromarray(values).save(spec.images[0] / "first.tif")
    (spec.images[0] / "first.png").unlink()
    one = replace_models(spec, checkpoints / "plain")
    note = (
        "Nearly black: the values use 12 of 16 bits. If the camera has 12 bits, multiply them by "
        "16 and save the picture again."
    )
    for _ in range(2):
        caplog.clear()
        build(one)
        assert caplog.messages.count(f"first.tif: {note}") == 1
        pages = [name for name, text in files(one.out).items() if note.encode() in text]
        assert [name for name in pages if name.endswith(".html")] == ["i/first/index.html"]
