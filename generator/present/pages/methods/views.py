"""What the template of the methods page gets."""

from __future__ import annotations

from dataclasses import dataclass

from generator.present.pages.views import Fact, Link, PageBase


@dataclass(frozen=True, slots=True)
class QuantityEntry:
    """A number that pages show, on the methods page.

    Attributes:
        id: of its place on the page.
        name: what pages call it.
        unit: of the number.
        axes: what it is given for, in words; empty where its unit says so.
        definition: what it is.
        source: where it comes from; empty where it is this program's.
        low: what a low value means; may be empty, like the next two.
        high: what a high value means.
        caveat: what it must not be taken for.
    """

    id: str
    name: str
    unit: str
    axes: str
    definition: str
    source: str
    low: str
    high: str
    caveat: str


@dataclass(frozen=True, slots=True)
class QuantityGroup:
    """Numbers that belong together.

    Attributes:
        id: of the group's place on the page.
        title: of the group.
        text: what they have in common.
        entries: in order.
    """

    id: str
    title: str
    text: str
    entries: tuple[QuantityEntry, ...]


@dataclass(frozen=True, slots=True)
class Citing:
    """What a paper takes over from the methods page.

    Attributes:
        text: a paragraph of methods, for people.
        latex: the same with citations, for LaTeX.
        bibtex: of the program, the papers of methods and models, and the checkpoints.
    """

    text: str
    latex: str
    bibtex: str


@dataclass(frozen=True, slots=True)
class MethodsPage:
    """What every number of the gallery is, and how all of them were made.

    Attributes:
        path: of the page, relative to the site.
        frame: around the content.
        citing: what a paper takes over; None where nothing was measured.
        conventions: what holds for all numbers, each with its name.
        storage: how numbers are stored and drawn.
        versions: of the program and of what it measured with.
        groups: every quantity.
        contents: links to all parts of the page.
    """

    path: str
    frame: PageBase
    citing: Citing | None
    conventions: tuple[Fact, ...]
    storage: tuple[Fact, ...]
    versions: tuple[Fact, ...]
    groups: tuple[QuantityGroup, ...]
    contents: tuple[Link, ...]
