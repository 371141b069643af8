"""Vision transformers inside larger models: read exactly, and nothing else is downloaded."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from generator.capture.forward.scores import Scores, attention_of
from generator.capture.forward.statistics import ReducedAttention
from generator.capture.forward.watcher import Watcher
from generator.capture.models.load import LoadedModel, inferred_layout
from generator.errors import ModelError
from generator.records.record import TokenLayout
from tests.capture.ready import prepared, ready
from tests.capture.towers import TOWERS, Tower

GRIDS = ((4, 4), (3, 7))
PATCH = 16


def pixels(grid: tuple[int, int]) -> Tensor:
    values = np.random.default_rng(0).normal(size=(1, 3, PATCH * grid[0], PATCH * grid[1]))
    return torch.from_numpy(values.astype(np.float32))


def captured(model: LoadedModel, given: Tensor) -> tuple[TokenLayout, Tensor]:
    """The layout, and what is seen of the attention: ``[layer, head, query, key]``."""
    layout = model.layout(*given.shape[-2:])
    if not model.resolved.vision.listed:
        layout = inferred_layout(model, given)

    def whole(scores: Scores) -> Tensor:
        return attention_of(scores, slice(None))

    attention = ReducedAttention(whole)
    watcher = Watcher(model.blocks, attention, tokens=layout.tokens, model="", layout=layout)
    with torch.no_grad(), watcher:
        model.forward(given, layout)
    return layout, torch.stack([images[0] for images in attention.layers])


def own_attention(network: Any, tower: nn.Module, given: Tensor) -> Tensor:
    """What the larger model's own part returns on its eager path."""
    network.set_attn_implementation("eager")
    own = type(tower).__name__
    names = {own, own.replace("Model", "Backbone"), own.replace("Model", "Transformer")}
    part: Any = next(module for module in network.modules() if type(module).__name__ in names)
    options = {"interpolate_pos_encoding": True} if takes_positions(part) else {}
    with torch.no_grad():
        output = part(given, output_attentions=True, **options)
    return torch.stack(list(output.attentions))[:, 0]


def takes_positions(part: nn.Module) -> bool:
    parameters = inspect.signature(part.forward).parameters.values()
    return any(p.name == "interpolate_pos_encoding" or p.kind is p.VAR_KEYWORD for p in parameters)


@pytest.mark.parametrize("tower", TOWERS, ids=lambda tower: tower.name)
@pytest.mark.slow
def test_tower_equals_the_eager_path_of_the_larger_model(tower: Tower, tmp_path: Path) -> None:
    network = tower.save(tmp_path / "model")
    model = ready(tmp_path / "model")
    for grid in GRIDS if tower.any_grid else GRIDS[:1]:
        layout, seen = captured(model, pixels(grid))
        assert (layout.prefix, layout.rows, layout.cols) == (tower.prefix, *grid)
        own = own_attention(network, model.network, pixels(grid))
        assert own.shape == (model.facts.layers, 4, layout.tokens, layout.tokens)
        assert float((own - 1 / layout.tokens).abs().max()) > 0.05, "attention is not uniform"
        torch.testing.assert_close(seen, own, atol=1e-5, rtol=0)


@pytest.mark.slow
def test_tower_of_one_grid_says_so(tmp_path: Path) -> None:
    """Its position embedding is not interpolated, so another grid ends in an error of torch."""
    tower = next(tower for tower in TOWERS if tower.name == "Ovis 2")
    tower.save(tmp_path / "model")
    with pytest.raises(ModelError) as refused:
        prepared(ready(tmp_path / "model"))
    assert str(refused.value) == (
        "model runs only on 64 x 64 px: its positions are not resized to other grids. Leave "
        "--resolution out for this model and use --field-of-view square."
    )
