"""Pair page: section on where attention goes."""

from __future__ import annotations

from collections.abc import Iterator

from generator.analysis.attention.budget import NORMAL, OUTLIERS
from generator.analysis.compare.compared import LETTERS
from generator.present.charts.chart import Chart
from generator.present.pages.model.attention import budget_bars
from generator.present.pages.pair.pair import PairContext
from generator.present.pages.pair.stream import attention_peaks, renamed
from generator.present.pages.sections import Section
from generator.text.phrases import quoted, upper_first


def budgets_section(pair: PairContext, sentences: tuple[str, ...]) -> Section:
    """Section on attention budgets: each group of queries in both models, side by side.

    Args:
        sentences: what the numbers say.
    """
    first, *others = _queries(pair)
    peaks = attention_peaks(pair)
    more = [chart for query in others for chart in _bars(pair, query)]
    return Section(
        id="budgets",
        title="Where attention goes",
        text=sentences,
        charts=tuple(_bars(pair, first)),
        more_title="Patches and registers as queries",
        more=tuple(more) if peaks is None else (*more, peaks),
        absent=tuple(_absent(pair, [first, *others])),
    )


def _queries(pair: PairContext) -> list[str]:
    """Groups of queries of either model: CLS first, then those of both models, then the rest."""
    names = dict.fromkeys(each.query for context in pair.models for each in context.digest.budgets)

    def rank(name: str) -> tuple[bool, int]:
        both = all(context.digest.budget(name) is not None for context in pair.models)
        return not both, {NORMAL: 1, OUTLIERS: 2}.get(name, 3 if name.startswith("reg") else 0)

    return sorted(names, key=rank)


def _bars(pair: PairContext, query: str) -> Iterator[Chart]:
    for context, letter in zip(pair.models, LETTERS, strict=True):
        means = context.digest.budget(query)
        if means is not None:
            yield renamed(budget_bars(context, means), letter, context.model.label)


def _absent(pair: PairContext, queries: list[str]) -> Iterator[str]:
    """Why a model lacks a group of queries; all registers in one line."""
    for context in pair.models:
        for query in queries:
            if context.digest.budget(query) is not None:
                continue
            if not query.startswith("reg"):
                yield f"{upper_first(query)} of {quoted(context.model.label)}: {_lacks(query)}."
            elif not context.layout.registers and query == "reg1":
                yield f"Registers of {quoted(context.model.label)}: not applicable, it has none."


def _lacks(query: str) -> str:
    if query == OUTLIERS:
        return "not applicable, no image has an outlier patch"
    return "not applicable, it has no such token"
