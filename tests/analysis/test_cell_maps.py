"""From a record to the maps of a cell: its own numbers, each at its place."""

from __future__ import annotations

import numpy as np
import pytest

from generator.analysis.cell_maps import CellMaps
from generator.packing import pack, unpack
from generator.present.figures import drawings
from tests import tiny
from tests.present.analysed import OUTLIER, maps_of, planted


def test_maps_are_the_records_own_numbers_on_a_grid_that_is_not_square() -> None:
    record = planted()
    maps, layout = maps_of(record), record.layout
    for row in range(layout.rows):
        for col in range(layout.cols):
            token = layout.patch_token(row, col)
            assert maps.norms.peak[row, col] == pytest.approx(record.norms[2, token] / 2)
            assert maps.rollout[row, col] == pytest.approx(
                record.rollout[0, token] * layout.tokens, rel=2e-3
            )
            for query in maps.queries:
                own = record.rows(query.token)[-1, :, token].astype(float).mean()
                assert query.values[row, col] == pytest.approx(own, rel=2e-3)
    assert [query.token for query in maps.queries] == ["CLS", "reg1", "reg2"]


def test_the_planted_outlier_is_the_only_one_and_in_its_place() -> None:
    norms = maps_of(planted()).norms
    assert norms.layer == 2
    assert np.argwhere(norms.outliers).tolist() == [list(OUTLIER)]
    assert norms.peak.max() == 12


def test_shares_of_a_query_say_what_is_not_on_the_map() -> None:
    record = planted()
    for query in maps_of(record).queries:
        prefix = (
            record.rows(query.token)[-1, :, :3].astype(float).mean(0).sum() / record.layout.tokens
        )
        assert query.on_patches == pytest.approx(1 - prefix, abs=2e-3)


def test_what_was_not_measured_is_not_drawn_and_not_zero() -> None:
    names = {each.name for each in drawings(maps_of(tiny.record()))}
    assert names == {"norms-peak", "norms-last", "query-cls", "rollout"}


def test_the_component_without_outliers_is_there_where_there_are_outliers() -> None:
    assert "without" in {each.name for each in drawings(maps_of(planted()))}
    flat = tiny.with_norms(planted(), np.full((4, 27), 2.0, dtype=np.float32))
    assert "without" not in {each.name for each in drawings(maps_of(flat))}


def test_maps_survive_being_stored() -> None:
    maps = maps_of(planted())
    again = unpack(CellMaps, pack(maps))
    assert pack(again) == pack(maps)
    assert again.norms.layer == maps.norms.layer
