"""Presets of norms by model and by kind of token, one dot per token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes

from generator.export.figures.drawn import Drawn, FigureTable
from generator.export.figures.layout.drawing import draw
from generator.export.figures.layout.sheet import AXIS_LEFT, AXIS_RIGHT, Sheet, SheetChart, SheetRow
from generator.export.figures.layout.style import (
    DESCENT,
    INK,
    LINE,
    SERIES,
    SMALL,
    fitted,
    text_width,
)
from generator.export.figures.presets.norms import BEFORE, NORM, PEAK, layer_of, log_axis, norms_of
from generator.export.figures.presets.preset import Preset
from generator.export.figures.scene import Scene
from generator.export.figures.words import images_said, models_said
from generator.records.record import FloatArray
from generator.text.numbers import number
from generator.text.phrases import stream_layer

Column = tuple[str, FloatArray, str]
"""Name of the token, norms, label of the model."""


@dataclass(frozen=True, slots=True)
class _Labels:
    """The labels below a chart of dots.

    Attributes:
        ticks: a text for each column.
        turned: whether they are vertical.
        below: position of the last line of models' names, in inches below the axis.
        models: center, in columns, and text of each name.
        height: total height, in inches.
    """

    ticks: list[str]
    turned: bool
    below: float
    models: list[tuple[float, str]]
    height: float


def _strips(scene: Scene) -> Drawn:
    """Norms of all patches of each model side by side, one dot per patch."""
    return _dots(scene, tokens=False)


def _by_token(scene: Scene) -> Drawn:
    return _dots(scene, tokens=True)


def _dots(scene: Scene, *, tokens: bool) -> Drawn:
    models = scene.models
    layers = [layer_of(scene, scene.first_record(model)) for model in models]
    columns: list[Column] = []
    for model, layer in zip(models, layers, strict=True):
        records = [r for r in (scene.record(model, i) for i in scene.images) if r is not None]
        patches = np.concatenate([norms_of(record, layer) for record in records])
        columns.append(("patches", patches, model.label))
        for token, name in enumerate(records[0].layout.prefix if tokens else ()):
            values = np.array([record.norms[layer, token] for record in records], dtype=float)
            columns.append((name, values, model.label))
    labels = _labels(columns, scene.width, tokens=tokens)
    chart = SheetChart(
        _dots_chart(columns, labels),
        aspect=2.0 if scene.width > 4 else 1.45,
        bottom=labels.height,
    )
    sheet = Sheet((SheetRow("", (chart,)),), ("",))
    where = ", ".join(
        f"{model.label}: {stream_layer(layer)}" for model, layer in zip(models, layers, strict=True)
    )
    rows = tuple(
        (
            label,
            name,
            str(len(values)),
            number(float(np.median(values))),
            number(float(np.quantile(values, 0.99))),
            number(float(values.max())),
        )
        for name, values, label in columns
    )
    head = ("model", "token", "number", "median", "99 %", "largest")
    said = (
        f"Norms of {'patches, class token and registers' if tokens else 'patches'}, one dot each, "
        f"over {len(scene.images)} images (log scale); dots lie beside each other only to be seen; "
        f"the bar is the median. {BEFORE} {where}."
    )
    caption = (said, images_said(scene, scene.images), *models_said(scene, models))
    table = FigureTable("Norms by model and token.", head, rows)
    return Drawn(draw(sheet, scene.width), caption, models, table=table)


DOTS = 1500
"""Most dots of a strip; of more patches every n-th by size is drawn, with both ends."""


def _dots_chart(columns: list[Column], labels: _Labels) -> Callable[[Axes], None]:
    def draw_into(axes: Axes) -> None:
        rng = np.random.default_rng(0)
        for place, (name, values, _) in enumerate(columns):
            ordered = np.sort(values)
            picked = np.unique(np.linspace(0, len(ordered) - 1, DOTS).round().astype(int))
            shown = ordered[picked]
            aside = place + rng.uniform(-0.28, 0.28, len(shown))
            color = INK if name == "patches" else SERIES[1]
            size = 1.4 if len(shown) > 300 else 2.6
            axes.plot(aside, shown, ".", ms=size, mew=0, color=color, alpha=0.6)
            axes.hlines(np.median(values), place - 0.36, place + 0.36, color=color, lw=1.0)
        log_axis(axes)
        axes.set_xticks(range(len(columns)), labels.ticks, rotation=90 if labels.turned else 0)
        for middle, text in labels.models:
            axes.annotate(
                text,
                (middle, 0),
                xycoords=("data", "axes fraction"),
                xytext=(0, -72 * labels.below),
                textcoords="offset points",
                size=SMALL,
                ha="center",
                va="baseline",
                linespacing=1.1,
            )
        axes.set(xlim=(-0.6, len(columns) - 0.4), ylabel=NORM)
        axes.tick_params(axis="x", length=0)

    return draw_into


def _labels(columns: list[Column], width: float, *, tokens: bool) -> _Labels:
    """Labels that fit the width of their columns: names of tokens, and of models below them."""
    step = (width - AXIS_LEFT - AXIS_RIGHT) / (len(columns) + 0.2)
    if not tokens:
        ticks = [fitted(label, step - 0.04, SMALL, lines=3) for _, _, label in columns]
        height = 0.08 + _lines_high(ticks)
        return _Labels(ticks, turned=False, below=0.0, models=[], height=height)
    ticks = [name for name, _, _ in columns]
    longest = max(text_width(name, SMALL) for name in ticks)
    turned = longest > step - 0.03
    below = 0.05 + (longest if turned else SMALL * LINE)
    models = []
    starts = [n for n, (name, _, _) in enumerate(columns) if name == "patches"]
    for first, after in pairwise([*starts, len(columns)]):
        text = fitted(columns[first][2], (after - first) * step - 0.06, SMALL, lines=3)
        models.append(((first + after - 1) / 2, text))
    height = below + 0.05 + _lines_high([text for _, text in models])
    most = max(text.count("\n") for _, text in models)
    level = [(middle, text + "\n " * (most - text.count("\n"))) for middle, text in models]
    below += _lines_high([text for _, text in level]) - DESCENT
    return _Labels(ticks, turned=turned, below=below, models=level, height=height)


def _lines_high(texts: list[str]) -> float:
    return max(text.count("\n") + 1 for text in texts) * SMALL * LINE


TOKENS = (
    Preset(
        "registers-7",
        "Norms of patches of each model",
        "Darcet 2024, Fig. 7",
        ("darcet2024vision",),
        f"{PEAK}; the axis is logarithmic",
        (),
        _strips,
        takes=("layers",),
        one=("layers",),
    ),
    Preset(
        "registers-15",
        "Norms by kind of token",
        "Darcet 2024, Fig. 15",
        ("darcet2024vision",),
        f"{PEAK}; the axis is logarithmic",
        (),
        _by_token,
        takes=("layers",),
        one=("layers",),
    ),
)
"""Presets in the order of the list."""
