"""What a figure is asked for, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from generator.export.figures.layout.ranges import ScaleChoice
from generator.export.figures.layout.style import Face, Letters
from generator.export.figures.layout.tones import Form
from generator.records.run import ModelEntry
from generator.text.latex import Piece


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for; empty where it was left to the figure.

    Attributes:
        models: labels, ids or slugs.
        images: titles, file names or slugs.
        layers: as of ``--layers``; empty for the figure's own choice.
        heads: as of ``--heads``.
        queries: as of ``--queries``.
        places: for a model (label, id or slug) a layer and a head of its own.
        width: of the figure, in inches.
        overlay: strength of maps over the picture in gray, in percent; None for maps alone.
        scale: the gallery's shared one, or one for each model, layer or map.
        form: of its steps; None for log2, and for linear where each map has its own.
        clip: percent of the values cut off at each end; None for the gallery's 0.5, and for none
            where each map has its own scale.
        keep: percent of each map's mass that is colored, the strongest patches first.
        colors: name of the color map; empty for the gallery's.
        face: of the type.
        letters: of an SVG.
    """

    models: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    layers: str = ""
    heads: str = ""
    queries: str = ""
    places: tuple[tuple[str, str, str], ...] = ()
    width: float = 5.5
    overlay: int | None = None
    scale: ScaleChoice = "shared"
    form: Form | None = None
    clip: float | None = None
    keep: int = 100
    colors: str = ""
    face: Face = "sans"
    letters: Letters = "text"


@dataclass(frozen=True, slots=True)
class FigureTable:
    """Numbers beside a figure.

    Attributes:
        caption: what they are.
        head: names of the columns; the first is left-aligned, the others are numbers.
        rows: finished texts.
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
        models: those in it.
        cites: keys of the bibliography.
        table: numbers beside it; None for none.
    """

    figure: Figure
    caption: tuple[Piece, ...]
    models: tuple[ModelEntry, ...]
    cites: tuple[str, ...] = ()
    table: FigureTable | None = None
