"""What the watcher of a forward pass tells its listeners, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from generator.capture.forward.scores import Scores, attention_of
from generator.capture.forward.statistics import ReducedAttention, Reducer
from generator.capture.forward.watcher import Implementation, Listener, Watcher
from generator.errors import CaptureError
from generator.records.record import TokenLayout

TOKENS, HEADS, CHANNELS = 8, 2, 8  # as many channels as tokens: values are as square as weights
Attend = Callable[[Tensor, Tensor, Tensor], Tensor]


def sdpa(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return functional.scaled_dot_product_attention(query, key, value)


def eager(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    logits = torch.matmul(query, key.transpose(-1, -2)) / CHANNELS**0.5
    return torch.matmul(functional.softmax(logits, dim=-1), value)


def operators(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return (query @ key.mT * CHANNELS**-0.5).softmax(-1) @ value


def dropped(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The weights change type and pass a dropout on their way."""
    weights = torch.softmax(query @ key.mT / CHANNELS**0.5, dim=-1, dtype=torch.float32)
    return functional.dropout(weights.to(query.dtype), 0.5, training=False).matmul(value)


def einsum(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """No product of queries and keys can be seen."""
    logits = torch.einsum("bhqc,bhkc->bhqk", query, key) / CHANNELS**0.5
    return torch.softmax(logits, dim=-1) @ value


def distracting(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Square products before and after, which are no part of the attention."""
    attended = sdpa(query @ torch.eye(CHANNELS).expand(1, HEADS, -1, -1), key, value)
    return attended @ torch.eye(CHANNELS).expand(1, HEADS, -1, -1)


def nothing(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return value


class Block(nn.Module):
    def __init__(self, attend: Attend) -> None:
        super().__init__()
        self.attend = attend
        self.project = nn.Linear(HEADS * CHANNELS, 3 * HEADS * CHANNELS)
        self.out = nn.Linear(HEADS * CHANNELS, HEADS * CHANNELS)

    def split(self, stream: Tensor) -> list[Tensor]:
        return [
            part.unflatten(-1, (HEADS, -1)).transpose(1, 2)
            for part in self.project(stream).chunk(3, dim=-1)
        ]

    def forward(self, stream: Tensor) -> Tensor:
        return stream + 2 * self.out(self.attend(*self.split(stream)).transpose(1, 2).flatten(2))


class Notes(Listener):
    """Writes down every event."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.attention: list[Tensor] = []
        self.matrices: list[Tensor] = []
        self.entering: list[tuple[Tensor, Tensor]] = []
        self.leaving: list[tuple[Tensor, Tensor]] = []

    def logits(self, images: Iterator[Scores], implementation: Implementation) -> None:
        self.events.append(f"logits {implementation}")
        self.attention += [attention_of(scores, slice(None)) for scores in images]

    def weights(self, weights: Tensor) -> None:
        self.events.append("weights")
        self.matrices.append(weights)

    def queries_and_keys(self, query: Tensor, key: Tensor) -> None:
        self.events.append("queries and keys")
        self.entering.append((query, key))

    def values(self, value: Tensor, attended: Tensor) -> None:
        self.events.append("values")
        self.leaving.append((value, attended))

    def linear(self, given: Tensor, weight: Tensor, result: Tensor) -> None:
        self.events.append(f"linear {len(weight)}")

    def product(self, factors: Sequence[Any]) -> None:
        numbers = [factor for factor in factors if not isinstance(factor, Tensor)]
        self.events.append(f"product {numbers[0]:g}")

    def block_ends(self, layer: int) -> None:
        self.events.append(f"end {layer}")


def block(attend: Attend = sdpa) -> Block:
    torch.manual_seed(0)
    return Block(attend)


def stream(images: int = 1) -> Tensor:
    return torch.randn(images, TOKENS, HEADS * CHANNELS, generator=torch.Generator().manual_seed(1))


def watched(*blocks: Block, explicit: bool = False, images: int = 1) -> Notes:
    notes = Notes()
    watcher = Watcher(blocks, notes, tokens=TOKENS, model="home-made", explicit=explicit)
    with torch.no_grad(), watcher:
        passing = stream(images)
        for each in blocks:
            passing = each(passing)
    return notes


def test_events_of_two_blocks_come_in_the_order_of_the_pass() -> None:
    before = ["linear 48", "logits sdpa", "queries and keys"]
    after = ["values", "linear 16", "product 2"]
    assert watched(block(), block()).events == [
        *(*before, *after, "end 0"),
        *(*before, *after, "end 1"),
    ]
    # Made explicitly, its matrix passes by as well.
    assert watched(block(), explicit=True).events == [*before, "weights", *after, "end 0"]
    assert watched(block(eager)).events == [
        *("linear 48", "logits eager", "queries and keys", "weights"),
        *("values", "linear 16", "product 2", "end 0"),
    ]


@pytest.mark.parametrize("attend", [sdpa, eager, operators, dropped, einsum])
@pytest.mark.parametrize("explicit", [False, True])
def test_every_way_to_attend_shows_the_same(attend: Attend, explicit: bool) -> None:
    notes, watching = watched(block(attend), explicit=explicit, images=2), block()
    with torch.no_grad():
        query, key, value = watching.split(stream(2))
        expected = torch.softmax(query @ key.mT / CHANNELS**0.5, dim=-1)
    torch.testing.assert_close(torch.stack(notes.attention), expected)
    if attend is not sdpa or explicit:
        torch.testing.assert_close(notes.matrices[0], expected)
    ((seen, attended),) = notes.leaving
    torch.testing.assert_close(seen, value)
    torch.testing.assert_close(attended, expected @ value)
    if attend is einsum:
        assert notes.entering == []
        return
    ((seen_query, seen_key),) = notes.entering
    torch.testing.assert_close(seen_query, query)
    torch.testing.assert_close(seen_key, key)


class MultiHead(nn.Module):
    """A block around ``nn.MultiheadAttention``, as torchvision and open_clip have them."""

    def __init__(self, *, batch_first: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.multi = nn.MultiheadAttention(HEADS * CHANNELS, HEADS, batch_first=batch_first)
        self.batch_first = batch_first

    def forward(self, stream: Tensor, *, weights: bool = False) -> Any:
        x = stream if self.batch_first else stream.transpose(0, 1)
        out, own = self.multi(x, x, x, need_weights=weights, average_attn_weights=False)
        return (out if self.batch_first else out.transpose(0, 1)), own


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("explicit", [False, True])
def test_multihead_attention_shows_what_it_returns(batch_first: bool, explicit: bool) -> None:
    """Attention and output against the module alone, and its output projection by its weight."""
    each, notes = MultiHead(batch_first=batch_first).eval(), Notes()
    watcher = Watcher([each], notes, tokens=TOKENS, model="home-made", explicit=explicit)
    with torch.no_grad():
        expected, own = each(stream(2), weights=True)
        with watcher:
            output, seen = each(stream(2), weights=True)
    torch.testing.assert_close(torch.stack(notes.attention), own)
    torch.testing.assert_close(output, expected)
    torch.testing.assert_close(seen, own)
    ((value, attended),) = notes.leaving
    torch.testing.assert_close(attended, own @ value)
    assert notes.events[-3:] == ["values", "linear 16", "end 0"]


def test_layers_of_torchs_own_encoder_are_read() -> None:
    """Its fast path, one fused kernel, is not taken while it is watched."""
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(
        HEADS * CHANNELS, HEADS, 32, batch_first=True, norm_first=True
    ).eval()
    notes = Notes()
    with torch.no_grad():
        expected = layer(stream(2))
        with Watcher([layer], notes, tokens=TOKENS, model="home-made"):
            output = layer(stream(2))
        x = layer.norm1(stream(2))
        own = layer.self_attn(x, x, x, average_attn_weights=False)[1]
    torch.testing.assert_close(output, expected)
    torch.testing.assert_close(torch.stack(notes.attention), own)


def test_square_products_around_the_attention_are_no_part_of_it() -> None:
    notes = watched(block(distracting))
    assert len(notes.entering) == len(notes.leaving) == 1
    torch.testing.assert_close(notes.leaving[0][0], block().split(stream())[2])


def test_explicit_attention_has_a_gradient() -> None:
    found: list[Tensor] = []

    class Gradients(Listener):
        def weights(self, weights: Tensor) -> None:
            weights.register_hook(found.append)  # type: ignore[no-untyped-call]

    one = block()
    with Watcher([one], Gradients(), tokens=TOKENS, model="home-made", explicit=True):
        one(stream()).sum().backward()
    assert [gradient.shape for gradient in found] == [(1, HEADS, TOKENS, TOKENS)]
    assert float(found[0].abs().max()) > 0


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([0, 1], "Layer 3 of home-made did not run"),
        ([], "Layer 1 of home-made did not run"),
        ([0, 2], "Layer 3 of home-made ran out of order"),
        ([0, 0], "Layer 1 of home-made ran out of order"),
        ([0, 1, 2, 2], "Layer 3 of home-made ran out of order"),
    ],
)
def test_blocks_must_run_once_each_in_order(order: list[int], expected: str) -> None:
    blocks = [block(), block(), block()]
    with (
        pytest.raises(CaptureError) as caught,
        torch.no_grad(),
        Watcher(blocks, tokens=TOKENS, model="home-made"),
    ):
        for index in order:
            blocks[index](stream())
    assert str(caught.value) == (
        f"{expected}; each of its 3 layers was expected to run once, in order. "
        "Report the architecture: it is not a plain vision transformer."
    )
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in blocks)


