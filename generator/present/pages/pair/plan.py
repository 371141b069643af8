"""Plan of the pair page."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from generator.analysis.attention.budget import NORMAL, OUTLIERS
from generator.analysis.compare.argument import argue
from generator.analysis.compare.pair import MEASURES
from generator.analysis.quantities.table import quantity
from generator.analysis.stream.norms import CUTOFFS
from generator.present.charts.chart import Chart
from generator.present.content.pairs import ComparedPair
from generator.present.pages.model.attention import budget_bars
from generator.present.pages.model_context import ModelContext
from generator.present.pages.pair.images import (
    map_rows,
    object_rows,
    objects_text,
    register_rows,
    registers_text,
)
from generator.present.pages.pair.literature import literature
from generator.present.pages.pair.metrics import (
    AGREEMENTS,
    agreement_section,
    agreement_table,
    differences_section,
    differences_table,
)
from generator.present.pages.pair.pair import LETTERS, PairContext, compared_model
from generator.present.pages.pair.similarity import pair_similarity
from generator.present.pages.pair.stream import (
    cutoffs_section,
    norms_section,
    onset_section,
    renamed,
)
from generator.present.pages.pair.truth import truth_section, truth_tables
from generator.present.pages.pair.views import Budgets, PairModel, PairPage, PairTable
from generator.present.pages.paths import INDEX, METHODS, pair_path
from generator.present.pages.planner import Planner
from generator.present.pages.sections import TableRow
from generator.present.pages.views import Link, Notice
from generator.present.pages.wording import grid_text, notice, prefix_text, version_text
from generator.records.record import OUTLIER
from generator.records.run import ModelEntry
from generator.text.numbers import given, number, percent
from generator.text.phrases import counted, stream_layer, upper_first

QUANTITIES = (
    *("norm", "norm-ratio", "outlier-share", "norm-onset", "attention-budget"),
    *("largest-cls-attention", "paired-difference", "head-similarity", "layer-similarity"),
    *(name for name, _ in AGREEMENTS),
)
"""Ids of the page's quantities, for links to the methods page."""

SECTIONS = (
    ("finding", "In words"),
    ("maps", "Maps"),
    ("norms", "Norms"),
    ("cutoffs", "Share of outliers"),
    ("budgets", "Where attention goes"),
    ("onset", "Onset"),
    ("registers", "Registers"),
    ("objects", "Found objects"),
    ("truth", "Marked objects"),
    ("agreement", "Agreement of maps"),
    ("differences", "Differences"),
    ("heads-matched", "Heads matched"),
    ("layers-alike", "Layers alike"),
    ("caveats", "Caveats"),
)


def pair_page(planner: Planner, compared: ComparedPair) -> PairPage:
    """Plan the page of two models."""
    here = planner.on(pair_path(compared.one, compared.two))
    models = {model.slug: model for model in planner.run.models}
    one, two = models[compared.one], models[compared.two]
    pair = PairContext.of(here, compared)
    title = f"{one.label} and {two.label}"
    argument = numbers = None
    truth = truth_section(pair) if pair else None
    if pair is not None:
        argument = argue(
            compared_model(pair.one),
            compared_model(pair.two),
            compared.measures,
            tuple(compared.comparisons.values()),
        )
        numbers = _numbers(pair)
    return PairPage(
        path=here.page,
        frame=here.frame(
            f"{title} · {planner.run.title}",
            argument.sentences[1] if argument else f"{title}: nothing to compare.",
            "pair",
        ),
        title=title,
        models=(_model(here, one, LETTERS[0]), _model(here, two, LETTERS[1])),
        images=_images(pair),
        missing=None if pair else _missing(one, two),
        contents=tuple(
            Link(f"#{name}", text) for name, text in SECTIONS if name != "truth" or truth
        )
        if pair
        else (),
        sentences=argument.sentences if argument else (),
        caveats=argument.caveats if argument else (),
        numbers=numbers,
        literature=_literature(one.id, two.id),
        maps=map_rows(pair) if pair else (),
        bar=here.shared_bar(),
        more=_more(pair),
        norms=norms_section(pair) if pair else None,
        cutoffs=cutoffs_section(pair) if pair else None,
        budgets=_budgets(pair) if pair else (),
        budgets_text=_budgets_text(pair) if pair else "",
        onset=onset_section(pair) if pair else None,
        registers=register_rows(pair) if pair else (),
        registers_text=registers_text(pair) if pair else "",
        objects=object_rows(pair) if pair else (),
        objects_text=objects_text(pair) if pair else "",
        truth=truth,
        truth_tables=truth_tables(pair) if pair else (),
        agreement=agreement_section(pair) if pair else None,
        agreement_table=agreement_table(pair) if pair else None,
        differences=differences_section(pair) if pair else None,
        differences_table=differences_table(pair) if pair else None,
        similarity=pair_similarity(here, pair.labels, compared.similarity) if pair else (),
        definitions=_definitions(here),
    )


def _model(planner: Planner, model: ModelEntry, letter: str) -> PairModel:
    cells = planner.measured(model.slug)
    facts = cells[0].facts if cells else None
    return PairModel(
        letter=letter,
        label=model.label,
        id=model.id,
        url=planner.model_link(model),
        version=version_text(model, facts.model.version if facts else ""),
        tokens=prefix_text(facts.layout, model) if facts else "",
        failure=notice(model.failure),
    )


def _images(pair: PairContext | None) -> str:
    if pair is None:
        return ""
    every = sum(image.failure is None for image in pair.planner.run.images)
    if pair.count == every:
        return f"Over {counted(pair.count, 'image')}."
    return f"Over the {counted(pair.count, 'image')} that both models have, of {every}."


