"""Bars cut into parts that sum to 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from generator.present.charts.axes import Span
from generator.present.charts.chart import Axis, AxisTick, Box, Chart, Key, NumberTable
from generator.present.charts.words import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Words,
    slot_ticks,
)
from generator.records import FloatArray


def stacked_bars(
    words: Words, names: Sequence[str], labels: Sequence[str], shares: FloatArray
) -> Chart:
    """Bars cut into parts that sum to 1.

    Args:
        words: what is said.
        names: of the parts, from the bottom.
        labels: of the bars.
        shares: ``[bar, part]``; NaN leaves a part out.
    """
    count = len(labels)
    slot = (RIGHT - LEFT) / max(count, 1)
    y = Span(0.0, 1.0, BOTTOM, TOP)
    boxes = []
    for bar, label in enumerate(labels):
        below = 0.0
        for part, name in enumerate(names):
            share = float(shares[bar, part])
            if not share > 0:
                continue
            top, bottom = y.at(below + share), y.at(below)
            boxes.append(
                Box(
                    x=round(LEFT + slot * (bar + 0.12), 2),
                    y=top,
                    width=round(slot * 0.76, 2),
                    height=round(bottom - top, 2),
                    series=part + 1,
                    text=f"{words.x} {label}, {name}: {100 * share:.2f} %",
                )
            )
            below += share
    rows = tuple(
        (label, *("—" if np.isnan(v) else f"{100 * v:.2f}" for v in shares[n]))
        for n, label in enumerate(labels)
    )
    means = [float(np.nanmean(shares[:, n])) for n in range(len(names))] if count else []
    said = ", ".join(f"{n} {100 * m:.1f} %" for n, m in zip(names, means, strict=True))
    return Chart(
        id=words.id,
        title=words.title,
        summary=f"{words.title}. Averages: {said}.",
        note=words.note,
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        top=TOP,
        right=RIGHT,
        bottom=BOTTOM,
        x=Axis(words.x, slot_ticks(list(labels), LEFT, slot, room=26)),
        y=Axis(words.y, tuple(AxisTick(y.at(n / 4), f"{25 * n} %") for n in range(5))),
        boxes=tuple(boxes),
        keys=tuple(Key(n, name, "box") for n, name in enumerate(names, start=1)),
        table=NumberTable((words.x, *(f"{name} (%)" for name in names)), rows),
    )
