"""Preprocessing and models that are refused, by name and with a next step."""

from __future__ import annotations

from typing import Any

import pytest

from generator.capture.checkpoint.layouts import read_vision_config
from generator.errors import ModelError
from tests.capture.checkpoint.processing import noise, prepare, vision


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


@pytest.mark.parametrize("model_type", ["swin", "swinv2", "hiera"])
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
