"""Every quantity: name, unit, axes, definition, source, and what low and high mean.

The one table that captions, tooltips, the methods page and the documents are made from.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number that the program reports.

    Attributes:
        id: in data, addresses and files; never changes.
        name: what pages call it, in lower case.
        unit: of the number, in words.
        axes: what it is given for, in the axis words: ``("layer", "head")``.
        definition: what it is, exactly; one or two sentences, with the formula where it is short.
        source: where it comes from: author, year, figure or equation; ours where it is ours.
        low: what a low value means.
        high: what a high value means.
        caveat: what it must not be taken for; may be empty.
    """

    id: str
    name: str
    unit: str
    axes: tuple[str, ...]
    definition: str
    source: str
    low: str
    high: str
    caveat: str = ""


ENTROPY = Quantity(
    id="entropy",
    name="entropy",
    unit="share of its maximum, 0 to 1",
    axes=("layer", "head"),
    definition="Entropy of a query's attention over all keys, divided by the logarithm of the "
    "number of keys, averaged over all queries.",
    source="Shannon entropy, normalised so that models of different grids compare",
    low="each token looks at few others",
    high="each token looks at all alike",
    caveat="A sink lowers it: compare with the entropy over patches.",
)

QUANTITIES: tuple[Quantity, ...] = (ENTROPY,)
"""All of them, in the order in which the methods page lists them."""
