"""Captured attention equals the eager path of transformers, family by family."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from generator.capture.checkpoint.preprocess import describe, locate, pixels
from generator.capture.extract import Broken, Prepared, extract
from generator.capture.forward.residual import ResidualStream
from generator.capture.forward.statistics import ReducedAttention, Reducer
from generator.capture.forward.watcher import Watcher
from generator.capture.loaders.resolve import resolve_folder
from generator.capture.models.load import LoadedModel, load
from generator.capture.models.transformers_network import model_inputs
from generator.records.extras import Measuring
from generator.records.record import AttentionRecord
from tests.capture.families import FAMILIES, Family
from tests.tiny import patch_token

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("families")
    return {family.name: family.save(root / family.name.replace(" ", "-")) for family in FAMILIES}


def picture(seed: int = 3, size: tuple[int, int] = (150, 100)) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(values).resize(size, Image.Resampling.BICUBIC)


def prepared(model: LoadedModel, family: Family) -> Prepared:
    resolved = model.resolved
    preprocessing = describe(
        resolved.processor,
        resolved.vision,
        field_of_view="whole" if family.resizable else "square",
        resolution=None,
        model=resolved.id,
    )
    image = picture()
    geometry = locate(
        *image.size,
        processor=resolved.processor,
        vision=resolved.vision,
        preprocessing=preprocessing,
        model=resolved.id,
    )
    return Prepared(
        key="k" * 64,
        name="noise.png",
        image_sha256="0" * 64,
        pixels=pixels(image, geometry, preprocessing),
        geometry=geometry,
        preprocessing=preprocessing,
        patch_queries="heads",
        measuring=Measuring(),
    )


def eager_attention(folder: Path, item: Prepared) -> tuple[Tensor, list[Tensor]]:
    """Attention ``[layer, head, query, key]`` and hidden states, as transformers returns them."""
    reference = load(resolve_folder(folder), device=CPU, dtype=torch.float32, attention="eager")
    layout = reference.resolved.vision.layout(*item.pixels.shape[1:])
    vision = reference.resolved.vision
    inputs = model_inputs(vision, torch.from_numpy(item.pixels)[None], layout)
    if (
        reference.resolved.vision.inputs != "patches"
        and item.pixels.shape[1] != item.pixels.shape[2]
    ):
        inputs["interpolate_pos_encoding"] = True
    with torch.no_grad():
        output = reference.network(**inputs, output_attentions=True, output_hidden_states=True)
    assert len(output.attentions) == 3
    return torch.stack(output.attentions)[:, 0], list(output.hidden_states)


@pytest.mark.value_of("attention", "received", "norm")
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_layer_and_head_equals_the_eager_path(
    family: Family, folders: dict[str, Path]
) -> None:
    model = load(resolve_folder(folders[family.name]), device=CPU, dtype=torch.float32)
    item = prepared(model, family)
    layout = model.resolved.vision.layout(*item.pixels.shape[1:])
    assert layout.prefix == family.prefix
    assert (layout.rows != layout.cols) == family.resizable
    reducer = Reducer(layout, patch=(16, 16), patch_queries="heads", device=CPU)
    attention = ReducedAttention(reducer.reduce)
    watcher = Watcher(model.blocks, attention, tokens=layout.tokens, model=family.name)
    with torch.no_grad(), ResidualStream(model.blocks, layout) as residual, watcher:
        model.forward(torch.from_numpy(item.pixels)[None], layout)

    expected, hidden = eager_attention(folders[family.name], item)
    assert expected.shape == (3, 4, layout.tokens, layout.tokens)
    assert float((expected - 1 / layout.tokens).abs().max()) > 0.05, "attention is not uniform"
    first = len(layout.prefix)
    for index, (seen,) in enumerate(attention.layers):
        whole = expected[index]
        torch.testing.assert_close(seen.rows, whole[:, :first].transpose(0, 1), atol=1e-5, rtol=0)
        torch.testing.assert_close(seen.received, whole[:, first:].mean(1), atol=1e-5, rtol=0)
        torch.testing.assert_close(seen.head_mean, whole.mean(0), atol=1e-5, rtol=0)
    # The embedding and the first blocks are never tied to a normalized output.
    for layer in range(3):
        norms = torch.linalg.vector_norm(hidden[layer], dim=-1)
        torch.testing.assert_close(residual.norms[layer], norms, atol=1e-4, rtol=1e-5)


@pytest.mark.value_of("attention", "received", "received-from-outliers", "mass", "self-attention")
@pytest.mark.value_of("entropy", "entropy-patches", "distance", "distance-patches")
@pytest.mark.value_of("rollout", "rollout-cosine")
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_record_holds_what_the_definitions_say(family: Family, folders: dict[str, Path]) -> None:
    """Every statistic of the record against a plain computation on the eager matrices."""
    model = load(resolve_folder(folders[family.name]), device=CPU, dtype=torch.float32)
    item = prepared(model, family)
    (record,) = extract(model, [item])
    assert isinstance(record, AttentionRecord)
    layout, first = record.layout, len(family.prefix)
    attention = eager_attention(folders[family.name], item)[0].double().numpy()
    tokens = layout.tokens
    stored = 6e-4  # half precision keeps three digits
    np.testing.assert_allclose(
        np.moveaxis(record.attention, 0, 2).astype(float) / tokens,
        attention[:, :, :first],
        rtol=stored,
        atol=1e-5,
    )
    assert record.patch_attention is not None
    np.testing.assert_allclose(
        record.patch_attention.astype(float) / tokens,
        attention[:, :, first:],
        rtol=stored,
        atol=1e-5,
    )
    to_patches = attention[..., first:]
    renormalized = to_patches / to_patches.sum(-1, keepdims=True)
    row, col = np.divmod(np.arange(layout.patches), layout.cols)
    height, width = record.model.patch_height, record.model.patch_width
    apart = np.hypot(height * (row[:, None] - row[None]), width * (col[:, None] - col[None]))
    close = {"rtol": 1e-4, "atol": 1e-5}
    np.testing.assert_allclose(record.entropy, entropy(attention).mean(-1), **close)
    np.testing.assert_allclose(record.entropy_patches, entropy(renormalized).mean(-1), **close)
    np.testing.assert_allclose(
        record.distance, (to_patches[:, :, first:] * apart).sum(-1).mean(-1), **close
    )
    np.testing.assert_allclose(
        record.distance_patches, (renormalized[:, :, first:] * apart).sum(-1).mean(-1), **close
    )
    np.testing.assert_allclose(record.mass, mass(attention, first), **close)
    diagonal = np.diagonal(attention, axis1=2, axis2=3)[..., first:].mean(-1)
    np.testing.assert_allclose(record.self_attention, diagonal, **close)
    np.testing.assert_allclose(
        record.received_by_all() / tokens, attention.mean(2), rtol=stored, atol=1e-5
    )
    check_rollout(record, attention.mean(1), close)
    check_outliers(record, attention.mean(1), stored)
    assert (record.pooling is not None) == family.pooling


def entropy(rows: np.ndarray) -> np.ndarray:
    return -(rows * np.log(rows, where=rows > 0, out=np.zeros_like(rows))).sum(-1) / np.log(
        rows.shape[-1]
    )


def mass(attention: np.ndarray, first: int) -> np.ndarray:
    groups = [slice(i, i + 1) for i in range(first)] + [slice(first, None)]
    return np.stack(
        [
            np.stack([attention[:, :, q, k].sum(-1).mean(-1) for k in groups], axis=-1)
            for q in groups
        ],
        axis=-2,
    )


@pytest.mark.value_of("pooling-attention", "pooling-entropy")
@pytest.mark.parametrize("name", ["siglip", "siglip 2", "aimv2"])
def test_pooling_probe_is_the_heads_own_weights(name: str, folders: dict[str, Path]) -> None:
    """Recomputed by hand from the head's projections and the normalized last hidden state."""
    family = next(family for family in FAMILIES if family.name == name)
    model = load(resolve_folder(folders[name]), device=CPU, dtype=torch.float32)
    item = prepared(model, family)
    (record,) = extract(model, [item])
    assert not isinstance(record, Broken) and record.pooling is not None
    head = model.network.head
    with torch.no_grad():
        hidden = model.forward(torch.from_numpy(item.pixels)[None], record.layout)[0]
        if name == "aimv2":
            query, key = head.cls_token[0], head.k_proj(hidden)
        else:
            projection, bias = head.attention.in_proj_weight, head.attention.in_proj_bias
            query = head.probe[0] @ projection[:32].T + bias[:32]
            key = hidden @ projection[32:64].T + bias[32:64]
        query, key = query.reshape(1, 4, 8), key.reshape(-1, 4, 8)
        weights = torch.softmax(torch.einsum("qhc,khc->hqk", query, key) / 8**0.5, -1)[:, 0]
    stored = record.pooling.attention.astype(float) / record.layout.patches
    np.testing.assert_allclose(stored, weights.numpy(), rtol=6e-4, atol=1e-6)
    expected = entropy(weights.double().numpy())
    np.testing.assert_allclose(record.pooling.entropy, expected, rtol=1e-4)


