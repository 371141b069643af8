"""Features, norms of values and massive activations, family by family, against plain computations.

The plain computations take the residual stream from hooks of their own, the projections from the
blocks by name, and attention from the eager path of transformers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from generator.capture.extract import Prepared, extract
from generator.capture.forward.residual import largest_activations
from generator.capture.forward.statistics import ReducedAttention, Reducer
from generator.capture.forward.vectors import BlockVectors
from generator.capture.forward.watcher import Watcher
from generator.capture.loaders.resolve import resolve_folder
from generator.capture.models.load import LoadedModel, load
from generator.records.extras import PROJECTIONS, Extra, Measuring, Projection
from generator.records.record import AttentionRecord, TokenLayout
from tests.capture.families import FAMILIES, Family
from tests.capture.test_families import CPU, eager_attention, prepared

HEADS, LAYERS, CHANNELS = 4, 3, 8
HALF = {"rtol": 1e-3, "atol": 1e-3}
BIASED = ("beit", "beit shared bias", "data2vec")

NAMES = {
    "query": ("q_proj", "attention.query"),
    "key": ("k_proj", "attention.key"),
    "value": ("v_proj", "attention.value"),
    "out": ("o_proj", "out_proj", "attention.output.dense"),
}
"""What architectures call their projections."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A family measured once, and once more by plain means."""

    family: Family
    folder: Path
    model: LoadedModel
    item: Prepared
    record: AttentionRecord
    plain: Plain
    attention: Array


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Case]:
    root = tmp_path_factory.mktemp("parts")

    @cache
    def case(name: str) -> Case:
        family = next(f for f in FAMILIES if f.name == name)
        folder = family.save(root / name.replace(" ", "-"))
        model = load(resolve_folder(folder), device=CPU, dtype=torch.float32)
        record, item = measured(model, family)
        attention = eager_attention(folder, item)[0].double().numpy()
        return Case(family, folder, model, item, record, watched(model, item), attention)

    return case


def measured(
    model: LoadedModel,
    family: Family,
    extras: tuple[Extra, ...] = ("features", "massive", "values"),
    objects: tuple[Projection, ...] = ("keys",),
) -> tuple[AttentionRecord, Prepared]:
    item = replace(prepared(model, family), measuring=Measuring(extras, objects=objects))
    (record,) = extract(model, [item])
    assert isinstance(record, AttentionRecord)
    return record, item


def arrays(record: AttentionRecord, part: str) -> dict[str, Array]:
    """The arrays of a part by name, without what was not asked for."""
    held = getattr(record, part)
    named = {name: getattr(held, name) for name in held.__slots__}
    return {name: values for name, values in named.items() if values is not None}


@dataclass
class Plain:
    """What hooks by name see: ``[token, channel]`` for each layer."""

    stream: list[Array]
    query: list[Array]
    key: list[Array]
    value: list[Array]
    heads_out: list[Array]
    weight: list[Array]
    scale: list[Array]


def watched(model: LoadedModel, item: Prepared) -> Plain:
    """A pass with a hook on every projection, which are called by name."""
    seen = Plain([], [], [], [], [], [], [])
    hooks = [
        model.blocks[0].register_forward_pre_hook(
            lambda m, a, k: seen.stream.append(flat(a[0] if a else k["hidden_states"])),
            with_kwargs=True,
        )
    ]
    for block in model.blocks:
        parts = dict(block.named_modules())
        for name in ("query", "key", "value"):
            module = next(m for n, m in parts.items() if n.endswith(NAMES[name]))
            into = getattr(seen, name)
            hooks.append(module.register_forward_hook(lambda m, i, o, into=into: keep(into, o)))
        out = next(m for n, m in parts.items() if n.endswith(NAMES["out"]))
        hooks.append(out.register_forward_pre_hook(lambda m, i: keep(seen.heads_out, i[0])))
        seen.weight.append(flat(out.weight))
        scale = getattr(block, "lambda_1", None)
        if scale is None and hasattr(block, "layer_scale1"):
            scale = block.layer_scale1.lambda1
        seen.scale.append(np.ones(32) if scale is None else flat(scale[None])[0])
        hooks.append(block.register_forward_hook(lambda m, i, o: keep(seen.stream, o)))
    layout = model.resolved.vision.layout(*item.pixels.shape[1:])
    with torch.no_grad():
        model.forward(torch.from_numpy(item.pixels)[None], layout)
    for hook in hooks:
        hook.remove()
    return seen


