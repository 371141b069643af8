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
        outliers: how many patches have an unusual norm, and in which layer.
        note: what its maps show, when it isn't the CLS query.
        wall: the rendered wall, for readers without JavaScript.
        wall_rows: labels of its rows.
        wall_heads: labels of its columns.
        wall_factor: pixels on the page for each of its pixels.
        failure: why there is nothing.
    """

    slug: str
    label: str
    url: str
    detail: str
    outliers: str
    note: str
    wall: Picture | None
    wall_rows: tuple[str, ...]
    wall_heads: tuple[str, ...]
    wall_factor: int
    failure: Notice | None


@dataclass(frozen=True, slots=True)
class ImagePage:
    """One image, the models side by side."""

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
