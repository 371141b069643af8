"""Views of the front page: paper block, link previews, credits."""

from __future__ import annotations

from dataclasses import dataclass

from generator.present.pages.views import CreditLine, Link, Picture


@dataclass(frozen=True, slots=True)
class AuthorName:
    """An author. ``url`` may be empty; ``mark`` refers to an affiliation."""

    name: str
    url: str
    mark: str


@dataclass(frozen=True, slots=True)
class Affiliation:
    """An affiliation. ``mark`` is empty if all authors share it."""

    mark: str
    text: str


@dataclass(frozen=True, slots=True)
class TeaserTile:
    """A picture of the teaser.

    Attributes:
        picture: a map, or the part of the image that a model saw.
        url: link to this view on the image's page.
        is_map: whether it is a map.
    """

    picture: Picture
    caption: str
    url: str
    is_map: bool


@dataclass(frozen=True, slots=True)
class MetaTag:
    """A meta tag for indexers of scholarly pages."""

    name: str
    content: str


@dataclass(frozen=True, slots=True)
class PaperBlock:
    """Paper block of the front page. Every field may be empty.

    Attributes:
        authors: authors in order.
        affiliations: affiliations of the authors.
        venue: where and when it appeared.
        links: links, shown as buttons.
        teaser: tiles, side by side.
        abstract: paragraphs of the abstract.
        bibtex: BibTeX entry of the paper.
        meta: ``citation_*`` tags.
        linked_data: JSON-LD for a script element.
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
    """Data of link previews; URLs are absolute.

    Attributes:
        image: URL of the preview image; empty for none.
        alt: text alternative of the image.
    """

    url: str
    image: str
    alt: str


@dataclass(frozen=True, slots=True)
class CreditGroup:
    """Pictures or models under one credit."""

    what: str
    credit: CreditLine