def test_clip_checkpoint_does_not_build_its_text_tower(folders: dict[str, Path]) -> None:
    model = load(resolve_folder(folders["clip"]), device=CPU, dtype=torch.float32)
    assert not [name for name, _ in model.network.named_parameters() if "text" in name]


def test_mae_sees_every_patch_in_place(folders: dict[str, Path]) -> None:
    """A patch that alone differs from a flat picture has its own norm at its own place."""
    model = load(resolve_folder(folders["mae"]), device=CPU, dtype=torch.float32)
    flat = torch.zeros(1, 3, 64, 96)
    marked = flat.clone()
    marked[:, :, 16:32, 64:80] = 3.0
    layout = model.resolved.vision.layout(64, 96)
    norms = []
    for image in (flat, marked):
        with ResidualStream(model.blocks, layout) as residual:
            model.forward(image, layout)
        norms.append(residual.norms[0][0])
    changed = (norms[0] - norms[1]).abs() > 1e-4
    assert changed.nonzero().flatten().tolist() == [patch_token(layout, 1, 4)]


def test_hooks_are_gone_afterwards(folders: dict[str, Path]) -> None:
    model = load(resolve_folder(folders["dinov2"]), device=CPU, dtype=torch.float32)
    item = prepared(model, next(f for f in FAMILIES if f.name == "dinov2"))
    list(extract(model, [item]))

    def hooks() -> int:
        return sum(
            len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.network.modules()
        )

    assert hooks() == 0
    broken = Prepared(**{**_fields(item), "pixels": item.pixels[:2]})
    with pytest.raises((RuntimeError, ValueError)):
        list(extract(model, [broken]))
    assert hooks() == 0


