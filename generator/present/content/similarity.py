"""Similarity of the heads and layers of a model.

Heads are compared by their maps in the site. Hundreds of heads take up to a second an image, so the
mean is over a sample of images. For layers see :mod:`generator.present.content.layers_alike`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.analysis.attention.head_similarity import clustered_order, row_similarity
from generator.present.cells.chunks.chunk import read_chunk, read_header
from generator.present.cells.files import CellContent, has_chunks
from generator.present.content.layers_alike import (
    LAYERS,
    SIMILARITY_VERSION,
    LayerMatrix,
    PooledFeatures,
    PooledList,
    records_parts,
)
from generator.present.content.sampling import evenly
from generator.present.drawing.heatmap import unit_wall_png
from generator.present.drawing.quantize import Quantized, decode
from generator.present.files.cache import SiteCache
from generator.present.files.kept import KeptNumbers
from generator.present.files.manifest import FileEntry
from generator.present.files.packed import PackedFiles
from generator.records.record import AttentionRecord, FloatArray, ReadRecord
from generator.records.run import Cell, Failure, Run

Ahead = Callable[[Callable[..., object], Sequence[CellContent]], Iterator[CellContent]]
"""Yields cells in order, each when workers have called a function on it."""

MOST_HEAD_IMAGES = 24
"""Most images for comparing heads: hundreds of heads take a second an image."""

MOST_LAYER_IMAGES = 320
"""Most images for comparing layers: as many as CKA needs, with a margin for failures."""


@dataclass(frozen=True, slots=True)
class HeadsAlike:
    """Similarity of a model's heads.

    Attributes:
        similarity: float16 ``[layer x head, layer x head]``, layers outer: 1 - JSD, mean over
            images.
        order: the heads, with similar ones side by side.
    """

    similarity: FloatArray
    order: tuple[int, ...]
    layers: int
    heads: int
    images: int


HEADS = PackedFiles("head-similarity", HeadsAlike)


@dataclass(frozen=True, slots=True)
class HeadPictures:
    """Pictures of the similarity of heads, on a linear scale from 0 to 1.

    Attributes:
        by_layer: a tile for each pair of layers, a pixel for each pair of heads.
        clustered: one tile, in the order of ``alike``.
    """

    alike: HeadsAlike
    by_layer: FileEntry
    clustered: FileEntry


@dataclass(frozen=True, slots=True)
class LayerPictures:
    """Pictures of the similarity of layers.

    Attributes:
        images: slugs of the images, in order.
        numbers: file of :class:`LayersAlike`.
        matrices: CLS and patches, each plain and standardized.
    """

    images: tuple[str, ...]
    numbers: FileEntry
    matrices: tuple[LayerMatrix, ...]


@dataclass(frozen=True, slots=True)
class ModelSimilarity:
    """Similarity of the heads and layers of one model, or why there is none.

    Attributes:
        files: all files made for it.
    """

    heads: HeadPictures | NotApplicable
    layers: LayerPictures | NotApplicable
    files: tuple[FileEntry, ...]


Similarities = Mapping[str, ModelSimilarity]
"""Model -> similarity of its heads and layers."""


class SimilarityFiles:
    """Features of layers, for models whose files are not in the previous site.

    All models use the same images, so that they can be compared.
    """

    def __init__(self, run: Run, cache: SiteCache, read: ReadRecord) -> None:
        self._cache = cache
        self._read = read
        self._layers: dict[str, PooledList] = {}
        usable = [image.slug for image in run.images if image.failure is None]
        many = {usable[place] for place in evenly(len(usable), MOST_LAYER_IMAGES)}
        for model in run.models:
            cells = [cell for cell in run.cells if cell.model == model.slug and cell.record]
            spare = frozenset(
                cell.record
                for cell in cells
                if cell.image not in many and not has_chunks(cache, cell, model.id, mixed=run.mixed)
            )
            sample = [cell for cell in cells if cell.image in many]
            self._layers[model.slug] = PooledList(cache, sample, spare)

    def add(self, cell: Cell, read: ReadRecord) -> None:
        """Add a cell's record if it is needed and can be read."""
        self._layers[cell.model].add(cell, read)

    @property
    def records(self) -> frozenset[str]:
        """Keys of the records whose features are added or kept."""
        return frozenset().union(*(each.records for each in self._layers.values()))

    def publish(
        self,
        run: Run,
        cells: Mapping[tuple[str, str], CellContent | Failure],
        ahead: Ahead = lambda make, items: iter(items),
    ) -> Similarities:
        """Write numbers and pictures to the site, or return why there are none.

        Args:
            run: the run whose cells were added.
            cells: contents of these cells.
            ahead: yields items in order, each when workers have kept its numbers.
        """
        found = {}
        for slug, collected in self._layers.items():
            own = [cells.get((slug, image.slug)) for image in run.images]
            contents = [content for content in own if isinstance(content, CellContent)]
            heads, of_heads = self._put_heads(slug, contents, ahead)
            layers, of_layers = self._put_layers(slug, collected)
            found[slug] = ModelSimilarity(heads, layers, (*of_heads, *of_layers))
        return found

    def features(self, model: str) -> PooledFeatures | NotApplicable:
        """Features of a model, read from its records if none were added."""
        return self._layers[model].features(self._read)

    def _put_heads(
        self, slug: str, contents: list[CellContent], ahead: Ahead
    ) -> tuple[HeadPictures | NotApplicable, tuple[FileEntry, ...]]:
        if not contents:
            return NotApplicable("no image was measured"), ()
        if contents[0].received:
            return NotApplicable("no CLS token"), ()
        few = [contents[place] for place in evenly(len(contents), MOST_HEAD_IMAGES)]
        stem = f"m/{slug}/head-similarity"
        numbers = HEADS.put(
            self._cache,
            stem,
            records_parts({str(n): content.facts.record for n, content in enumerate(few)}),
            lambda: _heads_alike(self._cache, few, ahead),
        )
        alike = HEADS.read(self._cache.root / numbers.path)
        values = alike.similarity.astype(np.float32)
        shape = (alike.layers, alike.heads, alike.layers, alike.heads)
        tiles = values.reshape(shape).swapaxes(1, 2)
        clustered = values[np.ix_(alike.order, alike.order)][None, None]
        by_layer = draw(self._cache, f"{stem}-by-layer", numbers, tiles)
        drawn = draw(self._cache, f"{stem}-clustered", numbers, clustered)
        return HeadPictures(alike, by_layer, drawn), (numbers, by_layer, drawn)

    def _put_layers(
        self, slug: str, found: PooledList
    ) -> tuple[LayerPictures | NotApplicable, tuple[FileEntry, ...]]:
        found.gather(self._read)
        missing = found.missing()
        if missing is not None:
            return missing, ()
        stem = f"m/{slug}/layer-similarity"
        numbers = LAYERS.put(self._cache, stem, found.parts(), found.alike)
        found.release()
        alike = LAYERS.read(self._cache.root / numbers.path)
        if alike.lacks:
            return NotApplicable(alike.lacks), (numbers,)
        matrices = tuple(
            draw_matrix(self._cache, stem, numbers, matrix) for matrix in alike.matrices
        )
        drawn = (matrix.picture for matrix in matrices)
        files = (numbers, *(file for file in drawn if file is not None))
        return LayerPictures(alike.images, numbers, matrices), files


