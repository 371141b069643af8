"""Stacked bars of shares that sum to 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from generator.present.charts.axes import Span, slot_ticks
from generator.present.charts.chart import (
    AREA,
    Axis,
    AxisTick,
    Chart,
    LegendEntry,
    Marks,
    NumberTable,
    Rule,
    Words,
    box_path,
)
from generator.records.record import FloatArray
from generator.text.numbers import column, percent

REST = 9
"""Series of the rest."""

APART = 2
"""Series of the part that a chart is about: the only one in the accent."""


def stacked_bars(
    words: Words,
    names: Sequence[str],
    labels: Sequence[str],
    shares: FloatArray,
    uniform: FloatArray | None = None,
    *,
    series: Sequence[int] = (),
) -> Chart:
    """Stacked bars of shares that sum to 1.

    Args:
        names: names of the parts, from the bottom.
        shares: ``[bar, part]``; NaN leaves a part out.
        uniform: ``[part]``, shares under uniform attention, drawn as dashed lines; NaN leaves a
            part out.
        series: series of each part; 1, 2, ... by default. ``REST`` is pale.
    """
    series = series or range(1, len(names) + 1)
    count = len(labels)
    slot = (AREA.right - AREA.left) / max(count, 1)
    y = Span(0.0, 1.0, AREA.bottom, AREA.top)
    paths = [""] * len(names)
    for bar in range(count):
        below = 0.0
        for part in range(len(names)):
            share = float(shares[bar, part])
            if not share > 0:
                continue
            top, bottom = y.at(below + share), y.at(below)
            left = round(AREA.left + slot * (bar + 0.12), 2)
            paths[part] += box_path(left, top, round(slot * 0.76, 2), round(bottom - top, 2))
            below += share
    there = [n for n in range(len(names)) if np.isfinite(shares[:, n]).any()]
    rows = shares[:, there]
    if uniform is not None:
        rows = np.vstack([rows, uniform[there]])
    heads = [*labels, *(["uniform"] if uniform is not None else [])]
    columns = [column(list(map(float, values)), "percent") for values in rows.T]
    said = ", ".join(f"{names[n]} {percent(float(np.nanmean(shares[:, n])))}" for n in there)
    return Chart(
        words=words,
        summary=f"{words.title}. Averages: {said}.",
        x=Axis(words.x, slot_ticks(list(labels), AREA.left, slot, space=26)),
        y=Axis(words.y, tuple(AxisTick(y.at(n / 4), percent(n / 4)) for n in range(5))),
        marks=tuple(Marks(series[n], "box", path) for n, path in enumerate(paths) if path),
        rules=_ends(uniform, y),
        keys=tuple(LegendEntry(series[n], names[n], "box") for n in there),
        table=NumberTable(
            (words.x, *(names[n] for n in there)), tuple(zip(heads, *columns, strict=True))
        ),
    )


def _ends(uniform: FloatArray | None, y: Span) -> tuple[Rule, ...]:
    """Dashed lines where the parts end under uniform attention; close lines are merged."""
    if uniform is None:
        return ()
    ends = np.cumsum([v for v in uniform if not np.isnan(v)])[:-1]
    places: list[float] = []
    for end in reversed(ends):
        place = y.at(float(end))
        if not places or place - places[-1] > 3:
            places.append(place)
    return tuple(Rule(AREA.left, place, AREA.right, place) for place in places)
