"""Figure widths of venues: column and text block of their templates."""

from __future__ import annotations

from dataclasses import dataclass

from generator.errors import SpecError
from generator.spec.figures import Span
from generator.spec.toml import did_you_mean
from generator.text.numbers import given, machine

TALLEST = 9.0
"""Largest height of a figure, in inches: a page minus the caption in every template below."""

_POINTS = 72.27
"""TeX's points in an inch; a pica has twelve."""

WIDEST = 40.0
NARROWEST = 1.0


@dataclass(frozen=True, slots=True)
class Venue:
    """A venue's template.

    Attributes:
        name: name for messages.
        column: width of a column, in inches; with one column, that of the text.
        text: width of the text block, in inches.
        source: the style file and its settings; a column is half of the text minus the gap.
    """

    name: str
    column: float
    text: float
    source: str

    @property
    def columns(self) -> int:
        """1 or 2."""
        return 1 if self.column == self.text else 2


_KIT = "cvpr.sty of the CVPR and ICCV author kit: textwidth 6.875in, columnsep 0.3125in"
_LNCS = 12.2 / 2.54

VENUES: dict[str, Venue] = {
    "icml": Venue("ICML", 3.25, 6.75, "icml2024.sty: textwidth 6.75in, columnsep 0.25in"),
    "neurips": Venue("NeurIPS", 5.5, 5.5, "neurips_2026.sty: textwidth=5.5in"),
    "iclr": Venue("ICLR", 5.5, 5.5, "iclr2024_conference.sty: textwidth 5.5 true in"),
    "tmlr": Venue("TMLR", 6.5, 6.5, "tmlr.sty: textwidth 6.5 true in"),
    "cvpr": Venue("CVPR", 3.28125, 6.875, _KIT),
    "iccv": Venue("ICCV", 3.28125, 6.875, _KIT),
    "wacv": Venue("WACV", 3.28125, 6.875, "wacv.sty: textwidth 6.875in, columnsep 0.3125in"),
    "eccv": Venue("ECCV", _LNCS, _LNCS, "eccv.sty on llncs.cls: width 122 mm"),
    "lncs": Venue("LNCS", _LNCS, _LNCS, "llncs.cls: textwidth 12.2cm"),
    "acl": Venue("ACL", 7.7 / 2.54, 16 / 2.54, "acl.sty: A4, margin 2.5cm, columnsep 0.6cm"),
    "aaai": Venue("AAAI", 3.3125, 7.0, "aaai24.sty: textwidth 7.0in, columnsep 0.375in"),
    "ieee": Venue(
        "IEEE", 252 / _POINTS, 516 / _POINTS, "IEEEtran.cls: textwidth 43pc, columnsep 1pc"
    ),
}
"""Venues by the word of ``--venue``."""


@dataclass(frozen=True, slots=True)
class Extent:
    """The width of a figure, and its name in LaTeX.

    Attributes:
        environment: ``figure`` or ``figure*``.
        length: LaTeX's name for the width.
        says: text for messages: ``ICML, column``.
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
        width: width in inches, instead of the venue's.

    Raises:
        SpecError: the venue is unknown, or the width is too small or too large.
    """
    if venue.lower() not in VENUES:
        hint = did_you_mean(venue, VENUES) or f"There are {', '.join(VENUES)}; or give --width."
        raise SpecError(f"No venue is called {venue}.", hint)
    known = VENUES[venue.lower()]
    starred = "figure*" if known.columns == 2 and span == "text" else "figure"
    if width is not None:
        if not NARROWEST <= width <= WIDEST:
            message = (
                f"A figure is {given(NARROWEST)} to {given(WIDEST)} inches wide, got "
                f"{given(width)}."
            )
            raise SpecError(message, "Name another --width.")
        return Extent(width, starred, f"{machine(width)}in", f"{given(width)} in")
    inches = known.column if span == "column" else known.text
    return Extent(inches, starred, r"\linewidth", f"{known.name}, {span}")
