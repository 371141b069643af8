"""Pair page: images with maps, with registers as queries, and with found objects."""

from __future__ import annotations

from collections.abc import Iterator

from generator.analysis.absent import NotApplicable
from generator.analysis.cells.digest import CellDigest, FoundObject
from generator.analysis.compare.compared import LETTERS
from generator.analysis.features.objects import NO_FEATURES
from generator.present.cells.labels import query_label
from generator.present.cells.truth import CellTruth
from generator.present.pages.model_context import ModelContext
from generator.present.pages.pair.pair import PairContext
from generator.present.pages.pair.views import (
    BoxMark,
    CropPart,
    MapGrid,
    MapRow,
    ModelBoxes,
    ObjectRow,
)
from generator.present.pages.sections import Table, TableRow
from generator.present.pages.views import Picture
from generator.present.pages.wording import map_alt
from generator.records.record import View
from generator.records.run import Failure, ImageEntry
from generator.text.numbers import column, machine, percent
from generator.text.phrases import patches_text

OPEN = 3
"""Most images that are shown without being asked for."""


def map_grid(pair: PairContext) -> MapGrid:
    """Both models' last-layer maps on the images where they differ most."""
    compared = [pair.pair.comparisons.get(image.slug) for image in pair.shown]
    apart = column([each.between.divergence if each else None for each in compared])
    rows = tuple(
        # images of which both models saw no part in common have no number
        _row(pair, image, tuple(_maps(pair, image)), f"{bits} bits" if each else "")
        for image, each, bits in zip(pair.shown, compared, apart, strict=True)
    )
    columns = (f"{letter} {label}" for letter, label in zip(LETTERS, pair.labels, strict=True))
    return MapGrid(tuple(columns), rows[:OPEN], rows[OPEN:])


def maps_rule(pair: PairContext) -> str:
    """Which images are shown first, in words."""
    query = "CLS attention"
    if any(context.layout.cls is None for context in pair.models):
        query = "CLS attention (received attention for a model without CLS)"
    what = f"{query}, last layer, mean over heads, one scale."
    if pair.count <= OPEN:
        return what
    return f"{what} The {OPEN} of {pair.count} images whose maps differ most."


def _row(pair: PairContext, image: ImageEntry, maps: tuple[Picture, ...], note: str = "") -> MapRow:
    return MapRow(
        title=image.title,
        url=pair.planner.image_link(image),
        note=note,
        crops=tuple(_crops(pair, image)),
        maps=maps,
    )


def _crops(pair: PairContext, image: ImageEntry) -> Iterator[CropPart]:
    """The view that both models share, or the view of each model."""
    picture = pair.planner.picture(image, thumb=True)
    if picture is None:
        return
    views = [pair.content(context, image).facts.view for context in pair.models]
    same = views[0].box == views[1].box
    for letter, view in zip(LETTERS, views[:1] if same else views, strict=False):
        yield _part(picture, view, "" if same else letter)


def _part(picture: Picture, view: View, label: str = "") -> CropPart:
    wide, high = view.right - view.left, view.bottom - view.top
    return CropPart(
        label=label,
        picture=picture,
        width=view.image_width,
        height=view.image_height,
        view=f"{machine(view.left)} {machine(view.top)} {machine(wide)} {machine(high)}",
    )


def _maps(pair: PairContext, image: ImageEntry) -> Iterator[Picture]:
    for context in pair.models:
        cell = pair.content(context, image)
        file = pair.planner.contents.colored[context.model.slug, image.slug].map
        alt = map_alt(context.model.label, cell.header.last, cell)
        yield pair.planner.map_picture(file, cell, alt)


def register_grid(pair: PairContext) -> MapGrid | None:
    """Maps with each register as the query; None if neither model has registers."""
    columns = [
        (context, register) for context in pair.models for register in context.layout.registers
    ]
    if not columns:
        return None
    several = all(context.layout.registers for context in pair.models)
    names = tuple(
        f"{letter}, {query_label(register, True)}" if several else query_label(register, True)
        for context, letter in zip(pair.models, LETTERS, strict=True)
        for register in context.layout.registers
    )
    rows = tuple(
        _row(pair, image, tuple(maps))
        for image in pair.shown
        if (maps := list(_register_maps(pair, image, columns)))
    )
    return MapGrid(names, rows[:OPEN], rows[OPEN:])


def _register_maps(
    pair: PairContext, image: ImageEntry, columns: list[tuple[ModelContext, str]]
) -> Iterator[Picture]:
    for context, register in columns:
        file = pair.pair.registers.get((context.model.slug, image.slug, register))
        if file is not None:
            name = query_label(register, True)
            alt = f"{context.model.label}, {name} as the query, last layer, mean over heads."
            yield pair.planner.map_picture(file, pair.content(context, image), alt)


