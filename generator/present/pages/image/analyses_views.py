"""Views of the analyses of one image, models side by side."""

from __future__ import annotations

from dataclasses import dataclass

from generator.present.charts.chart import Chart, NumberTable
from generator.present.pages.views import ColorBar, Picture


@dataclass(frozen=True, slots=True)
class Photo:
    """A part of the published picture, drawn gray.

    Attributes:
        width: width of the original in pixels, not of the published copy.
    """

    url: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark drawn over a panel.

    Attributes:
        kind: ``outline``, ``seed``, ``found`` (a found box) or ``truth`` (a marked object).
        path: ``d`` of an SVG path, in patches.
    """

    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A small picture with marks: a map, or the photo itself.

    Attributes:
        label: label above the panel, one or two words.
        text: numbers below the panel.
        alt: text alternative, with numbers.
        picture: the map; None for the photo.
        photo: the photo; None for a map.
        view: SVG view box: of the photo in pixels, or of the grid in patches.
        transform: SVG transform from patches to the view box; empty for none.
        width: width of the view box.
        height: height of the view box.
        wide: whether the panel is a mosaic of many maps, which fills a row.
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
    """Results of one analysis for one model.

    Attributes:
        lines: sentences with the numbers.
        table: numbers; None for none.
        absent: why there are no results; empty if there are some.
    """

    label: str
    url: str
    panels: tuple[Panel, ...] = ()
    lines: tuple[str, ...] = ()
    table: NumberTable | None = None
    absent: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """A quantity: name, definition, and link to the methods page."""

    name: str
    definition: str
    url: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """One analysis, models side by side.

    Attributes:
        id: unique on its page, for links.
        open: whether it is unfolded at first.
        terms: quantities that it shows.
        caveat: caveat on the analysis; may be empty.
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
        missing: why there are none; empty if there are some, or if none were asked for.
        terms: quantities that they show, each once, by name.
    """

    items: tuple[Analysis, ...]
    missing: str = ""
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """Scores over all images.

    Attributes:
        title: title of the table.
        table: a row for each model and map, or for each model.
        note: number of images, and caveats.
    """

    title: str
    table: NumberTable
    note: str


@dataclass(frozen=True, slots=True)
class MarkedSummary:
    """Scores of maps and boxes against marked objects, over all marked images."""

    terms: tuple[Term, ...]
    tables: tuple[ScoreTable, ...]
