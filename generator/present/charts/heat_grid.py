"""Heat maps of heads: a colored cell for each layer and head, drawn as one small picture."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np

from generator.present.charts.axes import slot_ticks
from generator.present.charts.chart import Axis, AxisTick, Cells, Chart, PlotArea, Words
from generator.present.drawing.colors import DEFAULT_COLORS
from generator.present.drawing.heatmap import cells_png
from generator.records.record import FloatArray
from generator.text.numbers import machine, value_text

WIDTH = 400.0
"""Width of the drawing, which takes all the room of its column."""
LEFT, TOP, RIGHT = 34.0, 20.0, WIDTH - 14


def heat_grid(
    words: Words,
    values: FloatArray,
    column: str,
    limits: tuple[float, float],
    *,
    colors: str = DEFAULT_COLORS,
) -> Chart:
    """Heat map of heads: a colored cell for each layer (down) and head (across).

    Args:
        values: ``[layer, head]``; NaN for missing values.
        column: name of the column of the page's table of heads with these numbers.
        limits: numbers at the ends of the color map.
        colors: name of the color map.
    """
    layers, heads = values.shape
    texts = [[value_text(float(value), words.notation) for value in row] for row in values]
    high = float(min(max(360 // layers, 12), 26))
    wide = (RIGHT - LEFT) / heads
    bottom = TOP + high * layers
    low, top = limits
    return Chart(
        words=words,
        summary=f"{words.title}: {_extremes(values, texts)}.",
        x=Axis("", slot_ticks([str(n + 1) for n in range(heads)], LEFT, wide, space=16)),
        y=Axis("", slot_ticks([str(n + 1) for n in range(layers)], TOP, high, space=16)),
        area=PlotArea(WIDTH, bottom + 44, LEFT, TOP, RIGHT, bottom),
        cells=Cells(
            url=_address(_levels(values, limits), colors),
            x=LEFT,
            y=TOP,
            width=RIGHT - LEFT,
            height=bottom - TOP,
            columns=heads,
            rows=layers,
            lines="".join(
                (
                    *(
                        f"M{machine(LEFT + wide * n)} {machine(TOP)}V{machine(bottom)}"
                        for n in range(1, heads)
                    ),
                    *(
                        f"M{machine(LEFT)} {machine(TOP + high * n)}H{machine(RIGHT)}"
                        for n in range(1, layers)
                    ),
                )
            ),
            values=column,
        ),
        scale=Cells(
            url=_address(np.linspace(0, 1, 64)[None], colors),
            x=LEFT,
            y=bottom + 12,
            width=RIGHT - LEFT,
            height=8,
            columns=64,
            rows=1,
        ),
        scale_ticks=tuple(
            AxisTick(
                round(LEFT + (RIGHT - LEFT) * n / 4, 2),
                value_text(low + (top - low) * n / 4, words.notation),
            )
            for n in range(5)
        ),
        above=True,
    )


def _levels(values: FloatArray, limits: tuple[float, float]) -> FloatArray:
    """Position of each value on the color map, from 0 to 1; NaN stays."""
    low, high = limits
    if high <= low:
        return np.where(np.isnan(values), np.nan, 0.5)
    found: FloatArray = np.clip((values - low) / (high - low), 0, 1)
    return found


def _address(levels: FloatArray, colors: str) -> str:
    data = base64.b64encode(cells_png(levels, colors)).decode()
    return f"data:image/png;base64,{data}"


def _extremes(values: FloatArray, texts: Sequence[Sequence[str]]) -> str:
    """Sentence on the heads with the lowest and the highest value."""
    said = []
    for name, index in (("lowest", np.nanargmin(values)), ("highest", np.nanargmax(values))):
        layer, head = divmod(int(index), values.shape[1])
        said.append(f"{name} {texts[layer][head]} at layer {layer + 1}, head {head + 1}")
    return "; ".join(said)
