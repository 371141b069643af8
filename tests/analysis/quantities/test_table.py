from __future__ import annotations

import pytest

from generator.analysis.quantities.table import QUANTITIES, quantity


def test_every_quantity_is_told_apart_and_told_in_full() -> None:
    assert len({each.id for each in QUANTITIES}) == len(QUANTITIES)
    assert len({each.name for each in QUANTITIES}) == len(QUANTITIES)
    for each in QUANTITIES:
        assert each.axes and each.unit and each.low and each.high and each.source, each.id
        assert each.definition.endswith("."), each.id
        assert not each.caveat or each.caveat.endswith("."), each.id


def test_quantities_are_found_by_their_id() -> None:
    assert quantity("entropy").name == "entropy"
    with pytest.raises(KeyError):
        quantity("importance")
