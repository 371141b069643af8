"""Presets of attention distance, position embeddings and patch filters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from generator.analysis.absent import NotApplicable
from generator.analysis.attention.heads import uniform_distance
from generator.analysis.features.embeddings import patch_filters, position_similarity
from generator.errors import SpecError
from generator.export.figures.drawn import Drawn, FigureTable
from generator.export.figures.layout.drawing import draw
from generator.export.figures.layout.sheet import (
    Absent,
    Cell,
    Sheet,
    SheetChart,
    SheetPicture,
    SheetRow,
)
from generator.export.figures.layout.style import FAINT, SERIES, STROKES
from generator.export.figures.layout.tones import linear
from generator.export.figures.presets.preset import Preset
from generator.export.figures.scene import Scene
from generator.export.figures.words import images_said, models_said
from generator.records.record import AttentionRecord, FloatArray
from generator.records.run import ModelEntry
from generator.text.latex import Piece
from generator.text.numbers import number

ACROSS = 7
"""Filters per row of the picture, as in the original."""

DISTANCE = "mean attention distance, px"
RENORMALIZED = (
    "Distances are between patch centers, in input pixels, with each row cut to the patches and "
    "renormalized"
)


def _distances(scene: Scene, model: ModelEntry) -> tuple[FloatArray, int, AttentionRecord]:
    """Mean over images of each head's distance, ``[layer, head]``, and the number of images."""
    records = [r for r in (scene.record(model, image) for image in scene.images) if r is not None]
    if not records:
        raise SpecError(f"{model.label} was measured on none of the images.", "Choose others.")
    mean = np.stack([record.distance_patches for record in records]).mean(axis=0, dtype=np.float64)
    return mean, len(records), records[0]


def _uniform(record: AttentionRecord) -> float:
    patch = (record.model.patch_height, record.model.patch_width)
    return uniform_distance(record.layout, patch)


def _triptych(scene: Scene) -> Drawn:
    """Rows of models; columns: filters, similarity of position embeddings, distance of heads."""
    models = scene.models
    rows: list[SheetRow] = []
    notes: list[str] = []
    tone = linear(-1.0, 1.0, "cosine similarity", scene.colors)
    count = 0
    for model in models:
        weights = scene.weights(model)
        distances, count, record = _distances(scene, model)
        cells: list[Cell] = [Absent("weights not kept")] * 2
        if weights is not None:
            filters, position = patch_filters(weights), position_similarity(weights)
            if isinstance(filters, NotApplicable):
                cells[0] = Absent(filters.reason)
            else:
                cells[0] = _filter_picture(filters.display)
                notes.append(f"{model.label}: {filters.caption}")
            if isinstance(position, NotApplicable):
                cells[1] = Absent(position.reason)
            else:
                tiles = _spaced(position.cosine)
                aspect = tiles.shape[1] / tiles.shape[0]
                cells[1] = SheetPicture(aspect, pixels=tone.colored(tiles))
        chart = SheetChart(_distance_chart(distances, _uniform(record)), 1.0)
        label = model.label if len(models) > 1 else ""
        rows.append(SheetRow(label, (*cells, chart)))
    heads = ("patch filters", "position embeddings", "attention distance")
    sheet = Sheet(tuple(rows), heads, tones=(tone,))
    said = (
        "Left: principal components of the patch filters, gray is zero, one scale for all of a "
        "model. Center: cosine of the position embedding of each patch (tiles) with those of all "
        f"patches. Right: how far each head looks, one dot a head, mean over {count} images. "
        f"{RENORMALIZED}; the dashed line is uniform attention."
    )
    caption: tuple[Piece, ...] = (
        said,
        f" {tone.says}",
        *(f" {note}" for note in notes),
        images_said(scene, scene.images),
        *models_said(scene, models),
    )
    return Drawn(draw(sheet, scene.width), caption, models)


