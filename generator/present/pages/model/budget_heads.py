"""Budgets of single heads on a model's page: beside the bars, which are means over heads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from generator.analysis.attention.budget import ALL_PATCHES, OUTLIERS, REGISTERS, HeadBudget
from generator.present.charts.chart import Chart, Words
from generator.present.charts.strips import head_strips
from generator.present.pages.model_context import ModelContext
from generator.records.record import FloatArray

SERIES = {OUTLIERS: 3, REGISTERS: 4}
"""As in the bars; CLS is 2."""


def head_strip(context: ModelContext, budget: HeadBudget) -> Chart | None:
    """A mark for every head; None where the model has none of the tokens."""
    there = _there(budget)
    if not there:
        return None
    whose = "the patches" if budget.query == ALL_PATCHES else budget.query
    names = [_key(budget, part) for part in there]
    chart = head_strips(
        Words(
            f"budget-heads-{budget.query.replace(' ', '-').lower()}",
            f"Single heads: what {whose} {'give' if budget.query == ALL_PATCHES else 'gives'} "
            "to these tokens",
            "layer",
            "share of the head's attention",
            "A mark for each head; dashed: uniform attention. The table of heads above has all "
            "numbers.",
        ),
        names,
        budget.shares[there],
        budget.uniform[there],
        [
            [context.head_url(layer, head) for head in range(context.heads)]
            for layer in range(context.layers)
        ],
        series=[SERIES.get(budget.keys[part], 2) for part in there],
    )
    return replace(context.planner.defined(chart, "attention-budget"), table=None)


def head_columns(context: ModelContext) -> list[tuple[str, FloatArray]]:
    """Columns of the table of heads, ``[layer, head]``: what the marks show and it lacks."""
    return [
        (f"{_whose(each)} to {_key(each, part)} (share)", each.shares[part])
        for each in context.digest.head_budgets
        for part in _there(each)
        if (each.query == ALL_PATCHES or each.keys[part] != REGISTERS)
    ]


def _whose(budget: HeadBudget) -> str:
    return "patches" if budget.query == ALL_PATCHES else budget.query


def _there(budget: HeadBudget) -> list[int]:
    """Places of the tokens that the model has; an image may have no outliers."""
    return [n for n in range(len(budget.keys)) if np.isfinite(budget.shares[n]).any()]


def _key(budget: HeadBudget, part: int) -> str:
    key = budget.keys[part]
    return "itself" if key == budget.query else key
