"""Views of the methods page."""

from __future__ import annotations

from dataclasses import dataclass

from generator.analysis.quantities.quantity import Quantity
from generator.present.pages.views import Fact, Link, PageBase


@dataclass(frozen=True, slots=True)
class QuantityGroup:
    """Quantities under one heading.

    Attributes:
        text: what the quantities have in common.
        prefix: prefix that makes ids of quantities unique on the page.
    """

    id: str
    title: str
    text: str
    quantities: tuple[Quantity, ...]
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Citing:
    """Texts of the methods page that papers can copy.

    Attributes:
        text: the paragraph as plain text.
        latex: the paragraph as LaTeX with citations.
        bibtex: entries of the program, papers of methods and models, and checkpoints.
    """

    text: str
    latex: str
    bibtex: str


@dataclass(frozen=True, slots=True)
class MethodsPage:
    """View of the methods page.

    Attributes:
        path: site-relative path of the page.
        citing: texts to copy; None if nothing was measured.
        conventions: conventions of all numbers, each with its name.
        storage: how numbers are stored and drawn.
        versions: versions of the program and of the libraries that measured.
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
