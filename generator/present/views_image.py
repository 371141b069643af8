"""What the template of an image page gets."""

from __future__ import annotations

from dataclasses import dataclass

from generator.present.views import ColourBar, Credit, Fact, Frame, Link, Notice, PageData, Picture
from generator.present.views_analyses import Analyses


@dataclass(frozen=True, slots=True)
class ModelColumn:
    """A model on an image page.

    Attributes:
        slug: of the model.
        label: of the model.
        url: of its page.
        detail: layers, heads, grid and prefix in one line.
        measured: the same of what was measured, where maps are shown on a coarser grid.
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
class ImagePage:
    """One image, the models side by side.

    Attributes:
        path: of the page, relative to the site.
        frame: around the content.
        title: of the image.
        size: of the original.
        place: among the images.
        credit: who made the picture.
        facts: about it.
        picture: its copy; None when it could not be published.
        picture_failure: why.
        columns: the models.
        bar: of the shared scale.
        scale_note: how it was found.
        previous: page of the image before.
        next: page of the image after.
        data: for the scripts.
        analyses: of the image.
        square: what a square over the picture is.
        without_walls: why there are no walls for readers without JavaScript; empty where there are.
        reduced: what was left out of this page to keep the site small; None where nothing was.
    """

    path: str
    frame: Frame
    title: str
    size: str
    place: str
    credit: Credit
    facts: tuple[Fact, ...]
    picture: Picture | None
    picture_failure: Notice | None
    columns: tuple[ModelColumn, ...]
    bar: ColourBar
    scale_note: str
    previous: Link | None
    next: Link | None
    data: PageData
    analyses: Analyses
    square: str
    without_walls: str
    reduced: Notice | None
