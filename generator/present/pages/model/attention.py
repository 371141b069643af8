"""Model page: sections on attention budgets and attention rollout."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from generator.analysis.attention.budget import (
    ALL_PATCHES,
    NORMAL,
    OTHERS,
    OUTLIERS,
    REGISTERS,
    SELF,
    HeadBudget,
)
from generator.analysis.cells.model_digest import QueryMeans
from generator.analysis.quantities.table import quantity
from generator.present.cells.labels import query_label
from generator.present.charts.bars import APART, REST, stacked_bars
from generator.present.charts.chart import Chart, Words
from generator.present.charts.lines import Reference, Series, line_chart
from generator.present.charts.strips import head_strips
from generator.present.pages.model_context import ModelContext, reading
from generator.present.pages.sections import Section
from generator.records.record import FloatArray
from generator.text.numbers import number, percent
from generator.text.phrases import counted, upper_first

SHOWN = 1
"""Charts of budgets that are shown without being asked for."""

MOST_PARTS = 8
"""Most parts of a bar. With more, those of :data:`MERGED` are merged, until there are fewer."""

CLASS_TOKENS = "class tokens"

MERGED = (
    ("reg", REGISTERS),
    ("CLS", CLASS_TOKENS),
    ("det", "detection tokens"),
    ("extra", "extra tokens"),
)
"""Beginnings of the names of tokens, and what all of them are called."""


def budget_section(context: ModelContext) -> Section:
    """Section on attention budgets: stacked bars by layer for each group of queries."""
    absent = []
    if context.digest.budget(OUTLIERS) is None:
        absent.append(
            "Outlier patches as queries: not applicable, no image has any."
            if context.digest.images > 1
            else "Outlier patches as queries: not applicable, the image has none."
        )
    if not context.layout.registers:
        absent.append("Registers as queries: not applicable, this model has none.")
    if context.layout.cls is None:
        absent.append("CLS as query: not applicable, this model has no class token.")
    charts = tuple(_budget_charts(context))
    return Section(
        id="budget",
        title="Where attention goes",
        text=(f"{_most(context)} Means over heads and {counted(context.digest.images, 'image')}.",),
        charts=charts[:SHOWN],
        more_title="Single heads, other queries",
        more=charts[SHOWN:],
        absent=tuple(absent),
    )


def _most(context: ModelContext) -> str:
    """Sentence on what the first group of queries attends to in the last layer."""
    first = context.digest.budgets[0]
    last = first.shares[-1]
    at = int(np.nanargmax(last))
    verb = "give" if first.query in (NORMAL, OUTLIERS) else "gives"
    whose = "their" if verb == "give" else "its"
    return (
        f"In the last layer, {_query(first.query)} {verb} {percent(float(last[at]))} of {whose} "
        f"attention to {_key(context.digest.keys[at])}."
    )


def _budget_charts(context: ModelContext) -> Iterator[Chart]:
    """Bars of each group of queries, and head strips for CLS and patches."""
    heads = {
        NORMAL if each.query == ALL_PATCHES else each.query: each
        for each in context.digest.head_budgets
    }
    for means in context.digest.budgets:
        yield budget_bars(context, means)
        strip = head_strip(context, heads[means.query]) if means.query in heads else None
        if strip is not None:
            yield strip


def budget_bars(context: ModelContext, means: QueryMeans) -> Chart:
    """Attention budget of one group of queries: a stacked bar for each layer."""
    keys, shares, uniform = _parts(context.digest.keys, means)
    notes = []
    if means.images < context.digest.images:
        notes.append(f"Over {means.images} of {counted(context.digest.images, 'image')}.")
    error = float(means.self_error.max())
    if error > 0:
        notes.append(
            f"A patch's attention to itself is rounded to ±{percent(error)}; the error is in "
            f"{OTHERS}."
        )
    elif means.query == OUTLIERS and np.isnan(means.shares[:, 0]).all():
        notes.append("Attention of outliers to themselves counts under outlier patches.")
    verb = "attend" if means.query in (NORMAL, OUTLIERS) else "attends"
    words = Words(
        id=f"budget-{means.query.replace(' ', '-').lower()}",
        title=f"What {_query(means.query)} {verb} to",
        x="layer",
        y="share of the attention",
        note=" ".join(notes),
    )
    labels = [str(n + 1) for n in range(context.layers)]
    bars = stacked_bars(
        words, [_key(key) for key in keys], labels, shares, uniform, series=_series(keys)
    )
    return context.planner.defined(bars, "attention-budget")


def _query(query: str) -> str:
    if query in (NORMAL, OUTLIERS):
        return query
    return query if query.startswith("CLS") else query_label(query, True)


def _parts(
    keys: tuple[str, ...], means: QueryMeans
) -> tuple[tuple[str, ...], FloatArray, FloatArray]:
    """Parts ``[layer, part]`` and ``[part]``; many tokens of one kind are merged."""
    parts = keys, means.shares, means.uniform
    for start, together in MERGED:
        if len(parts[0]) > MOST_PARTS:
            parts = _merged(*parts, start, together)
    return parts


def _merged(
    keys: tuple[str, ...], shares: FloatArray, uniform: FloatArray, start: str, together: str
) -> tuple[tuple[str, ...], FloatArray, FloatArray]:
    """Merge the parts whose names have a prefix, and place them before the outlier patches."""
    merged = [n for n, key in enumerate(keys) if key.startswith(start) and key != REGISTERS]
    kept = [n for n in range(len(keys)) if n not in merged]
    if len(merged) < 2:
        return keys, shares, uniform
    names = [keys[n] for n in kept]
    at = names.index(OUTLIERS)
    return (
        (*names[:at], together, *names[at:]),
        np.insert(shares[:, kept], at, np.nansum(shares[:, merged], axis=1), axis=1),
        np.insert(uniform[kept], at, np.nansum(uniform[merged])),
    )


def _key(key: str) -> str:
    if key == SELF:
        return "itself"
    return query_label(key, True) if key.startswith("reg") and key != REGISTERS else key


def _series(keys: tuple[str, ...]) -> list[int]:
    """Series of the parts; a part has one color in all models."""
    fixed = {SELF: 1, "CLS": 3, OUTLIERS: APART, OTHERS: REST}
    free = iter((4, 5, 6, 7, 8))
    return [fixed[key] if key in fixed else next(free) for key in keys]


def rollout_section(context: ModelContext) -> Section:
    """Section on rollout: how far it can be trusted, by its first layer."""
    digest = context.digest
    spread = digest.images > 1
    band = " Band: standard deviation over images." if spread else ""
    charts = [
        line_chart(
            Words(
                "rollout-cosine",
                "Rollout similarity of different patches",
                "start layer",
                quantity("rollout-cosine").unit,
                reading("rollout-cosine") + band,
            ),
            [
                Series(
                    "cosine",
                    context.numbers,
                    digest.rollout_cosine.mean,
                    digest.rollout_cosine.deviation if spread else None,
                )
            ],
            zero=True,
        )
    ]
    definitions = ["rollout-cosine"]
    if context.layout.prefix:
        share = np.mean([len(c.facts.layout.prefix) / c.facts.layout.tokens for c in context.cells])
        charts.insert(0, _rollout_prefix(context, float(share), band))
        definitions.insert(0, "rollout-prefix")
    shown = tuple(
        context.planner.defined(chart, name)
        for chart, name in zip(charts, definitions, strict=True)
    )
    return Section(
        id="rollout",
        title="Rollout diagnostics",
        text=(
            f"Rollouts of different patches have a cosine of "
            f"{number(float(digest.rollout_cosine.mean[0]))} from layer 1 on (1: the map no longer "
            f"depends on the patch). {context.over}",
            *_rollout_in_windows(context),
        ),
        charts=shown[-1:],
        more_title="Rollout on the prefix" if len(shown) > 1 else "",
        more=shown[:-1],
        absent=()
        if context.layout.prefix
        else ("Rollout on the prefix: not applicable, this model has no prefix tokens.",),
    )


def _rollout_in_windows(context: ModelContext) -> Iterator[str]:
    """Sentence on a rollout through layers with windows."""
    if context.windowed:
        yield (
            f"{upper_first(context.windows)}: a rollout leaves a window only in layers that attend "
            "to the whole picture. What padding of windows gets is lost."
        )


def _rollout_prefix(context: ModelContext, uniform: float, band: str) -> Chart:
    prefix = context.digest.rollout_prefix
    return line_chart(
        Words(
            "rollout-prefix",
            "Rollout that lies on the prefix, not on the map",
            "start layer",
            quantity("rollout-prefix").unit,
            reading("rollout-prefix") + band,
            quantity("rollout-prefix").notation,
        ),
        [
            Series(
                "on the prefix",
                context.numbers,
                prefix.mean,
                prefix.deviation if context.digest.images > 1 else None,
            )
        ],
        references=(Reference(uniform, "uniform"),),
        zero=True,
    )


SERIES = {OUTLIERS: APART, REGISTERS: 4}
"""Series of parts, as in the bars; a class token is 3."""


def head_strip(context: ModelContext, budget: HeadBudget) -> Chart | None:
    """Head strips of a budget; None if the model has none of the tokens."""
    there = _present_keys(budget)
    if not there:
        return None
    whose = "the patches" if budget.query == ALL_PATCHES else budget.query
    names = [_key_name(budget, part) for part in there]
    chart = head_strips(
        Words(
            f"budget-heads-{budget.query.replace(' ', '-').lower()}",
            f"Single heads: what {whose} {'give' if budget.query == ALL_PATCHES else 'gives'} "
            "to these tokens",
            "layer",
            "share of the head's attention",
            "A mark for each head. Dashed: uniform attention.",
        ),
        names,
        budget.shares[there],
        budget.uniform[there],
        series=[SERIES.get(budget.keys[part], 3) for part in there],
    )
    return context.planner.defined(chart, "attention-budget")


def head_columns(context: ModelContext) -> list[tuple[str, FloatArray]]:
    """Columns of the table of heads, ``[layer, head]``, for the shares in head strips."""
    return [
        (f"{_query_name(each)} to {_key_name(each, part)}", each.shares[part])
        for each in context.digest.head_budgets
        for part in _present_keys(each)
        if (each.query == ALL_PATCHES or each.keys[part] != REGISTERS)
    ]


def _query_name(budget: HeadBudget) -> str:
    return "patches" if budget.query == ALL_PATCHES else budget.query


def _present_keys(budget: HeadBudget) -> list[int]:
    """Indices of the tokens that the model has; an image may have no outliers."""
    return [n for n in range(len(budget.keys)) if np.isfinite(budget.shares[n]).any()]


def _key_name(budget: HeadBudget, part: int) -> str:
    key = budget.keys[part]
    return "itself" if key == budget.query else key
