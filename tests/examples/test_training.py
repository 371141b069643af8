"""Training steps follow from the seed alone, survive an interruption, and keep to CLS."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import scenes
import torch
from train_demo_models import (
    COVERED,
    FIELD,
    LABELS,
    PLAIN,
    REGISTERS,
    RESIZED,
    Recipe,
    Run,
    new_model,
    patch_cover,
    patch_targets,
    targets,
)

pytestmark = pytest.mark.skipif(
    not hasattr(torch.optim, "Muon"), reason="training needs torch >= 2.9, the gallery does not"
)

SMALL = Recipe(steps=4, batch=2, warm_up=1)


def weights(run: Run) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in run.model.state_dict().items()}


@pytest.mark.parametrize("name", [PLAIN, REGISTERS])
def test_an_interrupted_run_ends_like_an_unbroken_one(name: str, tmp_path: Path) -> None:
    unbroken = Run.begin(name, SMALL)
    for _ in range(3):
        unbroken.advance()
    first = Run.begin(name, SMALL)
    first.advance()
    first.keep(tmp_path / "state.pt")
    second = Run.begin(name, SMALL)
    second.take_up(tmp_path / "state.pt")
    second.advance()
    second.advance()
    assert second.step == unbroken.step
    kept = weights(second)
    assert all(torch.equal(value, kept[key]) for key, value in weights(unbroken).items())


def test_training_moves_the_cls_half_of_the_class_head_alone() -> None:
    run = Run.begin(PLAIN, SMALL)
    before = weights(run)["classifier.weight"]
    run.advance()
    after = weights(run)["classifier.weight"]
    width = run.model.config.hidden_size
    assert not torch.equal(after[:, :width], before[:, :width])
    assert not after[:, width:].any()


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
    mask = scenes.draw(scene, RESIZED, FIELD).mask
    told = patch_targets(scene, mask)
    assert told.shape == (196, 1 + len(LABELS))
    np.testing.assert_array_equal(told[:, 0] > 0, patch_cover(mask).ravel() >= COVERED)
    # An object patch has one shape and one material, and all of them together are the scene's.
    on_object = told[told[:, 0] > 0]
    assert np.all(on_object[:, 1:].sum(axis=1) == 2)
    np.testing.assert_array_equal(told[:, 1:].max(axis=0), targets(scene))
    assert not told[told[:, 0] == 0].any()


def test_the_rate_warms_up_and_falls_twice() -> None:
    recipe = Recipe()
    rates = [recipe.rate(step) for step in range(recipe.steps)]
    assert rates[0] < rates[recipe.warm_up] == max(rates) == recipe.learning_rate
    assert rates[1599] < 1e-6 < rates[1600] == pytest.approx(0.3 * recipe.learning_rate)
    assert rates[-1] < 1e-6
