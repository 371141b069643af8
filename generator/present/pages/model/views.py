"""What the templates of model pages and of the methods page get: finished values.

As in :mod:`generator.present.pages.views`, strings are formatted and URLs are relative to the page.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.present.charts.chart import Chart, DefinitionLink
from generator.present.pages.views import ColorBar, Fact, Link, Notice, PageBase, PageLink, Picture


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of numbers.

    Attributes:
        heads: cells that say what the row is.
        url: where the last of them leads; empty for nowhere.
        cells: the numbers, formatted.
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
        columns: of the numbers.
        rows: in order.
    """

    title: str
    heads: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]


@dataclass(frozen=True, slots=True)
class Mosaic:
    """A picture made of maps or tiles, with what its colors mean.

    Attributes:
        title: what it shows.
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
        title: of the section.
        text: what is shown, over how many images, and what the data say at a glance.
        grids: heat maps of heads, first.
        small: whether heat maps have few heads, so that more stand side by side.
        charts: in order.
        more_title: of the heat maps that are folded away; empty for none.
        more: the heat maps that are folded away.
        mosaics: pictures, after the charts.
        tables: after them.
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


@dataclass(frozen=True, slots=True)
class ModelImage:
    """An image on a model's page."""

    title: str
    url: str
    thumb: Picture | None
    map: Picture | None
    failure: Notice | None


@dataclass(frozen=True, slots=True)
class ModelPage:
    """Facts and provenance of one model, or a further page with more of its images.

    Attributes:
        path: of the page, relative to the site.
        frame: around the content.
        first: whether this is the model's first page; the others list images only.
        label: of the model.
        id: of the model.
        facts: what it is; like all that follows up to the images, empty on further pages.
        provenance: how it was run.
        steps: of the preprocessing.
        steps_of: the image whose steps they are; empty when all images went through the same.
        command: that makes the gallery again.
        sections: what was found of it, over its images.
        maps: what the small maps beside the images are; empty when there are none.
        bar: color bar of the small maps.
        images: those of the gallery that this page lists.
        pages: all pages of the model; empty when there is one.
        range: which images this page lists, in words; empty when it lists all.
        failure: why nothing could be measured with it.
        comparisons: pages that compare it with another model; empty on further pages.
        sweep: the page of the sweep that it is a checkpoint of; None for a model of its own.
    """

    path: str
    frame: PageBase
    first: bool
    label: str
    id: str
    facts: tuple[Fact, ...]
    provenance: tuple[Fact, ...]
    steps: tuple[str, ...]
    steps_of: str
    command: str
    sections: tuple[Section, ...]
    maps: str
    bar: ColorBar
    images: tuple[ModelImage, ...]
    pages: tuple[PageLink, ...]
    range: str
    failure: Notice | None
    comparisons: tuple[Link, ...]
    sweep: Link | None
