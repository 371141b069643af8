from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from generator.analysis.absent import NotApplicable
from generator.analysis.attention.rollout import (
    Fusion,
    Rollout,
    rollout_diagnostics,
    rollout_variant,
)
from generator.errors import AnalysisError
from generator.records.record import AttentionRecord, TokenLayout
from tests import tiny
from tests.analysis import full


def by_loops(attention: np.ndarray, fusion: str, discard: float, first: int) -> np.ndarray:
    """The whole rollout matrix, weights discarded one by one."""
    tokens = attention.shape[-1]
    rolled = np.eye(tokens)
    for layer in attention:
        fused = getattr(np, fusion)(layer, axis=0)
        cells = list(itertools.product(range(tokens), range(first, tokens)))
        cells.sort(key=lambda cell: fused[cell])
        for cell in cells[: int(discard * len(cells))]:
            fused[cell] = 0
        fused = fused / fused.sum(1, keepdims=True)
        rolled = (fused + np.eye(tokens)) / 2 @ rolled
    return rolled


def variant(record: AttentionRecord, **options: object) -> Rollout:
    found = rollout_variant(record, **options)
    assert isinstance(found, Rollout)
    return found


@pytest.mark.parametrize("fusion", ["mean", "max", "min"])
@pytest.mark.parametrize("discard", [0.0, 0.5, 0.9])
def test_variants_agree_with_whole_matrices(fusion: Fusion, discard: float) -> None:
    layout = tiny.layout(registers=2)
    attention = full.random(layout, seed=6)
    record = full.record(layout, attention, patches="heads")
    expected = by_loops(attention, fusion, discard, 3)
    found = variant(record, fusion=fusion, discard=discard)
    np.testing.assert_allclose(found.keys, expected[0], atol=2e-4)
    assert found.keys.sum() == pytest.approx(1, abs=1e-6)
    assert found.prefix_mass == pytest.approx(expected[0, :3].sum(), abs=1e-3)
    rows = expected[3:] / np.linalg.norm(expected[3:], axis=1, keepdims=True)
    pairs = [a @ b for a, b in itertools.combinations(rows, 2)]
    assert found.cosine == pytest.approx(sum(pairs) / len(pairs), abs=1e-3)


@pytest.mark.parametrize("cls", [True, False])
@pytest.mark.parametrize("start", [0, 1, 2])
def test_the_plain_variant_is_the_measured_rollout(cls: bool, start: int) -> None:
    layout = tiny.layout(registers=2 if cls else 0, cls=cls)
    record = tiny.record(layout, patches="heads")
    found = variant(record, start_layer=start)
    np.testing.assert_allclose(found.keys, record.rollout[start], atol=2e-4)
    assert found.cosine == pytest.approx(float(record.rollout_cosine[start]), abs=1e-3)
    np.testing.assert_allclose(
        found.keys, variant(tiny.record(layout, patches="mean"), start_layer=start).keys, atol=2e-4
    )


def test_attention_to_the_prefix_is_never_discarded() -> None:
    """All patches look a little at a register; nearly everything on patches is thrown away."""
    layout = tiny.layout(registers=1)
    attention = np.full((2, 1, layout.tokens, layout.tokens), 1 / layout.tokens)
    attention[..., 1] = 1e-3
    attention /= attention.sum(-1, keepdims=True)
    record = full.record(layout, attention, patches="heads")
    found = variant(record, discard=0.99)
    assert found.keys[1] > 1e-3


@pytest.mark.parametrize("fusion", ["mean", "max", "min"])
def test_uniform_identity_and_sink(fusion: Fusion) -> None:
    layout = tiny.layout()

    def roll(attention: np.ndarray) -> np.ndarray:
        return variant(full.record(layout, attention, patches="heads"), fusion=fusion).keys

    uniform = roll(full.uniform(layout, layers=5))
    assert np.ptp(uniform[1:]) < 1e-6 and uniform[0] > uniform[1]
    assert roll(full.identity(layout))[0] == 1
    # After L layers, all but 2^-L of CLS is on the sink.
    assert roll(full.sink(layout, 7, layers=5))[7] == pytest.approx(1 - 2**-5)


def test_what_was_not_kept_is_said() -> None:
    assert rollout_variant(tiny.record()) == NotApplicable(
        "the attention of every patch was not kept"
    )
    assert rollout_variant(tiny.record(patches="mean"), fusion="max") == NotApplicable(
        "the attention of every patch was kept as a mean over heads only"
    )


def test_diagnostics_say_what_is_left_on_the_prefix() -> None:
    record = tiny.record(tiny.layout(registers=2))
    found = rollout_diagnostics(record)
    np.testing.assert_allclose(found.prefix_mass, 1 - record.rollout[:, 3:].sum(1), atol=1e-6)
    assert found.uniform_prefix == 3 / 27
    assert np.array_equal(found.cosine, record.rollout_cosine)
    bare = TokenLayout(prefix=(), rows=2, cols=2)
    assert not rollout_diagnostics(tiny.record(bare)).prefix_mass.any()


def test_a_row_of_which_nothing_is_left_keeps_to_itself() -> None:
    layout = tiny.layout(cls=False, rows=2, cols=2)
    record = tiny.record(layout, layers=1, heads=2, patches="heads")
    kept = np.zeros((1, 2, 4, 4), np.float16)
    kept[0, 0, :, 0], kept[0, 1, :, 1] = 4, 4
    found = variant(replace(record, patch_attention=kept), fusion="min")
    np.testing.assert_allclose(found.keys, 0.25)


def test_shares_and_layers_that_do_not_exist_are_refused() -> None:
    record = tiny.record(patches="heads")
    with pytest.raises(AnalysisError, match=r"from 0 to less than 1, not 1\.0"):
        rollout_variant(record, discard=1.0)
    with pytest.raises(AnalysisError, match="one of the 3 layers of tiny/model, not at layer 4"):
        rollout_variant(record, start_layer=3)
