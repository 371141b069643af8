"""Views of the index.

Strings are formatted and URLs are relative to the page, as in :mod:`generator.present.pages.views`.
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
        notes: caveats on the checkpoint, one sentence each.
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
        last: card of the last checkpoint.
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
    """A figure that readers can download.

    Attributes:
        files: links to its files, by name.
        failure: why there are no files; empty if there are.
    """

    title: str
    files: tuple[Link, ...]
    failure: str = ""


@dataclass(frozen=True, slots=True)
class IndexPage:
    """View of the front page, or of a further page of a large gallery.

    Attributes:
        path: site-relative path of the page.
        frame: parts that every page has around its content.
        first: whether this is the front page; others list only images.
        title: title of the gallery.
        description: one paragraph on the gallery; may be empty.
        summary: number of models and images.
        what: description of the small maps.
        models: cards of the models, on the front page; empty on others.
        sweeps: cards of the sweeps, on the front page; empty on others.
        groups: images on this page, by group.
        bar: color bar of the shared scale.
        failures: all failures, on the front page; empty on others.
        command: command that makes the gallery again, on the front page; empty on others.
        pages: all pages of the index; empty if there is one.
        range: range of the images on this page, in words; empty if it shows all.
        finder: controls that filter and sort images; None for a small gallery.
        definitions: links to the definitions of the statistics of images.
        paper: paper block; None on other pages and without a paper.
        social: data of link previews; None without a site URL.
        credits: makers and licenses, on the front page; empty on others.
        figures: figures for papers, on the front page; empty on others.
        comparisons: links to pair pages, on the front page; empty on others.
        marked: scores against marked objects, on the front page; None without marked objects.
        reduced: notice on what was left out to keep the site small, on the front page; None for
            nothing.
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
