"""Models of timm: the same numbers as timm's own, whatever the input size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from generator.api import measure
from generator.capture.checkpoint.preprocess import describe, locate
from generator.capture.checkpoint.processors import Processor
from generator.capture.loaders import timm as timm_loader
from generator.capture.loaders.resolve import resolve_folder
from generator.errors import ModelError, UnsupportedModelError
from tests.capture.loaders.timm_models import MODELS, TimmModel, wrap
from tests.capture.ready import measured, prepared, ready

STORED = {"rtol": 6e-4, "atol": 1e-5}
"""Half precision keeps three digits."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("timm")
    return {model.name: model.save(root / model.name) for model in MODELS}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_attention_is_timms_own_at_two_grids(model: TimmModel, folders: dict[str, Path]) -> None:
    loaded = ready(folders[model.name])
    eager = ready(folders[model.name], attention="eager")
    vision = loaded.resolved.vision
    assert (vision.prefix, vision.resizable) == (model.prefix, model.resizable)
    assert (vision.layers, vision.heads, vision.width) == (3, 4, 64)
    grids = set()
    for whole in (True, False) if model.resizable else (False,):
        item = prepared(loaded, whole=whole)
        (record,) = measured(loaded, item)
        layout, first = record.layout, len(model.prefix)
        assert layout.prefix == model.prefix
        grids.add((layout.rows, layout.cols))
        own = torch.stack(eager.attentions(torch.from_numpy(item.pixels)[None], layout))[:, 0]
        assert own.shape == (3, 4, layout.tokens, layout.tokens)
        assert float(own.max()) > 0.5, "attention is not uniform"
        rows = np.moveaxis(record.attention, 0, 2).astype(float) / layout.tokens
        np.testing.assert_allclose(rows, own[:, :, :first], **STORED)
        assert record.patch_attention is not None
        patches = record.patch_attention.astype(float) / layout.tokens
        np.testing.assert_allclose(patches, own[:, :, first:], **STORED)
        assert record.environment.attention == "sdpa"
        assert (record.pooling is not None) == model.pooling
        assert "timm" in dict(record.environment.versions)
    assert len(grids) == (2 if model.resizable else 1)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_features_and_logits_are_those_of_the_model_that_was_saved(
    model: TimmModel, folders: dict[str, Path]
) -> None:
    """Against the network as its author has it, before it was saved: no dynamic size, no loader."""
    loaded, native = ready(folders[model.name]), model.network()
    item = prepared(loaded, whole=False)
    pixels = torch.from_numpy(item.pixels)[None]
    layout = loaded.resolved.vision.layout(*pixels.shape[-2:])
    hidden = loaded.forward(pixels, layout)
    with torch.no_grad():
        torch.testing.assert_close(hidden, native.forward_features(pixels), atol=1e-5, rtol=1e-4)
        headless = model.options.get("num_classes") == 0
        expected = "it has no class head" if headless else model.headless
        assert loaded.facts.headless == expected
        assert loaded.resolved.classes == (0 if headless else 5)
        if not expected:
            assert loaded.head is not None
            logits = loaded.head.logits(hidden, layout)
            torch.testing.assert_close(logits, native(pixels), atol=1e-4, rtol=1e-4)
    assert loaded.facts.unused == () and loaded.facts.renamed == ""


def test_wrapper_of_transformers_is_the_same_model(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    name = "vit_small_patch14_reg4_dinov2"
    wrapped = ready(wrap(next(m for m in MODELS if m.name == name).save(tmp_path / "wrapped")))
    native = ready(folders[name])
    pixels = torch.from_numpy(prepared(native).pixels)[None]
    layout = native.resolved.vision.layout(*pixels.shape[-2:])
    assert wrapped.resolved.vision == native.resolved.vision
    assert torch.equal(wrapped.forward(pixels, layout), native.forward(pixels, layout))
    assert wrapped.facts.renamed.startswith("the prefix timm_model. was taken off the names of ")
    assert wrapped.resolved.classes == 5


def test_everything_is_measured_on_a_classifier(folders: dict[str, Path]) -> None:
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 255, (70, 90, 3), np.uint8))
    folder = folders["deit3_small_patch16_224"]
    record = measure(folder, picture, extras="all", field_of_view="checkpoint")
    assert record.relevance is not None and record.lens is not None
    assert record.prediction is not None and len(record.prediction.classes) == 5
    assert record.model.architecture == "VisionTransformer"
    assert record.model.model_type == "deit3_small_patch16_224"


