"""Views of the model page.

Strings are formatted and URLs are relative to the page, as in :mod:`generator.present.pages.views`.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.analysis.compare.findings import Finding
from generator.present.pages.sections import Section
from generator.present.pages.views import ColorBar, Fact, Link, Notice, PageBase, PageLink, Picture


@dataclass(frozen=True, slots=True)
class ModelImage:
    """An image on a model's page."""

    title: str
    url: str
    thumb: Picture | None
    map: Picture | None
    failure: Notice | None


@dataclass(frozen=True, slots=True)
class ModelPage:
    """View of the model page, or of a further page with more images.

    Attributes:
        path: site-relative path of the page.
        first: whether this is the model's first page; others list only images.
        findings: the numbers that the page opens with; empty on further pages.
        facts: facts of the model; empty on further pages, as are the fields up to ``sections``.
        provenance: how the model was run.
        steps_of: title of the image with these preprocessing steps; empty if all images share them.
        command: command that makes the gallery again.
        sections: sections on its analyses over images.
        maps: description of the small maps beside the images; empty for none.
        bar: color bar of the small maps.
        images: images that this page lists.
        pages: all pages of the model; empty if there is one.
        range: range of the images on this page, in words; empty if it lists all.
        failure: why nothing could be measured with it.
        comparisons: links to its pair pages; empty on further pages.
        sweep: link to the page of its sweep; None without one.
    """

    path: str
    frame: PageBase
    first: bool
    label: str
    id: str
    findings: tuple[Finding, ...]
    facts: tuple[Fact, ...]
    provenance: tuple[Fact, ...]
    steps: tuple[str, ...]
    steps_of: str
    command: str
    sections: tuple[Section, ...]
    maps: str
    bar: ColorBar
    images: tuple[ModelImage, ...]
    pages: tuple[PageLink, ...]
    range: str
    failure: Notice | None
    comparisons: tuple[Link, ...]
    sweep: Link | None
