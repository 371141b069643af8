"""Invariants of the reductions that hold whatever the model: uniform, identity, sink, planted."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from generator.capture.forward import statistics
from generator.capture.forward.scores import GivenScores, QueryKeyScores, attention_of
from generator.capture.forward.statistics import LayerStatistics, Reducer, rollouts, token_distances
from generator.records.record import TokenLayout
from tests.tiny import patch_token

CPU = torch.device("cpu")


def reduce(
    logits: Tensor, layout: TokenLayout, patch: tuple[int, int] = (16, 16)
) -> LayerStatistics:
    reducer = Reducer(layout, patch=patch, patch_queries="heads", device=CPU)
    return reducer.reduce(GivenScores(logits))


def one_hot(tokens: int, targets: list[int]) -> Tensor:
    logits = torch.full((2, tokens, tokens), -1e4)
    logits[:, torch.arange(tokens), torch.tensor(targets)] = 0.0
    return logits


@pytest.mark.parametrize("prefix", [(), ("CLS",), ("CLS", "reg1", "reg2")])
def test_uniform_attention(prefix: tuple[str, ...]) -> None:
    layout = TokenLayout(prefix, 14, 14)
    seen = reduce(torch.zeros(2, layout.tokens, layout.tokens), layout)
    assert seen.entropy.tolist() == pytest.approx([1, 1], abs=1e-6)
    assert seen.entropy_patches.tolist() == pytest.approx([1, 1], abs=1e-6)
    # 0.521 of the side: 116.49 px on 14x14 patches of 16 px (science: Dosovitskiy 2021, Fig. 11).
    assert seen.distance_patches.tolist() == pytest.approx([116.49] * 2, abs=0.01)
    share = layout.patches / layout.tokens
    assert seen.distance.tolist() == pytest.approx([116.49 * share] * 2, abs=0.01)
    assert torch.allclose(seen.received, torch.full_like(seen.received, 1 / layout.tokens))
    assert seen.self_attention.tolist() == pytest.approx([1 / layout.tokens] * 2)


def test_uniform_distance_at_37x37_patches_of_14_pixels() -> None:
    layout = TokenLayout(("CLS",), 37, 37)
    seen = reduce(torch.zeros(1, layout.tokens, layout.tokens), layout, (14, 14))
    assert float(seen.distance_patches[0]) == pytest.approx(269.99, abs=0.02)


def test_attention_to_oneself() -> None:
    layout = TokenLayout(("CLS",), 3, 5)
    seen = reduce(one_hot(layout.tokens, list(range(layout.tokens))), layout)
    assert seen.entropy.tolist() == pytest.approx([0, 0], abs=1e-6)
    assert seen.distance.tolist() == [0, 0]
    assert seen.self_attention.tolist() == [1, 1]
    alone = rollouts([seen.head_mean] * 4, torch.eye(layout.tokens)[:1])[0][0]
    assert alone.tolist() == torch.eye(layout.tokens)[0].tolist()


@pytest.mark.parametrize("layers", [1, 3, 6])
def test_rollout_into_a_sink_keeps_two_to_the_minus_layers(layers: int) -> None:
    layout = TokenLayout(("CLS",), 3, 4)
    sink = patch_token(layout, 2, 1)
    seen = reduce(one_hot(layout.tokens, [sink] * layout.tokens), layout)
    assert seen.entropy.tolist() == pytest.approx([0, 0], abs=1e-6)
    row = rollouts([seen.head_mean] * layers, torch.eye(layout.tokens)[:1])[0][0]
    assert float(row[sink]) == pytest.approx(1 - 2.0**-layers)
    assert float(row.sum()) == pytest.approx(1)


def test_rollout_of_uniform_attention_is_uniform_but_for_the_query() -> None:
    tokens = 9
    row = rollouts([torch.full((tokens, tokens), 1 / tokens)] * 3, torch.eye(tokens)[2:3])[0][0]
    others = torch.cat([row[:2], row[3:]])
    assert others.tolist() == pytest.approx([float(others[0])] * 8)
    assert float(row[2]) == pytest.approx(float(others[0]) + 1 / 8)


def test_patch_entropy_is_defined_when_the_prefix_takes_nearly_everything() -> None:
    """A sink of 1 - 1e-7 leaves uniform patches: their renormalized entropy is still 1."""
    layout = TokenLayout(("CLS", "reg1"), 4, 4)
    logits = torch.zeros(1, layout.tokens, layout.tokens)
    logits[..., 1] = math.log(16e7)
    seen = reduce(logits, layout)
    assert float(seen.entropy_patches[0]) == pytest.approx(1, abs=1e-5)
    assert float(seen.entropy[0]) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("sink", [60.0, 200.0, 1e4])
def test_rows_over_patches_are_exact_where_nothing_of_their_mass_is_left(sink: float) -> None:
    """A sink of 200 logits leaves less than float32 holds; cut to the patches, rows are usual."""
    layout = TokenLayout(("CLS", "reg1"), 3, 4)
    generator = torch.Generator().manual_seed(3)
    logits = 2 * torch.randn(2, layout.tokens, layout.tokens, generator=generator)
    plain = reduce(logits, layout)
    logits[1, ::2, 1] = sink
    seen = reduce(logits, layout)
    assert seen.entropy_patches.tolist() == pytest.approx(plain.entropy_patches.tolist(), abs=1e-5)
    assert seen.distance_patches.tolist() == pytest.approx(
        plain.distance_patches.tolist(), abs=1e-3
    )


def test_distance_knows_rows_from_columns_and_patch_sizes() -> None:
    layout = TokenLayout((), 2, 3)
    apart = token_distances(layout, (10, 20), CPU)
    assert float(apart[patch_token(layout, 0, 0), patch_token(layout, 0, 2)]) == 40
    assert float(apart[patch_token(layout, 0, 0), patch_token(layout, 1, 0)]) == 10
    assert float(apart[patch_token(layout, 1, 2), patch_token(layout, 0, 0)]) == pytest.approx(
        math.hypot(10, 40)
    )


@pytest.mark.parametrize("block", [1, 40, 200, 10_000])
def test_blocks_of_any_size_give_the_same_numbers(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = torch.Generator().manual_seed(5)
    layout = TokenLayout(("CLS", "reg1", "reg2"), 3, 5)
    logits = 2 * torch.randn(4, layout.tokens, layout.tokens, generator=generator)
    whole = reduce(logits, layout)
    monkeypatch.setattr(statistics, "CPU_BLOCK", block)
    parts = reduce(logits, layout)
    for name in LayerStatistics.__dataclass_fields__:
        torch.testing.assert_close(getattr(parts, name), getattr(whole, name))


def test_the_number_of_threads_changes_no_bit() -> None:
    generator = torch.Generator().manual_seed(8)
    query, key, value = torch.randn(3, 3, 65, 8, generator=generator)
    layout = TokenLayout(("CLS",), 8, 8)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            reducer = Reducer(layout, patch=(16, 16), patch_queries="heads", device=CPU)
            attended = torch.empty(3, 65, 8)
            scores = QueryKeyScores(query, key, value=value, attended=attended)
            found.append((reducer.reduce(scores), attended))
    finally:
        torch.set_num_threads(before)
    for seen, attended in found[1:]:
        assert torch.equal(attended, found[0][1])
        for name in LayerStatistics.__dataclass_fields__:
            assert torch.equal(getattr(seen, name), getattr(found[0][0], name)), name


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_share_the_work_and_give_the_same_numbers(threads: int) -> None:
    generator = torch.Generator().manual_seed(7)
    layout = TokenLayout(("CLS", "reg1"), 5, 6)
    logits = 2 * torch.randn(3, layout.tokens, layout.tokens, generator=generator)
    before = torch.get_num_threads()
    whole = torch.softmax(logits, -1)
    try:
        torch.set_num_threads(threads)
        seen = reduce(logits, layout)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    torch.testing.assert_close(seen.head_mean, whole.mean(0))
    torch.testing.assert_close(seen.received, whole[:, 2:].mean(1))
    torch.testing.assert_close(seen.rows, whole[:, :2].transpose(0, 1))


def test_scale_and_bias_are_applied_as_in_the_call() -> None:
    generator = torch.Generator().manual_seed(6)
    query, key = torch.randn(2, 3, 7, 4, generator=generator)
    bias = torch.randn(1, 7, 7, generator=generator)
    layout = TokenLayout(("CLS",), 2, 3)
    expected = torch.softmax(0.3 * query @ key.transpose(1, 2) + bias, -1)
    seen = Reducer(layout, patch=(1, 1), patch_queries="off", device=CPU).reduce(
        QueryKeyScores.scaled(query, key, 0.3, bias)
    )
    torch.testing.assert_close(seen.head_mean, expected.mean(0))
    rows = attention_of(QueryKeyScores.scaled(query, key, 0.3, bias), layout.prefix_slice)
    torch.testing.assert_close(rows, expected[:, :1])


def test_a_bias_shared_by_all_queries_is_broadcast() -> None:
    query, key = torch.zeros(2, 2, 5, 4)
    bias = torch.tensor([0.0, 0.0, -math.inf, 0.0, 0.0]).view(1, 1, 5)
    rows = attention_of(QueryKeyScores.scaled(query, key, 1.0, bias), slice(0, 1))
    assert rows[0, 0].tolist() == [0.25, 0.25, 0, 0.25, 0.25]
