"""What templates get of an analysis: charts, tables and pictures."""

from __future__ import annotations

from dataclasses import dataclass

from generator.present.charts.chart import Chart, DefinitionLink
from generator.present.pages.views import ColorBar, Picture


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of numbers.

    Attributes:
        heads: cells that say what the row is.
        url: where the last of them leads; empty for nowhere.
    """

    heads: tuple[str, ...]
    url: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of numbers, folded until a reader asks for it.

    Attributes:
        title: what is in it.
        heads: of the columns that say what a row is.
    """

    title: str
    heads: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]


@dataclass(frozen=True, slots=True)
class Mosaic:
    """A picture made of maps or tiles, with what its colors mean.

    Attributes:
        picture: one pixel for each value, enlarged by whole numbers.
        columns: labels above the tiles; empty for none.
        rows: labels beside the tiles; empty for none.
        bar: its color bar; None where the colors are no numbers on a bar.
        note: how to read it.
        definitions: what its numbers are.
    """

    title: str
    picture: Picture
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    bar: ColorBar | None
    note: str
    definitions: tuple[DefinitionLink, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a model's page: charts that answer one question.

    Attributes:
        id: for links.
        text: what is shown, over how many images, and what the data say at a glance.
        grids: heat maps of heads, first.
        small: whether heat maps have few heads, so that more stand side by side.
        more_title: of the heat maps that are folded away; empty for none.
        more: the heat maps that are folded away.
        mosaics: pictures, after the charts.
        absent: what is not shown, and why.
    """

    id: str
    title: str
    text: tuple[str, ...]
    grids: tuple[Chart, ...] = ()
    small: bool = False
    charts: tuple[Chart, ...] = ()
    more_title: str = ""
    more: tuple[Chart, ...] = ()
    mosaics: tuple[Mosaic, ...] = ()
    tables: tuple[Table, ...] = ()
    absent: tuple[str, ...] = ()
