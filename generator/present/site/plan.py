"""Plan of a site: the views of all pages, from a run and its contents.

URLs are relative to their page and end in a file name, so a site works from disk, under a sub-path
and on a server.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.present.content.contents import Contents
from generator.present.pages.image.plan import image_page
from generator.present.pages.image.sequence import sequence_pages
from generator.present.pages.image.views import ImagePage
from generator.present.pages.index.finder import finder_script
from generator.present.pages.index.finder_views import PageScript
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


def site_of(run: Run, contents: Contents, version: str) -> Site:
    """Plan every page of a site. An image that failed has no page; the index lists it."""
    planner = Planner(run, contents, version)
    shown = [image for image in run.images if image.failure is None]
    before, after = [None, *shown[:-1]], [*shown[1:], None]
    data = finder_script(planner)
    index, *more = index_pages(planner, data)
    return Site(
        index=index,
        images=tuple(
            image_page(planner, image, previous, following)
            for previous, image, following in zip(before, shown, after, strict=True)
        ),
        models=tuple(page for model in run.models for page in model_pages(planner, model)),
        methods=methods_page(planner),
        pairs=tuple(pair_page(planner, pair) for pair in contents.pairs),
        more=tuple(more),
        sweeps=tuple(sweep_page(planner, sweep) for sweep in run.sweeps),
        scripts=(data,) if data else (),
        sequences=sequence_pages(planner),
    )


@dataclass(frozen=True, slots=True)
class Site:
    """Views of all pages of a site."""

    index: IndexPage
    images: tuple[ImagePage, ...]
    models: tuple[ModelPage, ...]
    methods: MethodsPage
    pairs: tuple[PairPage, ...] = ()
    more: tuple[IndexPage, ...] = ()
    scripts: tuple[PageScript, ...] = ()
    sequences: tuple[ImagePage, ...] = ()
    sweeps: tuple[SweepPage, ...] = ()
