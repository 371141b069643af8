"""Training steps follow from the seed alone, survive an interruption, and keep to CLS."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import scenes
import torch
from train_demo_models import (
    COVERED,
    FINE,
    FIRST,
    LABELS,
    PLAIN,
    REGISTERS,
    SECOND,
    DemoModel,
    Recipe,
    Run,
    new_model,
    patch_cover,
    patch_targets,
    targets,
    train,
)
from transformers import AutoModelForImageClassification

pytestmark = pytest.mark.skipif(
    not hasattr(torch.optim, "Muon"), reason="training needs torch >= 2.9, the gallery does not"
)

SMALL = replace(FIRST, steps=4, batch=2, warm_up=1)
SMALL_SECOND = replace(SECOND, steps=4, batch=2, warm_up=1)


def begin(name: str, recipe: Recipe) -> Run:
    """A run of either part; the second starts from a model whose training was short."""
    start: DemoModel | None = None
    if recipe.query_scale is not None:
        start = new_model(name, recipe.seed, FIRST.crop)
    return Run.begin(name, recipe, start)


def weights(run: Run) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in run.model.state_dict().items()}


@pytest.mark.parametrize("recipe", [SMALL, SMALL_SECOND], ids=["first", "second"])
@pytest.mark.parametrize("name", [PLAIN, REGISTERS])
@pytest.mark.slow
def test_an_interrupted_run_ends_like_an_unbroken_one(
    name: str, recipe: Recipe, tmp_path: Path
) -> None:
    recipe = replace(recipe, bfloat16=False)  # which many processors are slow at
    unbroken = begin(name, recipe)
    unbroken.advance()
    unbroken.keep(tmp_path / "state.pt")
    unbroken.advance()
    second = begin(name, recipe)
    second.take_up(tmp_path / "state.pt")
    second.advance()
    assert second.step == unbroken.step
    kept = weights(second)
    assert all(torch.equal(value, kept[key]) for key, value in weights(unbroken).items())


@pytest.mark.slow
def test_training_moves_the_cls_half_of_the_class_head_alone() -> None:
    run = Run.begin(PLAIN, SMALL)
    before = weights(run)["classifier.weight"]
    run.advance()
    after = weights(run)["classifier.weight"]
    width = run.model.config.hidden_size
    assert not torch.equal(after[:, :width], before[:, :width])
    assert not after[:, width:].any()


@pytest.mark.slow
def test_the_second_part_halves_the_queries_and_trains_all_but_queries_and_keys() -> None:
    start = new_model(PLAIN, 0, FIRST.crop)
    run = Run.begin(PLAIN, SMALL_SECOND, start)
    before, trained = weights(run), start.state_dict()
    queries = [key for key in before if ".q_proj." in key]
    assert len(queries) == 12
    assert all(torch.equal(before[key], trained[key] / 2) for key in queries)
    run.advance()
    run.advance()
    after = weights(run)
    kept = {key for key in before if torch.equal(before[key], after[key])}
    assert {key for key in before if ".q_proj." in key or ".k_proj." in key} <= kept
    assert not any(".v_proj.weight" in key or ".fc1.weight" in key for key in kept)


@pytest.mark.slow
def test_both_parts_make_a_checkpoint_of_the_finer_grid(tmp_path: Path) -> None:
    parts = [replace(SMALL, steps=1), replace(SMALL_SECOND, steps=1)]
    train(PLAIN, parts, tmp_path / "out", tmp_path / "scratch", resume=False)
    made = AutoModelForImageClassification.from_pretrained(tmp_path / "out" / PLAIN)
    assert made.config.image_size == FINE.size
    log = (tmp_path / "out" / PLAIN / "training-log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in log] == [1, 1]


def test_no_scene_is_in_both_parts() -> None:
    assert SECOND.first_scene >= FIRST.steps * FIRST.batch


def test_registers_start_unequal() -> None:
    backbone = cast(Any, new_model(REGISTERS, 0).base_model)
    registers = backbone.embeddings.register_tokens[0]
    assert len(torch.unique(registers, dim=0)) == 4


def test_the_two_models_start_alike() -> None:
    plain = cast(Any, new_model(PLAIN, 0).base_model).state_dict()
    twin = cast(Any, new_model(REGISTERS, 0).base_model).state_dict()
    twin.pop("embeddings.register_tokens")
    assert plain.keys() == twin.keys()
    assert all(torch.equal(value, twin[key]) for key, value in plain.items())


def test_patches_are_told_what_lies_on_them() -> None:
    scene = scenes.compose(scenes.HELD_OUT, 0, 0)
    mask = scenes.draw(scene, FINE.resized, FINE.field).mask
    told = patch_targets(scene, mask, FINE)
    assert told.shape == (256, 1 + len(LABELS))
    np.testing.assert_array_equal(told[:, 0] > 0, patch_cover(mask).ravel() >= COVERED)
    # An object patch has one shape and one material, and all of them together are the scene's.
    on_object = told[told[:, 0] > 0]
    assert np.all(on_object[:, 1:].sum(axis=1) == 2)
    np.testing.assert_array_equal(told[:, 1:].max(axis=0), targets(scene))
    assert not told[told[:, 0] == 0].any()


def test_the_rate_warms_up_and_falls_twice() -> None:
    recipe = FIRST
    rates = [recipe.rate(step) for step in range(recipe.steps)]
    assert rates[0] < rates[recipe.warm_up] == max(rates) == recipe.learning_rate
    assert rates[1599] < 1e-6 < rates[1600] == pytest.approx(0.3 * recipe.learning_rate)
    assert rates[-1] < 1e-6
