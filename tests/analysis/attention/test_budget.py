from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from generator.analysis.attention.budget import MassBudget, QueryBudget, mass_budget
from generator.records.record import PatchQueries, RecordError, TokenLayout
from tests import tiny
from tests.analysis import full

PLANTED = (3, 7, 20)


def by_loops(attention: np.ndarray, layout: TokenLayout, queries: list[int]) -> np.ndarray:
    """``[layer, head, key group]``, query by query and key by key."""
    first = len(layout.prefix)
    found = np.zeros((*attention.shape[:2], first + 3))
    for query in queries:
        for key in range(layout.tokens):
            if key == query:
                group = 0
            elif key < first:
                group = 1 + key
            else:
                group = first + (1 if key - first in PLANTED else 2)
            found[..., group] += attention[:, :, query, key] / len(queries)
    return found


def planted(
    layout: TokenLayout, patches: PatchQueries = "off"
) -> tuple[np.ndarray, MassBudget, list[int], list[int]]:
    attention = full.random(layout, layers=3, heads=2, seed=2)
    record = full.record(
        layout, attention, full.plain_norms(layout, outliers=PLANTED), patches=patches
    )
    first = len(layout.prefix)
    outliers = [first + patch for patch in PLANTED]
    others = [first + n for n in range(layout.patches) if n not in PLANTED]
    return attention, mass_budget(record), outliers, others


def of(budget: MassBudget, query: str) -> QueryBudget:
    found = budget.of(query)
    assert found is not None
    return found


def test_prefix_queries_agree_with_loops_per_head() -> None:
    layout = tiny.layout(registers=2)
    attention, budget, _, _ = planted(layout)
    assert budget.keys == ("self", "CLS", "reg1", "reg2", "outlier patches", "other patches")
    for index, name in enumerate(layout.prefix):
        expected = by_loops(attention, layout, [index])
        found = of(budget, name)
        assert found.tokens == 1 and found.heads is not None
        # The token itself is in "self": among the prefix tokens it does not exist.
        assert np.isnan(found.heads[..., 1 + index]).all()
        np.testing.assert_allclose(np.nan_to_num(found.heads), expected, atol=2e-4)
        np.testing.assert_allclose(np.nan_to_num(found.shares), expected.mean(1), atol=2e-4)


@pytest.mark.value_of("attention-budget")
@pytest.mark.parametrize("registers", [0, 4])
def test_normal_and_outlier_patches_agree_with_loops(registers: int) -> None:
    layout = tiny.layout(registers=registers)
    attention, budget, outliers, others = planted(layout)
    expected = by_loops(attention, layout, outliers).mean(1)
    found = of(budget, "outlier patches")
    assert found.tokens == 3 and found.heads is None and np.isnan(found.shares[:, 0]).all()
    expected[:, -2] += expected[:, 0]
    np.testing.assert_allclose(found.shares[:, 1:], expected[:, 1:], atol=2e-4)

    expected = by_loops(attention, layout, others).mean(1)
    found = of(budget, "normal patches")
    assert found.tokens == 21 and found.heads is None
    np.testing.assert_allclose(found.shares[:, 1:-1], expected[:, 1:-1], atol=2e-4)
    # The own attention of the normal patches lies within the stated error.
    assert (abs(found.shares[:, 0] - expected[:, 0]) <= found.self_error + 2e-4).all()
    together = found.shares[:, 0] + found.shares[:, -1]
    np.testing.assert_allclose(together, expected[:, 0] + expected[:, -1], atol=2e-4)
    # Outliers pay themselves between nothing and all that outliers pay outliers.
    own = 24 * by_loops(attention, layout, sorted([*others, *outliers])).mean(1)[:, 0]
    among = 3 * by_loops(attention, layout, outliers).mean(1)[:, [0, -2]].sum(1)
    most = np.minimum(own / 21, together)
    least = np.minimum(np.maximum(own - among, 0) / 21, most)
    np.testing.assert_allclose(found.shares[:, 0] - found.self_error, least, atol=4e-4)
    np.testing.assert_allclose(found.shares[:, 0] + found.self_error, most, atol=4e-4)


