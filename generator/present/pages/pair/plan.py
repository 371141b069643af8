"""Plan of the pair page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from generator.analysis.attention.budget import OUTLIERS
from generator.analysis.compare.argument import argue
from generator.analysis.compare.compared import LETTERS
from generator.analysis.compare.pair import MEASURES
from generator.analysis.stream.norms import CUTOFFS
from generator.present.content.pairs import ComparedPair
from generator.present.pages.model_context import ModelContext
from generator.present.pages.pair.attention import budgets_section
from generator.present.pages.pair.images import (
    boxes_table,
    map_grid,
    maps_rule,
    object_rows,
    objects_text,
    register_grid,
    registers_text,
)
from generator.present.pages.pair.literature import literature
from generator.present.pages.pair.metrics import (
    AGREEMENTS,
    agreement_section,
    differences_section,
)
from generator.present.pages.pair.pair import PairContext, compared_model
from generator.present.pages.pair.similarity import matched_heads, pair_similarity
from generator.present.pages.pair.stream import norms_section
from generator.present.pages.pair.truth import truth_section
from generator.present.pages.pair.views import PairModel, PairPage, PairTable
from generator.present.pages.paths import INDEX, METHODS, pair_path
from generator.present.pages.planner import Planner
from generator.present.pages.sections import TableRow
from generator.present.pages.views import Link, Notice
from generator.present.pages.wording import grid_text, notice, prefix_text, version_text
from generator.records.record import OUTLIER
from generator.records.run import ModelEntry
from generator.text.numbers import given, number, percent
from generator.text.phrases import counted, stream_layer

QUANTITIES = (
    *("norm", "norm-ratio", "outlier-share", "norm-onset", "attention-budget"),
    *("largest-cls-attention", "paired-difference", "head-similarity", "layer-similarity"),
    *(name for name, _ in AGREEMENTS),
)
"""Ids of the page's quantities, for links to the methods page."""

SECTIONS = (
    ("norms", "Norms"),
    ("budgets", "Attention"),
    ("registers", "Registers"),
    ("objects", "Objects"),
    ("truth", "Marked objects"),
    ("agreement", "Agreement"),
    ("differences", "Differences"),
    ("heads-matched", "Heads"),
    ("layers-alike", "Layers"),
    ("caveats", "Limits"),
)


def pair_page(planner: Planner, compared: ComparedPair) -> PairPage:
    """Plan the page of two models."""
    here = planner.on(pair_path(compared.one, compared.two))
    models = {model.slug: model for model in planner.run.models}
    one, two = models[compared.one], models[compared.two]
    title = f"{one.label} vs {two.label}"
    pair = PairContext.of(here, compared)
    page = PairPage(
        path=here.page,
        frame=here.frame(f"{title} · {planner.run.title}", f"{title}: nothing to compare.", "pair"),
        title=title,
        models=(_model(here, one, LETTERS[0]), _model(here, two, LETTERS[1])),
        images="",
        missing=_missing(one, two),
        contents=(),
        note="",
        findings=(),
        numbers=None,
        literature=None,
        maps=None,
        rule="",
        bar=here.shared_bar(),
        more=None,
        norms=None,
        budgets=None,
        registers=None,
        registers_text="",
        objects=(),
        objects_text="",
        boxes=None,
        truth=None,
        agreement=None,
        differences=None,
        similarity=(),
        caveats=(),
        definitions=(),
    )
    return page if pair is None else _filled(page, pair)


def _filled(page: PairPage, pair: PairContext) -> PairPage:
    """The page of two models that have images in common."""
    matched = matched_heads(pair.pair.similarity)
    argument = argue(
        compared_model(pair.one),
        compared_model(pair.two),
        pair.pair.measures,
        tuple(pair.pair.comparisons.values()),
        matched,
    )
    truth = truth_section(pair)
    return replace(
        page,
        frame=replace(page.frame, description=argument.outliers[0]),
        images=_images(pair),
        missing=None,
        contents=tuple(
            Link(f"#{name}", text) for name, text in SECTIONS if name != "truth" or truth
        ),
        note=argument.note,
        findings=argument.findings,
        numbers=_numbers(pair),
        literature=_literature(pair.one.model.id, pair.two.model.id),
        maps=map_grid(pair),
        rule=maps_rule(pair),
        more=_more(pair),
        norms=norms_section(pair, argument.outliers),
        budgets=budgets_section(pair, argument.attention),
        registers=register_grid(pair),
        registers_text=registers_text(pair),
        objects=object_rows(pair),
        objects_text=objects_text(pair),
        boxes=boxes_table(pair),
        truth=truth,
        agreement=agreement_section(pair, argument.maps),
        differences=differences_section(pair),
        similarity=pair_similarity(pair.planner, pair.labels, pair.pair.similarity, matched),
        caveats=argument.caveats,
        definitions=_definitions(pair.planner),
    )


def _model(planner: Planner, model: ModelEntry, letter: str) -> PairModel:
    cells = planner.measured(model.slug)
    facts = cells[0].facts if cells else None
    context = ModelContext.of(planner, model)
    tokens = prefix_text(facts.layout, model) if facts else ""
    return PairModel(
        letter=letter,
        label=model.label,
        id=model.id,
        url=planner.model_link(model),
        version=version_text(model, facts.model.version if facts else ""),
        tokens="; ".join(filter(None, (tokens, context.windows if context else ""))),
        failure=notice(model.failure),
    )


def _images(pair: PairContext) -> str:
    every = sum(image.failure is None for image in pair.planner.run.images)
    if pair.count == every:
        return counted(pair.count, "image")
    return f"{counted(pair.count, 'image')} of {every}, those that both models have"


def _missing(one: ModelEntry, two: ModelEntry) -> Notice:
    failed = next((model.failure for model in (one, two) if model.failure), None)
    if failed is not None:
        return Notice(failed.message, failed.hint)
    return Notice("There is no image on which both models were measured.", "")


def _more(pair: PairContext) -> Link | None:
    if pair.count <= len(pair.shown):
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
        caption="Published for these checkpoints, on other images and at other resolutions.",
        columns=("what", "published", "source"),
        rows=tuple(TableRow((each.what,), "", (each.value, each.source)) for each in found),
    )


def _numbers(pair: PairContext) -> PairTable:
    """Table of key numbers."""
    rows: tuple[tuple[str, Callable[[ModelContext], str]], ...] = (
        ("Grid (rows × columns)", _grid),
        ("Input, pixels (width × height)", _input),
        ("Prefix tokens", lambda context: prefix_text(context.layout, context.model)),
        ("Largest norm over the median, at its peak", _ratio),
        ("Images with outlier patches", lambda context: _images_with(pair, context)),
        (f"Patches above {given(OUTLIER)} × the median at that layer", _share_at_peak),
        ("The same after the last layer", _share_at_end),
        ("Onset of high patch norms", _onset),
        ("CLS attention on outlier patches, most in one layer", _on_outliers),
        ("CLS attention on registers, most in one layer", _on_registers),
    )
    return PairTable(
        caption=f"Key numbers, {_images(pair)}",
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
    return "none" if onset is None else stream_layer(onset)


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