@pytest.mark.parametrize("explicit", [False, True])
def test_a_block_without_attention_is_refused_for_every_listener(explicit: bool) -> None:
    with pytest.raises(CaptureError, match="Layer 2 of home-made ran no attention"):
        watched(block(), block(nothing), explicit=explicit)


@pytest.mark.parametrize("heads_of_keys", [1, HEADS])
def test_the_network_goes_on_with_the_weights_that_were_measured(heads_of_keys: int) -> None:

    def grouped(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return functional.scaled_dot_product_attention(
            query, key[:, :heads_of_keys], value[:, :heads_of_keys], enable_gqa=True
        )

    one = block(grouped)
    layout = TokenLayout(("CLS",), 1, TOKENS - 1)
    reducer = Reducer(layout, patch=(1, 1), patch_queries="off", device=torch.device("cpu"))
    expected = one(stream(2))
    notes = Notes()
    attention = ReducedAttention(reducer.reduce, attends=True)
    with torch.no_grad(), Watcher([one], attention, notes, tokens=TOKENS, model="home-made"):
        seen = one(stream(2))
    torch.testing.assert_close(seen, expected)


def test_rounding_of_another_dtype_is_left_to_torch() -> None:
    one = block().to(torch.bfloat16)
    layout = TokenLayout(("CLS",), 1, TOKENS - 1)
    reducer = Reducer(layout, patch=(1, 1), patch_queries="off", device=torch.device("cpu"))
    given = stream().to(torch.bfloat16)
    expected = one(given)
    attention = ReducedAttention(reducer.reduce, attends=True)
    with torch.no_grad(), Watcher([one], attention, tokens=TOKENS, model="home-made"):
        assert torch.equal(one(given), expected)
