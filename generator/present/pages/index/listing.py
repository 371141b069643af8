"""What all pages of the index share: the images that they list, and their statistics.

A large gallery has dozens of such pages, and each prints its numbers like the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from generator.present.cells.files import CellContent
from generator.present.cells.image_statistics import image_values
from generator.present.pages.paging import by_group, listed_images
from generator.present.pages.planner import Planner
from generator.records.run import ImageEntry
from generator.text.numbers import rounded

Values = tuple[float | None, ...]
"""Statistics of an image, in the order of ``image_statistics.STATISTICS``."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The images of the index.

    Attributes:
        images: images ordered by group; of a sequence its first good frame.
        values: slug of each of them -> its statistics, rounded as the scripts of the index get
            them, so that both print the same.
        aligned: whether all models saw the same part of each picture.
    """

    images: tuple[ImageEntry, ...]
    values: Mapping[str, Values]
    aligned: bool


def listing_of(planner: Planner) -> Listing:
    """The listing of a gallery."""
    images = by_group(listed_images(planner.run.images))
    values = {image.slug: _values_listed(planner, image) for image in images}
    return Listing(images, values, _aligned(planner))


def _values_listed(planner: Planner, image: ImageEntry) -> Values:
    """Statistics of an image; for a sequence, means over its frames."""
    frames = planner.frames(image.frame.sequence) if image.frame else (image,)
    table = [_values_of(planner, frame) for frame in frames]
    columns = ([v for v in column if v is not None] for column in zip(*table, strict=True))
    return tuple(rounded(float(np.mean(column)), 4) if column else None for column in columns)


def _values_of(planner: Planner, image: ImageEntry) -> Values:
    """Statistics of an image, in their order."""
    cells = [planner.cell(model.slug, image.slug) for model in planner.run.listed]
    held = [cell for cell in cells if isinstance(cell, CellContent)]
    divergence = planner.contents.divergence.get(image.slug)
    return image_values(held, divergence.mean if divergence else None)


def _aligned(planner: Planner) -> bool:
    boxes: dict[str, set[tuple[float, ...]]] = {}
    for (_, image), content in planner.contents.cells.items():
        if isinstance(content, CellContent):
            boxes.setdefault(image, set()).add(content.facts.view.box)
    return all(len(found) == 1 for found in boxes.values())