def _filter_picture(display: FloatArray) -> SheetPicture:
    """Filters ``[component, row, col, RGB]`` in rows, a pixel apart, at their own resolution."""
    count, high, wide = display.shape[:3]
    down = -(-count // ACROSS)
    pixels = np.zeros((down * (high + 1) - 1, ACROSS * (wide + 1) - 1, 4), dtype=np.uint8)
    colors = np.rint(255 * np.clip(display, 0, 1)).astype(np.uint8)
    for place, one in enumerate(colors):
        top, left = (place // ACROSS) * (high + 1), (place % ACROSS) * (wide + 1)
        pixels[top : top + high, left : left + wide, :3] = one
        pixels[top : top + high, left : left + wide, 3] = 255
    return SheetPicture(aspect=pixels.shape[1] / pixels.shape[0], pixels=pixels)


def _spaced(cosine: FloatArray) -> FloatArray:
    """Tiles ``[row, col, row, col]`` as one picture, NaN between them."""
    rows, cols = cosine.shape[:2]
    laid = np.full((rows, rows + 1, cols, cols + 1), np.nan)
    laid[:, :rows, :, :cols] = cosine.transpose(0, 2, 1, 3)
    return laid.reshape(rows * (rows + 1), cols * (cols + 1))


def _distance_chart(distances: FloatArray, uniform: float) -> Callable[[Axes], None]:
    def draw_into(axes: Axes) -> None:
        layers, heads = distances.shape
        for head in range(heads):
            axes.plot(
                np.arange(1, layers + 1),
                distances[:, head],
                ".",
                ms=2.6,
                mew=0,
                color=SERIES[0],
                alpha=0.7,
            )
        axes.axhline(uniform, color=FAINT, lw=0.6, ls="--")
        axes.set(xlabel="layer", ylabel=DISTANCE)
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))

    return draw_into


def _sorted_heads(scene: Scene) -> Drawn:
    """Heads sorted by distance, the two lowest and two highest layers, a chart for each model."""
    models, cells, rows = scene.models, [], []
    count = 0
    for model in models:
        distances, count, record = _distances(scene, model)
        depth = len(distances)
        shown = sorted({0, min(1, depth - 1), max(0, depth - 2), depth - 1})
        cells.append(SheetChart(_sorted_chart(distances, shown, _uniform(record)), 1.15))
        rows += [
            (
                model.label,
                str(layer + 1),
                number(float(distances[layer].min())),
                number(float(distances[layer].mean())),
                number(float(distances[layer].max())),
            )
            for layer in shown
        ]
    sheet = Sheet((SheetRow("", tuple(cells)),), tuple(model.label for model in models))
    said = (
        "Mean attention distance of the heads of the two lowest and two highest layers, sorted in "
        f"each layer, mean over {count} images. {RENORMALIZED}; the dashed line is uniform "
        "attention."
    )
    caption: tuple[Piece, ...] = (
        said,
        images_said(scene, scene.images),
        *models_said(scene, models),
    )
    head = ("model", "layer", "shortest", "mean", "longest")
    table = FigureTable("Mean attention distance of heads, in input pixels.", head, tuple(rows))
    return Drawn(draw(sheet, scene.width), caption, models, table=table)


def _sorted_chart(
    distances: FloatArray, shown: list[int], uniform: float
) -> Callable[[Axes], None]:
    def draw_into(axes: Axes) -> None:
        for place, layer in enumerate(shown):
            values = np.sort(distances[layer])
            axes.plot(
                np.arange(1, len(values) + 1),
                values,
                color=SERIES[place],
                ls=STROKES[place],
                marker=".",
                ms=2.5,
                mew=0,
                label=f"layer {layer + 1}",
            )
        axes.axhline(uniform, color=FAINT, lw=0.6, ls="--")
        axes.set(xlabel="head, sorted", ylabel=DISTANCE)
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.legend(loc="best")

    return draw_into


WEIGHTS = (
    Preset(
        "vit-7",
        "Patch filters, position embeddings and attention distance",
        "Dosovitskiy 2021, Fig. 7",
        ("dosovitskiy2021image",),
        "the model and images of this gallery; filters on one scale around gray",
        ("weights",),
        _triptych,
        takes=("colors",),
    ),
    Preset(
        "raghu-3",
        "How far heads look in low and in high layers",
        "Raghu 2021, Fig. 3",
        ("raghu2021vision",),
        "the mean over this gallery's images, where the original takes 5000",
        (),
        _sorted_heads,
    ),
)
"""Presets in the order of the list."""
