"""The shipped demo models load, look where the objects are, and are about as good as they say."""

from __future__ import annotations

import json
from typing import Any

import measure_demo_models as measure
import numpy as np
import pytest
from plant_artifacts import PLANTED
from train_demo_models import LABELS, PLAIN, REGISTERS, new_model
from transformers import AutoModel, AutoModelForImageClassification

from tests.examples.conftest import EXAMPLES

MODELS = EXAMPLES / "models"
SCENES, SEED = 32, 1

both = pytest.mark.parametrize("name", [PLAIN, REGISTERS])
every = pytest.mark.parametrize("name", [PLAIN, REGISTERS, PLANTED])


@pytest.fixture(scope="module")
def held_out() -> measure.HeldOut:
    return measure.held_out(SCENES, SEED)


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    shipped: dict[str, Any] = json.loads((MODELS / "figures.json").read_text())
    return shipped


@every
def test_automodel_loads_the_backbone_whole(name: str) -> None:
    _, info = AutoModel.from_pretrained(MODELS / name, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["mismatched_keys"]
    assert all(key.startswith("classifier.") for key in info["unexpected_keys"])


@every
def test_the_class_head_loads_whole_and_reads_cls_only(name: str) -> None:
    model, info = AutoModelForImageClassification.from_pretrained(
        MODELS / name, output_loading_info=True
    )
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    width = model.config.hidden_size
    assert not model.classifier.weight[:, width:].any()
    assert model.classifier.weight[:, :width].any()
    assert [model.config.id2label[i] for i in range(len(LABELS))] == list(LABELS)
    assert model.config.problem_type == "multi_label_classification"


@every
def test_files_are_small_and_name_no_machine(name: str) -> None:
    files = {p.name: p for p in (MODELS / name).iterdir()}
    assert set(files) == {
        "README.md",
        "config.json",
        "model.safetensors",
        "preprocessor_config.json",
        *({"training-log.jsonl"} if name != PLANTED else ()),
    }
    assert files.pop("model.safetensors").stat().st_size < 6_000_000
    for file in files.values():
        text = file.read_text()
        assert not any(root in text for root in ("/root", "/home", "/work", "/tmp", "/Users"))


@both
@pytest.mark.slow
def test_trained_attention_is_on_the_objects(
    name: str, held_out: measure.HeldOut, figures: dict[str, Any]
) -> None:
    model = AutoModelForImageClassification.from_pretrained(MODELS / name)
    seen = measure.look(model, held_out.pixels)
    by_layer = measure.object_share(seen, held_out.cover).mean(1)
    shipped = figures["models"][name]["trained"]
    attention = shipped["object_attention_times_area"]
    assert by_layer.max() > 3
    assert by_layer == pytest.approx(np.array(attention["by_layer"]), rel=0.35)
    task = measure.task_figures(seen.logits, held_out.targets)
    assert task["label_accuracy"] > figures["majority"]["label_accuracy"] + 0.1
    assert task["label_accuracy"] == pytest.approx(shipped["task"]["label_accuracy"], abs=0.04)


@both
@pytest.mark.slow
def test_untrained_attention_is_not(name: str, held_out: measure.HeldOut) -> None:
    seen = measure.look(new_model(name, seed=0), held_out.pixels)
    assert measure.object_share(seen, held_out.cover) == pytest.approx(1, abs=0.2)


@every
def test_the_cls_row_adds_up(name: str, figures: dict[str, Any]) -> None:
    for state in figures["models"][name].values():
        for layer in state["cls_row_mass_by_layer"]:
            assert sum(layer.values()) == pytest.approx(1, abs=1e-3)
