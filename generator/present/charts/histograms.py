"""Histograms, and densities by layer."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from generator.present.charts.axes import Span, slot_ticks
from generator.present.charts.chart import (
    AREA,
    Axis,
    Chart,
    LegendEntry,
    Line,
    Marks,
    NumberTable,
    Words,
    box_path,
)
from generator.records.record import FloatArray
from generator.text.numbers import between, number

STEPS = 20
"""Shades of a density."""


def histogram(
    words: Words, names: Sequence[str], edges: FloatArray, counts: FloatArray, *, log_x: bool = True
) -> Chart:
    """Outlined histograms with a logarithmic count.

    Args:
        edges: ``[bin + 1]``.
        counts: ``[series, bin]``.
        log_x: whether the axis of values is logarithmic.
    """
    first, last = held_bins(counts)
    x = Span(float(edges[first]), float(edges[last + 1]), AREA.left, AREA.right, log=log_x)
    low, high = 0.5, max(float(np.max(counts, initial=1.0)), 1.0)
    y = Span(low, 10 ** math.ceil(math.log10(high) + 1e-9), AREA.bottom, AREA.top, log=True)
    lines = []
    for n, name in enumerate(names):
        steps = [f"M{x.at(float(edges[first]))} {y.at(low)}"]
        for b in range(first, last + 1):
            place = y.at(max(float(counts[n, b]), low))
            steps.append(f"V{place}H{x.at(float(edges[b + 1]))}")
        steps.append(f"V{y.at(low)}")
        lines.append(Line(n + 1, name, "".join(steps)))
    rows = tuple(
        (
            between(float(edges[b]), float(edges[b + 1])),
            *(number(float(counts[n, b])) for n in range(len(names))),
        )
        for b in range(first, last + 1)
    )
    totals = ", ".join(f"{name}: {number(float(counts[n].sum()))}" for n, name in enumerate(names))
    return Chart(
        words=words,
        summary=f"{words.title}. Counted: {totals}.",
        x=x.axis(words.x),
        y=y.axis(words.y),
        lines=tuple(lines),
        keys=tuple(
            LegendEntry(n, name, "line") for n, name in enumerate(names, start=1) if len(names) > 1
        ),
        table=NumberTable((words.x, *names), rows),
    )


def held_bins(counts: FloatArray) -> tuple[int, int]:
    """First and last non-empty bin over all rows of ``[row, bin]``; all bins if none is."""
    held = np.flatnonzero(np.asarray(counts).sum(axis=0))
    return (int(held[0]), int(held[-1])) if len(held) else (0, counts.shape[1] - 1)


def density(
    words: Words,
    edges: FloatArray,
    counts: FloatArray,
    first_layer: int = 0,
    *,
    bins: tuple[int, int] | None = None,
) -> Chart:
    """Density of values at each layer: the shade is the share of the layer's values in a bin.

    Args:
        edges: ``[bin + 1]``, on a logarithmic axis.
        counts: ``[layer, bin]``.
        first_layer: number of the first row.
        bins: first and last bin to show, so that charts share an axis; None for the non-empty ones.
    """
    first, last = bins or held_bins(counts)
    y = Span(float(edges[first]), float(edges[last + 1]), AREA.bottom, AREA.top, log=True)
    layers = len(counts)
    slot = (AREA.right - AREA.left) / layers
    names = [str(n + first_layer) for n in range(layers)]
    paths: dict[float, str] = {}
    for layer in range(layers):
        total = float(counts[layer].sum()) or 1.0
        for b in range(first, last + 1):
            share = float(counts[layer, b]) / total
            if share <= 0:
                continue
            # three decades, so that a single outlier among a thousand patches is visible
            level = round(min(max(1 + math.log10(share) / 3, 0.06), 1.0) * STEPS) / STEPS
            top, bottom = y.at(float(edges[b + 1])), y.at(float(edges[b]))
            box = box_path(
                round(AREA.left + slot * layer, 2), top, round(slot, 2), round(bottom - top, 2)
            )
            paths[level] = paths.get(level, "") + box
    return Chart(
        words=words,
        summary=f"{words.title}, {layers} layers from {first_layer}.",
        x=Axis(words.x, slot_ticks(names, AREA.left, slot, space=26)),
        y=y.axis(words.y),
        marks=tuple(Marks(1, "box", path, level) for level, path in sorted(paths.items())),
    )