def keep(into: list[Array], output: Any) -> None:
    into.append(flat(output[0] if isinstance(output, tuple) else output))


def flat(tensor: Tensor) -> Array:
    return tensor.detach().double().flatten(0, -2).numpy()


def by_head(vectors: Array) -> Array:
    """``[token, head x channel] -> [head, token, channel]``."""
    return vectors.reshape(-1, HEADS, CHANNELS).transpose(1, 0, 2)


@pytest.mark.value_of("features", "pooled-features")
@pytest.mark.parametrize("name", [family.name for family in FAMILIES])
def test_features_are_the_stream_before_the_final_norm(
    name: str, cases: Callable[[str], Case]
) -> None:
    case = cases(name)
    record, plain, first = case.record, case.plain, len(case.family.prefix)
    assert record.features is not None
    stream = np.stack(plain.stream)
    assert stream.shape == (LAYERS + 1, record.layout.tokens, 32)
    np.testing.assert_allclose(record.features.last, stream[-1, first:], **HALF)
    assert record.features.last.dtype == np.float16
    pooled = record.features.pooled
    assert pooled.shape == (LAYERS + 1, 2, 32)
    # the plain pass adds its float32 products in another order: some 1e-6 after three layers
    np.testing.assert_allclose(pooled[:, 1], stream[:, first:].mean(1), rtol=1e-4, atol=1e-5)
    if record.layout.cls:
        np.testing.assert_allclose(pooled[:, 0], stream[:, 0], rtol=1e-4, atol=1e-5)
    else:
        assert np.isnan(pooled[:, 0]).all()


@pytest.mark.value_of("key-vectors", "query-vectors", "value-vectors")
@pytest.mark.parametrize("name", [family.name for family in FAMILIES])
def test_objects_are_what_enters_the_last_attention(
    name: str, cases: Callable[[str], Case]
) -> None:
    """Queries and keys give the eager path's attention among the patches; values are projected."""
    case = cases(name)
    record, _ = measured(case.model, case.family, ("features",), PROJECTIONS)
    assert record.features is not None and case.record.features is not None
    kept = record.features.objects
    assert [*kept] == ["keys", "queries", "values"]
    assert {vectors.dtype for vectors in kept.values()} == {np.dtype(np.float16)}
    found = {name: vectors.astype(np.float64) for name, vectors in kept.items()}
    assert [*case.record.features.objects] == ["keys"]
    np.testing.assert_array_equal(case.record.features.objects["keys"], kept["keys"])
    plain, first = case.plain, len(case.family.prefix)
    np.testing.assert_allclose(found["values"], plain.value[-1][first:], **HALF)
    if name in BIASED:  # the bias has no part in queries and keys, and no rotation either
        np.testing.assert_allclose(found["queries"], plain.query[-1][first:], **HALF)
        np.testing.assert_allclose(found["keys"], plain.key[-1][first:], **HALF)
        return
    logits = by_head(found["queries"]) @ by_head(found["keys"]).transpose(0, 2, 1) / CHANNELS**0.5
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    eager = case.attention[-1, :, first:, first:]
    np.testing.assert_allclose(
        weights / weights.sum(-1, keepdims=True),
        eager / eager.sum(-1, keepdims=True),
        rtol=0.03,
        atol=2e-3,
    )


