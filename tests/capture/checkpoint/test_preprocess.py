"""Pixels equal the checkpoint's own processor, and views know where every patch lies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import transformers
from PIL import Image

from generator.capture.checkpoint.layouts import FAMILIES, VisionConfig, read_vision_config
from generator.capture.checkpoint.preprocess import Geometry, describe, locate, pixels
from generator.capture.checkpoint.processor_defaults import (
    DINOV2,
    FAMILY_PROCESSORS,
    PROCESSORS,
    RADIO,
)
from generator.capture.checkpoint.processors import read_processor
from generator.errors import ModelError
from generator.records.record import FieldOfView, Preprocessing, TokenLayout

CLASSES = {
    "vit": "ViTImageProcessorPil",
    "deit": "DeiTImageProcessorPil",
    "beit": "BeitImageProcessorPil",
    "bit": "BitImageProcessorPil",
    "clip": "CLIPImageProcessorPil",
    "siglip": "SiglipImageProcessorPil",
    "siglip2": "Siglip2ImageProcessorPil",
    "chineseclip": "ChineseCLIPImageProcessorPil",
    "blip": "BlipImageProcessorPil",
    "flava": "FlavaImageProcessorPil",
    "owlvit": "OwlViTImageProcessorPil",
    "owlv2": "Owlv2ImageProcessorPil",
    "yolos": "YolosImageProcessorPil",
    "vilt": "ViltImageProcessorPil",
    "dpt": "DPTImageProcessorPil",
}
NOT_FOLLOWED = {
    "owlv2": "pads pictures to a square",
    "yolos": "keeps the long side within 1333 px",
    "vilt": "makes both sides multiples of 32 px",
}
SIZES = [(640, 480), (480, 640), (333, 500), (97, 98), (300, 300)]


def noise(size: tuple[int, int], seed: int = 0) -> Image.Image:
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8))
    fine = Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    return Image.blend(coarse.resize(size, Image.Resampling.BICUBIC), fine, 0.2)


def vision(patch: int = 16, model_type: str = "vit", **config: Any) -> VisionConfig:
    return read_vision_config(
        {"model_type": model_type, "patch_size": patch, **config}, model="test/model"
    )


def prepare(
    image: Image.Image,
    config: dict[str, Any] | None,
    geometry_of: VisionConfig,
    field_of_view: FieldOfView,
    resolution: int | None = None,
) -> tuple[np.ndarray, Geometry, Preprocessing]:
    processor = read_processor(config, geometry_of, model="test/model")
    preprocessing = describe(
        processor,
        geometry_of,
        field_of_view=field_of_view,
        resolution=resolution,
        model="test/model",
    )
    geometry = locate(
        *image.size,
        processor=processor,
        vision=geometry_of,
        preprocessing=preprocessing,
        model="test/model",
    )
    return pixels(image, geometry, preprocessing), geometry, preprocessing


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", sorted(CLASSES.keys() - NOT_FOLLOWED.keys() - {"siglip2"}))
def test_checkpoint_view_gives_the_processors_own_pixels(name: str, size: tuple[int, int]) -> None:
    own = getattr(transformers, CLASSES[name])()
    image = noise(size)
    expected = np.asarray(own(images=image, return_tensors="np")["pixel_values"])[0]
    found, _, _ = prepare(image, own.to_dict(), vision(patch=8), "checkpoint")
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_naflex_view_gives_the_processors_own_patches(size: tuple[int, int]) -> None:
    own = transformers.Siglip2ImageProcessorPil()
    image = noise(size)
    output = own(images=image, return_tensors="np")
    rows, cols = output["spatial_shapes"][0]
    geometry_of = vision(model_type="siglip2_vision_model", num_patches=256)
    found, _, _ = prepare(image, own.to_dict(), geometry_of, "checkpoint")
    assert found.shape == (3, rows * 16, cols * 16)
    cut = found.reshape(3, rows, 16, cols, 16).transpose(1, 3, 2, 4, 0).reshape(rows * cols, -1)
    np.testing.assert_allclose(cut, output["pixel_values"][0][: rows * cols], atol=1e-5)


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
    for name in (model_type, whole, whole.replace("_", "-")):
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
    assert model_type in FAMILY_PROCESSORS


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


@pytest.mark.parametrize("numbers", [{"do_rescale": False}, {"do_normalize": False}, {}])
def test_numbers_that_are_left_as_they_are(numbers: dict[str, bool]) -> None:
    own = transformers.ViTImageProcessorPil(**numbers)
    image = noise((97, 98))
    expected = np.asarray(own(images=image, return_tensors="np")["pixel_values"])[0]
    found, _, _ = prepare(image, own.to_dict(), vision(8), "checkpoint")
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("config", "does"),
    [
        ({"size": {"longest_edge": 96}}, "scales the long side to 96 px"),
        (
            {"size": {"shortest_edge": 96, "longest_edge": 120}},
            "keeps the long side within 120 px",
        ),
        ({"size": 96, "max_size": 120}, "keeps the long side within 120 px"),
        ({"size": {"max_height": 90, "max_width": 80}}, "keeps pictures within 90 x 80 px"),
        ({"size": {"max_pixels": 9999}}, "limits the number of pixels"),
        (
            {"do_pad": True, "pad_size": {"height": 300, "width": 400}},
            "pads pictures to 300 x 400 px",
        ),
        ({"image_processor_type": "Owlv2ImageProcessor"}, "pads pictures to a square"),
        ({"image_processor_type": "YolosImageProcessor"}, "keeps the long side within 1333 px"),
        ({"image_processor_type": "ViltImageProcessor"}, "makes both sides multiples of 32 px"),
        (
            {
                "image_processor_type": "DPTImageProcessor",
                "keep_aspect_ratio": True,
                "ensure_multiple_of": 14,
            },
            "keeps the aspect ratio and makes both sides multiples of 14 px",
        ),
        ({"size": {"shortest_edge": 96}, "crop_pct": 0.875}, "crops by crop_pct"),
        ({"do_image_splitting": True}, "cuts pictures into tiles"),
        (
            {"image_processor_type": "OwnImageProcessor"},
            "is preprocessed by OwnImageProcessor, whose steps are not known",
        ),
    ],
)
def test_preprocessing_that_no_view_follows_is_refused_in_the_checkpoints_own_view(
    config: dict[str, Any], does: str
) -> None:
    numbers = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 3}
    with pytest.raises(ModelError) as error:
        prepare(noise((300, 200)), numbers | config, vision(), "checkpoint")
    assert str(error.value) == (
        f"test/model {does} in its own preprocessing, which the view of the checkpoint does not "
        "follow. Use --field-of-view square or whole."
    )
    found, geometry, _ = prepare(noise((300, 200)), numbers | config, vision(), "square")
    assert geometry.view.box == (50, 0, 250, 200)
    assert found.shape[1] == found.shape[2]


@pytest.mark.parametrize(
    "config",
    [
        {"do_pad": False, "pad_size": {"height": 9, "width": 9}, "crop_pct": None},
        {"keep_aspect_ratio": False, "ensure_multiple_of": 1, "size_divisor": None},
        {"do_pad": True, "image_processor_type": "ViTImageProcessor"},
        {
            "image_processor_type": "YolosImageProcessor",
            "size": {"shortest_edge": 224},
            "do_pad": True,
        },
        {"size": {"shortest_edge": 224, "longest_edge": None}, "rescale_offset": False},
    ],
)
def test_what_is_named_and_not_asked_for_stops_nothing(config: dict[str, Any]) -> None:
    prepare(noise((300, 200)), config, vision(), "checkpoint")


@pytest.mark.parametrize("option", ["do_flip_channel_order", "rescale_offset", "do_grayscale"])
def test_colors_that_are_changed_in_another_way_are_refused(option: str) -> None:
    with pytest.raises(ModelError) as error:
        prepare(noise((300, 200)), {option: True}, vision(), "square")
    assert str(error.value) == (
        f"test/model asks for {option} in preprocessor_config.json, which changes the colors in a "
        "way that is not supported. Use another model."
    )


def test_what_a_class_that_is_not_known_leaves_out_is_assumed_and_said() -> None:
    config = {"image_processor_type": "OwnImageProcessor", "size": 224, "image_mean": [0.1] * 3}
    _, _, preprocessing = prepare(noise((300, 200)), config, vision(), "square")
    assert preprocessing.assumed == (
        "preprocessor_config.json is incomplete: bicubic resampling and ImageNet's standard "
        "deviation were assumed"
    )
    assert (preprocessing.mean[0], preprocessing.std) == (0.1, (0.229, 0.224, 0.225))


def test_steps_name_the_color_profile_and_half_pixels() -> None:
    _, _, preprocessing = prepare(noise((300, 201)), {"size": 224}, vision(), "square")
    assert preprocessing.steps[:4] == (
        "turn upright by the EXIF orientation",
        "convert an embedded color profile to sRGB, lay transparency on white, convert to RGB",
        "take the centered square; its edges may lie at half pixels",
        "resize to 224 x 224 px (bilinear)",
    )


@pytest.mark.parametrize("model_type", FAMILIES)
def test_config_defaults_are_those_of_transformers(model_type: str) -> None:
    config = transformers.CONFIG_MAPPING[model_type]()
    found = read_vision_config({"model_type": model_type}, model="test/model")
    assert found.layers == config.num_hidden_layers
    assert found.heads == config.num_attention_heads
    assert found.width == config.hidden_size
    assert found.patch_height == config.patch_size
    if model_type != "siglip2_vision_model":
        assert found.image_size == config.image_size


def test_square_view_covers_the_center_of_both_orientations() -> None:
    for size, box in (((300, 200), (50, 0, 250, 200)), ((201, 300), (0, 49.5, 201, 250.5))):
        found, geometry, _ = prepare(noise(size), None, vision(), "square")
        assert geometry.view.box == box
        assert found.shape == (3, 224, 224)


def test_models_of_different_patch_see_the_same_square() -> None:
    image = noise((451, 300))
    boxes = set()
    for patch, resolution in ((14, 518), (16, 512), (14, None), (32, 500)):
        _, geometry, _ = prepare(image, None, vision(patch), "square", resolution)
        boxes.add(geometry.view.box)
        assert geometry.view.input_width % patch == 0
    assert boxes == {(75.5, 0, 375.5, 300)}


def test_whole_view_covers_the_whole_picture_in_whole_patches() -> None:
    found, geometry, _ = prepare(noise((451, 300)), None, vision(14), "whole", 224)
    assert geometry.view.box == (0, 0, 451, 300)
    assert found.shape == (3, 224, 336)


def test_a_mark_in_one_patch_stays_in_that_patch() -> None:
    """Paint the box that the view gives for a patch: only that patch's input changes."""
    layout = TokenLayout(("CLS",), 14, 21)
    flat = Image.new("RGB", (630, 420), "gray")
    plain, geometry, _ = prepare(flat, None, vision(16), "whole", 224)
    left, top, right, bottom = geometry.view.patch_box(layout, 3, 17)
    assert (left, top, right, bottom) == (510, 90, 540, 120)
    # A margin keeps the resampling filter inside the patch.
    flat.paste("white", (int(left) + 6, int(top) + 6, int(right) - 6, int(bottom) - 6))
    marked, _, _ = prepare(flat, None, vision(16), "whole", 224)
    changed = np.abs(marked - plain).max(0).reshape(14, 16, 21, 16).max((1, 3)) > 0.05
    assert np.argwhere(changed).tolist() == [[3, 17]]


