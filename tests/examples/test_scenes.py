"""The scenes are functions of their seeds, and the mask tells where the objects are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scenes
from PIL import Image

from tests.examples.conftest import EXAMPLES


def test_a_scene_is_a_function_of_its_seed() -> None:
    first, again = (scenes.compose(scenes.HELD_OUT, 3, 5) for _ in range(2))
    assert first == again
    drawn, redrawn = scenes.draw(first, 96), scenes.draw(again, 96)
    assert drawn.pixels.tobytes() == redrawn.pixels.tobytes()
    assert drawn.mask.tobytes() == redrawn.mask.tobytes()


def test_streams_seeds_and_indices_give_different_scenes() -> None:
    keys = [
        (scenes.TRAIN, 0, 0),
        (scenes.HELD_OUT, 0, 0),
        (scenes.TRAIN, 1, 0),
        (scenes.TRAIN, 0, 1),
    ]
    seeds = {scenes.compose(*key).texture_seed for key in keys}
    assert len(seeds) == len(keys)


def test_every_shape_material_ground_and_palette_occurs() -> None:
    many = [scenes.compose(scenes.HELD_OUT, 0, i) for i in range(150)]
    assert {shape for scene in many for shape in scene.shapes} == set(scenes.SHAPES)
    assert {material for scene in many for material in scene.materials} == set(scenes.MATERIALS)
    assert {scene.ground for scene in many} == set(scenes.GROUNDS)
    assert {scene.palette for scene in many} == set(scenes.PALETTES)


@pytest.mark.parametrize("index", range(6))
def test_the_mask_agrees_with_the_picture(index: int) -> None:
    scene = scenes.compose(scenes.HELD_OUT, 0, index)
    drawn = scenes.draw(scene, 128)
    bare = scenes.draw(replace(scene, objects=()), 128)
    assert bare.mask.max() == 0
    changed = np.abs(drawn.pixels.astype(int) - bare.pixels).max(axis=2)
    # Objects stand out from what they cover; a few of their pixels may match the ground by chance.
    assert np.mean(changed[drawn.mask > 0.99] > 8) > 0.9
    # Beyond the objects only their shadows differ, and those reach a twentieth of the canvas.
    row, col = np.nonzero(changed)
    center = np.array([(o.row, o.col) for o in scene.objects])
    radius = np.array([o.radius for o in scene.objects])
    at = (np.stack([row, col], axis=1)[:, None] + 0.5) / 128
    assert np.all((np.hypot(*np.moveaxis(at - center, 2, 0)) < 1.1 * radius + 0.08).any(axis=1))


def test_the_mask_has_the_same_area_at_every_size() -> None:
    scene = scenes.compose(scenes.HELD_OUT, 0, 1)
    small, large = (scenes.draw(scene, scale).mask.mean() for scale in (96, 384))
    assert small == pytest.approx(large, rel=0.03)


@pytest.mark.parametrize("index", range(4))
def test_a_box_shows_the_same_scene(index: int) -> None:
    scene = scenes.compose(scenes.HELD_OUT, 0, index)
    whole = scenes.draw(scene, 128)
    part = scenes.draw(scene, 128, scenes.Box(1 / 16, 1 / 16, 7 / 8, 7 / 8))
    cut = np.s_[8:120, 8:120]
    np.testing.assert_allclose(part.mask, whole.mask[cut], atol=1e-4)
    off = np.abs(part.pixels.astype(int) - whole.pixels[cut]).max(axis=2)
    # Shading takes gradients, which are one-sided at the rim of the picture.
    assert np.mean(off > 1) < 0.01


def test_a_wide_scene_is_wide() -> None:
    drawn = scenes.draw(scenes.compose(scenes.EXAMPLE, 0, 0, width=1.5), 64)
    assert drawn.pixels.shape == (64, 96, 3)
    assert drawn.mask.shape == (64, 96)


@pytest.mark.parametrize("example", scenes.EXAMPLES, ids=lambda example: example.file)
def test_the_shipped_scenes_can_be_drawn_again(example: scenes.Example) -> None:
    with Image.open(EXAMPLES / "images" / example.file) as shipped:
        kept = np.asarray(shipped.convert("RGB")).astype(int)
    off = np.abs(np.asarray(scenes.example_picture(example)).astype(int) - kept)
    # Byte for byte where numpy is the same build; elsewhere sines may round a pixel the other way.
    assert off.max() <= 3
    assert np.mean(off > 0) < 0.01
