"""Caption texts: models, maps, scale and preprocessing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from generator.export.figures.layout.tones import Tone
from generator.export.figures.scale_words import cut_said
from generator.export.figures.scene import PLACE, Scene
from generator.export.pictures.selection import MAX, MIN
from generator.present.bibliography import cited, named
from generator.present.cells.chunks.patches import PATCH
from generator.present.cells.labels import column_name, query_label, row_name
from generator.present.pages.register_text import moved_text
from generator.records.record import FloatArray
from generator.records.run import ImageEntry, ModelEntry
from generator.text.latex import Cite, Piece
from generator.text.numbers import percent
from generator.text.phrases import listed

UNIT = "in times uniform (attention times the number of keys)"


def query_said(query: str, *, any_cls: bool = True) -> str:
    """A query in words: ``class token``, ``patch 3, 5``, ``patch at x 120, y 80``."""
    if re.fullmatch(PLACE, query):
        return "patch at x {}, y {}".format(*query.split("-")[1:])
    if query.startswith(PATCH):
        row, col = query.split("-")[1:]
        return f"patch {row}, {col}"
    return query_label(query, any_cls)


def head_said(head: str) -> str:
    """A head in words: ``head 3``, ``mean over heads``, ``max over heads``."""
    return f"{head} over heads" if head in (MAX, MIN) else column_name(head)


def models_said(scene: Scene, models: Sequence[ModelEntry]) -> tuple[Piece, ...]:
    """Each model with its id, commit, grid and dtype, and its citations."""
    pieces: list[Piece] = [" Models: " if len(models) > 1 else " Model: "]
    for number, model in enumerate(models):
        record = scene.first_record(model)
        facts, layout = record.model, record.layout
        if number:
            pieces.append("; ")
        pieces += named(model.label, facts)
        moved = f", {moved_text(model.register)}" if model.register else ""
        pieces.append(
            f" ({layout.rows}×{layout.cols} patches of {facts.patch_height}×{facts.patch_width} "
            f"pixels, {record.environment.dtype}{moved})"
        )
        pieces += [Cite(key) for key in cited(facts, model.register is not None)]
    return (*pieces, ".")


def maps_said(scene: Scene, model: ModelEntry, layers: str, heads: str, queries: str) -> str:
    """Query, layer and head, if they are the same for all maps."""
    layout = scene.first_record(model).layout
    any_cls = layout.cls is not None
    whose = listed(query_said(q, any_cls=any_cls) for q in queries.split(","))
    where = "the last layer" if layers == "last" else listed(map(row_name, layers.split(",")))
    fused = listed(map(head_said, heads.split(",")))
    return f"Attention of the {whose} in {where}, {fused}, {UNIT}."


def scale_said(tone: Tone, maps: Sequence[FloatArray]) -> str:
    """The scale and its clipping."""
    return f" {tone.says}{cut_said([(tone, values) for values in maps])}"


def drawing_said(scene: Scene, overlay: int | None = None) -> str:
    """The drawing of maps in words; ``overlay`` is the figure's default."""
    strength = scene.request.overlay if scene.request.overlay is not None else overlay
    keep = scene.request.keep
    part = (
        f" Only the strongest patches that hold {percent(keep / 100)} of each map's mass have "
        "colors."
        if keep < 100
        else ""
    )
    if strength is not None:
        return f" One square a patch, at {percent(strength / 100)} over the picture in gray.{part}"
    return f" One square a patch, not interpolated.{part}"


def images_said(scene: Scene, images: Sequence[ImageEntry]) -> str:
    """Credits of the pictures, and the preprocessing of the models."""
    makers = dict.fromkeys(
        ", ".join(part for part in (image.credit, image.license) if part)
        for image in images
        if image.credit or image.license
    )
    view = {
        "square": "The models see the centered square",
        "whole": "The models see the whole picture",
        "checkpoint": "The models see what their own preprocessing leaves",
    }[scene.source.run.field_of_view]
    text = f" {view}."
    return text + (f" Pictures: {'; '.join(makers)}." if makers else "")
