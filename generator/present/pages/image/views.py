"""What the template of an image page gets."""

from __future__ import annotations

from dataclasses import dataclass

from generator.present.charts.chart import Chart
from generator.present.pages.image.analyses_views import Analyses
from generator.present.pages.views import (
    ColorBar,
    CreditLine,
    Fact,
    Link,
    Notice,
    PageBase,
    PageData,
    Picture,
    SmallMap,
)


@dataclass(frozen=True, slots=True)
class ModelColumn:
    """A model on an image page.

    Attributes:
        detail: layers, heads, grid and prefix in one line.
        measured: layers, heads, grid and prefix of the measurement, where maps are shown on a
            coarser grid.
        outliers: how many patches have an unusual norm, and in which layer.
        note: what its maps show, when it isn't the CLS query.
        wall: the rendered wall, for readers without JavaScript.
        wall_rows: labels of its rows.
        wall_heads: labels of its columns.
        wall_factor: pixels on the page for each of its pixels.
        failure: why there is nothing.
        last: the last layer's mean over heads, where there is no wall.
        cut: why single heads are missing that the model has; empty where all are there.
    """

    slug: str
    label: str
    url: str
    detail: str
    measured: str
    outliers: str
    note: str
    wall: Picture | None
    wall_rows: tuple[str, ...]
    wall_heads: tuple[str, ...]
    wall_factor: int
    failure: Notice | None
    last: Picture | None
    cut: str


@dataclass(frozen=True, slots=True)
class FrameLink:
    """From the page of a frame to that of its sequence.

    Attributes:
        url: of the sequence's page, at this frame.
        text: which frame it is, of what.
        number: of the frame on that page, from 1.
    """

    url: str
    text: str
    number: int


@dataclass(frozen=True, slots=True)
class FrameThumb:
    """A frame in the list of a sequence.

    Attributes:
        url: of the image's page; empty for a frame that failed.
        label: its time, or its number.
        picture: thumbnail; None without one.
        maps: of the models, for paper and where no scripts run.
        failure: why there is none.
    """

    url: str
    label: str
    picture: Picture | None
    maps: tuple[SmallMap, ...]
    failure: Notice | None


@dataclass(frozen=True, slots=True)
class OverTime:
    """What the page of a sequence has beside the stage of an image page.

    Attributes:
        damage: what was wrong with the rest of the clip; empty when nothing was.
        frames: all frames, in order.
        maps: what their maps are.
        over: what the charts are over.
        absent: what has no chart, and why.
    """

    damage: str
    frames: tuple[FrameThumb, ...]
    maps: str
    over: str
    charts: tuple[Chart, ...]
    absent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImagePage:
    """One image, the models side by side.

    The page of a sequence is that of its first frame, with ``over_time``; ``sequence`` is set on
    the page of a frame.

    Attributes:
        path: of the page, relative to the site.
        credit: who made the picture.
        picture: its copy; None when it could not be published.
        picture_note: what is odd about its pixels; None for nothing.
        bar: of the shared scale.
        scale_note: how it was found.
        previous: page of the image before.
        next: page of the image after.
        data: for the scripts.
        square: what a square over the picture is.
        without_walls: why there are no walls for readers without JavaScript; empty where there are.
        reduced: what was left out of this page to keep the site small; None where nothing was.
        sequence: where a frame's sequence is; None for a picture by itself.
        over_time: what the page of a sequence has beside; None elsewhere.
    """

    path: str
    frame: PageBase
    title: str
    size: str
    place: str
    credit: CreditLine
    facts: tuple[Fact, ...]
    picture: Picture | None
    picture_failure: Notice | None
    picture_note: Notice | None
    columns: tuple[ModelColumn, ...]
    bar: ColorBar
    scale_note: str
    previous: Link | None
    next: Link | None
    data: PageData
    analyses: Analyses
    square: str
    without_walls: str
    reduced: Notice | None
    sequence: FrameLink | None = None
    over_time: OverTime | None = None
