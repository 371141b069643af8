"""Sections of a page: charts, tables and mosaics."""

from __future__ import annotations

from dataclasses import dataclass

from generator.present.charts.chart import Chart, DefinitionLink, NumberTable
from generator.present.pages.views import ColorBar, Picture


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of numbers.

    Attributes:
        heads: head cells, which name the row.
        url: link of the last head cell; empty for none.
    """

    heads: tuple[str, ...]
    url: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of numbers, collapsed by default.

    Attributes:
        title: title of the table.
        heads: titles of the columns of head cells.
    """

    title: str
    heads: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]


@dataclass(frozen=True, slots=True)
class HeadTable:
    """Numbers of every head, collapsed, as text to copy: a table of hundreds of rows is heavy.

    Attributes:
        id: id of the text.
        numbers: a row for each head; the first two columns are the layer and the head.
        target: address of a head's page without its layer and head; empty for no links.
        heads: number of heads in each layer.
    """

    id: str
    title: str
    numbers: NumberTable
    target: str
    heads: int

    @property
    def layers(self) -> int:
        """Number of layers."""
        return len(self.numbers.rows) // self.heads


@dataclass(frozen=True, slots=True)
class Mosaic:
    """A picture made of maps or tiles, with its labels and color bar.

    Attributes:
        picture: one pixel for each value, enlarged by whole numbers.
        columns: labels above the tiles; empty for none.
        rows: labels beside the tiles; empty for none.
        bar: color bar; None if colors don't stand for single numbers.
        note: how to read it.
        definitions: links to the definitions of its quantities.
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
    """A section of a page: charts that answer one question.

    Attributes:
        id: id for links, unique on the page.
        text: what is shown, n, and a summary of the data.
        grids: heat maps of heads, shown first.
        small: whether heat maps have few heads, so that more fit side by side.
        more_title: title of the collapsed heat maps; empty for none.
        more: collapsed heat maps.
        mosaics: pictures, shown after the charts.
        head_table: numbers of every head; None for none.
        absent: what is missing, and why.
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
    head_table: HeadTable | None = None
    absent: tuple[str, ...] = ()

    @property
    def narrow(self) -> bool:
        """Whether one column of the page holds it: at most one chart or picture is open."""
        return len(self.grids) + len(self.charts) + len(self.mosaics) < 2
