"""Heat maps of heads: a colored square for each layer and head."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from generator.present.charts.axes import slot_ticks
from generator.present.charts.chart import Axis, AxisTick, Box, Chart, NumberTable, PlotArea, Words
from generator.present.drawing.colors import DEFAULT_COLORS, color_table
from generator.records.record import FloatArray
from generator.text.numbers import value_text


def heat_grid(
    words: Words,
    values: FloatArray,
    urls: Sequence[Sequence[str]],
    limits: tuple[float, float],
    *,
    colors: str = DEFAULT_COLORS,
) -> Chart:
    """Heat map of heads: a colored square for each layer (down) and head (across).

    Args:
        values: ``[layer, head]``; NaN for missing values.
        urls: ``[layer][head]``, links of the squares; empty for none.
        limits: numbers at the ends of the color map.
        colors: name of the color map.
    """
    layers, heads = values.shape
    texts = [[value_text(float(value), words.notation) for value in row] for row in values]
    side = float(min(max(460 // heads, 6), 22))  # whole numbers save bytes in hundreds of squares
    left, top = 34.0, 20.0
    table = color_table(colors)
    low, high = limits
    boxes = [
        Box(
            x=round(left + side * head, 2),
            y=round(top + side * layer, 2),
            width=round(side - 1, 2),
            height=round(side - 1, 2),
            series=0,
            text=f"layer {layer + 1}, head {head + 1}: {texts[layer][head]}",
            fill="#" + bytes(table[round(_level(float(value), limits) * 255)]).hex(),
            url=urls[layer][head] if urls else "",
        )
        for (layer, head), value in np.ndenumerate(values)
        if not np.isnan(value)
    ]
    strip = min(max(side * heads, 150.0), 220.0)  # wide enough for five numbers below it
    right, bottom = left + side * heads, top + side * layers
    return Chart(
        words=words,
        summary=f"{words.title}: {_extremes(values, texts)}.",
        x=Axis("", slot_ticks([str(n + 1) for n in range(heads)], left, side, space=16)),
        y=Axis("", slot_ticks([str(n + 1) for n in range(layers)], top, side, space=16)),
        area=PlotArea(
            width=round(max(right, left + strip) + 14, 2),
            height=round(bottom + 44, 2),
            left=left,
            top=top,
            right=round(right, 2),
            bottom=round(bottom, 2),
        ),
        boxes=tuple(boxes),
        scale=_scale(left, round(bottom + 12, 2), strip, colors),
        scale_ticks=tuple(
            AxisTick(
                round(left + strip * n / 4, 2),
                value_text(low + (high - low) * n / 4, words.notation),
            )
            for n in range(5)
        ),
        above=True,
        table=NumberTable(
            (words.y, *(f"{words.x} {n + 1}" for n in range(heads))),
            tuple((str(n + 1), *row) for n, row in enumerate(texts)),
        ),
    )


def _level(value: float, limits: tuple[float, float]) -> float:
    """Position of a value on the color map, from 0 to 1."""
    low, high = limits
    return min(max((value - low) / (high - low), 0.0), 1.0) if high > low else 0.5


def _scale(left: float, top: float, width: float, colors: str) -> tuple[Box, ...]:
    """The color map as a strip of 64 steps."""
    table, step = color_table(colors), width / 64
    return tuple(
        Box(
            x=round(left + step * n, 2),
            y=top,
            width=round(step + 0.2, 2),
            height=8,
            series=0,
            text="",
            fill="#" + bytes(table[round(255 * n / 63)]).hex(),
        )
        for n in range(64)
    )


def _extremes(values: FloatArray, texts: Sequence[Sequence[str]]) -> str:
    """Sentence on the heads with the lowest and the highest value."""
    said = []
    for name, index in (("lowest", np.nanargmin(values)), ("highest", np.nanargmax(values))):
        layer, head = divmod(int(index), values.shape[1])
        said.append(f"{name} {texts[layer][head]} at layer {layer + 1}, head {head + 1}")
    return "; ".join(said)
