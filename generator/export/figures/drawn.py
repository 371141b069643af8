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
        head: names of the columns; the first is left-aligned, the others are numbers.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure and what has to be said of it.

    Attributes:
        figure: not yet a file.
        caption: what it shows, the models and the scale.
        cites: keys of the bibliography.
        table: numbers beside it; None for none.
    """

    figure: Figure
    caption: tuple[Piece, ...]
    models: tuple[ModelEntry, ...]
    cites: tuple[str, ...] = ()
    table: FigureTable | None = None
