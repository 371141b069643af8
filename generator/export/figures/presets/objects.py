"""Presets of masks, object discovery, principal components and outlier places."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.analysis.features.lost import lost
from generator.analysis.features.masks import KEPT_MASS, layer_masks
from generator.analysis.features.pca import leading_component
from generator.export.figures.drawn import Drawn
from generator.export.figures.layout.drawing import draw
from generator.export.figures.layout.keys import LegendKey
from generator.export.figures.layout.sheet import (
    Absent,
    Cell,
    Sheet,
    SheetBox,
    SheetPicture,
    SheetRow,
    frame_of,
    tint,
)
from generator.export.figures.layout.tones import Tone, linear, signed
from generator.export.figures.presets.norms import layer_of
from generator.export.figures.presets.preset import Preset
from generator.export.figures.scene import Scene
from generator.export.figures.words import drawing_said, images_said, models_said, scale_said
from generator.records.record import AttentionRecord, FloatArray
from generator.records.run import ImageEntry, ModelEntry
from generator.text.latex import Piece
from generator.text.numbers import percent
from generator.text.phrases import listed

HEAD_COLORS = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)
"""Okabe and Ito's colors, which readers without full color vision can distinguish."""

MASK = (213, 94, 0)
TINT = 55
"""Opacity of masks over the picture, in percent."""

TWO_IMAGES = 4.0
"""Least width in inches of a figure with two images in a row."""

LIMIT = 3.0
"""End of the range of standardized components, as in the original."""

Painter = Callable[[ModelEntry, ImageEntry, AttentionRecord], Cell]


def _by_model(
    scene: Scene,
    painter: Painter,
    said: str,
    tones: tuple[Tone, ...] = (),
    keys: tuple[LegendKey, ...] = (),
) -> Drawn:
    """Rows of images; columns: the picture, then each model."""
    images, models = scene.rows_of_images(1 + len(scene.models)), scene.models
    rows = []
    for image in images:
        cells: list[Cell] = []
        photo: Cell = Absent("not measured")
        for model in models:
            record = scene.record(model, image)
            if record is None:
                cells.append(Absent("not measured"))
                continue
            photo = scene.photo(image, record.view) if isinstance(photo, Absent) else photo
            cells.append(painter(model, image, record))
        rows.append(SheetRow("", (photo, *cells)))
    heads = ("input", *(model.label for model in models))
    sheet = Sheet(tuple(rows), heads, tones=tones, keys=keys)
    caption: tuple[Piece, ...] = (
        said,
        *(f" {tone.says}" for tone in tones),
        images_said(scene, images),
        *models_said(scene, models),
    )
    return Drawn(draw(sheet, scene.width), caption, models)


def _cls_heads(record: AttentionRecord) -> FloatArray | None:
    """Attention of the class token in the last layer, ``[head, key]``; None without the token."""
    if record.layout.cls is None:
        return None
    found: FloatArray = record.rows(record.layout.cls)[-1].astype(np.float64)
    return found


def _heads_in_colors(scene: Scene) -> Drawn:
    def paint(model: ModelEntry, image: ImageEntry, record: AttentionRecord) -> Cell:
        heads = _cls_heads(record)
        if heads is None:
            return Absent("no CLS token")
        masks = layer_masks(heads, record.layout).heads
        maps = record.layout.fold(heads)
        strength = np.where([mask.mask for mask in masks], maps, 0.0)
        winner, top = strength.argmax(axis=0), strength.max(axis=0)
        pixels = np.zeros((*winner.shape, 4), dtype=np.uint8)
        colors = np.array(HEAD_COLORS, dtype=np.uint8)
        pixels[..., :3] = colors[winner % len(colors)]
        pixels[..., 3] = np.where(top > 0, 255, 0)
        del model
        return scene.pixels(image, record, pixels, overlay=TINT)

    most = max(scene.first_record(model).model.heads for model in scene.models)
    repeat = f" Colors repeat after {len(HEAD_COLORS)} heads." if most > len(HEAD_COLORS) else ""
    said = (
        f"A color for each head of the last layer: every patch has that of the head that attends "
        f"to it most from the class token, among the heads whose mask of {percent(KEPT_MASS)} "
        f"of the mass holds it.{repeat}"
    )
    named = range(min(most, len(HEAD_COLORS)))
    keys = tuple(
        LegendKey(
            f"head {', '.join(map(str, range(n + 1, most + 1, len(HEAD_COLORS))))}",
            tuple(c / 255 for c in HEAD_COLORS[n]),
        )
        for n in named
    )
    return _by_model(scene, paint, said, keys=keys)


