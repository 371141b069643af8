"""Pair page: rows of images with maps, registers as queries, and found objects."""

from __future__ import annotations

from collections.abc import Iterator

from generator.analysis.absent import NotApplicable
from generator.analysis.cells.digest import FoundObject
from generator.analysis.features.objects import NO_FEATURES
from generator.present.cells.files import CellContent
from generator.present.cells.labels import query_label
from generator.present.cells.truth import CellTruth
from generator.present.content.pairs import SHOWN
from generator.present.pages.model_context import ModelContext
from generator.present.pages.pair.pair import PairContext
from generator.present.pages.pair.views import (
    BoxMark,
    FoundObjectsRow,
    ObjectRow,
    PairImage,
    PairMap,
    SeenPart,
)
from generator.present.pages.views import Picture
from generator.present.pages.wording import map_alt
from generator.records.run import Failure, ImageEntry
from generator.text.numbers import machine, percent


def map_rows(pair: PairContext) -> tuple[PairImage, ...]:
    """Rows of the first images with both models' last-layer maps."""
    return tuple(_image(pair, image, tuple(_maps(pair, image))) for image in pair.images[:SHOWN])


def _image(pair: PairContext, image: ImageEntry, maps: tuple[PairMap, ...]) -> PairImage:
    return PairImage(
        title=image.title,
        url=pair.planner.image_link(image),
        seen=tuple(_seen(pair, image)),
        maps=maps,
    )


def _seen(pair: PairContext, image: ImageEntry) -> Iterator[SeenPart]:
    """The view that both models share, or the view of each model."""
    picture = pair.planner.picture(image, thumb=True)
    if picture is None:
        return
    views = [pair.content(context, image).facts.view for context in pair.models]
    same = views[0].box == views[1].box
    for label, view in zip(pair.labels, views[:1] if same else views, strict=False):
        wide, high = view.right - view.left, view.bottom - view.top
        yield SeenPart(
            label="" if same else f"seen by {label}",
            picture=picture,
            width=view.image_width,
            height=view.image_height,
            view=f"{machine(view.left)} {machine(view.top)} {machine(wide)} {machine(high)}",
        )


def _maps(pair: PairContext, image: ImageEntry) -> Iterator[PairMap]:
    for context in pair.models:
        cell = pair.content(context, image)
        file = pair.planner.contents.colored[context.model.slug, image.slug].map
        alt = map_alt(context.model.label, cell.last, cell)
        yield PairMap(context.model.label, pair.planner.map_picture(file, cell, alt))


def register_rows(pair: PairContext) -> tuple[PairImage, ...]:
    """Rows of the first images with maps of CLS and each register as queries."""
    rows = []
    for image in pair.images[:SHOWN]:
        maps = [each for context in pair.models for each in _register_maps(pair, context, image)]
        if maps:
            rows.append(_image(pair, image, tuple(maps)))
    return tuple(rows)


def _register_maps(
    pair: PairContext, context: ModelContext, image: ImageEntry
) -> Iterator[PairMap]:
    several = all(each.layout.registers for each in pair.models)
    for register in context.layout.registers:
        file = pair.pair.registers.get((context.model.slug, image.slug, register))
        if file is not None:
            name = query_label(register, True)
            label = f"{context.model.label}, {name}" if several else name
            alt = f"{context.model.label}, {name} as the query, last layer, mean over heads."
            cell: CellContent = pair.content(context, image)
            yield PairMap(label, pair.planner.map_picture(file, cell, alt))


def registers_text(pair: PairContext) -> str:
    """Description of the maps, and models without registers."""
    without = [context.model.label for context in pair.models if not context.layout.registers]
    if len(without) == len(pair.models):
        return "Not applicable: neither model has registers."
    missing = f" {without[0]} has no registers." if without else ""
    return (
        "What each register attends to as the query: last layer, mean over heads, on the scale of "
        f"the maps above. Registers are unequal, so they are not averaged.{missing}"
    )


def object_rows(pair: PairContext) -> tuple[ObjectRow, ...]:
    """Rows of the first images with found objects; empty if vectors were not kept."""
    rows = [
        ObjectRow(
            title=image.title,
            url=pair.planner.image_link(image),
            models=tuple(_found(pair, context, image) for context in pair.models),
        )
        for image in pair.images[:SHOWN]
    ]
    found = any(box.method != "truth" for row in rows for each in row.models for box in each.boxes)
    return tuple(rows) if found else ()


def _found(pair: PairContext, context: ModelContext, image: ImageEntry) -> FoundObjectsRow:
    digest = pair.planner.contents.digests.of(context.model.slug, image.slug)
    assert digest is not None, "both models have the pair's images"
    truth = pair.planner.contents.scored.truth.get((context.model.slug, image.slug))
    boxes, text = [], []
    if isinstance(truth, CellTruth):
        boxes += [_box("truth", box) for box in truth.boxes]
    for method, found in (("LOST", digest.lost), ("TokenCut", digest.tokencut)):
        text.append(_words(method, found, context) + _overlap(method, found, truth))
        if isinstance(found, FoundObject):
            boxes.append(_box(method.lower(), found.pixels))
    thumb = pair.planner.picture(image, thumb=True)
    return FoundObjectsRow(
        label=context.model.label,
        picture=thumb and Picture(thumb.url, thumb.width, thumb.height, ""),
        width=image.width,
        height=image.height,
        boxes=tuple(boxes),
        text=tuple(text),
    )


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


def _words(method: str, found: FoundObject | NotApplicable, context: ModelContext) -> str:
    if isinstance(found, NotApplicable):
        return f"{method}: {found.reason}"
    left, top, right, bottom = (round(value) for value in found.pixels)
    patches = "1 patch" if found.patches == 1 else f"{found.patches} patches"
    if found.patches == context.layout.patches:
        patches = f"all {found.patches} patches, so no object stands out"
    return f"{method} in {found.vectors}: {right - left} × {bottom - top} pixels, {patches}"


def _judged(pair: PairContext) -> str:
    """Sentence on how to judge the boxes."""
    truth = pair.planner.contents.scored.truth
    own = (truth.get((pair.one.model.slug, image.slug)) for image in pair.images)
    if any(isinstance(each, CellTruth) and each.boxed for each in own):
        return "Filled boxes are what people have marked, cut to what the model saw."
    return "Whether a box holds an object is for the eye to say, or for boxes given with --boxes."


def objects_text(pair: PairContext) -> str:
    """Description of the boxes, or why there are none."""
    rows = object_rows(pair)
    if rows:
        return (
            "Boxes found without labels from the vectors of the last layer: LOST (solid line) "
            "grows from the patch that is like the fewest others, TokenCut (dashed line) cuts the "
            f"patches in two. {_judged(pair)}"
        )
    digests = [
        pair.planner.contents.digests.of(context.model.slug, image.slug)
        for context in pair.models
        for image in pair.images[:SHOWN]
    ]
    reasons = dict.fromkeys(
        found.reason
        for digest in digests
        if digest is not None
        for found in (digest.lost, digest.tokencut)
        if isinstance(found, NotApplicable)
    )
    hint = " Build with --extras features to measure them." if NO_FEATURES.reason in reasons else ""
    return f"No objects were looked for: {'; '.join(reasons)}.{hint}"
