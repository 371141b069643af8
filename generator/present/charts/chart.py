"""Dataclasses of charts: marks with coordinates, axes, labels, and a table of the numbers.

Coordinates are in units of the drawing, from its top left. The style sheet colors a mark by the
number of its series.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.text.numbers import Notation, machine

MOST_CELLS = 100
"""Most numbers of a table that is printed cell by cell."""


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
class Marks:
    """Many marks of one series, drawn as one path: a page may have thousands.

    Attributes:
        series: number of the series, from 1.
        shape: ``box`` (filled), ``stroke`` (short horizontal lines) or ``dot``.
        path: all marks as SVG path data.
        strength: opacity of boxes whose shade carries a number; 0 for plain marks.
    """

    series: int
    shape: str
    path: str
    strength: float = 0.0


def box_path(x: float, y: float, width: float, height: float) -> str:
    """A rectangle as SVG path data."""
    return f"M{machine(x)} {machine(y)}h{machine(width)}v{machine(height)}h-{machine(width)}z"


@dataclass(frozen=True, slots=True)
class Cells:
    """A picture of one pixel for each cell, whose color carries a number.

    Attributes:
        url: the picture, as a data address.
        columns: number of cells across.
        lines: hairlines between the cells, as SVG path data; empty for none.
        values: name of the column of the page's table of heads with the cells' numbers; empty where
            cells are no heads.
    """

    url: str
    x: float
    y: float
    width: float
    height: float
    columns: int
    rows: int
    lines: str = ""
    values: str = ""


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

    @property
    def large(self) -> bool:
        """Whether it is printed as text, since cells by the thousand make a page heavy."""
        return len(self.rows) * len(self.columns) > MOST_CELLS

    @property
    def text(self) -> str:
        """Lines with their columns apart by tabs."""
        return "\n".join("\t".join(row) for row in (self.columns, *self.rows))


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart.

    Attributes:
        words: title, axis labels and note.
        summary: text alternative of the chart, from the data.
        area: size of the drawing and edges of the plot.
        keys: the legend; empty where there is one series.
        cells: the heat map; None for other charts.
        scale: the color bar of the heat map.
        above: whether the tick labels of the horizontal axis are above the plot.
        definitions: links to the definitions of its quantities.
        models: slugs of the models of a chart over models, for reports on some of them.
    """

    words: Words
    summary: str
    x: Axis
    y: Axis
    area: PlotArea = AREA
    marks: tuple[Marks, ...] = ()
    cells: Cells | None = None
    rules: tuple[Rule, ...] = ()
    lines: tuple[Line, ...] = ()
    dots: tuple[Dot, ...] = ()
    keys: tuple[LegendEntry, ...] = ()
    table: NumberTable | None = None
    scale: Cells | None = None
    scale_ticks: tuple[AxisTick, ...] = ()
    above: bool = False
    definitions: tuple[DefinitionLink, ...] = ()
    models: tuple[str, ...] = ()

    @property
    def linked(self) -> bool:
        """Whether any mark is a link."""
        return any(dot.url for dot in self.dots)

    @property
    def x_labels_at(self) -> float:
        """Vertical coordinate of the horizontal axis' tick labels."""
        return self.area.top - 6 if self.above else self.area.bottom + 18
