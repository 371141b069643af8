"""What the templates of model pages and of the methods page get: finished values.

As in :mod:`generator.present.pages.views`, strings are formatted and URLs are relative to the page.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    """Facts and provenance of one model, or a further page with more of its images.

    Attributes:
        path: of the page, relative to the site.
        first: whether this is the model's first page; the others list images only.
        facts: what it is; like all that follows up to the images, empty on further pages.
        provenance: how it was run.
        steps_of: the image whose steps they are; empty when all images went through the same.
        command: that makes the gallery again.
        sections: what was found of it, over its images.
        maps: what the small maps beside the images are; empty when there are none.
        bar: color bar of the small maps.
        images: those of the gallery that this page lists.
        pages: all pages of the model; empty when there is one.
        range: which images this page lists, in words; empty when it lists all.
        failure: why nothing could be measured with it.
        comparisons: pages that compare it with another model; empty on further pages.
        sweep: the page of the sweep that it is a checkpoint of; None for a model of its own.
    """

    path: str
    frame: PageBase
    first: bool
    label: str
    id: str
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
