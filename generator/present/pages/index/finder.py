"""Index page: data of all images, for filtering and sorting.

The data is one classic script, loaded when a reader first filters or sorts. It names files by their
hash; the rest of a name follows from slugs.
"""

from __future__ import annotations

import hashlib
import re
from typing import Generic, TypeVar

import numpy as np

from generator.present.cells.image_statistics import STATISTICS
from generator.present.content.contents import Copies
from generator.present.pages.environment import page_json
from generator.present.pages.image.sequence import sequence_summary
from generator.present.pages.index.finder_views import (
    ControlOption,
    Finder,
    IndexData,
    IndexImage,
    IndexModel,
    IndexSequence,
    IndexStatistic,
    PageScript,
)
from generator.present.pages.index.listing import Listing, Values
from generator.present.pages.paths import INDEX
from generator.present.pages.planner import BAR_WIDTH, Planner
from generator.present.pages.views import Notice
from generator.present.pages.wording import notice
from generator.records.run import Failure, ImageEntry, ModelEntry, Sequence
from generator.text.numbers import count, rounded

FEWEST = 4
"""Fewest images for which the index has controls."""

UNGROUPED = "(no group)"
STRIP = 5
"""Frames in the thumbnail strip of a sequence, evenly spaced."""

T = TypeVar("T")


def finder_script(planner: Planner, listed: Listing) -> PageScript | None:
    """Script with the data of all images; None for a small gallery."""
    if len(listed.images) < FEWEST:
        return None
    text = f"galleryIndex({page_json(_data(planner.on(INDEX), listed))});\n"
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return PageScript(f"assets/index-data.{digest}.js", text)


def finder(planner: Planner, script: PageScript | None, listed: Listing) -> Finder | None:
    """Controls of the index, with URLs relative to one of its pages."""
    if script is None:
        return None
    counts = dict.fromkeys(dict.fromkeys(image.group for image in listed.images), 0)
    for image in listed.images:
        counts[image.group] += 1
    groups = tuple(
        ControlOption(str(index), f"{group or UNGROUPED} ({count(images_in)})")
        for index, (group, images_in) in enumerate(counts.items())
    )
    return Finder(
        data=planner.url(script.path),
        root=planner.url(INDEX).removesuffix(INDEX),
        orders=_orders(listed),
        groups=groups if len(groups) > 1 else (),
    )


def _orders(listed: Listing) -> tuple[ControlOption, ...]:
    """Sort orders: the gallery's, names, and each statistic that differs, both ways."""
    table = [listed.values[image.slug] for image in listed.images]
    orders = [ControlOption("", "original order"), ControlOption("name", "title, A to Z")]
    for statistic, column in zip(STATISTICS, zip(*table, strict=True), strict=True):
        if len({value for value in column if value is not None}) > 1:
            found = statistic.quantity
            orders.append(ControlOption(f"{found.id}-down", f"{found.label}, highest first"))
            orders.append(ControlOption(f"{found.id}-up", f"{found.label}, lowest first"))
    return tuple(orders)


class _Numbering(Generic[T]):
    """Numbers distinct values in the order of their first use."""

    def __init__(self) -> None:
        self.places: dict[T, int] = {}

    def place(self, item: T) -> int:
        return self.places.setdefault(item, len(self.places))


def _data(planner: Planner, listed: Listing) -> IndexData:
    groups, reasons = _Numbering[str](), _Numbering[Notice]()
    found = tuple(
        _image(planner, image, listed.values[image.slug], groups, reasons)
        for image in listed.images
    )
    return IndexData(
        models=tuple(_model(planner, model) for model in planner.run.listed),
        statistics=tuple(IndexStatistic(s.quantity.id, s.says, s.unit) for s in STATISTICS),
        groups=tuple(groups.places),
        aligned=listed.aligned,
        reasons=tuple(reasons.places),
        images=found,
    )


def _model(planner: Planner, model: ModelEntry) -> IndexModel:
    cell = next(iter(planner.measured(model.slug)), None)
    if cell is None:
        return IndexModel(model.slug, model.label, "", "")
    what = "mean received attention" if cell.received else f"{cell.header.token} attention"
    return IndexModel(model.slug, model.label, cell.header.last.row, what)


def _image(
    planner: Planner,
    image: ImageEntry,
    values: Values,
    groups: _Numbering[str],
    reasons: _Numbering[Notice],
) -> IndexImage:
    picture = planner.crop(image)
    crop: tuple[str | int, ...] = ()
    if picture is not None:
        name = picture.url.rpartition("/")[2].removesuffix(".webp")
        crop = (name, picture.width, picture.height)
    failed = notice(image.failure)
    frame = image.frame
    return IndexImage(
        slug="" if failed else image.slug,
        title=frame.sequence.label if frame else image.title,
        name=frame.sequence.source if frame else image.name,
        group=groups.place(image.group),
        crop=crop,
        alt=picture.alt if picture else "",
        values=values,
        maps=()
        if failed
        else tuple(_map(planner, model, image, reasons) for model in planner.run.listed),
        failure=reasons.place(failed) if failed else None,
        sequence=_sequence(planner, frame.sequence) if frame and not failed else None,
    )


def _sequence(planner: Planner, sequence: Sequence) -> IndexSequence:
    thumbs = []
    for image in strip(planner, sequence):
        copies = planner.contents.copies.get(image.slug)
        size = planner.picture(image, thumb=True)
        if isinstance(copies, Copies) and size is not None:
            thumbs.append((image.slug, _hash(copies.thumb.path), size.width, size.height))
    return IndexSequence(sequence.slug, sequence_summary(planner, sequence), tuple(thumbs))


def strip(planner: Planner, sequence: Sequence) -> tuple[ImageEntry, ...]:
    """A few frames of a sequence, from the first to the last; empty for a single frame."""
    frames = planner.frames(sequence)
    if len(frames) < 2:
        return ()
    places = np.linspace(0, len(frames) - 1, min(STRIP, len(frames))).round().astype(int)
    return tuple(frames[place] for place in places)


def _map(
    planner: Planner, model: ModelEntry, image: ImageEntry, reasons: _Numbering[Notice]
) -> tuple[str | float, ...] | int:
    cell = planner.cell(model.slug, image.slug)
    if isinstance(cell, Failure):
        reason = notice(model.failure or cell)
        assert reason is not None
        return reasons.place(reason)
    file = planner.contents.colored[model.slug, image.slug].map
    height = planner.map_picture(file, cell, "").height
    share, maximum = (rounded(v, 6) for v in (cell.header.last.patches, cell.header.last.maximum))
    return (_hash(file.path), 0 if height == BAR_WIDTH else height, share, maximum)


def _hash(path: str) -> str:
    """Hash at the end of a file name."""
    found = re.search(r"\.([0-9a-f]{8})\.\w+$", path)
    assert found is not None
    return found[1]