# --- preprocessing -------------------------------------------------------------------------------


def declared(folder: Path, target: Path, **changes: Any) -> Processor:
    """The preprocessing of a copy with other values in ``pretrained_cfg``."""
    target.mkdir()
    config = json.loads((folder / "config.json").read_text())
    config["pretrained_cfg"] |= changes
    (target / "config.json").write_text(json.dumps(config))
    (target / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    return resolve_folder(target).processor


def test_preprocessing_is_that_of_pretrained_cfg(folders: dict[str, Path], tmp_path: Path) -> None:
    """Sizes and corners by timm's transforms for evaluation, worked out by hand."""
    folder = folders["vit_small_patch16_224.augreg_in21k"]
    values = {
        "input_size": [3, 224, 224],
        "crop_pct": 0.9,
        "interpolation": "bilinear",
        "mean": [0.5, 0.4, 0.3],
        "std": [0.2, 0.3, 0.4],
    }
    center = declared(folder, tmp_path / "center", **values)
    assert (center.resize, center.height, center.crop_height) == ("shortest", 248, 224)
    assert (center.resample, center.mean, center.std) == (2, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
    assert center.declared and center.assumed == center.beyond == ""
    squash = declared(folder, tmp_path / "squash", crop_mode="squash", **values)
    assert (squash.resize, squash.height, squash.width) == ("exact", 248, 248)
    border = declared(folder, tmp_path / "border", crop_mode="border", **values)
    assert border.beyond == "pads pictures to a square"
    guessed = declared(folder, tmp_path / "guessed", mean=None, std=None)
    assert guessed.assumed == "no mean and std declared: ImageNet's, timm's default, were assumed"
    assert guessed.mean == (0.485, 0.456, 0.406)


def test_center_crop_has_the_corner_of_torchvision(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    """Of torchvision: (height - crop) / 2 is rounded, halves to even: 1.5 to 2."""
    folder = folders["vit_small_patch16_224.augreg_in21k"]
    declared(folder, tmp_path / "model", input_size=[3, 224, 224], crop_pct=224 / 227.5)
    found = resolve_folder(tmp_path / "model")
    preprocessing = describe(
        found.processor, found.vision, field_of_view="checkpoint", resolution=None, model="m"
    )
    geometry = locate(
        *(400, 300),
        processor=found.processor,
        vision=found.vision,
        preprocessing=preprocessing,
        model="m",
    )
    assert geometry.resized == (302, 227)
    assert geometry.crop == (39, 2, 263, 226)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"interpolation": "quintic"},
            "model asks for interpolation 'quintic' in config.json; nearest, lanczos, bilinear, "
            "bicubic, box, hamming are known. Correct pretrained_cfg.",
        ),
        (
            {"crop_pct": 3},
            "model asks for crop_pct 3.0 and crop_mode 'center' in config.json; a share up to 1, "
            "and center, squash or border were expected. Correct pretrained_cfg.",
        ),
        (
            {"std": [0.1, 0, 0.1]},
            "model has std = [0.1, 0.0, 0.1] in config.json; three numbers were expected, for "
            "red, green and blue. Correct pretrained_cfg.",
        ),
    ],
)
def test_preprocessing_that_makes_no_sense(
    changes: dict[str, Any], expected: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(ModelError) as caught:
        declared(folders["vit_small_patch16_224.augreg_in21k"], tmp_path / "model", **changes)
    assert str(caught.value) == expected


# --- what is refused -----------------------------------------------------------------------------


def config_only(folder: Path, **config: Any) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize(
    ("architecture", "kind"),
    [
        ("swin_tiny_patch4_window7_224", "SwinTransformer"),
        ("resnet18", "ResNet"),
        ("samvit_base_patch16", "VisionTransformerSAM"),
    ],
)
def test_other_networks_of_timm_are_refused_by_their_class(
    architecture: str, kind: str, tmp_path: Path
) -> None:
    folder = config_only(tmp_path / "model", architecture=architecture, pretrained_cfg={})
    with pytest.raises(UnsupportedModelError) as caught:
        resolve_folder(folder)
    assert str(caught.value) == (
        f"model is a {architecture} model of timm, a {kind}: it is not a plain vision transformer, "
        "so it has no attention map over the whole picture. Use a model of timm that is a "
        "VisionTransformer, VisionTransformerDistilled, VisionTransformerRelPos, Eva, Beit or "
        "NaFlexVit."
    )


@pytest.mark.slow
def test_blocks_that_attend_twice_are_refused(tmp_path: Path) -> None:
    name = "vit_small_patch16_18x2_224"
    folder = config_only(tmp_path / "model", architecture=name, pretrained_cfg={})
    with pytest.raises(UnsupportedModelError) as caught:
        resolve_folder(folder)
    assert caught.value.message == (
        "model has blocks of the kind ParallelThingsBlock, which attend more than once."
    )


def test_architecture_that_timm_does_not_know(tmp_path: Path) -> None:
    folder = config_only(tmp_path / "model", architecture="vit_enormous", pretrained_cfg={})
    with pytest.raises(ModelError) as caught:
        resolve_folder(folder)
    assert caught.value.message.startswith(
        f"timm {timm_version()} does not make vit_enormous, the model of model: "
    )
    assert caught.value.hint == "Use the version of timm that the checkpoint was saved with."


def timm_version() -> str:
    from importlib.metadata import version

    return version("timm")


def test_without_timm_it_is_said_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timm_loader, "find_spec", lambda name: None)
    folder = config_only(tmp_path / "model", architecture="vit_tiny_patch16_224", pretrained_cfg={})
    with pytest.raises(ModelError) as caught:
        resolve_folder(folder)
    assert str(caught.value) == (
        "model is a checkpoint of timm (vit_tiny_patch16_224), and the package timm is not "
        "installed. pip install 'attention-gallery[timm]'. Beside a CPU build of PyTorch: pip "
        "install --no-deps timm, which does without torchvision."
    )


