"""Linear CKA of layers over images, from pooled features of records.

CKA needs many images, and their features take 52 MB for a ViT-L. The site keeps only the matrices.
The features are read again from the records when a pair of models is new.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.analysis.stream.layer_similarity import LEAST_IMAGES, layer_similarity
from generator.errors import GalleryError
from generator.present.files.cache import Part, SiteCache
from generator.present.files.kept import KeptNumbers
from generator.present.files.manifest import FileEntry
from generator.present.files.packed import PackedFiles
from generator.records.record import FloatArray, ReadRecord
from generator.records.run import Cell

SIMILARITY_VERSION = 6
"""Cache version. Raise it when similarities of unchanged records change."""


@dataclass(frozen=True, slots=True)
class PooledFeatures:
    """Pooled features that CKA compares.

    Attributes:
        values: float32 ``[image, layer + 1, 2, channel]``: CLS (NaN for a model without) and the
            mean over patches.
        images: slugs of the images, in order.
    """

    values: FloatArray
    images: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LayerMatrix:
    """Linear CKA of all layers, and its picture.

    Attributes:
        group: ``CLS`` or ``patches``.
        standardized: whether every channel was scaled to standard deviation 1.
        similarity: float32 ``[layer + 1, layer + 1]``, or why there is none.
        picture: a pixel for each pair of layers, from 0 to 1; None without numbers.
    """

    group: str
    standardized: bool
    similarity: FloatArray | NotApplicable
    picture: FileEntry | None


@dataclass(frozen=True, slots=True)
class LayersAlike:
    """Similarity of layers, of a model with itself or of two models.

    Attributes:
        images: slugs of the images, in order; empty if the records lack features.
        lacks: what the records lack; empty for nothing.
        matrices: CLS and patches, each plain and standardized.
    """

    images: tuple[str, ...]
    lacks: str
    matrices: tuple[LayerMatrix, ...]


LAYERS = PackedFiles("layer-similarity", LayersAlike)


@dataclass(frozen=True, slots=True)
class Pooled:
    """Pooled features of one record.

    Attributes:
        values: float32 ``[layer + 1, 2, channel]``; None where features were not measured.
    """

    values: FloatArray | None


POOLED = KeptNumbers("pooled", Pooled, 1)


def keep_pooled(cache: SiteCache, cell: Cell, read: ReadRecord) -> None:
    """Keep the pooled features of one record beside it, if the cache keeps anything.

    Args:
        read: gives the record; called only if they are not kept yet.

    Raises:
        GalleryError: whatever ``read`` raises for a record that is missing or damaged.
    """
    if cache.kept is not None:
        POOLED.ensure(cache.kept, {"record": cell.record}, lambda: _pooled(cell, read))


def _pooled(cell: Cell, read: ReadRecord) -> Pooled:
    features = read(cell.record).features
    return Pooled(features.pooled if features is not None else None)


class PooledList:
    """Features of all layers, gathered image by image unless the previous site has the result.

    Features of many models do not fit into memory: those that are kept beside the records are read
    when they are needed.

    Args:
        cells: a sample of the model's cells.
        spare: keys of other records that are read anyway. Their features are kept as well, since
            one more image makes another sample.

    Attributes:
        records: keys of the records whose features are added or kept.
        lacks: what the records lack; empty for nothing.
    """

    def __init__(self, cache: SiteCache, cells: list[Cell], spare: frozenset[str]) -> None:
        self._cache = cache
        self._cells = cells
        self._images = {cell.image: cell.record for cell in cells}
        self._added: list[Cell] = []
        self._taken: dict[str, str] = {}
        self._values: list[FloatArray] = []
        self.lacks = ""
        self._reason = too_few(len(cells))
        self._known = self._reason is None and bool(
            cache.find("layer-similarity", records_parts(self._images))
        )
        wanted = not self._known and self._reason is None
        self.records = spare | frozenset(self._images.values()) if wanted else frozenset()

    def add(self, cell: Cell, read: ReadRecord) -> None:
        """Add the features of a cell's record if they are needed."""
        if cell.record not in self.records or self._reason is not None:
            return
        sampled = cell.image in self._images
        try:
            keep_pooled(self._cache, cell, read)
        except GalleryError as error:
            if sampled:
                self._reason = NotApplicable(str(error))
            return
        if sampled:
            self._added.append(cell)
            if self._cache.kept is None:
                self._take(cell, read)

    def gather(self, read: ReadRecord) -> None:
        """Read the features of all cells that were added, unless they are here."""
        if not self._values:
            for cell in self._added:
                self._take(cell, read)

    def release(self) -> None:
        """Give the memory back, if the features can be read again."""
        if self._cache.kept is not None:
            self._values.clear()

    def _take(self, cell: Cell, read: ReadRecord) -> None:
        if self.lacks or self._reason is not None:
            return
        try:
            parts = {"record": cell.record}
            pooled = POOLED.of(self._cache.kept, parts, lambda: _pooled(cell, read)).values
        except GalleryError as error:
            self._reason = NotApplicable(str(error))
            return
        if pooled is None:
            self.lacks = "features were not measured"
            return
        self._taken[cell.image] = cell.record
        self._values.append(pooled)

    def parts(self) -> dict[str, Part]:
        """Inputs of the file."""
        return records_parts(self._images if self._known or self.lacks else self._taken)

    def missing(self) -> NotApplicable | None:
        """Why there is no file, after all cells were gathered."""
        if self._known or self.lacks or self._reason is not None:
            return self._reason
        # records that could not be read are missing only now
        return too_few(len(self._taken))

    def alike(self) -> LayersAlike:
        """Similarity of the layers, or what the records lack."""
        if self.lacks:
            return LayersAlike((), self.lacks, ())
        return LayersAlike(tuple(self._taken), "", layer_matrices(np.stack(self._values)))

    def features(self, read: ReadRecord) -> PooledFeatures | NotApplicable:
        """Features of all images, read from the records if :meth:`add` skipped them."""
        if self._known and not self._added:
            self._added = self._cells
        self.gather(read)
        if self.lacks:
            return NotApplicable(self.lacks)
        if self._reason is not None:
            return self._reason
        return PooledFeatures(np.stack(self._values), tuple(self._taken))


def too_few(images: int) -> NotApplicable | None:
    """Why so few images give no CKA; None for enough images."""
    if images >= LEAST_IMAGES:
        return None
    return NotApplicable(
        f"similarity of layers needs at least {LEAST_IMAGES} images; this run has {images}"
    )


def layer_matrices(one: FloatArray, two: FloatArray | None = None) -> tuple[LayerMatrix, ...]:
    """CKA of two models, or of one with itself, over the same images; without pictures."""
    return tuple(
        LayerMatrix(
            group=group,
            standardized=standardize,
            similarity=layer_similarity(
                one[:, :, n], None if two is None else two[:, :, n], standardize=standardize
            ),
            picture=None,
        )
        for n, group in enumerate(("CLS", "patches"))
        for standardize in (False, True)
    )


def records_parts(images: Mapping[str, str]) -> dict[str, Part]:
    """Inputs of the similarities of some records, by image."""
    return {
        "records": ",".join(f"{image}:{record}" for image, record in images.items()),
        "version": SIMILARITY_VERSION,
    }
