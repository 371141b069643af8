"""Chapters of the printed report: the sections of the site's pages, planned anew for paper.

Controls, links and folded tables of charts stay on the site. Text about models that the report
leaves out is dropped.
"""

from __future__ import annotations

import base64
import mimetypes
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import unquote

from generator.export.printed.choice import PrintedChoice
from generator.present.charts.chart import Cells, Chart, Words
from generator.present.files.manifest_file import inner_file
from generator.present.pages.image.analyses_views import Analysis, Photo
from generator.present.pages.image.views import ImagePage
from generator.present.pages.methods.views import MethodsPage, QuantityGroup
from generator.present.pages.model.views import ModelPage
from generator.present.pages.pair.views import PairPage
from generator.present.pages.paths import (
    image_path,
    model_path,
    pair_path,
    sequence_path,
    sweep_path,
)
from generator.present.pages.sections import Section
from generator.present.pages.sweep.views import SweepPage
from generator.present.pages.views import Picture
from generator.present.site.plan import Site
from generator.records.run import Run

STYLES = ("charts", "panels", "analyses", "pair", "sweep")
"""Style sheets of the site that its charts and panels need."""

Macros = Literal["model", "analyses", "pair", "sweep", "methods"]
Page = PairPage | SweepPage | ModelPage | ImagePage | MethodsPage
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ChapterPart:
    """A part of a chapter.

    Attributes:
        id: target of links.
        title: heading.
        macros: file in templates/macros.
        body: name of the macro.
        content: argument of the macro.
        level: tag of its headings.
    """

    id: str
    title: str
    macros: Macros
    body: str
    content: Section | Analysis | PairPage | SweepPage | MethodsPage | QuantityGroup
    level: str = "h4"


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter.

    Attributes:
        id: target of links; with two hyphens, the prefix of every id in it.
    """

    id: str
    title: str
    sections: tuple[ChapterPart, ...]


@dataclass(frozen=True)
class PrintedForm:
    """Converts values of pages to a printable form.

    Attributes:
        site: folder of the pages, for their pictures.
        page: path of the page.
        slug: the chapter's id.
        shown: slugs of the models in the report.
    """

    site: Path
    page: str
    slug: str
    shown: frozenset[str]
    pictures: dict[str, str] = field(default_factory=dict)

    def of(self, value: T) -> T:
        """The value without links and folded tables, with pictures inside and the chapter's ids."""
        turned = self._turned(value)
        assert isinstance(turned, type(value))
        return turned

    def _turned(self, value: object) -> object:
        if isinstance(value, tuple):
            return tuple(self._turned(each) for each in value if self._kept(each))
        if not is_dataclass(value) or isinstance(value, type):
            return value
        if isinstance(value, Chart):
            value = self._chart(value)
        if isinstance(value, Section):
            value = replace(value, more_title="", more=(), tables=(), head_table=None)
        changes = {
            each.name: self._turned(getattr(value, each.name))
            for each in fields(value)
            if not isinstance(getattr(value, each.name), str)
        }
        if isinstance(value, Picture | Photo):
            changes["url"] = self._picture(value.url)
        elif hasattr(value, "url") and not isinstance(value, Cells):
            changes["url"] = ""
        if isinstance(value, Words | Section):
            changes["id"] = f"{self.slug}--{value.id}"
        return replace(value, **changes)

    def _kept(self, value: object) -> bool:
        """Whether the value is about no particular model, or about one in the report."""
        if isinstance(value, Chart) and value.models:
            return not self.shown.isdisjoint(value.models)
        return True

    def _chart(self, chart: Chart) -> Chart:
        """A chart without its table, and without lines of models that are not in the report."""
        chart = replace(chart, table=None)
        if self.shown.issuperset(chart.models):
            return chart
        shown = {"", *self.shown}
        return replace(
            chart,
            summary="",  # it summarizes all series; the title above replaces it
            lines=tuple(each for each in chart.lines if each.model in shown),
            dots=tuple(each for each in chart.dots if each.model in shown),
            keys=tuple(each for each in chart.keys if each.model in shown),
        )

    def _picture(self, url: str) -> str:
        """A picture of the site as a data URL."""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(self.page), unquote(url)))
        if path not in self.pictures:
            kind = mimetypes.guess_type(path)[0] or "image/webp"
            data = base64.b64encode(inner_file(self.site, path).read_bytes()).decode()
            self.pictures[path] = f"data:{kind};base64,{data}"
        return self.pictures[path]