def _fields(item: Prepared) -> dict[str, object]:
    return {name: getattr(item, name) for name in item.__dataclass_fields__}


def check_rollout(record: AttentionRecord, head_means: np.ndarray, close: dict[str, float]) -> None:
    """From every start layer, and how alike the queries' rollouts are."""
    layout, tokens = record.layout, record.layout.tokens
    for start in range(len(head_means)):
        rolled = np.eye(tokens)
        for layer in head_means[start:]:
            rolled = (layer + np.eye(tokens)) / 2 @ rolled
        patches = rolled[layout.patch_slice]
        row = rolled[layout.token(layout.cls)] if layout.cls else patches.mean(0)
        np.testing.assert_allclose(record.rollout[start], row, **close)
        some = np.linspace(0, layout.patches - 1, min(layout.patches, 64)).round().astype(int)
        unit = patches[some] / np.linalg.norm(patches[some], axis=1, keepdims=True)
        apart = ~np.eye(len(some), dtype=bool)
        assert record.rollout_cosine[start] == pytest.approx(
            (unit @ unit.T)[apart].mean(), abs=2e-5
        )


def check_outliers(record: AttentionRecord, head_means: np.ndarray, stored: float) -> None:
    """What the patches of unusual norm attend to."""
    first = len(record.layout.prefix)
    ratios = record.norms[:, first:] / np.median(record.norms[:, first:], axis=1, keepdims=True)
    found = np.flatnonzero(ratios[ratios.max(1).argmax()] > 3) + first
    if len(found) == 0:
        assert record.received_from_outliers is None
        return
    expected = head_means[:, found].mean(1) * record.layout.tokens
    np.testing.assert_allclose(record.received_from_outliers, expected, rtol=stored, atol=1e-4)
