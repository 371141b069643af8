"""Line charts over layers, and scatter charts of heads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from generator.present.charts.axes import Span, padded
from generator.present.charts.chart import (
    AREA,
    Axis,
    Chart,
    Dot,
    LegendEntry,
    Line,
    Marks,
    NumberTable,
    Rule,
    Words,
)
from generator.records.record import FloatArray
from generator.text.numbers import column, given, value_text

STROKES = 8
"""Number of colors and strokes of series in ``charts.css``."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A dashed reference level, such as the value under uniform attention."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Series:
    """A series of numbers.

    Attributes:
        name: name in the legend.
        x: float ``[point]``.
        y: float ``[point]``; NaN leaves a gap.
        spread: float ``[point]``, half the height of a band; None for none.
        urls: link of each point; empty for none.
        model: slug of the model that the numbers are of, in a chart over models; else empty.
        number: number of its color and stroke, from 1; 0 for its position in the chart.
    """

    name: str
    x: FloatArray
    y: FloatArray
    spread: FloatArray | None = None
    urls: tuple[str, ...] = ()
    model: str = ""
    number: int = 0


def line_chart(
    words: Words,
    series: Sequence[Series],
    *,
    log: bool = False,
    references: Sequence[Reference] = (),
    zero: bool = False,
) -> Chart:
    """Lines over layers or other steps, with a dot for each number.

    Args:
        log: logarithmic vertical axis; values that are not positive are left out.
        zero: start the vertical axis at zero, and clip bands there.
    """
    y = _vertical(series, references, log=log, zero=zero)
    x = _horizontal(series)
    return Chart(
        words=words,
        summary=_summary(series, words),
        x=_whole_axis(x, words.x),
        y=y.axis(words.y, words.notation),
        rules=_levels(references, y),
        lines=tuple(
            Line(n, one.name, _path(one, x, y), _band(one, x, y), one.model)
            for n, one in zip(_numbers(series), series, strict=True)
        ),
        dots=tuple(_dots(series, x, y, words)),
        keys=_keys(series, "line"),
        table=_table(series, words),
        models=tuple(one.model for one in series if one.model),
    )


def scatter(words: Words, series: Series, *, references: Sequence[Reference] = ()) -> Chart:
    """Scatter chart: a dot for each head above its layer, as in ViT's Figure 11."""
    y = _vertical([series], references, log=False, zero=True)
    x = _horizontal([series])
    points = (point for point in _points(series, x, y) if point is not None)
    return Chart(
        words=words,
        summary=_summary([series], words),
        x=_whole_axis(x, words.x),
        y=y.axis(words.y, words.notation),
        rules=_levels(references, y),
        marks=(Marks(1, "dot", "".join(f"M{across} {down}h0" for _, across, down in points)),),
    )


def _vertical(
    series: Sequence[Series], references: Sequence[Reference], *, log: bool, zero: bool
) -> Span:
    values = [float(v) for one in series for v in one.y if np.isfinite(v) and (v > 0 or not log)]
    for one in series:
        if one.spread is not None:
            around = np.concatenate([one.y - one.spread, one.y + one.spread])
            if zero:  # what cannot be negative has no band below zero
                around = np.maximum(around, 0.0)
            values += [float(v) for v in around if np.isfinite(v) and (v > 0 or not log)]
    values += [reference.y for reference in references]
    if zero:
        values.append(0.0)
        if max(values) <= 0:  # nothing but zeros: an axis of no number below zero
            values.append(1.0)
    low, high = padded(min(values, default=0.0), max(values, default=1.0), log=log)
    return Span(low, high, AREA.bottom, AREA.top, log=log)


def _horizontal(series: Sequence[Series]) -> Span:
    values = [float(v) for one in series for v in one.x]
    low, high = min(values, default=0.0), max(values, default=1.0)
    return Span(low, high if high > low else low + 1, AREA.left + 10, AREA.right - 10)


