"""Head strips: a short mark for every head above its layer."""

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
    Rule,
    Words,
)
from generator.records.record import FloatArray
from generator.text.numbers import machine, percent

MARK = 2.5
"""Height of a mark, as in ``charts.css``."""


def head_strips(
    words: Words,
    names: Sequence[str],
    shares: FloatArray,
    uniform: FloatArray,
    *,
    series: Sequence[int],
) -> Chart:
    """Head strips of shares, side by side for each part, with dashed lines at uniform attention.

    Args:
        shares: ``[part, layer, head]``, shares of 1; NaN for missing values.
        uniform: ``[part]``, share that uniform attention would give.
    """
    layers = shares.shape[1]
    slot = (AREA.right - AREA.left) / layers
    width = round(0.8 * slot / len(names), 1)
    most = float(np.nanmax(shares))
    end = next((end for end in (0.08, 0.2, 0.4) if most <= end), 1.0)
    y = Span(0.0, end, AREA.bottom, AREA.top)
    marks = []
    for part, number in enumerate(series):
        path = "".join(
            f"M{machine(round(AREA.left + slot * (layer + 0.1) + width * part, 1))} "
            f"{machine(y.at(float(share)), 4)}h{machine(width)}"
            for (layer, _), share in np.ndenumerate(shares[part])
            if not np.isnan(share)
        )
        marks.append(Marks(number, "stroke", path))
    return Chart(
        words=words,
        summary=f"{words.title}. {_most(names, shares)}",
        x=Axis(words.x, slot_ticks([str(n + 1) for n in range(layers)], AREA.left, slot, space=26)),
        y=Axis(
            words.y,
            tuple(AxisTick(y.at(y.high * n / 4), percent(y.high * n / 4)) for n in range(5)),
        ),
        marks=tuple(marks),
        rules=_uniform(uniform, y),
        keys=tuple(LegendEntry(series[n], name, "box") for n, name in enumerate(names)),
    )


def _most(names: Sequence[str], shares: FloatArray) -> str:
    """Sentence on the head that gives each part the largest share."""
    said = []
    for name, values in zip(names, shares, strict=True):
        layer, head = divmod(int(np.nanargmax(values)), values.shape[1])
        share = float(values[layer, head])
        said.append(f"Most to {name}: {percent(share)}, layer {layer + 1}, head {head + 1}.")
    return " ".join(said)


def _uniform(uniform: FloatArray, y: Span) -> tuple[Rule, ...]:
    """Dashed lines at uniform attention; close lines are merged."""
    places: list[float] = []
    for share in sorted(float(value) for value in uniform):
        place = y.at(share)
        if not places or places[-1] - place > MARK:
            places.append(place)
    return tuple(Rule(AREA.left, place, AREA.right, place) for place in places)
