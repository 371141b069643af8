"""A drawn figure with its caption and table."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from generator.records.run import ModelEntry
from generator.text.latex import Piece


@dataclass(frozen=True, slots=True)
class FigureTable:
    """Numbers beside a figure.

    Attributes:
        head: headings of the columns; the first column is text, the others are numbers.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn figure with its caption.

    Attributes:
        figure: the matplotlib figure.
        caption: content, models and scale in words.
        cites: keys of the bibliography.
        table: numbers beside it; may be None.
    """

    figure: Figure
    caption: tuple[Piece, ...]
    models: tuple[ModelEntry, ...]
    cites: tuple[str, ...] = ()
    table: FigureTable | None = None
