"""Small last-layer maps of all models on an image, for the index and sequences."""

from __future__ import annotations

from collections.abc import Iterator

from generator.present.cells.files import CellContent
from generator.present.pages.planner import Planner
from generator.present.pages.views import SmallMap
from generator.present.pages.wording import map_alt, notice
from generator.records.run import ImageEntry


def small_maps(planner: Planner, image: ImageEntry) -> Iterator[SmallMap]:
    """Small maps of each model; a sweep is represented by its last checkpoint."""
    for model in planner.run.listed:
        cell = planner.cell(model.slug, image.slug)
        if isinstance(cell, CellContent):
            file = planner.contents.colored[model.slug, image.slug].map
            alt = map_alt(model.label, cell.header.last, cell)
            yield SmallMap(model.label, planner.map_picture(file, cell, alt), None)
        else:
            yield SmallMap(model.label, None, notice(model.failure or cell))


def small_maps_text(planner: Planner) -> str:
    """Description of the small maps."""
    cells = [c for c in planner.contents.cells.values() if isinstance(c, CellContent)]
    asked = "how strongly the CLS token attends to each patch of the picture"
    if cells and all(content.received for content in cells):
        asked = "how much attention each patch of the picture receives from all tokens"
    elif any(content.received for content in cells):
        asked += " (for models without one, how much attention the patch receives from all tokens)"
    return f"Each small map shows {asked}, in the last layer, averaged over its heads."