def _missing(one: ModelEntry, two: ModelEntry) -> Notice:
    failed = next((model.failure for model in (one, two) if model.failure), None)
    if failed is not None:
        return Notice(failed.message, failed.hint)
    return Notice("There is no image on which both models were measured.", "")


def _more(pair: PairContext | None) -> Link | None:
    if pair is None or pair.count <= len(map_rows(pair)):
        return None
    return Link(pair.planner.url(INDEX) + "#images", f"All {counted(pair.count, 'image')}")


def _definitions(planner: Planner) -> tuple[Link, ...]:
    names = dict.fromkeys((*QUANTITIES, *(measure.quantity.id for measure in MEASURES)))
    found = [planner.definition(name) for name in names]
    return (
        Link(planner.url(METHODS), "all methods"),
        *(Link(each.url, each.name) for each in found),
    )


def _literature(one: str, two: str) -> PairTable | None:
    found = literature(one, two)
    if not found:
        return None
    return PairTable(
        caption="Published about these checkpoints. Other images, other resolutions: for "
        "orientation, not for comparison to the last digit.",
        columns=("what", "published", "source"),
        rows=tuple(TableRow((each.what,), "", (each.value, each.source)) for each in found),
    )


def _numbers(pair: PairContext) -> PairTable:
    """Table of the numbers in the summary paragraph."""
    rows: tuple[tuple[str, Callable[[ModelContext], str]], ...] = (
        ("Grid (rows × columns)", _grid),
        ("Input, pixels (width × height)", _input),
        ("Prefix tokens", lambda context: prefix_text(context.layout, context.model)),
        ("Largest norm over the median, at its peak", _ratio),
        ("Images with outlier patches", lambda context: _images_with(pair, context)),
        (f"Patches above {given(OUTLIER)} × the median at that layer", _share_at_peak),
        ("The same after the last layer", _share_at_end),
        ("High norms of patches begin", _onset),
        ("CLS attention on outlier patches, most in one layer", _on_outliers),
        ("CLS attention on registers, most in one layer", _on_registers),
    )
    return PairTable(
        caption=f"Key numbers. {_images(pair)}",
        columns=("", *pair.labels),
        rows=tuple(
            TableRow((name,), "", tuple(text(context) for context in pair.models))
            for name, text in rows
        ),
    )


def _grid(context: ModelContext) -> str:
    return grid_text((cell.facts.layout.rows, cell.facts.layout.cols) for cell in context.cells)


def _input(context: ModelContext) -> str:
    views = (cell.facts.view for cell in context.cells)
    return grid_text((view.input_width, view.input_height) for view in views)


def _ratio(context: ModelContext) -> str:
    norms = context.digest.norms
    return f"{number(norms.ratio[norms.peak])} × ({stream_layer(norms.peak)})"


def _images_with(pair: PairContext, context: ModelContext) -> str:
    shares = pair.pair.measures["outlier-share"]
    held = shares.one if context is pair.one else shares.two
    return f"{int((held > 0).sum())} of {shares.n}"


def _share_at_peak(context: ModelContext) -> str:
    norms = context.digest.norms
    return percent(float(norms.above[norms.peak, CUTOFFS.index(int(OUTLIER))]))


def _share_at_end(context: ModelContext) -> str:
    return percent(float(context.digest.norms.above[-1, CUTOFFS.index(int(OUTLIER))]))


def _onset(context: ModelContext) -> str:
    onset = context.digest.onset.patch_onset
    return "nowhere" if onset is None else stream_layer(onset)


def _on_outliers(context: ModelContext) -> str:
    return _most(context, (OUTLIERS,), "no outlier patches")


def _on_registers(context: ModelContext) -> str:
    return _most(context, context.layout.registers, "no registers")


def _most(context: ModelContext, keys: tuple[str, ...], none: str) -> str:
    """Largest share over layers of CLS attention on some groups of keys together."""
    own = context.digest.budget(context.layout.cls or "")
    if own is None:
        return "no class token"
    columns = own.shares[:, [context.digest.keys.index(key) for key in keys]]
    if not keys or np.isnan(columns).all():
        return none
    total = np.nansum(columns, axis=1)
    return f"{percent(float(total.max()))} (layer {int(total.argmax()) + 1})"


def _budgets(pair: PairContext) -> tuple[Budgets, ...]:
    """Budgets of CLS, normal patches, outlier patches and registers, for both models."""
    names = dict.fromkeys(each.query for context in pair.models for each in context.digest.budgets)
    registers = [name for name in names if name.startswith("reg")]
    single = [name for name in names if name not in registers]
    single.sort(key=lambda name: {NORMAL: 1, OUTLIERS: 2}.get(name, 0))
    groups = [(f"{upper_first(name)} as the query", [name]) for name in single]
    if registers:
        groups.append(("Registers as the query", registers))
    return tuple(_budget(pair, title, queries) for title, queries in groups)


def _budget(pair: PairContext, title: str, queries: list[str]) -> Budgets:
    charts: list[Chart] = []
    absent = []
    for context, letter in zip(pair.models, LETTERS, strict=True):
        found = [means for query in queries if (means := context.digest.budget(query)) is not None]
        charts += [
            renamed(budget_bars(context, means), letter, context.model.label) for means in found
        ]
        if not found:
            absent.append(f"{context.model.label}: not applicable, {_lacks(queries[0])}.")
    return Budgets(title, tuple(charts), tuple(absent))


def _lacks(query: str) -> str:
    if query == OUTLIERS:
        return "no image has an outlier patch"
    return "it has no registers" if query.startswith("reg") else "it has no such token"


def _budgets_text(pair: PairContext) -> str:
    return (
        f"{quantity('attention-budget').definition} Means over heads and "
        f"{counted(pair.count, 'image')}."
    )
