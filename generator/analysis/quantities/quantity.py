"""The type of an entry of the table of quantities."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number that the program reports.

    Attributes:
        id: in data, addresses and files; never changes.
        name: what pages call it, in lower case.
        unit: in words, short.
        axes: what there is a number for, in the axis words of ``generator/records/record.py``;
            ``image`` for one number an image.
        definition: one or two sentences, with the formula where it is short.
        source: author, year, figure or equation; ours where it is ours.
        low: what a low value means.
        high: what a high value means.
        caveat: what it must not be taken for; may be empty.
        short: the name where there is little room; empty where the name is short.
        part_of: id of the quantity of which it is a part or another form; empty where of none.
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
