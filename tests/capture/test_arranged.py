"""Networks whose tokens do not stand row by row: shown in the order of the picture, exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from torch import Tensor
from transformers.vision_utils import get_vision_position_ids, get_vision_window_index

from generator.capture.checkpoint.families import FAMILIES
from generator.capture.checkpoint.sequence import SequenceLayout
from generator.capture.extract import extract
from generator.capture.forward.residual import ResidualStream
from generator.capture.models.load import LoadedModel
from generator.errors import ModelError
from generator.records.record import AttentionRecord, TokenLayout
from tests.capture.arranged import NEIGHBORHOODS, eager_weights
from tests.capture.families import Family
from tests.capture.loaders.test_towers import captured, pixels
from tests.capture.ready import measured, prepared, ready
from tests.capture.towers import Tower
from tests.capture.windowed import of_size
from tests.tiny import patch_token

GRIDS = ((4, 4), (6, 10))
PATCH = 16


@pytest.fixture(scope="module", params=NEIGHBORHOODS, ids=lambda tower: tower.name)
def models(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, LoadedModel]:
    tower: Tower = request.param
    folder = tmp_path_factory.mktemp("arranged") / "model"
    network: Any = tower.save(folder)
    return network, ready(folder)


def patches_of(model: LoadedModel, grid: Tensor) -> Tensor:
    """Row and column of each token in the network's own sequence, by transformers' account."""
    places = get_vision_position_ids(grid, 2)
    if model.resolved.vision.window:
        index, _ = get_vision_window_index(grid, 2, 64, PATCH)
        places = places.reshape(-1, 4, 2)[index].reshape(-1, 2)
    return places


def own_attention(network: Any, model: LoadedModel, given: Tensor) -> Tensor:
    """``[layer, head, query, key]`` in the order of the picture, 0 outside of windows."""
    rows, cols = given.shape[-2] // PATCH, given.shape[-1] // PATCH
    cut = given[0].reshape(3, rows, PATCH, cols, PATCH)
    grid = torch.tensor([[1, rows, cols]])
    given_order = get_vision_position_ids(grid, 2)
    patches = torch.stack([cut[:, row, :, col] for row, col in given_order.tolist()])
    twice = patches[:, :, None].expand(-1, -1, 2, -1, -1).flatten(1)
    network.set_attn_implementation("eager")
    part = next(m for m in network.modules() if type(m) is type(model.network))
    with torch.no_grad(), eager_weights(part) as found:
        part(twice, grid_thw=grid)
    layers, waiting = [], []
    for weights in found:
        waiting.append(weights[0])
        if sum(window.shape[-1] for window in waiting) == rows * cols:
            heads = zip(*(window.unbind() for window in waiting), strict=True)
            layers.append(torch.stack([torch.block_diag(*windows) for windows in heads]))
            waiting = []
    places = patches_of(model, grid)
    order = torch.argsort(places[:, 0] * cols + places[:, 1])
    return torch.stack(layers)[:, :, order][..., order]


def test_every_head_equals_the_eager_path_of_the_larger_model(
    models: tuple[Any, LoadedModel],
) -> None:
    network, model = models
    for grid in GRIDS:
        layout, seen = captured(model, pixels(grid))
        assert isinstance(layout, SequenceLayout)
        own = own_attention(network, model, pixels(grid))
        assert own.shape == (2, 4, layout.tokens, layout.tokens)
        assert float((own - 1 / layout.tokens).abs().max()) > 0.05, "attention is not uniform"
        torch.testing.assert_close(seen, own, atol=1e-5, rtol=0)
        windows = bool(model.resolved.vision.window) and grid != (4, 4)
        assert bool((own[0] == 0).any()) == windows and not bool((own[1] == 0).any())


@pytest.mark.parametrize("place", [(0, 1), (1, 0), (3, 8), (5, 9)], ids=str)
def test_a_painted_patch_is_at_its_place(
    models: tuple[Any, LoadedModel], place: tuple[int, int]
) -> None:
    _, model = models
    row, col = place
    flat = torch.zeros(1, 3, 6 * PATCH, 10 * PATCH)
    painted = flat.clone()
    painted[:, :, row * PATCH : (row + 1) * PATCH, col * PATCH : (col + 1) * PATCH] = 3.0
    layout = model.layout(*flat.shape[-2:])
    norms = []
    for picture in (flat, painted):
        with ResidualStream(model.blocks, layout) as residual, torch.no_grad():
            model.forward(picture, layout)
        norms.append(residual.norms[0][0])
    changed = (norms[0] - norms[1]).abs() > 1e-4
    assert changed.nonzero().flatten().tolist() == [patch_token(layout, row, col)]


def test_records_are_in_the_order_of_the_picture(models: tuple[Any, LoadedModel]) -> None:
    network, model = models
    items = [prepared(model, seed) for seed in range(2)]
    found = [record for item in items for record in extract(model, [item])]
    for item, record in zip(items, found, strict=True):
        assert isinstance(record, AttentionRecord)
        assert type(record.layout) is TokenLayout
        assert (record.layout.rows, record.layout.cols) == (6, 8)
        own = own_attention(network, model, torch.from_numpy(item.pixels)[None])
        assert record.patch_attention is not None
        kept = torch.from_numpy(record.patch_attention.astype("float32")) / record.layout.tokens
        torch.testing.assert_close(kept, own, atol=1e-4, rtol=1e-3)
        assert any("neighborhoods of 2 x 2" in step for step in record.preprocessing.steps)


YOLOS = Family(
    *("yolos", "YolosConfig", "YolosForObjectDetection", ()),
    {"image_size": [64, 96], "num_detection_tokens": 5},
)
CLIPS = [
    Family(
        *("V-JEPA 2", "VJEPA2Config", "VJEPA2Model", ()),
        {
            **{"crop_size": 64, "frames_per_clip": 4, "mlp_ratio": 2, "pred_hidden_size": 32},
            **{"pred_num_hidden_layers": 2, "pred_num_attention_heads": 4},
        },
    ),
    Family("VideoMAE", "VideoMAEConfig", "VideoMAEModel", (), {"num_frames": 4}),
]


LLAMA4 = Family(
    *("Llama 4", "Llama4VisionConfig", "Llama4VisionModel", ("CLS",)),
    {
        "intermediate_size": 128,
        "projector_input_dim": 32,
        "projector_output_dim": 32,
        "vision_output_dim": 32,
    },
    resizable=False,
)
KOSMOS = Family(
    *("Kosmos-2.5", "Kosmos2_5VisionConfig", "Kosmos2_5VisionModel", ()),
    {"patch_embed_hidden_size": 768, "max_num_patches": 64, "head_dim": 8},
)


@pytest.mark.parametrize("side", [4, 6])
def test_a_class_token_behind_the_patches_is_in_front_of_them(side: int, tmp_path: Path) -> None:
    """Llama 4, whose rotary embedding is of its own grid alone."""
    folder = of_size(LLAMA4, side).save(tmp_path / "llama4")
    model, eager = ready(folder), ready(folder, attention="eager")
    layout, seen = captured(model, pixels((side, side)))
    assert (layout.prefix, layout.cls) == (("CLS",), "CLS")
    with torch.no_grad():
        output: Any = eager.network(
            pixels((side, side)), output_attentions=True, output_hidden_states=True
        )
    order = [side * side, *range(side * side)]
    own = torch.stack(output.attentions)[:, 0][:, :, order][..., order]
    assert float((own - 1 / layout.tokens).abs().max()) > 0.05, "attention is not uniform"
    torch.testing.assert_close(seen, own, atol=1e-5, rtol=0)
    (record,) = measured(model, prepared(model, whole=False))
    assert record.queries == ("CLS",)


def test_patches_with_their_rows_and_columns_are_those_of_the_processor(tmp_path: Path) -> None:
    """Kosmos-2.5, given what its own processor makes of the same pixels."""
    folder = KOSMOS.save(tmp_path / "kosmos")
    model, eager = ready(folder), ready(folder, attention="eager")
    own_processor = transformers.Kosmos2_5ImageProcessorPil()
    for rows, cols in ((4, 4), (3, 7)):
        levels = np.random.default_rng(rows).integers(0, 256, (3, rows * 16, cols * 16))
        given = own_processor(
            levels.astype(np.uint8).transpose(1, 2, 0),
            max_patches=rows * cols,
            return_tensors="pt",
        )
        assert (int(given["rows"][0]), int(given["cols"][0])) == (rows, cols)
        with torch.no_grad(), eager_weights(eager.network) as made:
            eager.network(given["flattened_patches"], attention_mask=given["attention_mask"])
        own = torch.stack(made)[:, 0]
        assert float((own - 1 / (rows * cols)).abs().max()) > 0.05, "attention is not uniform"
        shown = torch.from_numpy(levels.astype(np.float32))[None] / 255
        layout, seen = captured(model, shown)
        assert (layout.prefix, layout.rows, layout.cols) == ((), rows, cols)
        torch.testing.assert_close(seen, own, atol=1e-5, rtol=0)
    (record,) = measured(model, prepared(model))
    assert (
        "subtract the picture's own mean, divide by its own deviation, over all pixels and colors "
        "of the input"
    ) in record.preprocessing.steps


def test_tokens_behind_the_patches_are_among_the_prefix(tmp_path: Path) -> None:
    """YOLOS, whose own picture is wider than tall, at its own size and at another."""
    folder = YOLOS.save(tmp_path / "yolos")
    model, eager = ready(folder), ready(folder, attention="eager")
    for grid in ((4, 6), (6, 9)):
        layout, seen = captured(model, pixels(grid))
        assert layout.prefix == ("CLS", *(f"det{n + 1}" for n in range(5)))
        with torch.no_grad():
            output: Any = eager.network(pixels(grid), output_attentions=True)
        patches = grid[0] * grid[1]
        order = [0, *range(1 + patches, 6 + patches), *range(1, 1 + patches)]
        own = torch.stack(output.attentions)[:, 0][:, :, order][..., order]
        torch.testing.assert_close(seen, own, atol=1e-5, rtol=0)
    (record,) = measured(model, prepared(model))
    assert record.queries == layout.prefix


def test_tokens_behind_the_patches_are_found_by_looking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = ready(YOLOS.save(tmp_path / "yolos"))
    _, expected = captured(listed, pixels((6, 9)))
    monkeypatch.delitem(FAMILIES, "yolos")
    model = ready(tmp_path / "yolos")
    layout, seen = captured(model, pixels((6, 9)))
    assert layout.prefix == ("CLS", *(f"extra{n + 1}" for n in range(5)))
    torch.testing.assert_close(seen, expected, atol=0, rtol=0)


@pytest.mark.parametrize("family", CLIPS, ids=lambda family: family.name)
def test_a_still_picture_is_a_clip_of_one_tubelet(family: Family, tmp_path: Path) -> None:
    folder = family.save(tmp_path / "model")
    model, eager = ready(folder), ready(folder, attention="eager")
    layout, seen = captured(model, pixels((4, 4)))
    assert (layout.prefix, layout.rows, layout.cols) == ((), 4, 4)
    clip = pixels((4, 4))[:, None].repeat(1, 2, 1, 1, 1)
    with torch.no_grad():
        output: Any = eager.network(clip, output_attentions=True)
    own = torch.stack(output.attentions)[:, 0]
    assert float((own - 1 / 16).abs().max()) > 0.05, "attention is not uniform"
    torch.testing.assert_close(seen, own, atol=1e-5, rtol=0)
    (record,) = measured(model, prepared(model, whole=False))
    assert (
        "repeat the picture over 2 frames, which one patch spans: the network reads clips"
        in record.preprocessing.steps
    )
    with pytest.raises(ModelError, match="runs only on 64 x 64 px"):
        prepared(model)
