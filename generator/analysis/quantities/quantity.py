"""The type of an entry of the table of quantities."""

from __future__ import annotations

from dataclasses import dataclass, replace

from generator.text.numbers import Notation

PROPORTIONS = {"share of 1", "share of the heads", "share of the patches", "share of the images"}
"""Units of parts of a whole, which pages write in percent."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number that the program reports.

    Attributes:
        id: id in data, addresses and files; never changes.
        name: name on pages, in lower case.
        unit: a few words.
        axes: axis words of ``generator/records/record.py``; ``image`` for one number per image.
        definition: one or two sentences, with a formula if it is short.
        source: author, year, figure or equation; "ours" without one.
        low: meaning of a low value.
        high: meaning of a high value.
        caveat: a conclusion that the number does not allow; may be empty.
        short: short name for columns and lines; empty if the name is short.
        part_of: id of the quantity of which it is a part or another form; may be empty.
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
    short: str = ""
    part_of: str = ""

    @property
    def label(self) -> str:
        """The name for columns and lines of numbers."""
        return self.short or self.name

    @property
    def family(self) -> str:
        """The id of the quantity it is part of, or its own id."""
        return self.part_of or self.id

    @property
    def notation(self) -> Notation:
        """How pages and charts write its values."""
        return "percent" if self.unit in PROPORTIONS else "number"

    @property
    def change_notation(self) -> Notation:
        """How pages and charts write differences of its values."""
        return "points" if self.unit in PROPORTIONS else "difference"

    @property
    def change_unit(self) -> str:
        """Unit of differences of its values."""
        return "percentage points" if self.unit in PROPORTIONS else self.unit

    def part(
        self,
        identifier: str,
        name: str,
        definition: str,
        *,
        unit: str = "",
        axes: tuple[str, ...] = (),
        low: str = "",
        high: str = "",
        short: str = "",
    ) -> Quantity:
        """A part or another form of this quantity; fields that are not given are inherited."""
        return replace(
            self,
            id=identifier,
            name=name,
            definition=definition,
            unit=unit or self.unit,
            axes=axes or self.axes,
            low=low or self.low,
            high=high or self.high,
            short=short,
            part_of=self.id,
        )

    def reduced(self, over: str) -> Quantity:
        """The quantity reduced to one number for each image; the definition names the reduction."""
        return replace(self, axes=("image",), definition=f"{self.definition} {over}")