@pytest.mark.parametrize("patches", ["mean", "heads"])
def test_kept_patch_attention_makes_every_share_exact(patches: PatchQueries) -> None:
    layout = tiny.layout(registers=1)
    attention, budget, outliers, others = planted(layout, patches)
    for name, queries in (("normal patches", others), ("outlier patches", outliers)):
        expected = by_loops(attention, layout, queries)
        found = of(budget, name)
        assert not found.self_error.any()
        np.testing.assert_allclose(found.shares, expected.mean(1), atol=2e-4)
        if patches == "heads":
            assert found.heads is not None
            np.testing.assert_allclose(found.heads, expected, atol=2e-4)
        else:
            assert found.heads is None


@pytest.mark.parametrize("patches", ["off", "mean", "heads"])
@pytest.mark.parametrize("outliers", [(), PLANTED])
@pytest.mark.parametrize("cls", [True, False])
def test_every_row_sums_to_one_and_no_share_is_negative(
    patches: PatchQueries, outliers: tuple[int, ...], cls: bool
) -> None:
    layout = tiny.layout(registers=2 if cls else 0, cls=cls)
    norms = full.plain_norms(layout, outliers=outliers)
    budget = mass_budget(full.record(layout, full.random(layout), norms, patches=patches))
    for each in budget.queries:
        np.testing.assert_allclose(np.nansum(each.shares, axis=-1), 1, atol=1e-6)
        assert np.nanmin(each.shares) >= 0
        assert np.nansum(each.uniform) == pytest.approx(1, abs=1e-6)
        assert (np.isnan(each.uniform) == np.isnan(each.shares[0])).all()
        if each.heads is not None:
            np.testing.assert_allclose(np.nansum(each.heads, axis=-1), 1, atol=1e-6)


@pytest.mark.parametrize("patches", ["off", "heads"])
def test_uniform_attention_spends_what_the_dashed_lines_say(patches: PatchQueries) -> None:
    layout = tiny.layout(registers=2)
    norms = full.plain_norms(layout, outliers=PLANTED)
    budget = mass_budget(full.record(layout, full.uniform(layout), norms, patches=patches))
    assert len(budget.queries) == 5
    for each in budget.queries:
        expected = np.broadcast_to(each.uniform, each.shares.shape)
        error = each.self_error.max() + 1e-4
        np.testing.assert_allclose(each.shares, expected, atol=error)


def test_identity_is_all_self_and_a_sink_takes_all() -> None:
    layout = tiny.layout(registers=1)
    budget = mass_budget(full.record(layout, full.identity(layout)))
    for each in budget.queries:
        np.testing.assert_allclose(each.shares[:, 0], 1)
    budget = mass_budget(full.record(layout, full.sink(layout, 1)))
    np.testing.assert_allclose(of(budget, "CLS").shares[:, 2], 1)
    np.testing.assert_allclose(of(budget, "reg1").shares[:, 0], 1)
    np.testing.assert_allclose(of(budget, "normal patches").shares[:, 2], 1)


def test_what_a_model_or_image_lacks_is_not_applicable_rather_than_zero() -> None:
    layout = tiny.layout()
    budget = mass_budget(full.record(layout, full.random(layout)))
    assert budget.of("reg1") is None and budget.of("outlier patches") is None
    assert np.isnan(of(budget, "CLS").shares[:, -2]).all()
    bare = tiny.layout(cls=False)
    budget = mass_budget(full.record(bare, full.random(bare)))
    assert budget.of("CLS") is None and [each.query for each in budget.queries] == [
        "normal patches"
    ]
    normal = of(budget, "normal patches")
    assert normal.heads is not None and not normal.self_error.any()


def test_a_record_that_lacks_what_its_outliers_attend_to_is_refused() -> None:
    layout = tiny.layout()
    norms = full.plain_norms(layout, outliers=PLANTED)
    record = replace(full.record(layout, full.random(layout), norms), received_from_outliers=None)
    with pytest.raises(RecordError, match="has 3 outlier patches, but the record lacks"):
        mass_budget(record)
