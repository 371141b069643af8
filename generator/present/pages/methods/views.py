"""What the template of the methods page gets: finished values, which it only prints."""

from __future__ import annotations

from dataclasses import dataclass

from generator.analysis.quantities.quantity import Quantity
from generator.present.pages.views import Fact, Link, PageBase


@dataclass(frozen=True, slots=True)
class QuantityGroup:
    """Quantities under one heading.

    Attributes:
        id: of the heading.
        text: what they have in common.
        prefix: before the id of a quantity, to make an id that is unique on the page.
    """

    id: str
    title: str
    text: str
    quantities: tuple[Quantity, ...]
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Citing:
    """What a paper takes over from the methods page.

    Attributes:
        text: the paragraph, for people.
        latex: the paragraph with citations.
        bibtex: of the program, the papers of methods and models, and the checkpoints.
    """

    text: str
    latex: str
    bibtex: str


@dataclass(frozen=True, slots=True)
class MethodsPage:
    """What every number of the gallery is, and how all of them were made.

    Attributes:
        path: relative to the site.
        citing: None where nothing was measured.
        conventions: what holds for all numbers, each with its name.
        storage: how numbers are stored and drawn.
        versions: of the program and of what it measured with.
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
