"""Views of the index.

Strings are formatted and URLs are relative to the page, as in :mod:`generator.present.pages.views`.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.present.pages.image.analyses_views import MarkedSummary
from generator.present.pages.index.finder_views import Finder
from generator.present.pages.index.front_views import CreditGroup, PaperBlock, Social
from generator.present.pages.index.hero_views import HeroView
from generator.present.pages.views import (
    ColorBar,
    Link,
    Notice,
    PageBase,
    PageLink,
    Picture,
    SmallMap,
)


@dataclass(frozen=True, slots=True)
class ModelLine:
    """A model in the list of the index.

    Attributes:
        size: its layers, heads and grid; empty for a model that was not measured.
        tokens: its tokens beside patches; empty as well.
        notes: caveats on the checkpoint, one sentence each.
        steps: links to the pages of all checkpoints, for a sweep; the other
            fields are of the last one.
    """

    label: str
    url: str
    size: str
    tokens: str
    notes: tuple[str, ...]
    failure: Notice | None
    steps: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class ComparedPicture:
    """What was seen of a picture, and the maps of two models of it."""

    photo: Picture
    maps: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class ComparisonCard:
    """Two models compared, with their maps of the pictures on which these differ most.

    Attributes:
        text: how far their maps differ, in one line; empty without images.
        rows: these pictures, the one on which they differ most first.
    """

    title: str
    url: str
    text: str
    rows: tuple[ComparedPicture, ...]


@dataclass(frozen=True, slots=True)
class ImageCard:
    """An image in the contact sheet, or a sequence with its summary and a strip of frames.

    Attributes:
        crop: the part of the picture that the models saw.
        figure: its one number, in words; empty for one model.
    """

    title: str
    url: str
    crop: Picture | None
    maps: tuple[SmallMap, ...]
    failure: Notice | None
    figure: str
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
        hero: picture and maps that open the front page; None on others, for a paper whose
            maps stand still, and where nothing was measured.
        models: models and sweeps, on the front page; empty on others.
        size: the size that several models share; empty where they differ, or for one model.
        aligned: whether all models saw the same part of each picture, so that all maps lie over
            the same photograph.
        across: pictures in a row of the contact sheet: the photograph, and a map of each model.
        groups: images on this page, by group.
        bar: color bar of the shared scale.
        failures: all failures, on the front page; empty on others.
        command: command that makes the gallery again, on the front page; empty on others.
        pages: all pages of the index; empty if there is one.
        range: range of the images on this page, in words; empty if it shows all.
        finder: controls that filter and sort images; None for a small gallery.
        paper: paper block; None on other pages and without a paper.
        social: data of link previews; None without a site URL.
        credits: makers and licenses, on the front page; empty on others.
        figures: figures for papers, on the front page; empty on others.
        comparisons: cards of pairs of models, on the front page; empty on others.
        more_comparisons: links to further pairs.
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
    hero: HeroView | None
    models: tuple[ModelLine, ...]
    size: str
    aligned: bool
    across: int
    groups: tuple[CardGroup, ...]
    bar: ColorBar
    failures: tuple[Notice, ...]
    command: str
    pages: tuple[PageLink, ...]
    range: str
    finder: Finder | None
    paper: PaperBlock | None
    social: Social | None
    credits: tuple[CreditGroup, ...]
    figures: tuple[FigureDownload, ...]
    comparisons: tuple[ComparisonCard, ...]
    more_comparisons: tuple[Link, ...]
    marked: MarkedSummary | None
    reduced: Notice | None
