"""The planted artifacts look as real ones do, by the product's own measures."""

from __future__ import annotations

import re
from functools import cache

import measure_demo_models as measure
import numpy as np
import pytest
import scenes
import torch
from plant_artifacts import LAYER, MARKS, PLANTED, SHARES, contrast, places, plant
from safetensors.torch import load_file
from train_demo_models import COVERED, FINE, PLAIN, REGISTERS, new_model
from transformers import AutoModelForImageClassification

import generator
from generator.records.record import OUTLIER, AttentionRecord, outlier_patches
from generator.spec.models import RegisterSpec
from tests.examples.conftest import EXAMPLES

MODELS = EXAMPLES / "models"
SCENES = ["scene-felt.png", "scene-linen-wide.png", "scene-tiles.png"]
REGISTER = RegisterSpec(neurons=2, calibration=EXAMPLES / "images")
"""As in demo.toml, where the gallery's pictures are those of calibration."""


@cache
def measured(model: str, scene: str, register: RegisterSpec | None = None) -> AttentionRecord:
    return generator.measure(
        MODELS / model,
        EXAMPLES / "images" / scene,
        patch_queries="off",
        test_time_registers=register or False,
    )


def norms(record: AttentionRecord) -> np.ndarray:
    """Norms of the patches in times the median, ``[layer + 1, patch]``."""
    patches = record.norms[:, record.layout.patch_slice].astype(np.float64)
    return np.asarray(patches / np.median(patches, axis=1, keepdims=True))


def cls_attention(record: AttentionRecord, patches: np.ndarray) -> np.ndarray:
    """Share of CLS's attention on some patches, mean over heads, ``[layer]``."""
    row = record.attention[0].astype(np.float64).mean(1) / record.layout.tokens
    return np.asarray(row[:, record.layout.patch_slice][:, patches].sum(-1))


@pytest.mark.parametrize("model", [PLAIN, REGISTERS])
@pytest.mark.parametrize("scene", SCENES)
def test_trained_models_have_no_artifacts(model: str, scene: str) -> None:
    # In layer 1 a vivid patch may be three times as long as the median; nothing keeps that.
    assert norms(measured(model, scene))[LAYER + 1 :].max() < OUTLIER


@pytest.mark.parametrize("scene", SCENES)
def test_a_few_flat_patches_have_a_high_norm_to_the_end(scene: str) -> None:
    record = measured(PLANTED, scene)
    found = outlier_patches(record.norms[:, record.layout.patch_slice])
    assert found.layer == LAYER + 1
    assert 1 <= len(found.patches) <= MARKS
    assert set(found.patches) <= set(places(FINE.grid))
    assert np.median(norms(record)[-1, found.patches]) > OUTLIER


@pytest.mark.slow
def test_they_are_flat_and_beside_the_objects() -> None:
    held_out = measure.held_out(24, seed=1)
    model = AutoModelForImageClassification.from_pretrained(MODELS / PLANTED)
    norms = measure.look(model, held_out.pixels).norms[:, LAYER + 1]
    fired = norms > OUTLIER * np.median(norms, axis=1, keepdims=True)
    marked = np.zeros_like(fired)
    marked[:, places(FINE.grid)] = True
    rank = contrast(held_out.pixels).argsort(1).argsort(1) / (fired.shape[1] - 1)
    assert 3 < fired.sum(1).mean() < 8
    assert rank[fired].mean() < rank[marked & ~fired].mean() - 0.2
    assert np.mean(held_out.cover[fired] >= COVERED) < 0.05


@pytest.mark.parametrize("scene", SCENES)
def test_they_draw_attention_in_later_layers(scene: str) -> None:
    record = measured(PLANTED, scene)
    found = outlier_patches(record.norms[:, record.layout.patch_slice]).patches
    drawn, before = (cls_attention(r, found) for r in (record, measured(PLAIN, scene)))
    even = len(found) / record.layout.tokens
    assert (drawn[: LAYER + 1] < 3 * even).all()
    assert (drawn[LAYER + 1 :] > np.maximum(3 * even, before[LAYER + 1 :])).all()


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.slow
def test_a_test_time_register_takes_them_away(scene: str) -> None:
    record = measured(PLANTED, scene, REGISTER)
    assert record.intervention is not None
    check = record.intervention.taken_over
    assert check.holds
    assert check.outliers == 0
    assert {neuron.layer for neuron in record.intervention.neurons} == {LAYER}
    assert norms(record)[LAYER + 1 :].max() < OUTLIER


def edited() -> dict[str, torch.Tensor]:
    """The planted weights that differ from the plain ones."""
    plain, planted = (load_file(MODELS / name / "model.safetensors") for name in (PLAIN, PLANTED))
    assert plain.keys() == planted.keys()
    return {key: planted[key] for key in plain if not torch.equal(plain[key], planted[key])}


def test_only_what_the_script_names_was_edited() -> None:
    kinds = {re.sub(r"^.*\.layer\.\d+\.", "", key) for key in edited()}
    assert kinds == {
        "dinov2.embeddings.position_embeddings",
        "attention.attention.query.weight",
        "attention.attention.key.weight",
        "attention.attention.value.weight",
        "mlp.fc1.weight",
        "mlp.fc1.bias",
        "mlp.fc2.weight",
    }
    neurons = [key for key in edited() if key.endswith(("fc1.bias", "fc2.weight"))]
    assert all(f".layer.{LAYER}." in key for key in neurons)


@pytest.fixture
def few() -> np.ndarray:
    drawn = (scenes.compose(scenes.CALIBRATION, 0, i) for i in range(12))
    return np.stack([scenes.draw(scene, FINE.resized, FINE.field).pixels for scene in drawn])


@pytest.mark.slow
def test_planting_is_a_function_of_the_model_and_the_scenes(few: np.ndarray) -> None:
    models = [new_model(PLAIN, seed=0) for _ in range(2)]
    first, second = (plant(model, few) for model in models)
    assert first.neurons == second.neurons
    np.testing.assert_array_equal(first.fires, second.fires)
    weights = [model.state_dict() for model in models]
    assert all(torch.equal(value, weights[1][key]) for key, value in weights[0].items())


@pytest.mark.slow
def test_it_fires_at_marked_patches_alone(few: np.ndarray) -> None:
    fires = plant(new_model(PLAIN, seed=0), few).fires
    assert fires.shape == (12, FINE.grid**2)
    assert fires.any()
    assert not np.delete(fires, places(FINE.grid), axis=1).any()


def test_every_block_behind_has_its_share() -> None:
    assert len(SHARES) == new_model(PLAIN, seed=0).config.num_hidden_layers - LAYER - 1
