"""Means with confidence intervals, one for each row, with their single values as dots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from generator.present.charts.axes import Span, padded
from generator.present.charts.chart import (
    AREA,
    Axis,
    AxisTick,
    Chart,
    Dot,
    NumberTable,
    Rule,
    Words,
)
from generator.records.record import FloatArray
from generator.text.numbers import MISSING, Notation, column, interval_texts, value_text

ROW = 40.0
LEFT, TOP, RIGHT = 150.0, 8, AREA.right  # names of rows are wider than numbers


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """A row of the chart.

    Attributes:
        values: float ``[value]``, drawn as dots.
        middle: mean of the values; None for none.
        low: lower end of the interval around the mean; None where there is none.
        texts: tooltip of each dot.
        count: number of values in the mean; by default the number of dots.
    """

    name: str
    values: FloatArray
    middle: float | None
    low: float | None
    high: float | None
    texts: tuple[str, ...]
    count: int | None = None


def interval_chart(words: Words, rows: Sequence[IntervalRow], *, zero: bool = True) -> Chart:
    """Dots for single values, a line for the interval, a large dot for the mean.

    Args:
        zero: include zero and draw a line there, for differences.
    """
    found = [float(v) for row in rows for v in row.values if np.isfinite(v)]
    found += [v for row in rows for v in (row.low, row.high) if v is not None]
    if zero:
        found.append(0.0)
    low, high = padded(min(found, default=0.0), max(found, default=1.0))
    x = Span(low, high, LEFT, RIGHT)
    bottom = TOP + ROW * len(rows)
    dots: list[Dot] = []
    rules = [Rule(x.at(0.0), TOP, x.at(0.0), bottom)] if zero else []
    for n, row in enumerate(rows):
        y = TOP + ROW * (n + 0.5)
        for value, text in zip(row.values, row.texts, strict=True):
            if np.isfinite(value):
                dots.append(Dot(x.at(float(value)), y + 8, 2, text))
        if row.low is not None and row.high is not None:
            rules.append(Rule(x.at(row.low), y - 6, x.at(row.high), y - 6))
        if row.middle is not None:
            dots.append(Dot(x.at(row.middle), y - 6, 1, _mean_text(row, words.notation, ", mean")))
    return Chart(
        words=words,
        summary=f"{words.title}. "
        + "; ".join(_mean_text(row, words.notation) for row in rows if row.middle is not None)
        + ".",
        x=x.axis(words.x, words.notation),
        y=Axis(
            words.y, tuple(AxisTick(TOP + ROW * (n + 0.5), row.name) for n, row in enumerate(rows))
        ),
        area=replace(AREA, height=bottom + 44, left=LEFT, top=TOP, right=RIGHT, bottom=bottom),
        rules=tuple(rules),
        dots=tuple(dots),
        table=NumberTable(
            (words.y, "mean", "nominal 95\u00a0% interval", "n"),
            tuple(
                (
                    row.name,
                    middle,
                    _interval_texts(row, words.notation)[1] or MISSING,
                    str(int(np.isfinite(row.values).sum()) if row.count is None else row.count),
                )
                for row, middle in zip(
                    rows, column([row.middle for row in rows], words.notation), strict=True
                )
            ),
        ),
    )


def _mean_text(row: IntervalRow, notation: Notation, what: str = "") -> str:
    mean, interval = _interval_texts(row, notation)
    text = f"{row.name}{what}: {mean}"
    return f"{text} (nominal 95\u00a0% interval {interval})" if interval else text


def _interval_texts(row: IntervalRow, notation: Notation) -> tuple[str, str]:
    """The mean and its interval, which is empty if there is none."""
    if row.middle is None or row.low is None or row.high is None:
        return value_text(row.middle, notation), ""
    return interval_texts(row.middle, row.low, row.high, notation)
