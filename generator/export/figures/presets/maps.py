"""Presets of attention maps: with and without registers, by query, by head, by their number."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

from generator.export.figures.drawn import Drawn
from generator.export.figures.layout.drawing import draw
from generator.export.figures.layout.sheet import Absent, Cell, Group, Sheet, SheetRow
from generator.export.figures.presets.preset import SCALES, Option, Preset, split
from generator.export.figures.scene import Scene
from generator.export.figures.words import (
    drawing_said,
    head_said,
    images_said,
    maps_said,
    models_said,
    query_said,
)
from generator.export.pictures.selection import ALL, MEAN, Selection, selection
from generator.present.cells.chunks.maps import PRIMARY
from generator.present.cells.labels import row_name
from generator.records.run import ImageEntry, ModelEntry
from generator.text.latex import Piece
from generator.text.phrases import listed, upper_first

LAST = "last"
OVER = 70
"""Opacity of maps over the picture in figures whose original overlays them, in percent."""


def _wanted(scene: Scene, heads: str = MEAN, queries: str = PRIMARY) -> Selection:
    request = scene.request
    return selection(request.layers or LAST, request.heads or heads, request.queries or queries)


def _first(scene: Scene, model: ModelEntry, image: ImageEntry, wanted: Selection) -> Cell:
    maps = scene.attention(model, image, wanted)
    if not maps:
        return scene.empty(model, image, "not applicable")
    return scene.attention_picture(model, image, maps[0])


def _caption(
    scene: Scene,
    models: Sequence[ModelEntry],
    images: Sequence[ImageEntry],
    said: str,
    overlay: int | None,
) -> tuple[Piece, ...]:
    return (
        said,
        scene.scale_said,
        drawing_said(scene, overlay),
        images_said(scene, images),
        *models_said(scene, models),
    )


def _finish(
    scene: Scene,
    sheet: tuple[tuple[SheetRow, ...], tuple[str, ...], tuple[Group, ...]],
    models: Sequence[ModelEntry],
    images: Sequence[ImageEntry],
    said: str,
    overlay: int | None = None,
) -> Drawn:
    scene.check_drawn()
    rows, heads, groups = sheet
    figure = draw(Sheet(rows, heads, groups, scene.bars), scene.width)
    return Drawn(figure, _caption(scene, models, images, said, overlay), tuple(models))


def _input(scene: Scene, models: Sequence[ModelEntry], image: ImageEntry) -> Cell:
    for model in models:
        record = scene.record(model, image)
        if record is not None:
            return scene.photo(image, record.view)
    return Absent("not measured")


def _models_by_images(
    scene: Scene, models: tuple[ModelEntry, ...], groups: tuple[Group, ...], heads: tuple[str, ...]
) -> Drawn:
    """Rows of images; columns: the picture, then models."""
    images, wanted = scene.rows_of_images(1 + len(models)), _wanted(scene)
    rows = tuple(
        SheetRow(
            "",
            (
                _input(scene, models, image),
                *(_first(scene, model, image, wanted) for model in models),
            ),
        )
        for image in images
    )
    request = scene.request
    said = maps_said(
        scene, models[0], request.layers or LAST, request.heads or MEAN, request.queries or PRIMARY
    )
    return _finish(scene, (rows, ("input", *heads), groups), models, images, said)


def _with_and_without(scene: Scene) -> Drawn:
    without, having = split(scene)
    groups = (
        Group("without registers", 1, len(without)),
        Group("with registers", 1 + len(without), len(without) + len(having)),
    )
    models = (*without, *having)
    return _models_by_images(scene, models, groups, tuple(m.label for m in models))


def _artifacts(scene: Scene) -> Drawn:
    without, having = split(scene)
    models = without or having
    return _models_by_images(scene, models, (), tuple(model.label for model in models))


def _by_count(scene: Scene) -> Drawn:
    def count(model: ModelEntry) -> int:
        return len(scene.first_record(model).layout.registers)

    models = tuple(sorted(scene.models, key=count))
    heads = tuple(f"{count(model)}" for model in models)
    groups = (Group("number of registers", 1, len(models)),)
    return _models_by_images(scene, models, groups, heads)


def _by_query(scene: Scene) -> Drawn:
    model = split(scene)[1][0]
    layout = scene.first_record(model).layout
    asked = _wanted(scene).queries if scene.request.queries else (ALL,)
    every = (PRIMARY, *layout.registers)
    queries = tuple(dict.fromkeys(q for one in asked for q in (every if one == ALL else (one,))))
    images = scene.rows_of_images(1 + len(queries))
    scene.queries = queries
    wanted = _wanted(scene)
    rows = []
    for image in images:
        maps = (
            _first(scene, model, image, Selection(wanted.layers, wanted.heads, (query,)))
            for query in queries
        )
        rows.append(SheetRow("", (_input(scene, (model,), image), *maps)))
    heads = ("input", *(query_said(query, any_cls=layout.cls is not None) for query in queries))
    whose = "the class token and each register" if ALL in asked else "each of the tokens named"
    said = (
        f"Attention with {whose} as the query, {_layer_said(scene)}, {_head_said(scene)}, in times "
        "uniform (attention times the number of keys)."
    )
    return _finish(scene, (tuple(rows), heads, ()), (model,), images, said)


def _layer_said(scene: Scene) -> str:
    layers = scene.request.layers or LAST
    return "last layer" if layers == LAST else row_name(layers)


def _head_said(scene: Scene) -> str:
    return head_said(scene.request.heads or MEAN)


def _by_head(scene: Scene) -> Drawn:
    """Rows of models, columns of heads, for one image."""
    image = scene.one_image()
    wanted = _wanted(scene, heads=ALL)
    models = scene.models
    maps = {model: {m.head: m for m in scene.attention(model, image, wanted)} for model in models}
    names = sorted({head for found in maps.values() for head in found}, key=_head_order)
    rows = []
    for model in models:
        cells = tuple(
            scene.attention_picture(model, image, maps[model][name])
            if name in maps[model]
            else scene.empty(model, image, "no such head")
            for name in names
        )
        rows.append(SheetRow(model.label, cells))
    numbered = [n for n, name in enumerate(names) if name.isdecimal()]
    groups = (Group("head", numbered[0], numbered[-1]),) if numbered else ()
    said = (
        f"Attention of each head on {image.title}, {_layer_said(scene)}, with the "
        f"{query_said(scene.request.queries or PRIMARY)} as the query, in times uniform "
        "(attention times the number of keys)."
    )
    return _finish(scene, (tuple(rows), tuple(names), groups), models, (image,), said)


def _head_order(head: str) -> tuple[int, str]:
    """Heads by number, then mean, maximum and minimum over heads."""
    return (int(head) if head.isdecimal() else sys.maxsize, head)


def _heads_of_a_layer(scene: Scene) -> Drawn:
    """All heads of one layer over the picture, in a square: 4 x 4 for 16 heads."""
    image, model = scene.one_image(), scene.models[0]
    wanted = _wanted(scene, heads=ALL)
    maps = scene.attention(model, image, wanted)
    if ALL in wanted.heads:
        maps = [one for one in maps if one.head != MEAN]
    across = math.ceil(math.sqrt(len(maps)))
    cells: list[Cell] = [scene.attention_picture(model, image, one, overlay=OVER) for one in maps]
    scene.check_drawn()
    cells += [Absent("")] * (-len(cells) % across)
    labels = [head_said(one.head) for one in maps] + [""] * (-len(maps) % across)
    rows = []
    for start in range(0, len(cells), across):
        first, last = labels[start], [w for w in labels[start : start + across] if w][-1]
        name = (
            first
            if first == last
            else f"{first} to {last}".replace("head ", "heads ", 1).replace("to head ", "to ")
        )
        rows.append(SheetRow(name, tuple(cells[start : start + across])))
    whose = (
        f"All {len(maps)} heads"
        if ALL in wanted.heads
        else upper_first(listed(labels[: len(maps)]))
    )
    said = (
        f"{whose} of layer {maps[0].layer} on {image.title}, with the "
        f"{query_said(scene.request.queries or PRIMARY)} as the query, row by row from "
        f"{labels[0]}, in times uniform (attention times the number of keys)."
    )
    heads = ("",) * across
    return _finish(scene, (tuple(rows), heads, ()), (model,), (image,), said, OVER)


CHOICES: tuple[Option, ...] = ("layers", "heads", "queries", *SCALES)

MAPS = (
    Preset(
        "registers-1",
        "Attention maps of models without and with registers",
        "Darcet 2024, Fig. 1",
        ("darcet2024vision",),
        "the original does not state how heads are fused, here it is their mean; it has no "
        "color bar; its models are trained by its authors and not all are public",
        ("both",),
        _with_and_without,
        takes=CHOICES,
        one=("layers", "heads", "queries"),
    ),
    Preset(
        "registers-2",
        "Artifacts in the attention maps of models without registers",
        "Darcet 2024, Fig. 2",
        ("darcet2024vision",),
        "all models are on one numbered scale, and the mean over heads is shown, which the "
        "original does not state",
        ("cls",),
        _artifacts,
        takes=CHOICES,
        one=("layers", "heads", "queries"),
    ),
    Preset(
        "registers-8",
        "Attention maps by the number of registers",
        "Darcet 2024, Fig. 8 (top)",
        ("darcet2024vision",),
        "the original trains one model for each number; here the models may differ in more than "
        "that",
        ("counts",),
        _by_count,
        takes=CHOICES,
        one=("layers", "heads", "queries"),
    ),
    Preset(
        "registers-9",
        "Attention of the class token and of the registers",
        "Darcet 2024, Fig. 9",
        ("darcet2024vision",),
        "the original picks 4 of 16 registers; here all of the model's are shown, and registers "
        "count from 1",
        ("registers",),
        _by_query,
        takes=CHOICES,
        one=("layers", "heads"),
    ),
    Preset(
        "registers-18",
        "Attention maps of every head",
        "Darcet 2024, Fig. 18",
        ("darcet2024vision",),
        "all heads and their mean are on one numbered scale",
        ("cls",),
        _by_head,
        takes=CHOICES,
        one=("images", "layers", "queries"),
    ),
    Preset(
        "heads",
        "All heads of one layer",
        "the figure of a common tutorial on attention maps",
        (),
        "one shared scale in place of one for each head, and squares in place of smooth maps",
        (),
        _heads_of_a_layer,
        takes=CHOICES,
        one=("models", "images", "layers", "queries"),
    ),
)
"""Presets in the order of the list."""
