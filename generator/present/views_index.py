"""What the template of the index gets, what its scripts get, and all pages of a site together.

As in :mod:`generator.present.views`: finished values, which templates only print. The fields of
:class:`IndexData` are also the contract with ``templates/static/js/index-types.d.ts``.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.present.views import (
    ColourBar,
    Credit,
    Frame,
    Link,
    Notice,
    PageLink,
    Picture,
    SmallMap,
)
from generator.present.views_analyses import MarkedSummary
from generator.present.views_image import ImagePage
from generator.present.views_model import MethodsPage, ModelPage
from generator.present.views_report import ReportPage
from generator.present.views_sweep import SweepPage


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model in the list of the index."""

    label: str
    id: str
    url: str
    version: str
    size: str
    tokens: str
    grid: str
    licence: str
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
class Plate:
    """An image on the index, or a sequence with its summary and a strip of frames."""

    title: str
    url: str
    thumb: Picture | None
    credit: Credit
    maps: tuple[SmallMap, ...]
    failure: Notice | None
    figures: str
    summary: str = ""
    strip: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class PlateGroup:
    """Images under one heading; the heading may be empty."""

    heading: str
    plates: tuple[Plate, ...]


@dataclass(frozen=True, slots=True)
class FigureFiles:
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
    frame: Frame
    first: bool
    title: str
    description: str
    summary: str
    what: str
    models: tuple[ModelCard, ...]
    sweeps: tuple[SweepCard, ...]
    groups: tuple[PlateGroup, ...]
    bar: ColourBar
    failures: tuple[Notice, ...]
    command: str
    pages: tuple[PageLink, ...]
    range: str
    finder: Finder | None
    definitions: tuple[Definition, ...]
    paper: PaperBlock | None
    social: Social | None
    credits: tuple[CreditGroup, ...]
    figures: tuple[FigureFiles, ...]
    comparisons: tuple[Link, ...]
    marked: MarkedSummary | None
    reduced: Notice | None


@dataclass(frozen=True, slots=True)
class Definition:
    """A number of an image: its name, its unit, and what it is exactly."""

    name: str
    unit: str
    text: str


@dataclass(frozen=True, slots=True)
class Choice:
    """An option of a control."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Finder:
    """What filters and sorts the images, for the scripts of the index.

    Attributes:
        data: URL of the script with all images.
        root: URL of the site's folder, as ``../`` or empty.
        orders: what images can be sorted by; the first is the gallery's own order.
        groups: groups with the number of their images; empty when there is one group.
    """

    data: str
    root: str
    orders: tuple[Choice, ...]
    groups: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class IndexModel:
    """A model, for the scripts of the index.

    Attributes:
        slug: of the model.
        label: of the model.
        row: the last layer's number.
        what: whose attention its small maps show.
    """

    slug: str
    label: str
    row: str
    what: str


@dataclass(frozen=True, slots=True)
class IndexSequence:
    """A sequence, for the scripts of the index.

    Attributes:
        slug: of the sequence.
        summary: frames and duration in one line.
        strip: slug and the hash in the thumbnail's name of a few frames.
    """

    slug: str
    summary: str
    strip: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class IndexImage:
    """An image, for the scripts of the index. Short names: there may be a thousand.

    Attributes:
        slug: of the image; empty when it has no page.
        title: of the image.
        name: of its file.
        group: index among the groups.
        thumb: hash in the file's name, width and height of its thumbnail; empty without one.
        alt: of the thumbnail.
        credit: index among the credits.
        figures: its numbers in one line.
        values: its numbers, in the order of the statistics; null where one doesn't apply.
        maps: for each model the hash in the file's name, height on the page, share on patches and
            maximum, or the index of the reason that there is none.
        failure: index of the reason that the image could not be used; null when it could.
        sequence: that the image stands for as its first frame; null for a picture by itself.
    """

    slug: str
    title: str
    name: str
    group: int
    thumb: tuple[str | int, ...]
    alt: str
    credit: int
    figures: str
    values: tuple[float | None, ...]
    maps: tuple[tuple[str | float, ...] | int, ...]
    failure: int | None
    sequence: IndexSequence | None = None


@dataclass(frozen=True, slots=True)
class IndexData:
    """Everything that the scripts of the index need to show any image of the gallery.

    Attributes:
        models: in order.
        statistics: ids of the numbers by which images are sorted.
        groups: headings.
        credits: maker and licence of images.
        reasons: why something is missing.
        images: in the order of the pages.
    """

    models: tuple[IndexModel, ...]
    statistics: tuple[str, ...]
    groups: tuple[str, ...]
    credits: tuple[Credit, ...]
    reasons: tuple[Notice, ...]
    images: tuple[IndexImage, ...]


@dataclass(frozen=True, slots=True)
class PageScript:
    """A script made of a gallery's data.

    Attributes:
        path: relative to the site.
        text: of the script.
    """

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class AuthorName:
    """An author; ``url`` may be empty, ``mark`` points to an affiliation."""

    name: str
    url: str
    mark: str


@dataclass(frozen=True, slots=True)
class Affiliation:
    """Where authors work; ``mark`` is empty when it is the same for all."""

    mark: str
    text: str


@dataclass(frozen=True, slots=True)
class TeaserTile:
    """A picture of the teaser.

    Attributes:
        picture: a map, or what a model saw of the image.
        caption: what it is.
        url: of the same view on the image's page.
        is_map: whether it is a map.
    """

    picture: Picture
    caption: str
    url: str
    is_map: bool


@dataclass(frozen=True, slots=True)
class MetaTag:
    """A name and a content for indexers of scholarly pages."""

    name: str
    content: str


@dataclass(frozen=True, slots=True)
class PaperBlock:
    """What the front page says of a paper. Everything may be empty.

    Attributes:
        authors: in order.
        affiliations: of the authors.
        venue: where and when it appeared.
        links: buttons.
        teaser: tiles, side by side.
        abstract: paragraphs.
        bibtex: how to cite it.
        meta: ``citation_*`` tags.
        linked_data: JSON-LD, ready to stand in a script element.
    """

    authors: tuple[AuthorName, ...]
    affiliations: tuple[Affiliation, ...]
    venue: str
    links: tuple[Link, ...]
    teaser: tuple[TeaserTile, ...]
    abstract: tuple[str, ...]
    bibtex: str
    meta: tuple[MetaTag, ...]
    linked_data: str


@dataclass(frozen=True, slots=True)
class Social:
    """For link previews; addresses are absolute.

    Attributes:
        url: of the page.
        image: its address; empty when there is nothing to show.
        alt: what the image shows.
    """

    url: str
    image: str
    alt: str


@dataclass(frozen=True, slots=True)
class CreditGroup:
    """Pictures or models under one credit."""

    what: str
    credit: Credit


@dataclass(frozen=True, slots=True)
class Site:
    """All pages, gathered before anything is written."""

    index: IndexPage
    images: tuple[ImagePage, ...]
    models: tuple[ModelPage, ...]
    methods: MethodsPage
    reports: tuple[ReportPage, ...] = ()
    more: tuple[IndexPage, ...] = ()
    scripts: tuple[PageScript, ...] = ()
    sequences: tuple[ImagePage, ...] = ()
    sweeps: tuple[SweepPage, ...] = ()
