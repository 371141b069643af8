"""The table of quantities: the one place for name, unit, axes, definition and source.

Pages, captions, exports and documents read it. What is not in it cannot be exported
(:func:`from_table`), and a test names, for each quantity, a test of its value.
"""

from __future__ import annotations

from generator.analysis.quantities.agreement import AGREEMENT
from generator.analysis.quantities.attention import WEIGHTS
from generator.analysis.quantities.contribution import CONTRIBUTIONS
from generator.analysis.quantities.objects import OBJECTS
from generator.analysis.quantities.quantity import Quantity
from generator.analysis.quantities.stream import STREAM

QUANTITIES: tuple[Quantity, ...] = (*WEIGHTS, *CONTRIBUTIONS, *STREAM, *AGREEMENT, *OBJECTS)
"""In the order in which the methods page lists them."""

_BY_ID = {each.id: each for each in QUANTITIES}


def quantity(identifier: str) -> Quantity:
    """The quantity with this id.

    Raises:
        KeyError: there is none.
    """
    return _BY_ID[identifier]


def from_table(*quantities: Quantity) -> tuple[Quantity, ...]:
    """The quantities, once it is sure that each is the table's own.

    Raises:
        ValueError: one is not; it would be exported without the definition that pages give.
    """
    for each in quantities:
        if _BY_ID.get(each.id) is not each:
            raise ValueError(
                f"{each.id} is not in the table of quantities. Add it to a module of "
                "generator/analysis/quantities, with a test of its value."
            )
    return quantities
