"""What the front page says of a paper, of those it owes pictures to, and to link previews."""

from __future__ import annotations

from dataclasses import dataclass

from generator.present.pages.views import CreditLine, Link, Picture


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
        url: link to this view on the image's page.
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
    credit: CreditLine