def registers_text(pair: PairContext) -> str:
    """Description of the maps, and models without registers."""
    without = [context.model.label for context in pair.models if not context.layout.registers]
    if len(without) == len(pair.models):
        return "Not applicable: neither model has registers."
    missing = f" {without[0]} has no registers." if without else ""
    return f"Attention of each register, last layer, mean over heads, same scale as above.{missing}"


def object_rows(pair: PairContext) -> tuple[ObjectRow, ...]:
    """Rows of the first images with found objects; empty if vectors were not kept."""
    rows = [
        ObjectRow(
            title=image.title,
            url=pair.planner.image_link(image),
            models=tuple(_found(pair, context, image) for context in pair.models),
        )
        for image in pair.shown[:OPEN]
    ]
    found = any(box.method != "truth" for row in rows for each in row.models for box in each.boxes)
    return tuple(rows) if found else ()


def _found(pair: PairContext, context: ModelContext, image: ImageEntry) -> ModelBoxes:
    digest, truth = _digest(pair, context, image)
    boxes = []
    if isinstance(truth, CellTruth):
        boxes += [_box("truth", box) for box in truth.boxes]
    for method, found in _methods(digest):
        if isinstance(found, FoundObject):
            boxes.append(_box(method.lower(), found.pixels))
    picture = pair.planner.picture(image, thumb=True)
    return ModelBoxes(
        label=context.model.label,
        crop=_part(picture, pair.content(context, image).facts.view) if picture else None,
        boxes=tuple(boxes),
    )


def _digest(
    pair: PairContext, context: ModelContext, image: ImageEntry
) -> tuple[CellDigest, CellTruth | Failure | None]:
    digest = pair.planner.contents.digests.of(context.model.slug, image.slug)
    assert digest is not None, "both models have the pair's images"
    return digest, pair.planner.contents.scored.truth.get((context.model.slug, image.slug))


def _methods(digest: CellDigest) -> tuple[tuple[str, FoundObject | NotApplicable], ...]:
    return ("LOST", digest.lost), ("TokenCut", digest.tokencut)


def boxes_table(pair: PairContext) -> Table | None:
    """The boxes of all shown images in words; None without any."""
    if not object_rows(pair):
        return None
    rows = []
    for image in pair.shown:
        for context in pair.models:
            digest, truth = _digest(pair, context, image)
            texts = (
                _words(found, context) + _overlap(method, found, truth)
                for method, found in _methods(digest)
            )
            rows.append(TableRow((image.title, context.model.label), "", tuple(texts)))
    return Table("Boxes in words", ("image", "model"), ("LOST", "TokenCut"), tuple(rows))


def _box(method: str, box: tuple[float, float, float, float]) -> BoxMark:
    left, top, right, bottom = box
    width, height = round(right - left, 1), round(bottom - top, 1)
    return BoxMark(method, round(left, 1), round(top, 1), width, height)


def _overlap(
    method: str, found: FoundObject | NotApplicable, truth: CellTruth | Failure | None
) -> str:
    """Text on a box's IoU with the marked boxes; empty without marked boxes."""
    if not isinstance(truth, CellTruth) or isinstance(found, NotApplicable):
        return ""
    for overlaps in truth.overlaps:
        iou = overlaps.lost if method == "LOST" else overlaps.tokencut
        if overlaps.vectors == found.vectors and not isinstance(iou, NotApplicable):
            return f", IoU {percent(iou)} with a marked box"
    return ""


def _words(found: FoundObject | NotApplicable, context: ModelContext) -> str:
    if isinstance(found, NotApplicable):
        return found.reason
    left, top, right, bottom = (round(value) for value in found.pixels)
    patches = patches_text(found.patches)
    if found.patches == context.layout.patches:
        patches = f"all {patches}: no object stands out"
    return f"{found.vectors}: {right - left} × {bottom - top} pixels, {patches}"


def _judged(pair: PairContext) -> str:
    """Sentence on how to judge the boxes."""
    truth = pair.planner.contents.scored.truth
    own = (truth.get((pair.one.model.slug, image.slug)) for image in pair.images)
    if any(isinstance(each, CellTruth) and each.boxed for each in own):
        return "Filled: boxes marked by people, cut to what the model saw."
    return "Judge by eye, or pass --boxes to score."


def objects_text(pair: PairContext) -> str:
    """Description of the boxes, or why there are none."""
    rows = object_rows(pair)
    if rows:
        return f"Boxes from last-layer vectors. Solid: LOST. Dashed: TokenCut. {_judged(pair)}"
    digests = [
        pair.planner.contents.digests.of(context.model.slug, image.slug)
        for context in pair.models
        for image in pair.shown
    ]
    reasons = dict.fromkeys(
        found.reason
        for digest in digests
        if digest is not None
        for found in (digest.lost, digest.tokencut)
        if isinstance(found, NotApplicable)
    )
    hint = " Build with --extras features to measure them." if NO_FEATURES.reason in reasons else ""
    return f"No objects: {'; '.join(reasons)}.{hint}"
