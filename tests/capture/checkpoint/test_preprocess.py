"""Pixels equal the checkpoint's own processor, and views know where every patch lies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import transformers
from PIL import Image

from generator.errors import ModelError
from generator.records.record import TokenLayout
from tests.capture.checkpoint.processing import CLASSES, noise, prepare, vision

NOT_FOLLOWED = {
    "owlv2": "pads pictures to a square",
    "yolos": "keeps the long side within 1333 px",
    "vilt": "makes both sides multiples of 32 px",
}
SIZES = [(640, 480), (480, 640), (333, 500), (97, 98), (300, 300)]


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


@pytest.mark.parametrize("numbers", [{"do_rescale": False}, {"do_normalize": False}, {}])
def test_numbers_that_are_left_as_they_are(numbers: dict[str, bool]) -> None:
    own = transformers.ViTImageProcessorPil(**numbers)
    image = noise((97, 98))
    expected = np.asarray(own(images=image, return_tensors="np")["pixel_values"])[0]
    found, _, _ = prepare(image, own.to_dict(), vision(8), "checkpoint")
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_steps_name_the_color_profile_and_half_pixels() -> None:
    _, _, preprocessing = prepare(noise((300, 201)), {"size": 224}, vision(), "square")
    assert preprocessing.steps[:4] == (
        "turn upright by the EXIF orientation",
        "convert an embedded color profile to sRGB, lay transparency on white, convert to RGB",
        "take the centered square; its edges may lie at half pixels",
        "resize to 224 x 224 px (bilinear)",
    )


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
        "test/model runs only on 224 x 224 px: its positions are not resized to other grids. "
        "Leave --resolution out for this model and use --field-of-view square."
    )