def test_weights_that_lack_a_block(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = folders["vit_small_patch14_dinov2"]
    target = tmp_path / "model"
    declared(folder, target)
    config = json.loads((target / "config.json").read_text())
    config["model_args"]["depth"] = 4
    (target / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError) as caught:
        ready(target)
    assert caught.value.message == (
        "The weights of model lack 14 tensors of VisionTransformer, blocks.3.attn.proj.bias first; "
        "random values would stand in for them."
    )


# --- torchvision ---------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["missing", "broken", "there"])
@pytest.mark.slow
def test_timm_is_imported_without_torchvision(state: str, tmp_path: Path) -> None:
    """In a fresh process: beside none, beside one that doesn't fit torch, and beside a good one."""
    package = tmp_path / "torchvision"
    for name in ("", "datasets", "models", "ops", "transforms") if state != "missing" else ():
        (package / name).mkdir(parents=True)
        (package / name / "__init__.py").touch()
    if state == "broken":
        fault = "raise RuntimeError('operator torchvision::nms does not exist')"
        (package / "__init__.py").write_text(f"import torchvision.ops\n{fault}\n")
    if state == "there":
        names = "class Any(type):\n    def __getattr__(c, n): return Any(n, (), {})\n"
        every = f"{names}def __getattr__(n):\n    return Any(n, (), {{}})\n"
        (package / "ops" / "misc.py").write_text(every)
        (package / "datasets" / "__init__.py").write_text(every)
        (package / "transforms" / "__init__.py").write_text(every)
        (package / "transforms" / "functional.py").write_text(every)
    code = (
        "import sys\n"
        "from generator.capture.models.timm_import import timm, torchvision_is_missing\n"
        "network = timm().create_model('vit_tiny_patch16_224', depth=1)\n"
        "left = sorted(n for n in sys.modules if n.startswith('torchvision'))\n"
        "print(torchvision_is_missing(), bool(left))\n"
    )
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[3]}", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == (["False", "True"] if state == "there" else ["True", "False"])


def test_stand_in_of_torchvision_refuses_to_be_used() -> None:
    from generator.capture.models.timm_import import timm, torchvision_is_missing

    if not torchvision_is_missing():
        pytest.skip("torchvision is installed")
    with pytest.raises(ImportError, match="needs torchvision, which cannot be imported here"):
        timm().data.create_transform((3, 64, 64))
