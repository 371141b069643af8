"""Presets of norms by model and by kind of token, one dot for each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes

from generator.export.figures.preset import Preset
from generator.export.figures.presets_norms import (
    BEFORE,
    NORM,
    PEAK,
    layer_of,
    layer_word,
    log_axis,
    norms_of,
)
from generator.export.figures.scene import Drawn, Scene, Table
from generator.export.figures.sheet import Chart, Row, Sheet, draw
from generator.export.figures.style import INK, SERIES, SMALL, fitted
from generator.export.figures.words import images_said, models_said
from generator.records import FloatArray


def _strips(scene: Scene) -> Drawn:
    """Norms of all patches of each model side by side, one dot a patch."""
    return _dots(scene, tokens=False)


def _by_token(scene: Scene) -> Drawn:
    return _dots(scene, tokens=True)


def _dots(scene: Scene, *, tokens: bool) -> Drawn:
    models = scene.models
    layers = [layer_of(scene, scene.first_record(model)) for model in models]
    columns: list[tuple[str, FloatArray, str]] = []
    for model, layer in zip(models, layers, strict=True):
        records = [r for r in (scene.record(model, i) for i in scene.images) if r is not None]
        patches = np.concatenate([norms_of(record, layer) for record in records])
        columns.append(("patches", patches, model.label))
        for number, name in enumerate(records[0].layout.prefix if tokens else ()):
            values = np.array([record.norms[layer, number] for record in records], dtype=float)
            columns.append((name, values, model.label))
    chart = Chart(_dots_chart(columns, tokens), aspect=2.0 if scene.request.width > 4 else 1.45)
    sheet = Sheet((Row("", (chart,)),), ("",))
    where = ", ".join(
        f"{model.label}: {layer_word(layer)}" for model, layer in zip(models, layers, strict=True)
    )
    rows = tuple(
        (
            label,
            name,
            str(len(values)),
            f"{np.median(values):.3g}",
            f"{np.quantile(values, 0.99):.3g}",
            f"{values.max():.3g}",
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
    table = Table("Norms by model and token.", head, rows)
    return Drawn(draw(sheet, scene.request.width), caption, models, table=table)


DOTS = 1500
"""Dots of a strip: of more patches every n-th by size is drawn, both ends included."""


def _dots_chart(columns: list[tuple[str, FloatArray, str]], tokens: bool) -> Callable[[Axes], None]:
    def draw_into(axes: Axes) -> None:
        rng = np.random.default_rng(0)
        for place, (name, values, _) in enumerate(columns):
            ordered = np.sort(values)
            picked = np.unique(np.linspace(0, len(ordered) - 1, DOTS).round().astype(int))
            shown = ordered[picked]
            aside = place + rng.uniform(-0.28, 0.28, len(shown))
            colour = INK if name == "patches" else SERIES[1]
            size = 1.4 if len(shown) > 300 else 2.6
            axes.plot(aside, shown, ".", ms=size, mew=0, color=colour, alpha=0.6)
            axes.hlines(np.median(values), place - 0.36, place + 0.36, color=colour, lw=1.0)
        log_axis(axes)
        labels = _column_labels(columns, tokens)
        axes.set_xticks(range(len(columns)), labels)
        axes.set(xlim=(-0.6, len(columns) - 0.4), ylabel=NORM)
        axes.tick_params(axis="x", length=0)

    return draw_into


def _column_labels(columns: list[tuple[str, FloatArray, str]], tokens: bool) -> list[str]:
    """The token's name, and under the first of a model also the model's."""
    room = 4.6 / max(1, len(columns))
    if not tokens:
        return [fitted(label, max(room, 0.5), SMALL) for _, _, label in columns]
    return [
        f"{name}\n{fitted(label, 1.2, SMALL)}" if name == "patches" else name
        for name, _, label in columns
    ]


TOKENS = (
    Preset(
        "registers-7",
        "Norms of patches of each model",
        "Darcet 2024, Fig. 7",
        ("darcet2024vision",),
        f"{PEAK}; the axis is logarithmic",
        (),
        _strips,
    ),
    Preset(
        "registers-15",
        "Norms by kind of token",
        "Darcet 2024, Fig. 15",
        ("darcet2024vision",),
        f"{PEAK}; the axis is logarithmic",
        (),
        _by_token,
    ),
)
"""In the order of the list."""