def _mass_masks(scene: Scene) -> Drawn:
    def paint(model: ModelEntry, image: ImageEntry, record: AttentionRecord) -> Cell:
        heads = _cls_heads(record)
        if heads is None:
            return Absent("no CLS token")
        del model
        mask = layer_masks(heads, record.layout).mean.mask
        return scene.pixels(image, record, tint(mask, MASK), overlay=TINT)

    said = (
        f"Patches that hold {percent(KEPT_MASS)} of the class token's attention on patches, "
        "last layer, mean over heads."
    )
    return _by_model(scene, paint, said)


def _first_component(scene: Scene) -> Drawn:
    shares: list[float] = []
    tone = signed(LIMIT, "first principal component, standard deviations")

    def paint(model: ModelEntry, image: ImageEntry, record: AttentionRecord) -> Cell:
        if record.features is None:
            return Absent("no features kept")
        found = leading_component(record.features.last.astype(np.float64), record.layout)
        shares.append(found.explained)
        del model
        scores = found.scores / (found.scores.std() or 1.0)
        return scene.map(image, record, scores, tone)

    said = (
        "First principal component of the patches' features after the last block, before the final "
        "LayerNorm, fitted to each image and model alone, outliers included; its sign is chosen so "
        "that less of the border is positive. Colors of two maps do not compare."
    )
    drawn = _by_model(scene, paint, said, (tone,))
    explained = f" It explains {percent(min(shares))} to {percent(max(shares))} of the variance."
    return Drawn(drawn.figure, (*drawn.caption, explained), drawn.models)


def _vectors_said(names: Mapping[str, Sequence[str]]) -> str:
    """The vectors that objects were found from, by model if models differ."""
    if len(names) == 1:
        return f"Found in the {next(iter(names))} of the last layer."
    said = [f"{vectors} for {listed(labels)}" for vectors, labels in names.items()]
    return f"Found in the last layer's {', '.join(said)}." if said else ""


def _lost_row(scene: Scene) -> Drawn:
    """Rows of models; columns: LOST's steps, for one image."""
    image, models = scene.one_image(), scene.models
    rows, k = [], 0
    names: dict[str, list[str]] = {}
    degree = linear(0.0, 100.0, "inverse degree, % of largest", scene.colors)
    alike = signed(100.0, "similarity, % of largest")
    for model in models:
        record = scene.record(model, image)
        if record is None or record.features is None:
            reason = "not measured" if record is None else "no features kept"
            rows.append(SheetRow(model.label, (Absent(reason),) * 5))
            continue
        name, vectors = next(iter(record.features.objects.items()))
        found = lost(vectors, record.layout, record.view)
        photo = scene.photo(image, record.view)
        if isinstance(found, NotApplicable):
            rows.append(SheetRow(model.label, (photo, *(Absent(found.reason),) * 4)))
            continue
        k = found.k
        names.setdefault(name, []).append(model.label)
        seed = record.view.patch_box(record.layout, *found.seed)
        at = (frame_of(seed, record.view.box),)
        box = (frame_of(found.pixels, record.view.box),)
        rows.append(
            SheetRow(
                model.label,
                (
                    photo,
                    scene.map(image, record, _percent(found.inverse_degree), degree, at),
                    scene.map(image, record, _percent(found.similarity), alike, at),
                    scene.pixels(image, record, tint(found.expansion, MASK), at, overlay=TINT),
                    _boxed(photo, box),
                ),
            )
        )
    heads = ("input", "inverse degree", "similarity to the seed", "seed expansion", "box")
    said = (
        f"LOST on {image.title}, step by step: inverse degree of each patch, dot product with the "
        "seed, the patches that the seed expands to, and the box. The seed is outlined; of the "
        f"{k} patches with the lowest degree those like it join. Each map is in percent of its own "
        f"largest value. {_vectors_said(names)}"
    )
    caption: tuple[Piece, ...] = (
        said,
        images_said(scene, (image,)),
        *models_said(scene, models),
    )
    sheet = Sheet(tuple(rows), heads, tones=(degree, alike))
    return Drawn(draw(sheet, scene.width), caption, models, ("simeoni2021localizing",))


