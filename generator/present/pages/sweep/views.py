"""Views of the sweep page."""

from __future__ import annotations

from dataclasses import dataclass

from generator.present.charts.chart import Chart
from generator.present.pages.sections import Table
from generator.present.pages.views import ColorBar, Notice, PageBase, Picture


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A step of a sweep, with a link to its model's page.

    Attributes:
        text: label, such as ``step 1000``.
        url: URL of the model's page.
        failure: why nothing could be measured with it; None if something was.
    """

    text: str
    url: str
    failure: Notice | None


@dataclass(frozen=True, slots=True)
class StepMap:
    """One checkpoint's map of an image.

    Attributes:
        url: URL of the image's page that shows the step.
        picture: the map; None where there is none.
        absent: why the map is missing; empty if it is there.
    """

    text: str
    url: str
    picture: Picture | None
    absent: str


@dataclass(frozen=True, slots=True)
class StepRow:
    """An image with its maps by step.

    Attributes:
        thumb: thumbnail of the image; None if it could not be published.
    """

    title: str
    url: str
    thumb: Picture | None
    maps: tuple[StepMap, ...]


@dataclass(frozen=True, slots=True)
class SweepPage:
    """View of the sweep page.

    Attributes:
        path: site-relative path of the page.
        summary: number of steps, the first and the last.
        maps: description of the small maps.
        bar: color bar of the small maps.
        rows: first images of the gallery, with maps by step.
        more: images that the rows leave out, in words; empty for none.
        text: images that the charts are over, and caveats.
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
