"""What workers make: files of cells and pictures, each by a job that can be sent to a process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

from PIL import Image

from generator.images.pixels import open_checked
from generator.present.cells.analysis_maps import AnalysisMaps, put_analysis_maps
from generator.present.cells.chunks.headers import Headers
from generator.present.cells.files import CellContent, put_chunks, put_colored
from generator.present.content.averages import keep_sums
from generator.present.content.contents import Copies
from generator.present.content.crop import SMALL, put_crop
from generator.present.content.layers_alike import keep_pooled
from generator.present.drawing.pictures import published_copy
from generator.present.drawing.scale import Scale
from generator.present.files.cache import SiteCache
from generator.present.files.manifest import FileEntry, Kind
from generator.records.record import AttentionRecord, ReadRecord, View
from generator.records.run import Cell, ImageEntry


@dataclass(frozen=True, slots=True)
class CellJob:
    """Makes the numbers of a cell: chunks, digest and maps.

    The fields are options of :func:`put_chunks`.

    Attributes:
        ids: slug of a model -> its id.
    """

    ids: Mapping[str, str]
    mixed: bool
    analyses: bool
    alone: bool

    def __call__(
        self, cache: SiteCache, read: ReadRecord, cell: Cell, headers: Headers
    ) -> CellContent:
        """Put the files of a cell.

        Args:
            headers: reads the headers of chunks.
        """
        return put_chunks(
            cache,
            cell,
            self.ids[cell.model],
            read,
            mixed=self.mixed,
            headers=headers,
            analyses=self.analyses,
            alone=self.alone,
        )


@dataclass(frozen=True, slots=True)
class KeepingJob:
    """Makes the numbers of a cell in a worker, and what is summed up over cells.

    Attributes:
        sums: slugs of the models whose sums by position are wanted.
        pooled: keys of the records whose pooled features are wanted.
    """

    numbers: CellJob
    sums: frozenset[str]
    pooled: frozenset[str]

    def __call__(self, cache: SiteCache, read: ReadRecord, cell: Cell) -> None:
        """Put the files of a cell, and keep what is summed up beside the records."""
        self.numbers(cache, read, cell, Headers())
        if cache.kept is None:
            return
        if cell.model in self.sums:
            keep_sums(cache, cell, self.numbers.ids[cell.model], read)
        if cell.record in self.pooled:
            keep_pooled(cache, cell, read)


@dataclass(frozen=True, slots=True)
class ColorJob:
    """Draws the wall and the small map of a cell."""

    scale: Scale
    walls: bool

    def __call__(
        self, cache: SiteCache, read: ReadRecord, item: tuple[Cell, CellContent]
    ) -> tuple[FileEntry, ...]:
        """Put the pictures of a cell; they need no record."""
        return put_colored(cache, *item, self.scale, walls=self.walls)


@dataclass(frozen=True, slots=True)
class MapsJob:
    """Draws the analysis maps of an image."""

    scale: Scale

    def __call__(
        self, cache: SiteCache, read: ReadRecord, item: tuple[str, Mapping[str, CellContent]]
    ) -> AnalysisMaps:
        """Put the pictures of an image; they need no record."""
        image, cells = item
        return put_analysis_maps(
            cache,
            image,
            {slug: cell.maps for slug, cell in cells.items() if cell.maps is not None},
            {slug: cell.chunks[0] for slug, cell in cells.items()},
            self.scale,
        )


def put_copies(cache: SiteCache, read: ReadRecord, item: tuple[ImageEntry, View | None]) -> Copies:
    """Put the published copies of a picture, and of what a model saw of it."""
    image, view = item
    # opening a large one takes longer than any of the copies
    opened = lru_cache(maxsize=1)(partial(open_checked, image))
    return Copies(
        picture=_copy(cache, image, opened, "picture", cache.settings.picture_side),
        thumb=_copy(cache, image, opened, "thumb", cache.settings.thumb_side),
        crop=put_crop(cache, image, opened, view, SMALL) if view else None,
        view=view,
    )


def _copy(
    cache: SiteCache, image: ImageEntry, opened: Callable[[], Image.Image], kind: Kind, side: int
) -> FileEntry:
    return cache.put(
        kind,
        f"i/{image.slug}/{kind}",
        {"image": image.sha256, "side": side},
        lambda: published_copy(opened(), side),
        suffix=".webp",
    )


def no_record(key: str) -> AttentionRecord:
    """For jobs that need no record.

    Raises:
        AssertionError: always.
    """
    raise AssertionError(f"Pictures are drawn from chunks, not from record {key[:12]}.")
