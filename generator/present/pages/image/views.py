"""Views of the image page and the sequence page."""

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
        note: description of its maps if they don't show the CLS query.
        wall: the rendered wall, for readers without JavaScript.
        wall_rows: labels of the wall's rows.
        wall_heads: labels of the wall's columns.
        wall_factor: pixels on the page for each pixel of the wall.
        failure: why the model has no maps.
        last: the last-layer map, mean over heads, if there is no wall.
        cut: why single heads are missing; empty if all are there.
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
    """Link from the page of a frame to the page of its sequence.

    Attributes:
        url: URL of the sequence page, at this frame.
        text: number of the frame, and title of the sequence.
        number: number of the frame on the sequence page, from 1.
    """

    url: str
    text: str
    number: int


@dataclass(frozen=True, slots=True)
class FrameThumb:
    """A frame in the list of a sequence.

    Attributes:
        url: URL of the image page; empty for a frame that failed.
        label: its time, or its number.
        picture: thumbnail; None without one.
        maps: small maps of the models, for print and without scripts.
        failure: why the frame has no maps; None if it has.
    """

    url: str
    label: str
    picture: Picture | None
    maps: tuple[SmallMap, ...]
    failure: Notice | None


@dataclass(frozen=True, slots=True)
class OverTime:
    """Parts of the sequence page that an image page lacks.

    Attributes:
        damage: error in the rest of the clip; empty for none.
        frames: all frames, in order.
        maps: description of the small maps.
        over: frames and models that the charts are over.
        absent: missing charts, and why.
    """

    damage: str
    frames: tuple[FrameThumb, ...]
    maps: str
    over: str
    charts: tuple[Chart, ...]
    absent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImagePage:
    """View of the image page, with the models side by side.

    A sequence page is the page of its first frame, with ``over_time``. The page of each frame has
    ``sequence``.

    Attributes:
        path: site-relative path of the page.
        credit: who made the picture.
        picture: published copy of the picture; None if it could not be published.
        picture_note: caveat on its pixels; None for none.
        bar: color bar of the shared scale.
        scale_note: how the shared scale was found.
        previous: link to the previous image.
        next: link to the next image.
        data: data for the scripts.
        square: description of a square over the picture.
        walls: how walls for readers without JavaScript are read.
        without_walls: why there are none; empty if there are.
        reduced: notice on what was left out to keep the site small; None for nothing.
        sequence: link to a frame's sequence; None for a single image.
        over_time: further parts of a sequence page; None on an image page.
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
    walls: str
    without_walls: str
    reduced: Notice | None
    sequence: FrameLink | None = None
    over_time: OverTime | None = None
