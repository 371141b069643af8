"""What is said of a quantity wherever it appears."""

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
