"""Layers that attend within windows: put back into the picture, exactly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from generator.capture.checkpoint.layouts import read_vision_config
from generator.capture.extract import extract
from generator.capture.forward.hooks import Streams
from generator.capture.forward.scores import Scores, attention_of
from generator.capture.forward.statistics import ReducedAttention
from generator.capture.forward.watcher import Watcher
from generator.capture.models.load import LoadedModel
from generator.errors import CaptureError, ModelError
from generator.records.extras import Measuring
from generator.records.record import AttentionRecord, TokenLayout
from tests.capture.families import Family
from tests.capture.loaders.test_towers import pixels
from tests.capture.ready import prepared, ready
from tests.capture.test_families import entropy, picture
from tests.capture.towers import Tower
from tests.capture.windowed import (
    HEADS,
    LAYERS,
    WINDOWED,
    WINDOWED_TOWERS,
    in_picture,
    of_size,
)
from tests.commands.running import run
from tests.tiny import patch_token

GRIDS = ((4, 4), (5, 5))
OBLONG = ((4, 7), (6, 3))


def own_attention(
    folder: Path, given: Tensor, side: int, windowed: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    """What transformers' eager path makes: ``[layer, head, query, key]``, and padding's share."""
    eager = ready(folder, attention="eager")
    with torch.no_grad():
        made = eager.network(given, output_attentions=True).attentions
    assert len(made) == LAYERS
    grid = (given.shape[-2] // 16, given.shape[-1] // 16)
    layers = []
    for layer, weights in enumerate(made):
        if layer in windowed:
            layers.append(in_picture(weights, grid, side))
        else:
            whole = weights.reshape(HEADS, grid[0] * grid[1], -1)
            layers.append((whole, torch.zeros(whole.shape[:2])))
    found, padding = zip(*layers, strict=True)
    return torch.stack(found), torch.stack(padding)


def captured(model: LoadedModel, given: Tensor) -> list[Tensor]:
    """``[head, query, key]`` of each layer, whose last key may be padding."""
    layout = model.layout(*given.shape[-2:])

    def whole(scores: Scores) -> Tensor:
        return attention_of(scores, slice(None))

    attention = ReducedAttention(whole)
    watcher = Watcher(model.blocks, attention, tokens=layout.tokens, model="", layout=layout)
    with torch.no_grad(), watcher:
        model.forward(given, layout)
    return [images[0] for images in attention.layers]


@pytest.mark.parametrize("family", WINDOWED, ids=lambda family: family.name)
def test_every_head_equals_the_eager_path(family: Family, tmp_path: Path) -> None:
    for grid in (*GRIDS, *(OBLONG if family.resizable else ())):
        folder = tmp_path / f"{grid[0]}-{grid[1]}"
        of_size(family, grid[0]).save(folder)
        model = ready(folder)
        vision = model.resolved.vision
        own, padding = own_attention(folder, pixels(grid), vision.window, vision.windowed)
        tokens = grid[0] * grid[1]
        assert float((own - 1 / tokens).abs().max()) > 0.05, "attention is not uniform"
        for layer, seen in enumerate(captured(model, pixels(grid))):
            torch.testing.assert_close(seen[..., :tokens], own[layer], atol=1e-5, rtol=0)
            if seen.shape[-1] > tokens:
                torch.testing.assert_close(seen[..., tokens], padding[layer], atol=1e-5, rtol=0)
            else:
                assert float(padding[layer].max()) == 0


@pytest.mark.value_of("attention", "received", "mass", "self-attention", "rollout")
@pytest.mark.value_of("entropy", "entropy-patches", "distance", "distance-patches")
@pytest.mark.parametrize("family", WINDOWED[:2] + WINDOWED[-3:], ids=lambda family: family.name)
def test_record_holds_the_share_of_the_picture(family: Family, tmp_path: Path) -> None:
    """Of what padding takes, only the entropy knows: padding is one token more to attend to."""
    folder = of_size(family, 4).save(tmp_path / "model")
    model = ready(folder)
    item = prepared(model, whole=family.resizable)
    (record,) = extract(model, [item])
    assert isinstance(record, AttentionRecord) and type(record.layout) is TokenLayout
    layout, vision = record.layout, model.resolved.vision
    expected = {"ViTDet without windows": (0, ())}.get(family.name, (3, (0, 2)))
    assert (record.model.window, record.model.windowed) == expected
    assert record.model.within_windows(layout) == expected[1]
    assert record.model.within_windows(TokenLayout((), 3, 2)) == ()
    own, padding = own_attention(
        folder, torch.from_numpy(item.pixels)[None], vision.window, vision.windowed
    )
    attention, lost = own.double().numpy(), padding.double().numpy()
    tokens = layout.tokens
    assert record.patch_attention is not None
    kept = record.patch_attention.astype(float) / tokens
    np.testing.assert_allclose(kept, attention, rtol=6e-4, atol=1e-5)
    np.testing.assert_allclose(
        record.received.astype(float) / tokens, attention.mean(2), rtol=6e-4, atol=1e-5
    )
    close = {"rtol": 1e-4, "atol": 1e-5}
    np.testing.assert_allclose(record.mass[..., 0, 0], attention.sum(-1).mean(-1), **close)
    with_padding = np.concatenate([attention, lost[..., None]], axis=-1)
    information = entropy(with_padding) * np.log(tokens + 1) / np.log(tokens)
    np.testing.assert_allclose(record.entropy, information.mean(-1), **close)
    renormalized = attention / attention.sum(-1, keepdims=True)
    np.testing.assert_allclose(record.entropy_patches, entropy(renormalized).mean(-1), **close)
    row, col = np.divmod(np.arange(tokens), layout.cols)
    apart = 16 * np.hypot(row[:, None] - row[None], col[:, None] - col[None])
    np.testing.assert_allclose(record.distance, (attention * apart).sum(-1).mean(-1), **close)
    np.testing.assert_allclose(
        record.distance_patches, (renormalized * apart).sum(-1).mean(-1), **close
    )
    np.testing.assert_allclose(
        record.self_attention, np.diagonal(attention, axis1=2, axis2=3).mean(-1), **close
    )
    rollout = np.full(tokens, 1 / tokens)
    for layer in reversed(range(LAYERS)):
        rollout = (rollout @ attention[layer].mean(0) + rollout) / 2
        np.testing.assert_allclose(record.rollout[layer], rollout, **close)


@pytest.mark.parametrize("tower", WINDOWED_TOWERS, ids=lambda tower: tower.name)
def test_tower_is_found_inside_a_larger_model(tower: Tower, tmp_path: Path) -> None:
    network = tower.save(tmp_path / "whole")
    model = ready(tmp_path / "whole")
    name = type(model.network).__name__
    part = next(
        (module for module in network.modules() if type(module).__name__ == name),
        getattr(network, "vision_encoder", None),
    )
    alone = {own.removeprefix("vision_encoder."): value for own, value in part.state_dict().items()}
    read = {
        own.removeprefix("vision_encoder."): value
        for own, value in model.network.state_dict().items()
    }
    assert alone.keys() == read.keys()
    assert all(torch.equal(alone[own], read[own]) for own in alone)
    for layer, seen in enumerate(captured(model, pixels((4, 4)))):
        outside = float((seen[..., :16] == 0).float().mean())
        assert (outside > 0.3) == (layer in model.resolved.vision.windowed)
        torch.testing.assert_close(seen.sum(-1), torch.ones(4, 16))


@pytest.mark.parametrize("place", [(0, 1), (2, 2), (3, 0), (3, 3)], ids=str)
@pytest.mark.parametrize("name", ["SAM", "SAM 3", "ViTDet"])
def test_a_painted_patch_is_at_its_place(name: str, place: tuple[int, int], tmp_path: Path) -> None:
    family = next(family for family in WINDOWED if family.name == name)
    model = ready(family.save(tmp_path / "model"))
    row, col = place
    flat = torch.zeros(1, 3, 64, 64)
    painted = flat.clone()
    painted[:, :, row * 16 : (row + 1) * 16, col * 16 : (col + 1) * 16] = 3.0
    layout = model.layout(64, 64)
    streams: list[Tensor] = []
    for given in (flat, painted):
        with Streams(model.blocks, streams.append, layout), torch.no_grad():
            model.forward(given, layout)
    assert [stream.shape for stream in streams] == [(1, 16, 32)] * 2 * (LAYERS + 1)
    changed = (streams[0] - streams[LAYERS + 1])[0].abs().amax(-1) > 1e-4
    assert changed.nonzero().flatten().tolist() == [patch_token(layout, row, col)]


def test_value_norms_are_those_of_the_patches(tmp_path: Path) -> None:
    """By the definition: a patch's value through its head's part of the output projection."""
    model = ready(WINDOWED[0].save(tmp_path / "model"))
    item = replace(prepared(model, whole=False), measuring=Measuring(extras=("values",)))
    (record,) = extract(model, [item])
    assert isinstance(record, AttentionRecord) and record.values is not None
    given: list[Tensor] = []
    for block in model.blocks:
        block.layer_norm1.register_forward_hook(lambda _m, _i, output: given.append(output))
    with torch.no_grad():
        model.forward(torch.from_numpy(item.pixels)[None], model.layout(64, 64))
    for layer, block in enumerate(model.blocks):
        value = block.attn.qkv(given[layer]).flatten(0, 2)[:, 64:].unflatten(1, (4, 8))
        through = block.attn.proj.weight.unflatten(1, (4, 8))
        expected = torch.einsum("nhc,dhc->hnd", value, through).norm(dim=-1).detach().numpy()
        np.testing.assert_allclose(record.values.norms[layer], expected, rtol=2e-3)


def test_inspect_lists_the_windows_and_checks_them(tmp_path: Path) -> None:
    folder = WINDOWED[0].save(tmp_path / "model")
    picture().save(tmp_path / "noise.png")
    result = run("inspect", str(folder), "--check", str(tmp_path / "noise.png"))
    assert result.exit_code == 0
    text = " ".join(result.output.split())
    for line in (
        "windows layers 1 and 3 within 3 x 3 patches, the others attend to the whole picture",
        "layers 1 and 3 of 3 attend within windows of 3 x 3 patches: a patch gives nothing to "
        "those outside of its window",
        "windows that reach past the picture are padded: padding is in no map, and takes its "
        "share of the attention of their patches",
        "ok rows sum to 1",
        "ok captured against eager attention",
    ):
        assert line in text


def test_windows_as_large_as_the_picture_in_another_shape_are_told(tmp_path: Path) -> None:
    """Eager matrices of 3-D do not say whether their heads are of windows or of the picture."""
    family = next(family for family in WINDOWED if family.name == "ViTDet")
    options = {**family.options, "window_size": 4}
    model = ready(replace(family, options=options).save(tmp_path / "model"))
    with pytest.raises(CaptureError) as told:
        captured(model, pixels((2, 8)))
    assert str(told.value) == (
        "Layer 1 of  attends within windows of 16 tokens, as many as the picture has: its "
        "matrices do not tell which of both they are of. Use another --resolution."
    )


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("window_size", "14", "a number from 0 was expected"),
        ("window_size", -1, "a number from 0 was expected"),
        ("global_attn_indexes", 3, "a list of layers was expected"),
        ("global_attn_indexes", ["3"], "a list of layers was expected"),
    ],
)
def test_windows_that_are_no_numbers_are_refused(key: str, value: object, reason: str) -> None:
    with pytest.raises(ModelError) as told:
        read_vision_config({"model_type": "sam_vision_model", key: value}, model="my model")
    assert str(told.value) == (
        f"my model has {key} = {value!r} in its config; {reason}. Correct the file."
    )
