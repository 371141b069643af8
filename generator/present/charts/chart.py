"""What a chart is: marks at finished places, words beside them, and the same numbers as a table.

Places are in the units of the drawing, from its top left. Colors are left to the style sheet: a
mark carries the number of its series.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.text.numbers import machine


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of a chart.

    Attributes:
        id: unique on its page, for labels.
        title: what it shows, in a few words.
        x: label of the horizontal axis, with its unit.
        y: label of the vertical axis, with its unit.
        note: definition, n, caveats; may be empty.
    """

    id: str
    title: str
    x: str
    y: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class PlotArea:
    """The size of a drawing, and the edges of the plot in it: the rest is room for its numbers."""

    width: float
    height: float
    left: float
    top: float
    right: float
    bottom: float


AREA = PlotArea(width=520.0, height=300.0, left=58.0, top=12.0, right=508.0, bottom=256.0)
"""Of every chart that does not grow with its rows."""


@dataclass(frozen=True, slots=True)
class AxisTick:
    """A number on an axis and its place along it."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: what it counts, with its unit, and its ticks."""

    label: str
    ticks: tuple[AxisTick, ...]


@dataclass(frozen=True, slots=True)
class Dot:
    """A point.

    Attributes:
        series: number of its series, from 1.
        text: exact values, for the pointer and for assistive technology.
        url: where it leads; may be empty.
        model: slug of the model that it is of, in a chart over models; else empty.
    """

    x: float
    y: float
    series: int
    text: str
    url: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A series drawn as a line.

    Attributes:
        series: number of the series, from 1.
        path: of the line, as SVG path data.
        band: outline of the spread around it, as SVG path data; empty for none.
        model: slug of the model that it is of, in a chart over models; else empty.
    """

    series: int
    name: str
    path: str
    band: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: a bar, a piece of a stack, or a cell of a density.

    Attributes:
        series: number of its series, from 1; 0 for a cell with a fill of its own.
        fill: color as ``#rrggbb`` for a cell whose color carries a number; empty otherwise.
        url: where it leads; may be empty.
        strength: opacity of a cell whose shade carries a number; 0 for a plain mark.
    """

    x: float
    y: float
    width: float
    height: float
    series: int
    text: str
    fill: str = ""
    url: str = ""
    strength: float = 0.0

    @property
    def outline(self) -> str:
        """The rectangle as SVG path data: a third of the bytes, where there are hundreds."""
        width, height = machine(self.width), machine(self.height)
        return f"M{machine(self.x)} {machine(self.y)}h{width}v{height}h-{width}z"


@dataclass(frozen=True, slots=True)
class Stroke:
    """A short level mark, one of thousands.

    Attributes:
        path: as SVG path data.
        url: where it leads; may be empty.
    """

    path: str
    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Strokes:
    """The marks of one series, numbered from 1; together, for the bytes of the page."""

    series: int
    marks: tuple[Stroke, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line for reference, with what it stands for; the label may be empty."""

    x1: float
    y1: float
    x2: float
    y2: float
    label: str = ""


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """An entry of the legend: ``line``, ``dot`` or ``box`` of a series, and its model."""

    series: int
    name: str
    shape: str
    model: str = ""


@dataclass(frozen=True, slots=True)
class DefinitionLink:
    """Where it is said what a chart's number is: the number's name, and the place on a page."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class NumberTable:
    """The chart's numbers: column heads, and rows whose first cell is a head."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart.

    Attributes:
        words: what is said of it.
        summary: what there is to be seen, from the data, for those who cannot see it.
        area: where its plot lies.
        keys: the legend; empty where there is one series.
        scale: the color bar of cells whose color carries a number.
        above: whether the numbers of the horizontal axis stand above the plot.
        definitions: what its numbers are.
        stops: whether linked marks are stops of the Tab key; not where they are hundreds, and the
            same links stand in a table of the page.
        models: slugs of the models of a chart over models, for a report that shows some of them.
    """

    words: Words
    summary: str
    x: Axis
    y: Axis
    area: PlotArea = AREA
    boxes: tuple[Box, ...] = ()
    strokes: tuple[Strokes, ...] = ()
    rules: tuple[Rule, ...] = ()
    lines: tuple[Line, ...] = ()
    dots: tuple[Dot, ...] = ()
    keys: tuple[LegendEntry, ...] = ()
    table: NumberTable | None = None
    scale: tuple[Box, ...] = ()
    scale_ticks: tuple[AxisTick, ...] = ()
    above: bool = False
    definitions: tuple[DefinitionLink, ...] = ()
    stops: bool = True
    models: tuple[str, ...] = ()

    @property
    def linked(self) -> bool:
        """Whether marks lead somewhere, so that the drawing is more than a picture."""
        return (
            any(box.url for box in self.boxes)
            or any(dot.url for dot in self.dots)
            or any(mark.url for one in self.strokes for mark in one.marks)
        )

    @property
    def x_labels_at(self) -> float:
        """Where the numbers of the horizontal axis stand."""
        return self.area.top - 6 if self.above else self.area.bottom + 18
