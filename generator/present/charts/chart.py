"""Dataclasses of charts: marks with coordinates, axes, labels, and a table of the numbers.

Coordinates are in units of the drawing, from its top left. The style sheet colors a mark by the
number of its series.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.text.numbers import Notation, machine


@dataclass(frozen=True, slots=True)
class Words:
    """Title, axis labels and note of a chart.

    Attributes:
        id: id of the chart, unique on its page.
        title: title, in a few words.
        x: label of the horizontal axis, with its unit.
        y: label of the vertical axis, with its unit.
        note: definition, n, caveats; may be empty.
        notation: how values and the ticks of their axis are written.
    """

    id: str
    title: str
    x: str
    y: str
    note: str = ""
    notation: Notation = "number"


@dataclass(frozen=True, slots=True)
class PlotArea:
    """Size of a drawing, and edges of the plot in it. The margins hold the tick labels."""

    width: float
    height: float
    left: float
    top: float
    right: float
    bottom: float


AREA = PlotArea(width=520.0, height=300.0, left=58.0, top=12.0, right=508.0, bottom=256.0)
"""Plot area of charts whose height is fixed."""


@dataclass(frozen=True, slots=True)
class AxisTick:
    """A tick of an axis: its label and coordinate."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis: its label with the unit, and its ticks."""

    label: str
    ticks: tuple[AxisTick, ...]


@dataclass(frozen=True, slots=True)
class Dot:
    """A point.

    Attributes:
        series: number of its series, from 1.
        text: exact values, for the tooltip and assistive technology.
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
        path: the line as SVG path data.
        band: outline of the spread around the line, as SVG path data; empty for none.
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
        """The rectangle as SVG path data, which takes a third of the bytes."""
        width, height = machine(self.width), machine(self.height)
        return f"M{machine(self.x)} {machine(self.y)}h{width}v{height}h-{width}z"


@dataclass(frozen=True, slots=True)
class Stroke:
    """A short horizontal mark, one of thousands.

    Attributes:
        path: the mark as SVG path data.
        url: where it leads; may be empty.
    """

    path: str
    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Strokes:
    """The short marks of one series, grouped to save bytes."""

    series: int
    marks: tuple[Stroke, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight reference line with its label, which may be empty."""

    x1: float
    y1: float
    x2: float
    y2: float
    label: str = ""


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """An entry of the legend: a ``line``, ``dot`` or ``box`` of a series, and its model."""

    series: int
    name: str
    shape: str
    model: str = ""


@dataclass(frozen=True, slots=True)
class DefinitionLink:
    """Link to the definition of a quantity on the methods page."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class NumberTable:
    """The numbers of a chart as a table; the first cell of each row is a head."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart.

    Attributes:
        words: title, axis labels and note.
        summary: text alternative of the chart, from the data.
        area: size of the drawing and edges of the plot.
        keys: the legend; empty where there is one series.
        scale: the color bar of cells whose color carries a number.
        above: whether the tick labels of the horizontal axis are above the plot.
        definitions: links to the definitions of its quantities.
        stops: whether the Tab key reaches linked marks; false for hundreds of marks whose links are
            also in a table of the page.
        models: slugs of the models of a chart over models, for reports on some of them.
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
        """Whether any mark is a link."""
        return (
            any(box.url for box in self.boxes)
            or any(dot.url for dot in self.dots)
            or any(mark.url for one in self.strokes for mark in one.marks)
        )

    @property
    def x_labels_at(self) -> float:
        """Vertical coordinate of the horizontal axis' tick labels."""
        return self.area.top - 6 if self.above else self.area.bottom + 18
