"""The first page of the printed report: what differs, and what each comparison found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from generator.analysis.compare.findings import Finding
from generator.export.printed.chapters import PrintedForm
from generator.export.printed.choice import PrintedChoice
from generator.present.pages.index.hero_views import HeroView
from generator.present.pages.paths import INDEX, pair_path
from generator.present.site.plan import Site
from generator.records.run import Run


@dataclass(frozen=True, slots=True)
class PrintedComparison:
    """What the comparison of two models found.

    Attributes:
        models: slugs of the two.
        note: what the findings are over, or why there are none.
    """

    title: str
    models: tuple[str, str]
    findings: tuple[Finding, ...]
    note: str


def comparisons(run: Run, planned: Site, choice: PrintedChoice) -> Iterator[PrintedComparison]:
    """The comparisons whose two models are in the report."""
    labels = {model.slug: model.label for model in choice.run.models}
    pages = {page.path: page for page in planned.pairs}
    for one, two in permutations((model.slug for model in run.models), 2):
        page = pages.get(pair_path(one, two))
        if page is None or not labels.keys() >= {one, two}:
            continue
        note = page.missing.message if page.missing else page.note
        yield PrintedComparison(
            f"{labels[one]} (A) vs {labels[two]} (B)", (one, two), page.findings, note
        )


def opening(site: Path, planned: Site, choice: PrintedChoice, run: Run) -> HeroView | None:
    """The picture that opens the gallery, if the report has all models and images."""
    hero = next(planned.index).hero
    if hero is None or len(choice.run.models) < len(run.models):
        return None
    if len(choice.run.images) < len(run.images):
        return None
    return PrintedForm(site, INDEX, "opening", frozenset()).of(hero)
