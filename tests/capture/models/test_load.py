"""Loading checkpoints: weights that are there, finite and of the right network."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import Tensor

from generator.errors import ModelError, UnsupportedModelError
from tests.capture.families import Family
from tests.capture.ready import measured, prepared, ready

PLAIN = "Use a plain vision transformer (ViT, DeiT, DINOv2, DINOv3, CLIP, SigLIP, ...)."


def edited(folder: Path, change: Callable[[dict[str, Tensor]], None]) -> Path:
    """Change the weights of a folder in place."""
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.fixture
def folder(saved: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of a good checkpoint, to be spoilt."""
    return shutil.copytree(saved("dinov2"), tmp_path / "spoilt")


def refusal(folder: Path, kind: type[ModelError] = ModelError) -> str:
    with pytest.raises(kind) as caught:
        ready(folder)
    return str(caught.value)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_no_numbers_are_named(folder: Path, value: float) -> None:
    def spoil(weights: dict[str, Tensor]) -> None:
        weights["encoder.layer.1.mlp.fc1.weight"][3, 4] = value

    assert refusal(edited(folder, spoil)) == (
        "The weights of spoilt hold NaN or infinity, in encoder.layer.1.mlp.fc1.weight first. "
        "Use another revision of the checkpoint, or float32 if it was converted."
    )


def test_missing_weights_are_not_replaced_by_random_ones(folder: Path) -> None:
    def spoil(weights: dict[str, Tensor]) -> None:
        for name in [name for name in weights if "layer.2.mlp" in name]:
            del weights[name]

    assert refusal(edited(folder, spoil)) == (
        "The weights of spoilt lack 4 tensors of Dinov2Model, encoder.layer.2.mlp.fc1.bias first; "
        "random values would stand in for them. Check that the checkpoint belongs to its "
        "config.json."
    )


def test_checkpoint_of_another_config(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"hidden_size": 64}))
    assert refusal(folder) == (
        "The weights of spoilt have another shape than config.json says in 60 tensors of "
        "Dinov2Model, embeddings.cls_token first; random values would stand in for them. "
        "Check that the checkpoint belongs to its config.json."
    )


@pytest.mark.parametrize("count", [1, 7])
def test_registers_that_the_config_miscounts(
    count: int, saved: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(saved("dinov2 with registers"), tmp_path / "spoilt")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_register_tokens": count}))
    assert refusal(folder) == (
        "The weights of spoilt have another shape than config.json says in 1 tensor of "
        "Dinov2WithRegistersModel, embeddings.register_tokens first; "
        "random values would stand in for it. "
        "Check that the checkpoint belongs to its config.json."
    )


def test_an_image_size_that_patches_do_not_divide(folder: Path) -> None:
    """The convolution of the patches drops the rest, and so does the view of the picture."""
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"image_size": 65}))
    model = ready(folder)
    item = prepared(model, whole=False)
    (record,) = measured(model, item)
    assert (record.layout.rows, record.layout.cols) == (4, 4)
    view = record.view
    assert view.input_width // 16 == view.input_height // 16 == 4
    assert (view.right - view.left, view.bottom - view.top) == pytest.approx(
        (100 * view.input_width / 65, 100 * view.input_height / 65), abs=1.6
    )


def test_weights_cut_short(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    assert refusal(folder) == (
        "The weights of spoilt are damaged or cut short: Error while deserializing header: "
        "incomplete metadata, file not fully covered. Copy or download them again."
    )


def test_pooling_head_without_weights_is_refused_because_it_is_measured(
    saved: Callable[[str], Path], tmp_path: Path
) -> None:
    def spoil(weights: dict[str, Tensor]) -> None:
        for name in [name for name in weights if "head.probe" in name]:
            del weights[name]

    folder = shutil.copytree(saved("siglip vision"), tmp_path / "headless")
    assert "lack 1 tensor of SiglipVisionModel" in refusal(edited(folder, spoil))


def test_pooler_without_weights_is_harmless(saved: Callable[[str], Path]) -> None:
    """Checkpoints with a class head have no pooler, and no attention depends on it."""
    model = ready(saved("vit with a class head"))
    assert measured(model, prepared(model))


def test_weights_that_do_not_fit_the_device(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB.")

    monkeypatch.setattr(transformers.Dinov2Model, "to", full)
    assert refusal(folder) == (
        "The weights of spoilt do not fit the memory of cpu. Use --dtype bfloat16 or --device cpu."
    )


def test_architecture_without_a_class_of_its_own(tmp_path: Path) -> None:
    family = Family(
        "pose", "VitPoseBackboneConfig", "VitPoseBackbone", (), {"image_size": [64, 64]}
    )
    folder = family.save(tmp_path / "pose")
    assert refusal(folder, UnsupportedModelError) == (
        f"pose is a vitpose_backbone model, and transformers {transformers.__version__} has no "
        f"class that runs its vision transformer alone. {PLAIN}"
    )
