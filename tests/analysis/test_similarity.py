from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from generator.analysis.absent import NotApplicable
from generator.analysis.attention.head_similarity import (
    Match,
    clustered_order,
    map_similarity,
    match_heads,
    row_similarity,
)
from generator.analysis.compare.agreement import divergence
from generator.analysis.grids import PlacedMap
from generator.analysis.stream.layer_similarity import layer_similarity
from generator.errors import AnalysisError
from generator.records.record import AttentionRecord
from tests import tiny
from tests.analysis import full


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def hsic_by_loops(one: np.ndarray, two: np.ndarray) -> float:
    """Song 2012: mean over all ordered quadruples of different examples."""
    n = len(one)
    a, b = one @ one.T, two @ two.T
    total = 0.0
    for i, j, q, r in itertools.permutations(range(n), 4):
        total += a[i, j] * (b[i, j] + b[q, r] - 2 * b[i, q])
    return total / (n * (n - 1) * (n - 2) * (n - 3))


def cka(one: np.ndarray, two: np.ndarray) -> float:
    """Of two models of one layer."""
    found = layer_similarity(one[:, None], two[:, None])
    assert isinstance(found, np.ndarray) and found.shape == (1, 1)
    return float(found[0, 0])


@pytest.mark.value_of("layer-similarity")
def test_cka_agrees_with_the_sum_over_quadruples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.analysis.stream.layer_similarity.LEAST_IMAGES", 4)
    one, two = rng(1).normal(size=(7, 3)), rng(2).normal(size=(7, 5)) + 2
    own = hsic_by_loops(one, one) * hsic_by_loops(two, two)
    expected = hsic_by_loops(one, two) / math.sqrt(own)
    assert cka(one, two) == pytest.approx(expected)


def test_cka_knows_rotations_scales_and_shifts() -> None:
    one = rng(3).normal(size=(300, 8))
    turned, _ = np.linalg.qr(rng(4).normal(size=(8, 8)))
    assert cka(one, one @ turned * 3 + 5) == pytest.approx(1)
    # Without bias, unrelated vectors give about 0 even where channels are many.
    unrelated = cka(rng(5).normal(size=(300, 600)), rng(6).normal(size=(300, 600)))
    assert abs(unrelated) < 0.1


def test_layers_of_two_models() -> None:
    one = rng(7).normal(size=(256, 3, 8)).astype(np.float32)
    two = np.concatenate([one[:, 2:], one[:, :1]], axis=1)
    found = layer_similarity(one, two)
    assert isinstance(found, np.ndarray) and found.shape == (3, 2)
    assert found[2, 0] == pytest.approx(1) and found[0, 1] == pytest.approx(1)
    assert found[1, 1] == pytest.approx(cka(one[:, 1], two[:, 1]), abs=1e-5)


def test_a_massive_channel_rules_the_plain_version_only() -> None:
    one, two = rng(8).normal(size=(2, 256, 1, 8))
    shared = 1000 * rng(9).normal(size=256)
    one[:, 0, 0] = two[:, 0, 0] = shared
    plain, even = (layer_similarity(one, two, standardize=flag) for flag in (False, True))
    assert isinstance(plain, np.ndarray) and isinstance(even, np.ndarray)
    assert plain[0, 0] > 0.99 and even[0, 0] < 0.3


def test_a_layer_that_never_changes_has_no_similarity() -> None:
    one = rng(1).normal(size=(256, 2, 8))
    one[:, 0] = 0.1
    for flag in (False, True):
        found = layer_similarity(one, one, standardize=flag)
        assert isinstance(found, np.ndarray)
        assert np.isnan(found[0]).all() and found[1, 1] == pytest.approx(1)


def test_similarity_of_layers_is_withheld_where_it_would_mislead() -> None:
    few = rng(1).normal(size=(255, 2, 8))
    assert layer_similarity(few, few) == NotApplicable(
        "similarity of layers needs at least 256 images; this run has 255"
    )
    bare = tiny.record(tiny.layout(cls=False), extras=("features",))
    values = np.stack([bare.features.pooled[:, 0]] * 256)
    assert layer_similarity(values, values) == NotApplicable("one of the models has no CLS token")
    with pytest.raises(AnalysisError, match="one model has 255, the other 254"):
        layer_similarity(few, few[1:])


@pytest.mark.value_of("head-similarity")
def test_heads_are_compared_by_divergence_of_their_rows() -> None:
    layout = tiny.layout(registers=1)
    attention = full.random(layout)
    found = row_similarity(full.record(layout, attention).rows("CLS").reshape(6, -1))
    assert found.shape == (6, 6)
    rows = attention[:, :, 0].reshape(6, -1)
    for one, two in itertools.product(range(6), range(6)):
        assert found[one, two] == pytest.approx(1 - divergence(rows[one], rows[two]), abs=2e-4)
    assert np.array_equal(found, found.T)


