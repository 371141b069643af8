"""The limits of what can be captured from what a block does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from generator.capture.extract import Broken, extract
from generator.capture.models.load import LoadedModel
from generator.capture.models.transformers_network import TransformersRunner
from generator.errors import CaptureError
from generator.records.record import AttentionRecord
from tests.capture.ready import measured, prepared, ready, same


class Block(nn.Module):
    """Attention of four heads without projections: ``softmax(x x / sqrt(8))``.

    Args:
        kind: how it is computed.
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.given = nn.Parameter(torch.zeros(1))
        self.multi = nn.MultiheadAttention(32, 4, batch_first=True) if kind == "multi" else None

    def forward(self, hidden_states: Tensor) -> Tensor:
        x = hidden_states
        split = x.unflatten(-1, (4, 8)).transpose(1, 2)
        sdpa = functional.scaled_dot_product_attention
        if self.kind == "softmax":
            weights = torch.softmax(split @ split.transpose(-1, -2) / 8**0.5, dim=-1)
            out = weights @ split
        elif self.kind == "method":
            out = (split @ split.transpose(-1, -2) / 8**0.5).softmax(-1) @ split
        elif self.kind == "multi":
            assert self.multi is not None
            tokens = x.shape[1]
            return x + self.multi(x, x, x, attn_mask=torch.zeros(tokens, tokens))[0]
        elif self.kind == "twice":
            out = sdpa(sdpa(split, split, split), split, split)
        elif self.kind == "causal":
            out = sdpa(split, split, split, is_causal=True)
        elif self.kind == "window":
            halves = split.unflatten(2, (2, -1)).transpose(1, 2).flatten(0, 1)
            out = sdpa(halves, halves, halves)
            out = out.unflatten(0, (-1, 2)).transpose(1, 2).flatten(2, 3)
        elif self.kind == "pooled":
            out = sdpa(split, split[:, :, ::2], split[:, :, ::2])
        elif self.kind == "none":
            out = split.mean(2, keepdim=True).expand_as(split)
        else:
            out = sdpa(split, split, split)
        return x + out.transpose(1, 2).flatten(2)


class Network(nn.Module):
    """Patches of 16 px, embedded by a fixed random projection; no prefix."""

    def __init__(self, *kinds: str) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(kind) for kind in kinds)
        generator = torch.Generator().manual_seed(0)
        self.register_buffer("embed", torch.randn(32, 3, 16, 16, generator=generator) / 28)

    def embedding(self, pixel_values: Tensor) -> Tensor:
        return functional.conv2d(pixel_values, self.embed, stride=16).flatten(2).transpose(1, 2)

    def forward(self, pixel_values: Tensor, **options: Any) -> SimpleNamespace:
        x = self.embedding(pixel_values)
        for block in self.blocks:
            x = block(x)
        return SimpleNamespace(last_hidden_state=x)


@pytest.fixture
def home_made(saved: Callable[[str], Path]) -> Callable[..., LoadedModel]:
    """A loaded model whose network is made of blocks of these kinds."""
    model = ready(saved("ijepa"))

    def make(*kinds: str) -> LoadedModel:
        network = Network(*kinds)
        facts = replace(model.facts, id="home-made")
        runner = TransformersRunner(network, model.resolved.vision)
        return replace(
            model, facts=facts, network=network, blocks=tuple(network.blocks), runner=runner
        )

    return make


@pytest.mark.parametrize("kind", ["softmax", "method"])
def test_model_that_makes_its_own_softmax_is_read(
    home_made: Callable[..., LoadedModel], kind: str
) -> None:
    model, reference = home_made(kind, "sdpa", kind), home_made("sdpa", "sdpa", "sdpa")
    item = prepared(model)
    (record,), (expected,) = measured(model, item), measured(reference, item)
    assert (record.environment.attention, expected.environment.attention) == ("eager", "sdpa")
    assert record.patch_attention is not None and expected.patch_attention is not None
    # two ways to the same number may round to neighbors in half precision, whose steps are 2^-24
    # at the smallest
    np.testing.assert_allclose(
        record.patch_attention.astype(float),
        expected.patch_attention.astype(float),
        rtol=1e-3,
        atol=2**-24,
    )
    np.testing.assert_allclose(record.entropy, expected.entropy, rtol=1e-5)
    # And both are what the formula of a block says.
    x = model.network.embedding(torch.from_numpy(item.pixels)[None])
    split = x.unflatten(-1, (4, 8)).transpose(1, 2)[0]
    weights = torch.softmax(split @ split.transpose(-1, -2) / 8**0.5, -1) * record.layout.tokens
    np.testing.assert_allclose(record.patch_attention[0].astype(float), weights, rtol=1e-3)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            "twice",
            "Layer 2 of home-made ran attention more than once; one call for each block was "
            "expected. Report the architecture: it is not a plain vision transformer.",
        ),
        (
            "causal",
            "home-made uses causal attention; patches must see each other. "
            "Use a bidirectional vision transformer.",
        ),
        (
            "window",
            "Layer 2 of home-made attends over 27 x 27 tokens where the token layout has 54. "
            "Windowed or pooled attention has no map over the whole picture.",
        ),
        (
            "pooled",
            "Layer 2 of home-made attends over 54 x 27 tokens where the token layout has 54. "
            "Windowed or pooled attention has no map over the whole picture.",
        ),
        (
            "none",
            "Layer 2 of home-made ran no attention that can be read: neither "
            "scaled_dot_product_attention nor a square softmax was called. "
            "Report the architecture with the versions of torch and transformers.",
        ),
        (
            "multi",
            "Layer 2 of home-made calls nn.MultiheadAttention with an attention mask, which is not "
            "read. Report the architecture: it is not a plain vision transformer.",
        ),
    ],
)
def test_attention_that_cannot_be_shown_is_refused(
    home_made: Callable[..., LoadedModel], kind: str, expected: str
) -> None:
    model = home_made("sdpa", kind, "sdpa")
    with pytest.raises(CaptureError) as caught:
        measured(model, prepared(model))
    assert str(caught.value) == expected
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.network.modules())


def test_network_without_options_is_simply_run(home_made: Callable[..., LoadedModel]) -> None:
    """At a size that is not its own it is not told to interpolate, which it could not be."""

    class Strict(Network):
        def forward(self, pixel_values: Tensor) -> SimpleNamespace:  # type: ignore[override]
            return super().forward(pixel_values)

    model = home_made("sdpa", "sdpa", "sdpa")
    strict = Strict("sdpa", "sdpa", "sdpa")
    runner = TransformersRunner(strict, model.resolved.vision)
    other = replace(model, network=strict, blocks=tuple(strict.blocks), runner=runner)
    item = prepared(model)
    same(measured(other, item)[0], measured(model, item)[0])


def test_activations_that_overflow_leave_the_other_pictures(
    home_made: Callable[..., LoadedModel],
) -> None:
    model = home_made("sdpa", "sdpa", "sdpa")
    good, bad = prepared(model, 0), prepared(model, 1)
    bad.pixels[:] = np.nan
    record, broken = extract(model, [good, bad])
    assert isinstance(record, AttentionRecord) and isinstance(broken, Broken)
    assert str(broken.error) == (
        "home-made gives NaN or infinity on noise-1.png, in the embedding first. "
        "Use --dtype float32, or check the model."
    )
