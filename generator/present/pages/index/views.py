"""What the template of the index gets, and all pages of a site together.

As in :mod:`generator.present.pages.views`: finished values, which templates only print.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.analysis.quantities.quantity import Quantity
from generator.present.pages.image.analyses_views import MarkedSummary
from generator.present.pages.index.finder_views import Finder
from generator.present.pages.index.front_views import CreditGroup, PaperBlock, Social
from generator.present.pages.views import (
    ColorBar,
    CreditLine,
    Link,
    Notice,
    PageBase,
    PageLink,
    Picture,
    SmallMap,
)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model in the list of the index.

    Attributes:
        notes: what else one must know of the checkpoint, one sentence each.
    """

    label: str
    id: str
    url: str
    version: str
    size: str
    tokens: str
    grid: str
    license: str
    notes: tuple[str, ...]
    failure: Notice | None


@dataclass(frozen=True, slots=True)
class SweepCard:
    """A sweep in the list of the index.

    Attributes:
        label: of the sweep.
        url: of its page.
        last: facts of the last checkpoint.
        steps: links to the pages of all checkpoints, by step.
    """

    label: str
    url: str
    last: ModelCard
    steps: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class ImageCard:
    """An image on the index, or a sequence with its summary and a strip of frames."""

    title: str
    url: str
    thumb: Picture | None
    credit: CreditLine
    maps: tuple[SmallMap, ...]
    failure: Notice | None
    figures: str
    summary: str = ""
    strip: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class CardGroup:
    """Images under one heading; the heading may be empty."""

    heading: str
    cards: tuple[ImageCard, ...]


@dataclass(frozen=True, slots=True)
class FigureDownload:
    """A figure to take away.

    Attributes:
        title: what it shows.
        files: its files by name, with where they are.
        failure: why there are none; empty where there are.
    """

    title: str
    files: tuple[Link, ...]
    failure: str = ""


@dataclass(frozen=True, slots=True)
class IndexPage:
    """The front page, or a further page of a gallery of many images.

    Attributes:
        path: of the page, relative to the site.
        frame: around the content.
        first: whether this is the front page; the others list images only.
        title: of the gallery.
        description: one paragraph; may be empty.
        summary: how much there is, in numbers.
        what: what the small maps are.
        models: of the gallery, on the first page; empty on others.
        sweeps: models along their training, on the first page; empty on others.
        groups: the images of this page.
        bar: of the shared scale.
        failures: everything that went wrong, on the first page; empty on others.
        command: that makes the gallery again; empty on pages after the first.
        pages: all pages of the index; empty when there is one.
        range: which images this page shows, in words; empty when it shows all.
        finder: what filters and sorts all images; None where there are too few.
        definitions: of the numbers under the images.
        paper: what the front page says of a paper; None on other pages and without one.
        social: for link previews; None when nobody said where the site will stand.
        credits: who made what, on the front page; empty on others.
        figures: for papers, on the front page; empty on others.
        comparisons: pages of two models, linked from the front page.
        marked: agreement with marked objects, on the front page; None where nobody has marked any.
        reduced: what was left out to keep the site small, on the front page; None where nothing
            was.
    """

    path: str
    frame: PageBase
    first: bool
    title: str
    description: str
    summary: str
    what: str
    models: tuple[ModelCard, ...]
    sweeps: tuple[SweepCard, ...]
    groups: tuple[CardGroup, ...]
    bar: ColorBar
    failures: tuple[Notice, ...]
    command: str
    pages: tuple[PageLink, ...]
    range: str
    finder: Finder | None
    definitions: tuple[Quantity, ...]
    paper: PaperBlock | None
    social: Social | None
    credits: tuple[CreditGroup, ...]
    figures: tuple[FigureDownload, ...]
    comparisons: tuple[Link, ...]
    marked: MarkedSummary | None
    reduced: Notice | None