def test_a_tail_that_no_patch_covers_is_left_out_of_the_view() -> None:
    """90 x 60 px at patch 14 is 6 x 4 patches: the map covers 84 x 56 px, not the whole picture."""
    config = {"do_resize": False, "do_center_crop": False}
    found, geometry, _ = prepare(noise((90, 60)), config, vision(14), "checkpoint")
    assert found.shape == (3, 56, 84)
    assert geometry.view.box == (0, 0, 84, 56)


@pytest.mark.parametrize(
    ("config", "resolution"),
    [
        ({"size": 224, "image_processor_type": "ViTFeatureExtractor"}, 224),
        ({"size": 256, "crop_size": 224, "feature_extractor_type": "CLIPFeatureExtractor"}, 224),
        ({"size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224}}, 0),
        ({"size": {"height": 384, "width": 384}, "image_processor_type": "ViTImageProcessor"}, 384),
        (None, 448),
    ],
)
def test_every_generation_of_config_files_is_read(config: Any, resolution: int) -> None:
    if config and resolution == 0:
        config, resolution = {**config, "do_center_crop": True}, 224
    geometry_of = vision(image_size=448)
    _, _, preprocessing = prepare(noise((500, 400)), config, geometry_of, "square")
    assert preprocessing.resolution == resolution


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


def test_a_crop_larger_than_the_picture_is_refused() -> None:
    config = {"size": {"shortest_edge": 200}, "crop_size": 224, "do_center_crop": True}
    with pytest.raises(ModelError) as error:
        prepare(noise((300, 300)), config, vision(), "checkpoint")
    assert str(error.value) == (
        "test/model crops 224 x 224 px out of a picture resized to 200 x 200 px, "
        "which would pad it with black. Use --field-of-view square."
    )


def test_a_picture_too_long_to_be_seen_whole_is_refused() -> None:
    with pytest.raises(ModelError) as error:
        prepare(noise((3000, 1)), None, vision(), "whole", 224)
    assert str(error.value) == (
        "test/model would see a picture of 3000 x 1 px as 14 x 42,000 patches, where at most "
        "32,768 patches are measured. Lower --resolution, use --field-of-view square, or crop the "
        "picture."
    )
    square, _, _ = prepare(noise((3000, 1)), None, vision(), "square", 224)
    assert square.shape == (3, 224, 224)


def test_a_model_that_cannot_be_resized_says_so() -> None:
    fixed = vision(14, model_type="aimv2_vision_model")
    with pytest.raises(ModelError) as error:
        prepare(noise((300, 300)), None, fixed, "square", 448)
    assert str(error.value) == (
        "test/model runs only on 224 x 224 px: its position embedding is not interpolated. "
        "Leave --resolution out for this model and use --field-of-view square."
    )


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"size": {"side": 3}},
            "test/model asks for size {'side': 3} in preprocessor_config.json; "
            "a number, height and width, or shortest_edge was expected. Correct the file.",
        ),
        (
            {"resample": 9},
            "test/model asks for resampling filter 9 in preprocessor_config.json; "
            "Pillow knows [0, 1, 2, 3, 4, 5]. Correct the file.",
        ),
        (
            {"image_mean": [0.5]},
            "test/model has [0.5] as a mean or standard deviation in preprocessor_config.json; "
            "three numbers were expected, for red, green and blue. Use a model of color images.",
        ),
        (
            {"image_std": [0.2, 0, 0.2]},
            "test/model makes no pixels of a picture: rescale_factor 0.00392157, image_mean "
            "[0.5, 0.5, 0.5] and image_std [0.2, 0.0, 0.2] in preprocessor_config.json; "
            "finite numbers were expected, and positive ones for image_std. Correct the file.",
        ),
        (
            {"rescale_factor": float("inf")},
            "test/model makes no pixels of a picture: rescale_factor inf, image_mean "
            "[0.5, 0.5, 0.5] and image_std [0.5, 0.5, 0.5] in "
            "preprocessor_config.json; finite numbers were expected, and positive ones for "
            "image_std. Correct the file.",
        ),
        (
            {"size": {"height": 10**9, "width": 224}},
            "test/model asks for size 1000000000 x 224 in preprocessor_config.json; "
            "sides from 1 to 8,192 pixels were expected. Correct the file.",
        ),
        (
            {"crop_size": {"height": -5, "width": 0}, "do_center_crop": True},
            "test/model asks for crop_size -5 x 0 in preprocessor_config.json; "
            "sides from 1 to 8,192 pixels were expected. Correct the file.",
        ),
    ],
)
def test_a_config_that_is_not_understood_is_named(config: Any, message: str) -> None:
    with pytest.raises(ModelError) as error:
        prepare(noise((300, 300)), config, vision(), "checkpoint")
    assert str(error.value) == message


@pytest.mark.parametrize("model_type", ["swin", "swinv2", "hiera", "pvt_v2", "segformer"])
def test_windowed_models_are_refused_by_name(model_type: str) -> None:
    with pytest.raises(ModelError) as error:
        read_vision_config({"model_type": model_type, "patch_size": 4}, model="org/name")
    assert str(error.value) == (
        f"org/name is a {model_type} model, which attends within windows and pools its tokens: "
        "it has no attention map over the whole picture. "
        "Use a plain vision transformer (ViT, DeiT, DINOv2, DINOv3, CLIP, SigLIP, ...)."
    )


@pytest.mark.parametrize("model_type", ["convnext", "resnet", "dinov3_convnext"])
def test_convolutional_models_are_refused_by_name(model_type: str) -> None:
    with pytest.raises(ModelError, match=f"org/name is a {model_type} model, which is convol"):
        read_vision_config({"model_type": model_type}, model="org/name")


def test_a_text_model_is_refused() -> None:
    with pytest.raises(ModelError, match="is a bert model without a patch size in its config"):
        read_vision_config({"model_type": "bert", "hidden_size": 8}, model="org/name")
