"""Presets of averages over many images, by position in the grid."""

from __future__ import annotations

from generator.analysis.absent import NotApplicable
from generator.analysis.attention.averages import LocationSums
from generator.export.figures.drawn import Drawn
from generator.export.figures.layout.drawing import draw
from generator.export.figures.layout.sheet import Absent, Cell, Sheet, SheetPicture, SheetRow
from generator.export.figures.layout.tones import Pixels, linear
from generator.export.figures.presets.preset import Preset
from generator.export.figures.scene import Scene
from generator.export.figures.words import models_said, scale_said
from generator.records.record import FloatArray
from generator.records.run import ModelEntry
from generator.text.latex import Piece
from generator.text.phrases import counted


def _sums(scene: Scene, model: ModelEntry) -> LocationSums | None:
    """Sums over all images of a model, on the grid of the first image."""
    found: LocationSums | None = None
    for image in scene.images:
        record = scene.record(model, image)
        if record is None:
            continue
        one = LocationSums.of(record)
        found = one if found is None else found.merge(one)
    return found


def _averages(scene: Scene) -> Drawn:
    """Rows of models; columns: mean maps of the class token and of each register."""
    models = scene.models
    sums = [_sums(scene, model) for model in models]
    names = list(dict.fromkeys(q for one in sums if one for q in one.layout.prefix))
    tone, maps, rows = scene.tone(), [], []
    for model, one in zip(models, sums, strict=True):
        found = one.averages() if one else NotApplicable("not measured")
        if isinstance(found, NotApplicable) or one is None:
            reason = found.reason if isinstance(found, NotApplicable) else "not measured"
            rows.append(SheetRow(model.label, (Absent(reason),) * len(names)))
            continue
        cells: list[Cell] = []
        for name in names:
            if name not in found.queries:
                cells.append(Absent("no registers" if name.startswith("reg") else f"no {name}"))
                continue
            values = found.attention[found.queries.index(name), -1]
            maps.append(values)
            cells.append(_place_map(scene, model, tone.colored(values)))
        rows.append(SheetRow(model.label, tuple(cells)))
    said = (
        f"Attention of the class token and the registers in the last layer, mean over heads and "
        f"over {counted(len(scene.images), 'image')}, by place in the grid, in times uniform."
    )
    caption: tuple[Piece, ...] = (said, scale_said(tone, maps), *models_said(scene, models))
    heads = tuple(_register(name) for name in names)
    return Drawn(draw(Sheet(tuple(rows), heads, tones=(tone,)), scene.width), caption, models)


def _register(name: str) -> str:
    return f"register {name[3:]}" if name.startswith("reg") else name


def _outlier_places(scene: Scene) -> Drawn:
    """The share of images in which a position is an outlier, a map for each model."""
    models = scene.models
    rates: list[FloatArray | NotApplicable] = []
    for model in models:
        one = _sums(scene, model)
        found = one.averages() if one else NotApplicable("not measured")
        rates.append(found if isinstance(found, NotApplicable) else 100 * found.outlier_rate)
    high = max((float(r.max()) for r in rates if not isinstance(r, NotApplicable)), default=1.0)
    tone = linear(0.0, high or 1.0, "images with an outlier there, %", scene.colors)
    cells = tuple(
        Absent(rate.reason)
        if isinstance(rate, NotApplicable)
        else _place_map(scene, model, tone.colored(rate))
        for model, rate in zip(models, rates, strict=True)
    )
    said = (
        f"Share of {counted(len(scene.images), 'image')} in which the patch at a place is an "
        "outlier: its norm is above 3 times the median."
    )
    sheet = Sheet((SheetRow("", cells),), tuple(model.label for model in models), tones=(tone,))
    caption: tuple[Piece, ...] = (said, f" {tone.says}", *models_said(scene, models))
    return Drawn(draw(sheet, scene.width), caption, models)


def _place_map(scene: Scene, model: ModelEntry, pixels: Pixels) -> SheetPicture:
    layout = scene.first_record(model).layout
    return SheetPicture(aspect=layout.cols / layout.rows, pixels=pixels)


PLACES = (
    Preset(
        "registers-10",
        "Where outliers lie",
        "Darcet 2024, Fig. 10",
        ("darcet2024vision",),
        "outliers are patches above 3 times the median, not above a norm chosen by hand",
        ("many",),
        _outlier_places,
        takes=("colors",),
    ),
    Preset(
        "registers-16",
        "Mean attention of the class token and of the registers by place",
        "Darcet 2024, Fig. 16",
        ("darcet2024vision",),
        "the mean is over this gallery's images, and no patch is shown as the query",
        ("many",),
        _averages,
        takes=(
            "form",
            "colors",
        ),
    ),
)
"""Presets in the order of the list."""
