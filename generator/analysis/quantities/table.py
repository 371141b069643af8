"""The table of quantities: the one place for name, unit, axes, definition and source.

Pages, captions, exports and documents read it. A quantity that is not in the table cannot be
exported (:func:`from_table`). A test names a value test for each quantity.
"""

from __future__ import annotations

from generator.analysis.quantities.agreement import AGREEMENT
from generator.analysis.quantities.attention import WEIGHTS
from generator.analysis.quantities.contribution import CONTRIBUTIONS
from generator.analysis.quantities.objects import OBJECTS
from generator.analysis.quantities.quantity import Quantity
from generator.analysis.quantities.stream import STREAM

QUANTITIES: tuple[Quantity, ...] = (*WEIGHTS, *CONTRIBUTIONS, *STREAM, *AGREEMENT, *OBJECTS)
"""In the order of the methods page."""

_BY_ID = {each.id: each for each in QUANTITIES}


def quantity(identifier: str) -> Quantity:
    """The quantity with this id.

    Raises:
        KeyError: the table has no such id.
    """
    return _BY_ID[identifier]


def from_table(*quantities: Quantity) -> tuple[Quantity, ...]:
    """Return the quantities after checking that each is in the table.

    Raises:
        ValueError: one is not in the table, so exports would lack its definition.
    """
    for each in quantities:
        if _BY_ID.get(each.id) is not each:
            raise ValueError(
                f"{each.id} is not in the table of quantities. Add it to a module of "
                "generator/analysis/quantities, with a test of its value."
            )
    return quantities
