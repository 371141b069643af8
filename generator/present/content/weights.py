"""Pictures of a model's weights: position embeddings and patch filters."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generator.analysis.absent import NotApplicable
from generator.analysis.features.embeddings import (
    PatchFilters,
    PositionSimilarity,
    patch_filters,
    position_similarity,
)
from generator.errors import GalleryError, StoreError
from generator.present.drawing.heatmap import GAP, unit_wall_png
from generator.present.files.cache import Part, SiteCache
from generator.present.files.manifest import FileEntry, Kind
from generator.present.files.packed import PackedFiles
from generator.records.extras import ModelWeights
from generator.records.run import Failure, ModelEntry, Run
from generator.text.numbers import number

ReadWeights = Callable[[str], ModelWeights]

WEIGHTS_VERSION = 2
"""Cache version. Raise it when pictures or texts of unchanged weights change."""

MOST_TILES = 12
"""Most tiles across and down. On a finer grid every second, third, ... position has a tile."""

FILTERS_ACROSS = 7


@dataclass(frozen=True, slots=True)
class Tiles:
    """Size and description of a picture of tiles.

    Attributes:
        width: width of the picture in pixels: one for each value, and gaps between tiles.
        height: height of the picture in pixels.
        said: description of the picture, from the data.
    """

    width: int
    height: int
    said: str


@dataclass(frozen=True, slots=True)
class WeightFacts:
    """Descriptions of a model's weights, cached in the site so that a rebuild needs no weights."""

    position: Tiles | NotApplicable
    filters: Tiles | NotApplicable


FACTS = PackedFiles("weights", WeightFacts)


@dataclass(frozen=True, slots=True)
class WeightPictures:
    """Pictures of a model's weights.

    Attributes:
        position: picture of the position embeddings' similarity; None where not applicable.
        filters: picture of the patch filters; None where not applicable.
    """

    facts: WeightFacts
    numbers: FileEntry
    position: FileEntry | None
    filters: FileEntry | None

    @property
    def files(self) -> tuple[FileEntry, ...]:
        """All of them."""
        pictures = (self.position, self.filters)
        return (self.numbers, *(file for file in pictures if file is not None))


Weights = Mapping[str, WeightPictures | Failure]
"""Model -> pictures of its weights, or why there are none."""

NOT_KEPT = Failure(
    "Not measured: the store has nothing of this model's weights.",
    "Build again where the model can be loaded.",
)


def put_weights(run: Run, read: ReadWeights | None, cache: SiteCache) -> Weights:
    """Write the pictures of every model's weights to the site.

    Args:
        read: gives the weights of a key; called only for pictures that the previous site lacks.
    """
    return {model.slug: _of_model(model, read, cache) for model in run.models}


def _of_model(
    model: ModelEntry, read: ReadWeights | None, cache: SiteCache
) -> WeightPictures | Failure:
    parts: dict[str, Part] = {"weights": model.weights, "version": WEIGHTS_VERSION}
    if not model.weights or (read is None and cache.find("weights", parts) is None):
        return NOT_KEPT

    @functools.cache
    def weights() -> ModelWeights:
        if read is None:
            raise StoreError(NOT_KEPT.message, NOT_KEPT.hint)
        return read(model.weights)

    def draw(kind: Kind, made: dict[str, Part], make: Callable[[], bytes]) -> FileEntry:
        return cache.put(kind, f"m/{model.slug}/{kind}", made, make, suffix=".png")

    colors = cache.settings.colors
    try:
        numbers = FACTS.put(cache, f"m/{model.slug}/weights", parts, lambda: _facts(weights()))
        facts = FACTS.read(cache.root / numbers.path)
        position = filters = None
        if isinstance(facts.position, Tiles):
            colored: dict[str, Part] = {**parts, "colors": colors}
            position = draw("positions", colored, lambda: _position_png(weights(), colors))
        if isinstance(facts.filters, Tiles):
            filters = draw("filters", parts, lambda: _filters_png(weights()))
    except GalleryError as error:
        return Failure(error.message, error.hint)
    return WeightPictures(facts, numbers, position, filters)


def _facts(weights: ModelWeights) -> WeightFacts:
    similarity, filters = position_similarity(weights), patch_filters(weights)
    return WeightFacts(
        position=similarity
        if isinstance(similarity, NotApplicable)
        else _position_tiles(similarity.cosine),
        filters=filters if isinstance(filters, NotApplicable) else _filter_tiles(filters),
    )


def _shown(cosine: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """The tiles that are drawn, and the step between their positions."""
    rows, cols = cosine.shape[:2]
    step = -(-max(rows, cols) // MOST_TILES)
    start = (min(rows, cols) - 1) % step // 2
    return cosine[start::step, start::step], step


def _position_tiles(cosine: NDArray[np.float64]) -> Tiles:
    rows, cols = cosine.shape[:2]
    tiles, step = _shown(cosine)
    down, across = tiles.shape[:2]
    some = f" One tile for {step} × {step} places: {down} × {across} tiles." if step > 1 else ""
    return Tiles(
        width=across * (cols + GAP) - GAP,
        height=down * (rows + GAP) - GAP,
        said=f"Native grid of {rows} × {cols} places.{some} The lowest cosine is "
        f"{number(tiles.min())}.",
    )


def _position_png(weights: ModelWeights, colors: str) -> bytes:
    similarity = position_similarity(weights)
    assert isinstance(similarity, PositionSimilarity), "the facts say that there is one"
    return unit_wall_png((_shown(similarity.cosine)[0] + 1) / 2, colors)


def _across(filters: PatchFilters) -> tuple[int, int]:
    """Number of tiles down and across."""
    count = len(filters.display)
    return -(-count // FILTERS_ACROSS), min(count, FILTERS_ACROSS)


def _filter_tiles(filters: PatchFilters) -> Tiles:
    _, height, width, _ = filters.display.shape
    down, across = _across(filters)
    return Tiles(
        width=across * (width + GAP) - GAP,
        height=down * (height + GAP) - GAP,
        said=f"{filters.caption} Middle gray is zero; the ends of the scale are ± "
        f"{number(filters.scale)}.",
    )


def _filters_png(weights: ModelWeights) -> bytes:
    """Encode filters as colored tiles with transparent gaps."""
    filters = patch_filters(weights)
    assert isinstance(filters, PatchFilters), "the facts say that there are some"
    down, across = _across(filters)
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
