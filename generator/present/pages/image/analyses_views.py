"""What the templates get of the analyses of one image: finished values, models side by side."""

from __future__ import annotations

from dataclasses import dataclass

from generator.present.charts.chart import Chart, NumberTable
from generator.present.pages.views import ColorBar, Picture


@dataclass(frozen=True, slots=True)
class Photo:
    """A part of the published picture, drawn gray.

    Attributes:
        width: of the original, in pixels, whatever the copy's size.
    """

    url: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A drawing over a panel.

    Attributes:
        kind: ``outline``, ``seed``, ``found`` (a box), ``truth`` (what people have marked).
        path: the ``d`` of an SVG path, in patches.
    """

    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One small picture: a map, or the picture itself, with marks over it.

    Attributes:
        label: above it, a word or two.
        text: its numbers, below it.
        alt: what there is to be seen, with its numbers.
        picture: the map; None for the picture itself.
        photo: the picture; None for a map.
        view: view box of the drawing: of the picture in its pixels, else of the grid in patches.
        transform: from patches to the units of the view box; empty where they are the same.
        width: of the view box.
        height: of the view box.
        wide: whether it is a mosaic of many maps, which fills a row.
    """

    label: str
    text: str
    alt: str
    picture: Picture | None
    photo: Photo | None
    view: str
    transform: str
    width: str
    height: str
    marks: tuple[Mark, ...]
    wide: bool = False


@dataclass(frozen=True, slots=True)
class ModelPanels:
    """What one analysis says of one model.

    Attributes:
        lines: sentences with the numbers.
        table: numbers; None for none.
        absent: why there is nothing; empty where there is something.
    """

    label: str
    url: str
    panels: tuple[Panel, ...] = ()
    lines: tuple[str, ...] = ()
    table: NumberTable | None = None
    absent: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """A quantity: its name, what it is, and where more is said of it."""

    name: str
    definition: str
    url: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """One analysis, models side by side.

    Attributes:
        id: unique on its page, for links.
        open: whether it is unfolded at first.
        terms: the quantities that it shows.
        caveat: what to beware of; may be empty.
        bars: color bars of its maps.
    """

    id: str
    title: str
    open: bool
    terms: tuple[Term, ...]
    caveat: str
    bars: tuple[ColorBar, ...]
    models: tuple[ModelPanels, ...]
    charts: tuple[Chart, ...] = ()


@dataclass(frozen=True, slots=True)
class Analyses:
    """The analyses of an image.

    Attributes:
        missing: why there are none; empty where there are some.
    """

    items: tuple[Analysis, ...]
    missing: str = ""


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """Scores over all images.

    Attributes:
        title: what they are of.
        table: a row for each model and map, or for each model.
        note: over how many images, and what else to know.
    """

    title: str
    table: NumberTable
    note: str


@dataclass(frozen=True, slots=True)
class MarkedSummary:
    """How maps and boxes agree with marked objects, over all images that have some."""

    terms: tuple[Term, ...]
    tables: tuple[ScoreTable, ...]