def test_disjoint_rows_are_not_alike_and_sums_do_not_matter() -> None:
    rows = np.array([[1, 0, 0, 0], [0, 0, 2, 2], [3, 0, 0, 0]], float)
    expected = [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
    np.testing.assert_allclose(row_similarity(rows), expected, atol=1e-6)
    np.testing.assert_allclose(row_similarity(rows, rows[:2]), np.array(expected)[:, :2], atol=1e-6)


def test_a_head_that_looks_at_no_patch_is_like_no_other() -> None:
    rows = np.array([[1, 0, 3], [0, 0, 0], [2, 0, 6]], float)
    expected = [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
    np.testing.assert_allclose(row_similarity(rows), expected, atol=1e-6)
    expected = [[1, 0, 1], [0, 0, 0], [1, 0, 1]]
    np.testing.assert_allclose(row_similarity(rows, rows), expected, atol=1e-6)

    layout = tiny.layout()
    attention = full.random(layout, layers=1, heads=3)
    attention[0, 1, 0] = np.eye(layout.tokens)[0]  # CLS looks at CLS alone
    record = full.record(layout, attention)
    maps = layout.fold(record.rows("CLS").astype(np.float32))[0]
    placed = [PlacedMap(each, record.view) for each in maps]
    similarity = map_similarity(placed, placed)
    assert isinstance(similarity, np.ndarray)
    assert similarity[1].tolist() == [0, 0, 0] and similarity[0, 0] == pytest.approx(1, abs=1e-3)
    assert len(match_heads(similarity, (3, 3))) == 3


@pytest.mark.parametrize("shape", ["even", "peaked", "one key", "nearly equal", "few unlike many"])
def test_similarities_are_those_of_the_definition(shape: str) -> None:
    noise = rng(2).normal(size=(12, 1374))
    rows = {
        "even": noise**2,
        "peaked": np.exp(8 * noise),
        "one key": np.eye(12, 1374) + 1e-6,
        "nearly equal": np.exp(3 * noise[:1]) * (1 + 1e-3 * noise),
        "few unlike many": noise ** np.array([2] * 9 + [40, 200, 0])[:, None],
    }[shape]
    shares = rows / rows.sum(axis=1, keepdims=True)
    exact = [[1 - divergence(a, b) for b in shares] for a in shares]
    np.testing.assert_allclose(row_similarity(rows), exact, atol=3e-6)
    np.testing.assert_allclose(row_similarity(rows, rows[:5]), np.array(exact)[:, :5], atol=3e-6)


def test_clustered_order_brings_families_together() -> None:
    family = np.array([0, 1, 2, 0, 1, 2, 0, 1])
    similarity = np.where(family[:, None] == family[None], 0.9, 0.1)
    np.fill_diagonal(similarity, 1)
    order = clustered_order(similarity)
    assert sorted(order) == list(range(8))
    assert len(list(itertools.groupby(family[list(order)]))) == 3
    assert clustered_order(np.ones((2, 2))) == (0, 1) and clustered_order(np.ones((1, 1))) == (0,)


def cls_maps(record: AttentionRecord) -> list[PlacedMap]:
    rows = record.layout.fold(record.rows("CLS").astype(np.float32))
    return [PlacedMap(values, record.view) for values in rows.reshape(-1, *rows.shape[2:])]


def test_shuffled_heads_are_matched_with_themselves() -> None:
    layout = tiny.layout(registers=1)
    attention = full.random(layout, layers=2, heads=3)
    # The other model has the same heads in another order, and no register.
    order = [4, 2, 0, 5, 1, 3]
    keys = [0, *range(2, layout.tokens)]
    other = attention.reshape(6, layout.tokens, -1)[order][:, keys][:, :, keys]
    other = other / other.sum(-1, keepdims=True)
    bare = tiny.layout()
    two = full.record(bare, other.reshape(2, 3, bare.tokens, bare.tokens))
    similarity = map_similarity(cls_maps(full.record(layout, attention)), cls_maps(two))
    assert isinstance(similarity, np.ndarray) and similarity.shape == (6, 6)
    for match in match_heads(similarity, (3, 3)):
        assert order[match.two[0] * 3 + match.two[1]] == match.one[0] * 3 + match.one[1]
        assert match.similarity == pytest.approx(1, abs=1e-3)


def test_matching_is_best_for_all_heads_together() -> None:
    similarity = np.array([[0.9, 0.8], [0.8, 0.1], [0.2, 0.3]])
    found = match_heads(similarity, (3, 1))
    assert found == (Match((0, 0), (1, 0), 0.8), Match((0, 1), (0, 0), 0.8))
    best = max(similarity[a, 0] + similarity[b, 1] for a, b in itertools.permutations(range(3), 2))
    assert sum(match.similarity for match in found) == pytest.approx(best)