@pytest.mark.value_of("value-norm", "contribution")
@pytest.mark.parametrize("name", [family.name for family in FAMILIES])
def test_value_norms_are_those_of_each_heads_contribution(
    name: str, cases: Callable[[str], Case]
) -> None:
    """``|gamma W_O^h v|`` and ``|sum_h A v W_O^h gamma|``, one key at a time."""
    case = cases(name)
    record, plain, first = case.record, case.plain, len(case.family.prefix)
    attention = case.attention
    assert record.values is not None
    assert record.values.norms.shape == (LAYERS, HEADS, record.layout.tokens)
    assert record.values.contribution.shape == (LAYERS, record.layout.tokens)
    for layer in range(LAYERS):
        value = by_head(plain.value[layer])
        mixed = (attention[layer] @ value).transpose(1, 0, 2).reshape(len(value[0]), 32)
        np.testing.assert_allclose(mixed, plain.heads_out[layer], rtol=1e-4, atol=1e-4)
        scaled = plain.scale[layer][:, None] * plain.weight[layer]  # [channel, head x channel]
        after = np.stack([value[h] @ scaled[:, h * 8 : (h + 1) * 8].T for h in range(HEADS)])
        np.testing.assert_allclose(
            record.values.norms[layer], np.linalg.norm(after, axis=-1), rtol=1e-3, atol=1e-6
        )
        row = attention[layer, :, 0] if first else attention[layer].mean(1)
        whole = (row[..., None] * after).sum(0)
        np.testing.assert_allclose(
            record.values.contribution[layer],
            np.linalg.norm(whole, axis=-1),
            rtol=1e-3,
            atol=1e-6,
        )
    scaled_families = (
        *("dinov2", "dinov2 swiglu", "dinov2 with registers", "dinov3", "radio"),
        "tips",
    )
    assert (np.ptp(plain.scale[0]) > 0) == (name in (*scaled_families, *BIASED))


