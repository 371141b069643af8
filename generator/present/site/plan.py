"""Plan of a site: the views of all pages, from a run and its contents.

URLs are relative to their page and end in a file name, so a site works from disk, under a sub-path
and on a server.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from generator.present.content.contents import Contents
from generator.present.pages.image.plan import image_page
from generator.present.pages.image.sequence import sequence_pages
from generator.present.pages.image.views import ImagePage
from generator.present.pages.index.finder import finder_script
from generator.present.pages.index.finder_views import PageScript
from generator.present.pages.index.listing import Listing, listing_of
from generator.present.pages.index.plan import index_pages
from generator.present.pages.index.views import IndexPage
from generator.present.pages.methods.plan import methods_page
from generator.present.pages.methods.views import MethodsPage
from generator.present.pages.model.plan import model_pages
from generator.present.pages.model.views import ModelPage
from generator.present.pages.pair.plan import pair_page
from generator.present.pages.pair.views import PairPage
from generator.present.pages.planner import Planner
from generator.present.pages.sweep.plan import sweep_page
from generator.present.pages.sweep.views import SweepPage
from generator.records.run import Run

Page = IndexPage | ImagePage | ModelPage | PairPage | SweepPage | MethodsPage
"""A page as its template gets it."""


@dataclass(frozen=True)
class Site:
    """The pages of a site, each planned when it is asked for: together they would fill memory.

    An image that failed has no page; the index lists it.
    """

    run: Run
    contents: Contents
    version: str

    @cached_property
    def script(self) -> PageScript | None:
        """Data of the index; None for a small gallery."""
        return finder_script(self._planner, self._listing)

    @property
    def index(self) -> Iterator[IndexPage]:
        """The front page, followed by those of further images."""
        return index_pages(self._planner, self.script, self._listing)

    @property
    def images(self) -> Iterator[ImagePage]:
        """The pages of images."""
        shown = [image for image in self.run.images if image.failure is None]
        before, after = [None, *shown[:-1]], [*shown[1:], None]
        for number, pages in enumerate(zip(shown, before, after, strict=True), 1):
            yield image_page(self._planner, number, *pages)

    @property
    def sequences(self) -> Iterator[ImagePage]:
        """The pages of sequences."""
        return sequence_pages(self._planner)

    @property
    def models(self) -> Iterator[ModelPage]:
        """The pages of models."""
        return (page for model in self.run.models for page in model_pages(self._planner, model))

    @property
    def pairs(self) -> Iterator[PairPage]:
        """The pages of two models each."""
        return (pair_page(self._planner, pair) for pair in self.contents.pairs)

    @property
    def sweeps(self) -> Iterator[SweepPage]:
        """The pages of sweeps."""
        return (sweep_page(self._planner, sweep) for sweep in self.run.sweeps)

    @property
    def methods(self) -> MethodsPage:
        """The page on methods."""
        return methods_page(self._planner)

    @cached_property
    def _listing(self) -> Listing:
        return listing_of(self._planner)

    @property
    def _planner(self) -> Planner:
        return Planner(self.run, self.contents, self.version)
