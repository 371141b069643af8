"""What the template of a sweep's page gets: one model along its training."""

from __future__ import annotations

from dataclasses import dataclass

from generator.present.charts.chart import Chart
from generator.present.pages.sections import Table
from generator.present.pages.views import ColorBar, Notice, PageBase, Picture


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A step of a sweep, with a link to its model's page.

    Attributes:
        text: ``step 1000``.
        url: of the model's page.
        failure: why nothing could be measured with it; None when something could.
    """

    text: str
    url: str
    failure: Notice | None


@dataclass(frozen=True, slots=True)
class StepMap:
    """One checkpoint's map of an image.

    Attributes:
        url: of the image's page, with the step chosen.
        picture: the map; None where there is none.
        absent: why there is none; empty where there is one.
    """

    text: str
    url: str
    picture: Picture | None
    absent: str


@dataclass(frozen=True, slots=True)
class StepRow:
    """An image through the steps.

    Attributes:
        thumb: of the image; None where it could not be published.
    """

    title: str
    url: str
    thumb: Picture | None
    maps: tuple[StepMap, ...]


@dataclass(frozen=True, slots=True)
class SweepPage:
    """One model at several steps of its training.

    Attributes:
        path: of the page, relative to the site.
        summary: how many steps, from which to which.
        maps: what the small maps are.
        bar: their color bar.
        rows: images through the steps; the first ones of the gallery.
        more: which images the rows leave out, in words; empty where they have all.
        text: what the charts are over, and what they don't say.
        table: numbers of the charts; each step links to its model's page.
    """

    path: str
    frame: PageBase
    label: str
    summary: str
    checkpoints: tuple[Checkpoint, ...]
    maps: str
    bar: ColorBar
    rows: tuple[StepRow, ...]
    more: str
    text: str
    charts: tuple[Chart, ...]
    table: Table