def _percent(values: FloatArray) -> FloatArray:
    """Values in percent of their largest magnitude."""
    found: FloatArray = 100 * values / (float(np.abs(values).max()) or 1.0)
    return found


def _boxed(photo: SheetPicture, frames: tuple[SheetBox, ...]) -> SheetPicture:
    return SheetPicture(aspect=photo.aspect, photo=photo.photo, frames=frames)


def _attention_and_norms(scene: Scene) -> Drawn:
    """Rows of models; columns: picture, attention and norms of each image."""
    models = scene.models
    # three pictures for each image: those of two images are too small in one column
    images = scene.some_images(2 if scene.width >= TWO_IMAGES else 1)
    records = {
        (model, image): record
        for model in models
        for image in images
        if (record := scene.record(model, image)) is not None
    }
    layers = {model: layer_of(scene, scene.first_record(model)) for model in models}
    norms = {
        key: record.layout.fold(record.norms[layers[key[0]]]) for key, record in records.items()
    }
    attention = scene.tone()
    size = linear(0.0, max(float(each.max()) for each in norms.values()), "patch norm")
    rows, maps = [], []
    for model in models:
        cells: list[Cell] = []
        for image in images:
            record = records.get((model, image))
            if record is None:
                cells += [Absent("not measured")] * 3
                continue
            heads = _cls_heads(record)
            values = None if heads is None else record.layout.fold(heads.mean(axis=0))
            if values is not None:
                maps.append(values)
            cells += [
                scene.photo(image, record.view),
                Absent("no CLS token")
                if values is None
                else scene.map(image, record, values, attention),
                scene.map(image, record, norms[model, image], size),
            ]
        rows.append(SheetRow(model.label, tuple(cells)))
    where = ", ".join(f"layer {layers[model]} of {model.label}" for model in models)
    said = (
        "Attention of the class token in the last layer, mean over heads, in times uniform, and "
        f"norms of the patches before the final LayerNorm ({where})."
    )
    sheet = Sheet(
        tuple(rows), ("input", "attention", "norms") * len(images), tones=(attention, size)
    )
    caption: tuple[Piece, ...] = (
        said,
        scale_said(attention, maps),
        f" {size.says}",
        drawing_said(scene),
        images_said(scene, images),
        *models_said(scene, models),
    )
    return Drawn(draw(sheet, scene.width), caption, models)


OBJECTS = (
    Preset(
        "registers-13",
        "The steps of LOST",
        "Darcet 2024, Fig. 13",
        ("darcet2024vision",),
        "no bias is tuned for each model, and the number of patches for the expansion is scaled to "
        "the grid",
        ("features",),
        _lost_row,
        takes=(
            "overlay",
            "colors",
        ),
        one=("images",),
    ),
    Preset(
        "registers-20",
        "First principal component of the features",
        "Darcet 2024, Fig. 20",
        ("darcet2024vision",),
        "features are those before the final LayerNorm, and the sign is chosen by a rule",
        ("features",),
        _first_component,
        takes=("overlay",),
    ),
    Preset(
        "dino-3",
        "What different heads attend to",
        "Caron 2021, Fig. 3",
        ("caron2021emerging",),
        "all heads are shown, with one rule for which of them colors a patch",
        ("cls",),
        _heads_in_colors,
        takes=("overlay",),
    ),
    Preset(
        "dino-4",
        "Masks that hold most of the attention",
        "Caron 2021, Fig. 4",
        ("caron2021emerging",),
        "the mean over heads, where the original takes each image's best head",
        ("cls",),
        _mass_masks,
        takes=("overlay",),
    ),
    Preset(
        "test-time-registers-5",
        "Attention and norms",
        "Jiang 2025, Fig. 5",
        ("jiang2025vision",),
        "the models of this gallery; registers added at test time only where a model has them",
        ("cls",),
        _attention_and_norms,
        takes=(
            "layers",
            "overlay",
            "form",
            "colors",
        ),
        one=("layers",),
    ),
)
"""Presets in the order of the list."""
