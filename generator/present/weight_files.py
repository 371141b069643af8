"""Pictures of what a model's weights show without an image."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from generator.analysis.absent import NotApplicable
from generator.analysis.embeddings import (
    PatchFilters,
    PositionSimilarity,
    patch_filters,
    position_similarity,
)
from generator.errors import GalleryError
from generator.extras import ModelWeights
from generator.present.heatmap import GAP, unit_wall_png
from generator.present.manifest import FileEntry
from generator.present.shelf import Part, Shelf
from generator.run import Failure, ModelEntry, Run

ReadWeights = Callable[[str], ModelWeights]

MOST_TILES = 12
"""Tiles of the mosaic across and down; of a finer grid every second, third, ... place has one."""

FILTERS_ACROSS = 7


@dataclass(frozen=True, slots=True)
class TilePicture:
    """A picture of tiles.

    Attributes:
        file: one pixel for each value, and a gap between tiles.
        width: of the file in pixels.
        height: of the file in pixels.
        said: what it shows, from the data.
    """

    file: FileEntry
    width: int
    height: int
    said: str


Drawn = TilePicture | NotApplicable


@dataclass(frozen=True, slots=True)
class WeightPictures:
    """What a model's weights show; why not, where there is nothing to be seen."""

    position: Drawn
    filters: Drawn


Weights = Mapping[str, WeightPictures | Failure]
"""By model; a failure where nothing is known of its weights."""

NOT_KEPT = Failure(
    "Not measured: the store has nothing of this model's weights.",
    "Build again where the model can be loaded.",
)


def publish_weights(run: Run, read: ReadWeights | None, shelf: Shelf) -> Weights:
    """Put the pictures of every model's weights into the site.

    Args:
        run: names the weights.
        read: gives the weights of a key.
        shelf: where pictures go.
    """
    return {model.slug: _of_model(model, read, shelf) for model in run.models}


def _of_model(
    model: ModelEntry, read: ReadWeights | None, shelf: Shelf
) -> WeightPictures | Failure:
    if read is None or not model.weights:
        return NOT_KEPT
    try:
        weights = read(model.weights)
    except GalleryError as error:
        return Failure(error.message, error.hint)
    similarity, filters = position_similarity(weights), patch_filters(weights)
    return WeightPictures(
        position=similarity
        if isinstance(similarity, NotApplicable)
        else _position(model, similarity, shelf),
        filters=filters if isinstance(filters, NotApplicable) else _filters(model, filters, shelf),
    )


def _position(model: ModelEntry, similarity: PositionSimilarity, shelf: Shelf) -> TilePicture:
    rows, cols = similarity.cosine.shape[:2]
    step = -(-max(rows, cols) // MOST_TILES)
    start = (min(rows, cols) - 1) % step // 2
    tiles = similarity.cosine[start::step, start::step]
    colours = shelf.settings.colours
    file = shelf.put(
        "positions",
        f"m/{model.slug}/positions",
        {"weights": model.weights, "colours": colours, "step": step},
        lambda: unit_wall_png((tiles + 1) / 2, colours),
        suffix=".png",
    )
    down, across = tiles.shape[:2]
    every = (
        f" One place in {step} each way has a tile, {down} × {across} in all." if step > 1 else ""
    )
    return TilePicture(
        file,
        width=across * (cols + GAP) - GAP,
        height=down * (rows + GAP) - GAP,
        said=f"Native grid of {rows} × {cols} places.{every} The lowest cosine is "
        f"{tiles.min():.2f}.",
    )


def _filters(model: ModelEntry, filters: PatchFilters, shelf: Shelf) -> TilePicture:
    count, height, width, _ = filters.display.shape
    down = -(-count // FILTERS_ACROSS)
    across = min(count, FILTERS_ACROSS)
    parts: dict[str, Part] = {"weights": model.weights}
    file = shelf.put(
        "filters",
        f"m/{model.slug}/filters",
        parts,
        lambda: _filter_png(filters, down, across),
        suffix=".png",
    )
    return TilePicture(
        file,
        width=across * (width + GAP) - GAP,
        height=down * (height + GAP) - GAP,
        said=f"{filters.caption} Middle grey is zero; the ends of the scale are ± "
        f"{filters.scale:.3g}.",
    )


def _filter_png(filters: PatchFilters, down: int, across: int) -> bytes:
    """Filters side by side in colour, the gaps transparent."""
    count, height, width, _ = filters.display.shape
    canvas = np.zeros((down * (height + GAP), across * (width + GAP), 4), dtype=np.uint8)
    for n in range(count):
        row, col = divmod(n, across)
        top, left = row * (height + GAP), col * (width + GAP)
        tile = canvas[top : top + height, left : left + width]
        tile[..., :3] = np.rint(255 * filters.display[n])
        tile[..., 3] = 255
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(canvas[:-GAP, :-GAP])).save(file, format="PNG")
    return file.getvalue()
