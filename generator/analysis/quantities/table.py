"""Every quantity: name, unit, axes, definition, source, and what low and high mean.

The one table that captions, tooltips, the methods page and the documents are made from; its parts
are in the modules ``quantities_*``.
"""

from __future__ import annotations

from generator.analysis.quantities.agreement import AGREEMENT
from generator.analysis.quantities.attention import ATTENTION
from generator.analysis.quantities.objects import OBJECTS
from generator.analysis.quantities.quantity import Quantity
from generator.analysis.quantities.stream import STREAM

QUANTITIES: tuple[Quantity, ...] = (*ATTENTION, *STREAM, *AGREEMENT, *OBJECTS)
"""All of them, in the order in which the methods page lists them."""


def quantity(identifier: str) -> Quantity:
    """The quantity with this id.

    Raises:
        KeyError: there is none.
    """
    return _BY_ID[identifier]


_BY_ID = {each.id: each for each in QUANTITIES}