def _whole_axis(x: Span, label: str) -> Axis:
    """An axis with ticks at whole numbers, for layers."""
    axis = x.axis(label, count=8)
    whole = tuple(tick for tick in axis.ticks if "." not in tick.label)
    return Axis(label, whole or axis.ticks)


def _levels(references: Sequence[Reference], y: Span) -> tuple[Rule, ...]:
    """Horizontal lines at reference levels."""
    return tuple(Rule(AREA.left, y.at(r.y), AREA.right, y.at(r.y), r.label) for r in references)


def _points(one: Series, x: Span, y: Span) -> Iterator[tuple[int, float, float] | None]:
    for n, (across, down) in enumerate(zip(one.x, one.y, strict=True)):
        if not np.isfinite(down) or (y.log and down <= 0):
            yield None
        else:
            yield n, x.at(float(across)), y.at(float(down))


def _path(one: Series, x: Span, y: Span) -> str:
    parts, pen = [], "M"
    for point in _points(one, x, y):
        if point is None:
            pen = "M"
            continue
        parts.append(f"{pen}{point[1]} {point[2]}")
        pen = "L"
    return "".join(parts)


def _band(one: Series, x: Span, y: Span) -> str:
    if one.spread is None or not np.isfinite(one.y).all() or len(one.y) < 2:
        return ""
    above = [
        f"{x.at(float(a))} {y.at(float(v))}" for a, v in zip(one.x, one.y + one.spread, strict=True)
    ]
    below = [
        f"{x.at(float(a))} {y.at(float(v))}" for a, v in zip(one.x, one.y - one.spread, strict=True)
    ]
    return "M" + "L".join([*above, *reversed(below)]) + "Z"


def _dots(series: Sequence[Series], x: Span, y: Span, words: Words) -> Iterator[Dot]:
    for color, one in zip(_numbers(series), series, strict=True):
        prefix = f"{one.name}, " if len(series) > 1 else ""
        for point in _points(one, x, y):
            if point is None:
                continue
            n, across, down = point
            text = f"{prefix}{words.x} {given(float(one.x[n]))}: "
            text += value_text(float(one.y[n]), words.notation)
            if one.spread is not None:
                text += f" ± {value_text(float(one.spread[n]), words.notation)}"
            url = one.urls[n] if one.urls else ""
            yield Dot(across, down, color, text, url, one.model)


def _keys(series: Sequence[Series], shape: str) -> tuple[LegendEntry, ...]:
    if len(series) < 2:
        return ()
    numbers = _numbers(series)
    return tuple(
        LegendEntry(n, one.name, shape, one.model) for n, one in zip(numbers, series, strict=True)
    )


def _numbers(series: Sequence[Series]) -> list[int]:
    """Number of each series' color and stroke; they repeat if there are more series."""
    return [((one.number or n) - 1) % STROKES + 1 for n, one in enumerate(series, start=1)]


def _summary(series: Sequence[Series], words: Words) -> str:
    parts = []
    for one in series:
        if not np.isfinite(one.y).any():
            continue
        top, bottom = int(np.nanargmax(one.y)), int(np.nanargmin(one.y))
        ends = [
            f"{value_text(float(one.y[n]), words.notation)} at {given(float(one.x[n]))}"
            for n in (bottom, top)
        ]
        parts.append(f"{one.name}: from {ends[0]} to {ends[1]}")
    return f"{words.title}, by {words.x}. " + "; ".join(parts) + "."


def _table(series: Sequence[Series], words: Words) -> NumberTable:
    """A row for each x; cells of series without a value there are blank."""
    places = sorted({float(v) for one in series for v in one.x})
    found = [{float(a): float(v) for a, v in zip(one.x, one.y, strict=True)} for one in series]
    columns = [column([values.get(place) for place in places], words.notation) for values in found]
    rows = zip(map(given, places), *columns, strict=True)
    return NumberTable((words.x, *(one.name for one in series)), tuple(rows))