def head_maps(cache: SiteCache, content: CellContent) -> FloatArray:
    """CLS maps of all heads, from the chunks: ``[layer x head, row, col]``, times uniform."""
    codes = read_chunk(cache.root / content.chunks[0].path)[1]
    own = np.s_[: content.facts.model.layers, : content.header.heads]
    values = decode(Quantized(codes=codes.codes[own], maxima=codes.maxima[own]))
    return values.reshape(-1, *values.shape[2:])


@dataclass(frozen=True, slots=True)
class HeadsOfImage:
    """Similarity of a model's heads on one image.

    Attributes:
        similarity: float32 ``[layer x head, layer x head]``.
    """

    similarity: FloatArray


HEADS_OF_IMAGE = KeptNumbers("heads", HeadsOfImage, SIMILARITY_VERSION)


def keep_heads(cache: SiteCache, read: ReadRecord, content: CellContent) -> HeadsOfImage:
    """The similarity of the heads of a cell, from its chunk, kept beside the records."""
    return HEADS_OF_IMAGE.of(
        cache.kept,
        {"chunk": content.chunks[0].sha256},
        lambda: HeadsOfImage(row_similarity(_cls_rows(cache, content))),
    )


def _heads_alike(cache: SiteCache, contents: list[CellContent], ahead: Ahead) -> HeadsAlike:
    """Mean similarity over images, from their chunks."""
    model = contents[0].facts.model
    total = np.zeros((model.layers * contents[0].header.heads,) * 2)
    # without a folder for them, workers could not hand their numbers over
    for content in ahead(keep_heads, contents) if cache.kept else contents:
        total += keep_heads(cache, _no_record, content).similarity
    mean = np.asarray(total / len(contents), dtype=np.float16)
    order = clustered_order(mean.astype(np.float32))
    return HeadsAlike(mean, order, model.layers, model.heads, len(contents))


def _no_record(key: str) -> AttentionRecord:
    raise AssertionError(f"Heads are compared by chunks, not by record {key[:12]}.")


def _cls_rows(cache: SiteCache, content: CellContent) -> FloatArray:
    """Attention of CLS over all keys, as shares: ``[layer x head, key]``."""
    maps = head_maps(cache, content).reshape(content.facts.model.layers * content.header.heads, -1)
    mass = np.array(
        [
            row[: content.header.heads]
            for row in read_header(cache.root / content.chunks[0].path).mass[
                : content.facts.model.layers
            ]
        ],
        dtype=np.float32,
    ).reshape(len(maps), -1)
    # prefix tokens, then the rest for all patches together
    patches = maps / np.maximum(maps.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return np.concatenate([mass[:, :-1], patches * mass[:, -1:]], axis=1)


def draw_matrix(
    cache: SiteCache, stem: str, numbers: FileEntry, matrix: LayerMatrix
) -> LayerMatrix:
    """Draw a matrix into the site, if it has numbers."""
    if isinstance(matrix.similarity, NotApplicable):
        return matrix
    name = f"{stem}-{matrix.group.lower()}" + ("-standardized" if matrix.standardized else "")
    return replace(matrix, picture=draw(cache, name, numbers, matrix.similarity[None, None]))


def draw(cache: SiteCache, stem: str, numbers: FileEntry, tiles: FloatArray) -> FileEntry:
    """Draw similarities into the site as tiles ``[tile row, tile col, row, col]``."""
    colors = cache.settings.colors
    return cache.put(
        "similarity",
        stem,
        {
            "numbers": numbers.sha256,
            "version": SIMILARITY_VERSION,
            "picture": stem.rpartition("/")[2],
            "colors": colors,
        },
        lambda: unit_wall_png(tiles, colors),
        suffix=".png",
    )
