"""How wide a figure may be in a paper: the column and the text block of a venue's template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from generator.errors import SpecError
from generator.toml import did_you_mean

Span = Literal["column", "text"]

TALLEST = 9.0
"""What a figure may be high, in inches: a page less its caption in every template below."""

WIDEST = 40.0
NARROWEST = 1.0


@dataclass(frozen=True, slots=True)
class Venue:
    """A venue's template.

    Attributes:
        name: as it is called.
        column: width of a column, in inches; that of the text where there is one column.
        text: width of the text block, in inches.
        source: where the numbers come from.
    """

    name: str
    column: float
    text: float
    source: str

    @property
    def columns(self) -> int:
        """1 or 2."""
        return 1 if self.column == self.text else 2


VENUES: dict[str, Venue] = {
    "icml": Venue("ICML", 3.25, 6.75, "icml style: columns of 3.25 in, 0.25 in apart"),
    "neurips": Venue("NeurIPS", 5.5, 5.5, "neurips style: text 5.5 in wide"),
    "iclr": Venue("ICLR", 5.5, 5.5, "iclr style: text 5.5 in wide"),
    "tmlr": Venue("TMLR", 6.5, 6.5, "tmlr style: text 6.5 in wide"),
    "cvpr": Venue("CVPR", 3.25, 6.875, "author kit: columns 3 1/4 in wide, text 6 7/8 in"),
    "iccv": Venue("ICCV", 3.25, 6.875, "author kit, that of CVPR"),
    "wacv": Venue("WACV", 3.25, 6.875, "author kit, that of CVPR"),
    "eccv": Venue("ECCV", 4.803, 4.803, "llncs class: text 122 mm wide"),
    "lncs": Venue("LNCS", 4.803, 4.803, "llncs class: text 122 mm wide"),
    "acl": Venue("ACL", 3.031, 6.299, "acl style: A4, text 160 mm, columns 77 mm"),
    "aaai": Venue("AAAI", 3.3125, 7.0, "aaai style: text 7 in, columns 0.375 in apart"),
    "ieee": Venue("IEEE", 3.5, 7.16, "IEEE graphics guide: one column 3.5 in, two 7.16 in"),
}
"""Venues by the word of ``--venue``."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How wide a figure is, and what that is called in LaTeX.

    Attributes:
        inches: its width.
        environment: ``figure`` or ``figure*``.
        length: LaTeX's name for the width.
        says: for messages: ``ICML, column``.
    """

    inches: float
    environment: str
    length: str
    says: str


def extent(venue: str, span: Span, width: float | None = None) -> Extent:
    """The width of a figure.

    Args:
        venue: key of :data:`VENUES`.
        span: a column, or the whole text block.
        width: in inches, in place of the venue's.

    Raises:
        SpecError: there is no such venue, or the width is out of reason.
    """
    if venue.lower() not in VENUES:
        hint = did_you_mean(venue, VENUES) or f"There are {', '.join(VENUES)}; or give --width."
        raise SpecError(f"No venue is called {venue}.", hint)
    known = VENUES[venue.lower()]
    starred = "figure*" if known.columns == 2 and span == "text" else "figure"
    if width is not None:
        if not NARROWEST <= width <= WIDEST:
            message = f"A figure is {NARROWEST:g} to {WIDEST:g} inches wide, got {width:g}."
            raise SpecError(message, "Name another --width.")
        return Extent(width, starred, f"{width:g}in", f"{width:g} in")
    inches = known.column if span == "column" else known.text
    return Extent(inches, starred, r"\linewidth", f"{known.name}, {span}")
