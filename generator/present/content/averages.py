"""Averages over images by patch position, for each model.

The sums need every record of a model, so they cannot be made again from the site alone. The file of
the previous site is reused while the images are the same. If images were added after the others,
their records are added to the sums of the previous build.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.analysis.attention.averages import LEAST_IMAGES, LocationAverages, LocationSums
from generator.errors import GalleryError
from generator.present.drawing.heatmap import unit_wall_png, wall_png
from generator.present.drawing.scale import Scale
from generator.present.files.cache import Part, SiteCache
from generator.present.files.kept import KeptNumbers, SiteNotes
from generator.present.files.manifest import FileEntry
from generator.present.files.packed import PackedFiles
from generator.present.files.program import program_hash
from generator.records.record import ReadRecord
from generator.records.run import Cell, Run

AVERAGES_VERSION = 1
"""Cache version. Raise it when averages of unchanged records change."""

AVERAGES = PackedFiles("averages", LocationAverages)


@dataclass(frozen=True, slots=True)
class LocationPictures:
    """Averages of one model, and their pictures.

    Attributes:
        maps: attention by query (down) and layer (across), on the gallery's scale.
        rates: share of the images in which each place is an outlier, on a scale from 0 to
            ``highest_rate``.
        highest_rate: the largest over all models, rounded up.
        queries: names of the rows of ``maps``; the last row is received attention.
        layers: columns of ``maps``.
        grid: rows and columns of each map.
    """

    numbers: FileEntry
    maps: FileEntry
    rates: FileEntry
    highest_rate: float
    images: int
    queries: tuple[str, ...]
    layers: int
    grid: tuple[int, int]


Averages = Mapping[str, LocationPictures | NotApplicable]
"""Model -> averages, or why there are none: too few images, or images on different grids."""


SUMS = KeptNumbers("sums", LocationSums, AVERAGES_VERSION)


def keep_sums(cache: SiteCache, cell: Cell, model: str, read: ReadRecord) -> LocationSums:
    """The sums of one record, kept beside it.

    Args:
        model: id of the model in the gallery, which the record has too.
        read: gives the record; called only if the sums are not kept yet.

    Raises:
        GalleryError: whatever ``read`` raises for a record that is missing or damaged.
    """
    parts = {"record": cell.record, "model": model}
    return SUMS.of(cache.kept, parts, lambda: LocationSums.of(read(cell.record)))


@dataclass(frozen=True, slots=True)
class SumsSoFar:
    """Sums over the images of a model, which further images are added to.

    Attributes:
        program: hash of the program.
        records: keys of the records that are in the sums, in the order of adding: another order
            would round differently.
    """

    program: str
    records: tuple[str, ...]
    sums: LocationSums


SO_FAR = SiteNotes("sums-so-far", SumsSoFar)


class _ModelSums:
    """Sums over the images of one model, in their order.

    Args:
        model: id of the model in the gallery.
        former: sums of the previous build; they are taken over if they begin with the same records.
    """

    def __init__(self, cache: SiteCache, model: str, former: SumsSoFar | None) -> None:
        self.records: list[str] = []
        self.sums: LocationSums | None = None
        self._cache = cache
        self._model = model
        self._former = former
        self._waiting: list[Cell] = []

    def add(self, cell: Cell, read: ReadRecord) -> None:
        """Add a cell's record.

        Raises:
            GalleryError: a record cannot be read, or is of another grid.
        """
        self.records.append(cell.record)
        self._waiting.append(cell)
        former, count = self._former, len(self.records)
        if former is not None and former.records[count - 1 : count] == (cell.record,):
            if count < len(former.records):
                return
            own = keep_sums(self._cache, cell, self._model, read)
            if (own.model, own.layout) == (former.sums.model, former.sums.layout):
                self.sums = former.sums
                self._waiting.clear()
        self._former = None
        self.finish(read)

    def finish(self, read: ReadRecord) -> None:
        """Add the records that are waiting for the rest of the former ones.

        Raises:
            GalleryError: a record cannot be read, or is of another grid.
        """
        for cell in self._waiting:
            own = keep_sums(self._cache, cell, self._model, read)
            self.sums = self.sums.merge(own) if self.sums else own
        self._waiting.clear()

    def note(self) -> SumsSoFar | None:
        """What the next build goes on from."""
        if self.sums is None:
            return None
        return SumsSoFar(program_hash(), tuple(self.records), self.sums)


class LocationFiles:
    """Sums by position, for models whose averages are not in the previous site."""

    def __init__(self, run: Run, cache: SiteCache) -> None:
        self._cache = cache
        self._sums: dict[str, _ModelSums] = {}
        self._missing: dict[str, NotApplicable] = {}
        self._known: dict[str, list[str]] = {}
        for model in run.models:
            keys = [cell.record for cell in run.cells if cell.model == model.slug and cell.record]
            if len(keys) < LEAST_IMAGES:
                self._missing[model.slug] = _too_few(len(keys))
            elif cache.find("averages", _parts(keys)):
                self._known[model.slug] = keys
            else:
                former = SO_FAR.read(cache.kept, cache.former, model.slug)
                self._sums[model.slug] = _ModelSums(cache, model.id, former)

    @property
    def models(self) -> frozenset[str]:
        """Slugs of the models whose records are added."""
        return frozenset(self._sums.keys() - self._missing.keys())

    def add(self, cell: Cell, read: ReadRecord) -> None:
        """Add a cell's record if it is needed and can be read."""
        if cell.model in self.models:
            try:
                self._sums[cell.model].add(cell, read)
            except GalleryError as error:
                self._missing[cell.model] = NotApplicable(str(error))

    def publish(self, run: Run, scale: Scale, read: ReadRecord) -> Averages:
        """Write the averages and their pictures to the site, or return why there are none."""
        files: dict[str, FileEntry] = {}
        found: dict[str, LocationAverages] = {}
        for model in run.models:
            averages = None if model.slug in self._known else self._summed(model.slug, read)
            if isinstance(averages, NotApplicable):
                self._missing[model.slug] = averages
                continue
            keys = self._known.get(model.slug) or self._sums[model.slug].records
            files[model.slug] = self._put_numbers(model.slug, keys, averages)
            found[model.slug] = AVERAGES.read(self._cache.root / files[model.slug].path)
        highest = _rounded_up([each.outlier_rate.max() for each in found.values()])
        drawn = {
            slug: self._draw(slug, files[slug], averages, scale, highest)
            for slug, averages in found.items()
        }
        return {**self._missing, **drawn}

    def _summed(self, model: str, read: ReadRecord) -> LocationAverages | NotApplicable:
        """The averages of a model whose records were added."""
        if model in self._missing:
            return self._missing[model]
        own = self._sums[model]
        try:
            own.finish(read)
        except GalleryError as error:
            return NotApplicable(str(error))
        note = own.note()
        if note is None:
            return _too_few(0)
        SO_FAR.write(self._cache.kept, self._cache.former, note, model)
        return note.sums.averages()

    def _put_numbers(
        self, slug: str, keys: list[str], averages: LocationAverages | None
    ) -> FileEntry:
        def summed() -> LocationAverages:
            assert averages is not None, "averages that the former site lacks have been summed"
            return averages

        return AVERAGES.put(self._cache, f"m/{slug}/averages", _parts(keys), summed)

    def _draw(
        self,
        slug: str,
        numbers: FileEntry,
        averages: LocationAverages,
        scale: Scale,
        highest: float,
    ) -> LocationPictures:
        colors = self._cache.settings.colors
        parts: dict[str, Part] = {"averages": numbers.sha256, "colors": colors}
        # received attention is a mean over patches; its row is below the queries
        values = np.concatenate([averages.attention, averages.received[None]])
        maps = self._cache.put(
            "average-maps",
            f"m/{slug}/average-maps",
            {**parts, "low": scale.low, "high": scale.high},
            lambda: wall_png(values, scale, colors),
            suffix=".png",
        )
        rates = self._cache.put(
            "outlier-rates",
            f"m/{slug}/outlier-rates",
            {**parts, "highest": highest},
            lambda: unit_wall_png(averages.outlier_rate[None, None] / highest, colors),
            suffix=".png",
        )
        return LocationPictures(
            numbers=numbers,
            maps=maps,
            rates=rates,
            highest_rate=highest,
            images=averages.images,
            queries=averages.queries,
            layers=len(averages.received),
            grid=(averages.received.shape[1], averages.received.shape[2]),
        )


def _parts(keys: list[str]) -> dict[str, Part]:
    return {"records": ",".join(keys), "version": AVERAGES_VERSION}


def _too_few(images: int) -> NotApplicable:
    return NotApplicable(
        f"averages by place need at least {LEAST_IMAGES} images; this run has {images}"
    )


def _rounded_up(rates: list[np.floating]) -> float:
    largest = max((float(rate) for rate in rates), default=0.0)
    return next(end for end in (0.05, 0.1, 0.2, 0.5, 1.0) if largest <= end)