@pytest.mark.value_of("largest-activation", "median-activation", "channel-magnitude")
@pytest.mark.value_of("largest-activation-token", "largest-activation-channel")
@pytest.mark.parametrize("name", [family.name for family in FAMILIES])
def test_massive_activations_are_found_by_sorting(name: str, cases: Callable[[str], Case]) -> None:
    case = cases(name)
    record, plain, first = case.record, case.plain, len(case.family.prefix)
    massive = record.massive
    assert massive is not None
    for layer, stream in enumerate(plain.stream):
        size = np.abs(stream).ravel()
        token, channel = np.divmod(np.argsort(-size)[:3], 32)
        np.testing.assert_array_equal(massive.token[layer], token)
        np.testing.assert_array_equal(massive.channel[layer], channel)
        np.testing.assert_allclose(massive.value[layer], stream[token, channel], rtol=1e-5)
        middle = np.sort(size)[(size.size - 1) // 2]
        np.testing.assert_allclose(massive.median[layer], middle, rtol=1e-5)
        np.testing.assert_allclose(
            massive.channel_max[layer], np.abs(stream[first:]).max(0), rtol=1e-5
        )


@pytest.mark.parametrize("name", [family.name for family in FAMILIES])
def test_eager_attention_gives_the_same_parts(name: str, cases: Callable[[str], Case]) -> None:
    """A network that makes its matrix itself shows its vectors around the softmax."""
    case = cases(name)
    resolved = resolve_folder(case.folder)
    eager = load(resolved, device=CPU, dtype=torch.float32, attention="eager")
    fast, (slow, _) = case.record, measured(eager, case.family)
    assert (fast.environment.attention, slow.environment.attention) == ("sdpa", "eager")
    for part in ("features", "values", "massive"):
        one, other = arrays(fast, part), arrays(slow, part)
        assert one.keys() == other.keys()
        for axis, values in one.items():
            np.testing.assert_allclose(other[axis], values, rtol=2e-3, atol=2e-3, err_msg=axis)


def test_a_batch_gives_what_its_pictures_give_alone(cases: Callable[[str], Case]) -> None:
    case = cases("dinov2 with registers")
    model, item = case.model, case.item
    other = replace(item, pixels=item.pixels[:, ::-1].copy())
    together = list(extract(model, [item, other]))
    for alone, record in zip([item, other], together, strict=True):
        (expected,) = extract(model, [alone])
        for part in ("features", "values", "massive"):
            one, two = arrays(record, part), arrays(expected, part)
            assert one.keys() == two.keys()
            for name, values in two.items():
                np.testing.assert_allclose(one[name], values, rtol=2e-3, atol=1e-4, err_msg=name)


def test_only_what_is_asked_for_is_measured(cases: Callable[[str], Case]) -> None:
    case = cases("vit")
    for wanted in ((), ("massive",), ("features",), ("values",)):
        record, _ = measured(case.model, case.family, wanted)
        found = [p for p in ("features", "massive", "values") if getattr(record, p) is not None]
        assert tuple(found) == wanted


def test_values_that_do_not_reach_the_projection_are_left_out(
    cases: Callable[[str], Case], caplog: pytest.LogCaptureFixture
) -> None:
    """A gate between attention and projection would make the norms wrong, so there are none."""
    case = cases("vit")
    model = load(resolve_folder(case.folder), device=CPU, dtype=torch.float32)
    projection = dict(model.blocks[1].named_modules())["attention.o_proj"]
    projection.register_forward_pre_hook(lambda module, args: (args[0] * 2,))
    with caplog.at_level(logging.WARNING):
        record, _ = measured(model, case.family)
        measured(model, case.family)
    assert record.values is None
    assert record.features is not None and record.massive is not None
    assert caplog.messages == [
        "vit has no norms of values: something else comes between attention and its output "
        "projection."
    ]


class Grouped(nn.Module):
    """A block with half as many heads for keys and values as for queries."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(32, n) for n in (32, 16, 16, 32))

    def forward(self, stream: Tensor) -> Tensor:
        query, key, value = (
            layer(stream).unflatten(-1, (-1, 8)).transpose(1, 2)
            for layer in (self.q, self.k, self.v)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, enable_gqa=True)
        return stream + self.out(mixed.transpose(1, 2).flatten(2))


def test_grouped_queries_share_their_values() -> None:
    torch.manual_seed(0)
    block, layout = Grouped(), TokenLayout(("CLS",), 2, 3)
    stream = torch.randn(1, 7, 32)
    reducer = Reducer(layout, patch=(16, 16), patch_queries="off", device=CPU)
    attention = ReducedAttention(reducer.reduce)
    vectors = BlockVectors(attention, layers=1, layout=layout, measuring=Measuring(), roots={})
    watcher = Watcher([block], attention, vectors, tokens=7, model="grouped")
    with torch.no_grad(), watcher:
        block(stream)
    vectors.check()
    values = vectors.image_values(0)
    assert values is not None
    with torch.no_grad():
        value = block.v(stream)[0].reshape(7, 2, 8)
        for head in range(4):
            after = value[:, head // 2] @ block.out.weight[:, head * 8 : head * 8 + 8].T
            np.testing.assert_allclose(values.norms[0, head], after.norm(dim=-1), rtol=1e-3)
    assert vectors.image_objects(0)["keys"].shape == (6, 16)


def test_equal_channels_cannot_hide_a_massive_activation() -> None:
    """Three in one channel, with others as large nowhere near."""
    layout = TokenLayout((), 2, 4)
    stream = torch.zeros(1, 8, 5)
    stream[0, 2, 3], stream[0, 5, 3], stream[0, 7, 3] = -900.0, 800.0, 700.0
    stream[0, 0, 0], stream[0, 0, 1], stream[0, 1, 2], stream[0, 1, 4] = 600.0, 650.0, 500.0, 1.0
    found = largest_activations(stream, layout)
    assert found.value.tolist() == [[-900.0, 800.0, 700.0]]
    assert found.token.tolist() == [[2, 5, 7]]
    assert found.channel.tolist() == [[3, 3, 3]]
