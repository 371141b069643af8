"""Defaults of preprocessing are those of the processor classes of transformers."""

from __future__ import annotations

import numpy as np
import pytest
import transformers

from generator.capture.checkpoint.families import FAMILIES
from generator.capture.checkpoint.layouts import read_vision_config
from generator.capture.checkpoint.processor_defaults import (
    DINOV2,
    FAMILY_PROCESSORS,
    PROCESSORS,
    RADIO,
)
from tests.capture.checkpoint.processing import CLASSES, noise, prepare, vision


@pytest.mark.parametrize("name", CLASSES)
def test_defaults_are_those_of_the_processor_class(name: str) -> None:
    own = getattr(transformers, CLASSES[name])()
    known = PROCESSORS[name]
    assert list(known.mean) == pytest.approx(list(own.image_mean))
    assert list(known.std) == pytest.approx(list(own.image_std))
    assert known.resample == own.resample
    assert known.normalize == own.do_normalize
    if name != "siglip2":
        assert known.square == ("height" in dict(own.size))
        assert known.size in dict(own.size).values()
        assert known.longest == dict(own.size).get("longest_edge", 0)
        assert known.multiple == getattr(own, "size_divisor", 1) or name == "dpt"
        crop = own.crop_size["height"] if own.do_center_crop else None
        assert known.crop == crop


def listed(model_type: str) -> str:
    """The class that transformers lists for a model type, or for the model it is part of."""
    names = transformers.models.auto.image_processing_auto.IMAGE_PROCESSOR_MAPPING_NAMES
    whole = model_type.removesuffix("_vision_model").removesuffix("_image_model")
    for name in (model_type, whole, whole.replace("_", "-"), whole.replace("_2_5", "-2.5")):
        if name in names:
            classes = names[name]
            return str(classes.get("torchvision") or classes["pil"]).removesuffix("ImageProcessor")
    return ""


@pytest.mark.parametrize("model_type", sorted(FAMILY_PROCESSORS))
def test_defaults_of_a_family_are_those_of_the_class_that_transformers_lists(
    model_type: str,
) -> None:
    known, name = FAMILY_PROCESSORS[model_type], listed(model_type)
    if known is DINOV2:
        assert name in ("Bit", "")  # the class's own values are CLIP's
    elif known is RADIO:
        assert name == ""
        network = transformers.RadioModel(transformers.RadioConfig(num_hidden_layers=1))
        assert network.input_conditioner is not None
    else:
        assert known is PROCESSORS[name.lower()]


@pytest.mark.parametrize("model_type", FAMILIES)
def test_every_listed_family_has_defaults(model_type: str) -> None:
    """Others declare what they want: as clips, in neighborhoods, or for parts of models."""
    by_itself = FAMILIES[model_type].inputs not in ("neighborhoods", "tubelet")
    by_itself &= model_type not in ("got_ocr2_vision", "ovis2_vision", "sam3_vit_model", "vitdet")
    assert (model_type in FAMILY_PROCESSORS) == by_itself


@pytest.mark.parametrize("size", [(640, 480), (97, 98)], ids=str)
@pytest.mark.parametrize(
    ("model_type", "name"),
    [
        ("vit", "ViTImageProcessorPil"),
        ("deit", "DeiTImageProcessorPil"),
        ("beit", "BeitImageProcessorPil"),
        ("clip_vision_model", "CLIPImageProcessorPil"),
        ("siglip_vision_model", "SiglipImageProcessorPil"),
        ("vit_mae", "ViTImageProcessorPil"),
    ],
)
def test_a_checkpoint_that_declares_nothing_is_given_what_its_family_wants(
    model_type: str, name: str, size: tuple[int, int]
) -> None:
    image = noise(size)
    expected = np.asarray(
        getattr(transformers, name)()(images=image, return_tensors="np")["pixel_values"]
    )[0]
    found, _, preprocessing = prepare(
        image, None, vision(8, model_type, image_size=224), "checkpoint"
    )
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert preprocessing.assumed == (
        f"no preprocessing is declared: the defaults of {name.removesuffix('Pil')} were assumed"
    )
    assert preprocessing.steps[-1] == preprocessing.assumed


def test_a_file_that_names_no_class_means_that_of_the_model_type() -> None:
    found, _, preprocessing = prepare(
        noise((64, 64)), {"size": {"shortest_edge": 64}}, vision(8, "clip_vision_model"), "square"
    )
    assert preprocessing.mean == (0.48145466, 0.4578275, 0.40821073)
    assert preprocessing.assumed == ""
    assert found.shape == (3, 224, 224), "the class crops"


def test_what_a_class_that_is_not_known_leaves_out_is_assumed_and_said() -> None:
    config = {"image_processor_type": "OwnImageProcessor", "size": 224, "image_mean": [0.1] * 3}
    _, _, preprocessing = prepare(noise((300, 200)), config, vision(), "square")
    assert preprocessing.assumed == (
        "preprocessor_config.json is incomplete: bicubic resampling and ImageNet's standard "
        "deviation were assumed"
    )
    assert (preprocessing.mean[0], preprocessing.std) == (0.1, (0.229, 0.224, 0.225))


@pytest.mark.parametrize("model_type", FAMILIES)
def test_config_defaults_are_those_of_transformers(model_type: str) -> None:
    config = transformers.CONFIG_MAPPING[model_type]()
    found = read_vision_config({"model_type": model_type}, model="test/model")
    family = FAMILIES[model_type]
    assert found.layers == config.num_hidden_layers
    assert found.heads == config.num_attention_heads
    assert found.width == getattr(config, family.keys[2])
    assert found.patch_height == getattr(config, "patch_size", family.patch)
    unit = found.merge * found.patch_height if family.window_unit == "pixels" else 1
    image = getattr(config, family.side, found.image_size)
    assert found.image_size == (image if isinstance(image, int) else min(image))
    for key, value in (
        (family.merge, found.merge),
        (family.tubelet, found.frames),
        (family.behind, len(found.back)),
        (family.window, found.window * unit),
        (family.whole, [n for n in range(found.layers) if n not in found.windowed]),
        (family.positions, found.position_grid[0] ** 2),
    ):
        wanted = getattr(config, key) if key else value
        assert (list(wanted) if isinstance(wanted, tuple) else wanted) == value


@pytest.mark.parametrize(
    ("model_type", "mean", "assumed"),
    [
        ("dinov2", 0.485, "the values that the published DINOv2 checkpoints declare were assumed"),
        (
            "dinov2_with_registers",
            *(0.485, "the values that the published DINOv2 checkpoints declare were assumed"),
        ),
        ("radio", 0, "values from 0 to 1, which the network normalizes itself, were assumed"),
        (
            "homemade",
            *(0.485, "ImageNet's values were assumed, as no defaults of homemade models are known"),
        ),
    ],
)
def test_a_checkpoint_without_preprocessing_says_what_was_assumed(
    model_type: str, mean: float, assumed: str
) -> None:
    _, _, preprocessing = prepare(noise((90, 60)), None, vision(16, model_type), "square")
    assert preprocessing.assumed == f"no preprocessing is declared: {assumed}"
    assert preprocessing.steps[-1] == preprocessing.assumed
    assert preprocessing.mean[0] == mean
