"""Similarity of the heads and layers of two models.

Heads are compared by the maps in the site, layers by features of the records.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.analysis.attention.head_similarity import held_out_match, map_similarity
from generator.analysis.grids import PlacedMap
from generator.present.cells.files import CellContent
from generator.present.content.layers_alike import (
    LAYERS,
    SIMILARITY_VERSION,
    LayerMatrix,
    LayersAlike,
    PooledFeatures,
    layer_matrices,
    too_few,
)
from generator.present.content.sampling import evenly
from generator.present.content.similarity import (
    MOST_HEAD_IMAGES,
    LayerPictures,
    ModelSimilarity,
    draw_matrix,
    head_maps,
)
from generator.present.files.cache import SiteCache
from generator.present.files.manifest import FileEntry
from generator.present.files.packed import PackedFiles
from generator.records.record import FloatArray


@dataclass(frozen=True, slots=True)
class PairHeads:
    """Similarity of the heads of two models.

    Attributes:
        similarity: float16 ``[layer x head of one, layer x head of two]``, layers outer: 1 - JSD of
            CLS maps on the common grid, mean over images.
        heads: heads in a layer, of both models.
        held_out: mean similarity of matched heads on held-out images: matched on every second
            image, measured on the others, and vice versa; None for a single image. On its own
            images a matching is biased upward.
    """

    similarity: FloatArray
    heads: tuple[int, int]
    images: int
    held_out: float | None


HEADS = PackedFiles("pair-similarity", PairHeads)
HEADS_VERSION = 3
"""Cache version. Raise it when the comparison of heads or its file changes."""


@dataclass(frozen=True, slots=True)
class PairSimilarity:
    """Heads and layers of two models.

    Attributes:
        heads: similarity of heads, or why there is none.
        matrices: CKA of the layers of the first model (down) and the second (across), or why not.
        layer_images: number of images that CKA is over; 0 without.
        files: all files made for it.
    """

    heads: PairHeads | NotApplicable
    matrices: tuple[LayerMatrix, ...] | NotApplicable
    layer_images: int
    files: tuple[FileEntry, ...]


def put_pair_similarity(
    cache: SiteCache,
    stem: str,
    cells: Sequence[tuple[CellContent, CellContent]],
    similarity: tuple[ModelSimilarity, ModelSimilarity],
    features: Callable[[], tuple[PooledFeatures | NotApplicable, ...]],
) -> PairSimilarity:
    """Write the similarities of two models to the site.

    Args:
        cache: files of the site; it has the chunks of both models already.
        stem: path stem of the files, such as ``r/one--two``.
        cells: contents of the images that both models have, in order.
        similarity: model -> similarity within it, written before.
        features: gives the features of both models; called only for layers that were not compared
            before.
    """
    few = [cells[place] for place in evenly(len(cells), MOST_HEAD_IMAGES)]
    heads, numbers = _put_heads(cache, stem, few)
    matrices, count, drawn = _put_layers(cache, stem, *similarity, features)
    return PairSimilarity(heads, matrices, count, (*numbers, *drawn))


def _put_heads(
    cache: SiteCache, stem: str, pairs: list[tuple[CellContent, CellContent]]
) -> tuple[PairHeads | NotApplicable, tuple[FileEntry, ...]]:
    if not pairs:
        return NotApplicable("no image was measured with both models"), ()
    if pairs[0][0].received or pairs[0][1].received:
        return NotApplicable("one of the models has no CLS token"), ()
    records = ",".join(f"{one.facts.record}+{two.facts.record}" for one, two in pairs)
    file = HEADS.put(
        cache,
        f"{stem}/heads",
        {"records": records, "version": HEADS_VERSION},
        lambda: _mean_similarity(cache, pairs),
    )
    found = HEADS.read(cache.root / file.path)
    if not found.images:
        return NotApplicable("the models see no common part of the pictures"), (file,)
    return found, (file,)


def _mean_similarity(cache: SiteCache, pairs: list[tuple[CellContent, CellContent]]) -> PairHeads:
    """Mean over the images where the views of both models overlap."""
    one, two = (content.facts.model for content in pairs[0])
    heads = (one.heads, two.heads)
    halves = np.zeros((2, one.layers * one.heads, two.layers * two.heads))
    images = 0
    for pair in pairs:
        found = map_similarity(*(_head_maps(cache, content) for content in pair))
        if not isinstance(found, NotApplicable):
            halves[images % 2] += found
            images += 1
    mean = (halves.sum(axis=0) / max(images, 1)).astype(np.float16)
    held_out = None
    if images > 1:
        even, odd = halves[0] / ((images + 1) // 2), halves[1] / (images // 2)
        held_out = (held_out_match(even, odd, heads) + held_out_match(odd, even, heads)) / 2
    return PairHeads(mean, heads, images, held_out)


def _head_maps(cache: SiteCache, content: CellContent) -> list[PlacedMap]:
    """CLS maps of all heads, layers outer."""
    return [PlacedMap(each, content.facts.view) for each in head_maps(cache, content)]


def _put_layers(
    cache: SiteCache,
    stem: str,
    one: ModelSimilarity,
    two: ModelSimilarity,
    features: Callable[[], tuple[PooledFeatures | NotApplicable, ...]],
) -> tuple[tuple[LayerMatrix, ...] | NotApplicable, int, tuple[FileEntry, ...]]:
    for layers in (one.layers, two.layers):
        if isinstance(layers, NotApplicable):
            return layers, 0, ()
    assert isinstance(one.layers, LayerPictures) and isinstance(two.layers, LayerPictures)
    common = tuple(image for image in one.layers.images if image in set(two.layers.images))
    few = too_few(len(common))
    if few is not None:
        return few, 0, ()
    numbers = LAYERS.put(
        cache,
        f"{stem}/layer-similarity",
        {
            "one": one.layers.numbers.made_of,
            "two": two.layers.numbers.made_of,
            "version": SIMILARITY_VERSION,
        },
        lambda: _layers_alike(features(), common),
    )
    alike = LAYERS.read(cache.root / numbers.path)
    if alike.lacks:
        return NotApplicable(alike.lacks), 0, (numbers,)
    drawn = tuple(
        draw_matrix(cache, f"{stem}/layer-similarity", numbers, matrix) for matrix in alike.matrices
    )
    files = (matrix.picture for matrix in drawn)
    return drawn, len(common), (numbers, *(file for file in files if file is not None))


def _layers_alike(
    both: tuple[PooledFeatures | NotApplicable, ...], common: tuple[str, ...]
) -> LayersAlike:
    values = []
    for pooled in both:
        if isinstance(pooled, NotApplicable):
            return LayersAlike((), pooled.reason, ())
        values.append(_on_images(pooled, set(common)))
    return LayersAlike(common, "", layer_matrices(*values))


def _on_images(pooled: PooledFeatures, images: set[str]) -> FloatArray:
    """Features of these images, in the order of the run."""
    own: FloatArray = pooled.values[[image in images for image in pooled.images]]
    return own