def chapters(site: Path, planned: Site, run: Run, choice: PrintedChoice) -> Iterator[Chapter]:
    """The chapters of a report, in order; pages without printable sections give none.

    Args:
        site: folder of the pages.
        planned: all pages of the gallery.
        run: the run of the pages.
        choice: models and images to print.
    """
    every: tuple[Page, ...] = (*planned.pairs, *planned.sweeps, *planned.models)
    every = (*every, *planned.sequences, *planned.images, planned.methods)
    pages = {page.path: page for page in every}
    slugs = frozenset(model.slug for model in choice.models)
    places = tuple(n for n, model in enumerate(run.models) if model.slug in slugs)
    pictures: dict[str, str] = {}
    for path, title in (*_wanted(run, choice), (planned.methods.path, "Methods")):
        page = pages.get(path)
        if page is None:
            continue
        slug = re.sub(r"[^a-z0-9]+", "-", path.removesuffix("/index.html").lower()).strip("-")
        parts = tuple(_parts(PrintedForm(site, path, slug, slugs, pictures), page, places))
        if parts:
            yield Chapter(slug, title, parts)


def _wanted(run: Run, choice: PrintedChoice) -> Iterator[tuple[str, str]]:
    """Page and title of each chapter but the last."""
    labels = {model.slug: model.label for model in choice.run.models}
    for one, two in run.pairs or ():
        if labels.keys() >= {one, two}:
            yield pair_path(one, two), f"{labels[one]} vs {labels[two]}"
    for sweep in choice.run.sweeps:
        yield sweep_path(sweep.slug), f"{sweep.label} along its training"
    for model in choice.models:
        yield model_path(model.slug), model.label
    for sequence in choice.sequences:
        yield sequence_path(sequence.slug), f"{sequence.label} over time"
    for image in choice.images:
        yield image_path(image.slug), f"Analyses of {image.title}"


def _parts(paper: PrintedForm, page: Page, places: tuple[int, ...]) -> Iterator[ChapterPart]:
    if isinstance(page, PairPage):
        yield from _pair(paper, page)
    elif isinstance(page, SweepPage):
        printed = paper.of(page)
        for name, title in page.titles.items():
            if name != "steps" or page.rows:
                yield ChapterPart(f"{paper.slug}--{name}", title, "sweep", name, printed)
    elif isinstance(page, ModelPage):
        yield from (_section(paper, each) for each in page.sections)
    elif isinstance(page, MethodsPage):
        yield from _methods(paper, page)
    elif page.over_time is not None:
        found = page.over_time
        if found.charts:
            over = Section("over-time", "Over time", (found.over,), charts=found.charts)
            yield _section(paper, replace(over, absent=found.absent))
    else:
        for each in page.analyses.items:
            kept = replace(each, models=tuple(each.models[place] for place in places))
            name = f"{paper.slug}--analysis-{each.id}"
            yield ChapterPart(name, each.title, "analyses", "body", paper.of(kept), level="h5")


def _section(paper: PrintedForm, section: Section) -> ChapterPart:
    printed = paper.of(section)
    return ChapterPart(printed.id, section.title, "model", "body", printed)


def _pair(paper: PrintedForm, page: PairPage) -> Iterator[ChapterPart]:
    """The sections of a page of two models; none if they have no image in common."""
    if page.maps is None:
        return
    printed = paper.of(page)

    def own(name: str) -> ChapterPart:
        return ChapterPart(f"{paper.slug}--{name}", page.titles[name], "pair", name, printed)

    for part in (
        *(own("finding"), own("maps"), page.norms, page.budgets),
        *(own("registers"), own("objects"), page.truth, page.agreement or own("agreement")),
        *(page.differences, *page.similarity, own("caveats")),
    ):
        if part is not None:
            yield _section(paper, part) if isinstance(part, Section) else part


def _methods(paper: PrintedForm, page: MethodsPage) -> Iterator[ChapterPart]:
    """The sections of the methods page, in the order of its contents."""
    printed = paper.of(page)
    groups = {group.id: group for group in printed.groups}
    for link in page.contents:
        name = link.url.removeprefix("#")
        body = "quantities" if name in groups else name
        content = groups.get(name, printed)
        yield ChapterPart(f"{paper.slug}--{name}", link.text, "methods", body, content)
