"""Panels of the image page: maps with marks, photos, color bars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from generator.analysis.cells.digest import CellDigest
from generator.analysis.cells.maps import CellMaps
from generator.analysis.features.boxes import BoolArray
from generator.analysis.features.truth import Box
from generator.analysis.quantities.quantity import Quantity
from generator.analysis.quantities.table import quantity
from generator.present.cells.analysis_maps import AnalysisMaps, Family
from generator.present.cells.files import CellContent
from generator.present.cells.truth import CellTruth
from generator.present.content.contents import Copies
from generator.present.content.feature_colors import ColoredFeatures
from generator.present.drawing.heatmap import GAP
from generator.present.files.manifest import FileEntry
from generator.present.pages.image.analyses_views import (
    Analysis,
    Mark,
    ModelPanels,
    Panel,
    Photo,
    Term,
)
from generator.present.pages.paths import METHODS
from generator.present.pages.planner import BAR_WIDTH, Planner
from generator.present.pages.views import BarTick, ColorBar, Picture
from generator.present.pages.wording import notice
from generator.records.run import Failure, ImageEntry, ModelEntry
from generator.text.numbers import between, machine, percent
from generator.text.phrases import upper_first

MOSAIC_WIDTH = 560


@dataclass(frozen=True, slots=True)
class AnalyzedCell:
    """Content, digest and maps of one model on one image.

    Attributes:
        truth: scores against marked objects; None for an image without marks.
    """

    model: ModelEntry
    content: CellContent
    digest: CellDigest
    maps: CellMaps
    truth: CellTruth | Failure | None


@dataclass(frozen=True, slots=True)
class ImageContext:
    """Image context: data that the analyses of one image share, and builders of their panels.

    Attributes:
        planner: planner of the image's page.
        figures: drawn maps of the image.
        cells: cells of the models in order, or why there is none.
    """

    planner: Planner
    image: ImageEntry
    figures: AnalysisMaps
    cells: tuple[tuple[ModelEntry, AnalyzedCell | Failure], ...]

    @property
    def measured(self) -> tuple[AnalyzedCell, ...]:
        """Cells that were measured."""
        return tuple(cell for _, cell in self.cells if isinstance(cell, AnalyzedCell))

    def analysis(
        self,
        identifier: str,
        title: str,
        quantities: tuple[str, ...],
        bars: tuple[ColorBar, ...],
        of: Callable[[AnalyzedCell], ModelPanels],
        *,
        opened: bool = False,
    ) -> Analysis:
        """Build one analysis over all models."""
        found = [quantity(each) for each in quantities]
        return Analysis(
            id=identifier,
            title=title,
            open=opened,
            terms=tuple(term(self.planner, each) for each in found),
            caveat=next((q.caveat for q in found if q.caveat), ""),
            bars=bars,
            models=tuple(self._of_model(model, cell, of) for model, cell in self.cells),
        )

    def _of_model(
        self,
        model: ModelEntry,
        cell: AnalyzedCell | Failure,
        of: Callable[[AnalyzedCell], ModelPanels],
    ) -> ModelPanels:
        if isinstance(cell, AnalyzedCell):
            return of(cell)
        failed = notice(model.failure or cell)
        return ModelPanels(
            model.label, self.planner.model_link(model), absent=failed.message if failed else ""
        )

    def panels(
        self, cell: AnalyzedCell, *panels: Panel, lines: tuple[str, ...] = (), absent: str = ""
    ) -> ModelPanels:
        """Build the results of one analysis for one model."""
        url = self.planner.model_link(cell.model)
        return ModelPanels(cell.model.label, url, panels, lines, absent=absent)

    def map(
        self,
        cell: AnalyzedCell,
        name: str,
        label: str,
        unit: str,
        *,
        text: str = "",
        marks: tuple[Mark, ...] = (),
    ) -> Panel:
        """Build the panel of a map of a cell, by name.

        Args:
            text: text below the map; by default its range.
        """
        figure = self.figures.drawn[cell.model.slug, name]
        layout = cell.content.facts.layout
        reach = between(figure.least, figure.most) + unit
        beyond = f", {percent(figure.clipped)} beyond the scale" if figure.clipped else ""
        return Panel(
            label=label,
            text=(text or reach) + beyond,
            alt=f"{cell.model.label}, {label}: {reach}{beyond}.",
            picture=self._sized(cell, figure.file),
            photo=None,
            view=f"0 0 {layout.cols} {layout.rows}",
            transform="",
            width=str(layout.cols),
            height=str(layout.rows),
            marks=tuple(mark for mark in marks if mark.path),
        )

    def mosaic(
        self, cell: AnalyzedCell, name: str, label: str, text: str, tiles: tuple[int, int]
    ) -> Panel:
        """Build the panel of many maps of a cell in one picture.

        Args:
            text: text below the picture, before its range.
            tiles: rows and columns of maps.
        """
        figure = self.figures.drawn[cell.model.slug, name]
        layout = cell.content.facts.layout
        height = tiles[0] * (layout.rows + GAP) - GAP
        width = tiles[1] * (layout.cols + GAP) - GAP
        factor = max(1, MOSAIC_WIDTH // width)
        # drawn from 8-bit codes, up to 2.2 % off
        reach = between(figure.least, figure.most, digits=2)
        return Panel(
            label=label,
            text=f"{text} {reach} × the median.",
            alt=f"{cell.model.label}, {label}: {reach} × the median.",
            picture=Picture(
                self.planner.url(figure.file.path), width * factor, height * factor, ""
            ),
            photo=None,
            view="",
            transform="",
            width="",
            height="",
            marks=(),
            wide=True,
        )

    def colors(self, cell: AnalyzedCell, found: ColoredFeatures) -> Panel:
        """Build the panel of feature colors; the background is transparent."""
        layout = cell.content.facts.layout
        kept = percent(found.kept)
        return Panel(
            label="features as colors",
            text=f"{kept} of the patches, the rest is gray",
            alt=f"{cell.model.label}, features as colors: three components of the {kept} of "
            f"patches that the first one keeps, {percent(found.explained)} of their variance.",
            picture=self._sized(cell, found.picture),
            photo=None,
            view=f"0 0 {layout.cols} {layout.rows}",
            transform="",
            width=str(layout.cols),
            height=str(layout.rows),
            marks=(),
        )

    def _sized(self, cell: AnalyzedCell, file: FileEntry) -> Picture:
        """A picture with one pixel for each patch, with the aspect ratio of the view."""
        view = cell.content.facts.view
        height = max(1, round(BAR_WIDTH * (view.bottom - view.top) / (view.right - view.left)))
        return Picture(self.planner.url(file.path), BAR_WIDTH, height, "")

    def photo(
        self, cell: AnalyzedCell, label: str, text: str, marks: tuple[Mark, ...]
    ) -> Panel | None:
        """Build the panel of a model's view of the photo, gray, with marks; None without one."""
        copies = self.planner.contents.copies.get(self.image.slug)
        if not isinstance(copies, Copies):
            return None
        view, layout = cell.content.facts.view, cell.content.facts.layout
        wide, high = view.right - view.left, view.bottom - view.top
        return Panel(
            label=label,
            text=text,
            alt=f"{cell.model.label}, {label}: {text}.",
            picture=None,
            photo=Photo(self.planner.url(copies.picture.path), view.image_width, view.image_height),
            view=" ".join(map(machine, (view.left, view.top, wide, high))),
            transform=f"translate({machine(view.left)} {machine(view.top)}) "
            f"scale({machine(wide / layout.cols)} {machine(high / layout.rows)})",
            width=machine(wide),
            height=machine(high),
            marks=tuple(mark for mark in marks if mark.path),
        )

    def bar(self, family: Family, caption: str) -> tuple[ColorBar, ...]:
        """Color bar of a family of maps; empty without such maps."""
        ramp = self.figures.ramps.get(family)
        if ramp is None:
            return ()
        assets = self.planner.contents.assets
        path = assets.diverging_bar if ramp.signed else assets.bar
        clipped = any(f.clipped for f in self.figures.drawn.values() if f.family == family)
        return (
            ColorBar(
                picture=Picture(self.planner.url(path), BAR_WIDTH, 1, ""),
                ticks=tuple(BarTick(f"{machine(100 * t.position)}%", t.label) for t in ramp.ticks),
                caption=caption,
                extends=clipped,
                signed=ramp.signed,
            ),
        )


def term(planner: Planner, found: Quantity) -> Term:
    """Name and definition of a quantity, with a link to the methods page."""
    return Term(upper_first(found.name), found.definition, f"{planner.url(METHODS)}#{found.id}")


def outlined(mask: BoolArray, kind: str = "outline") -> Mark:
    """Mark the outline of a mask."""
    return Mark(kind, outline(mask))


def seed_mark(place: tuple[int, int]) -> Mark:
    """Mark one patch."""
    row, col = place
    return Mark("seed", f"M{col} {row}h1v1h-1z")


def box_mark(cell: AnalyzedCell, box: Box, kind: str) -> Mark:
    """Mark a box, given in pixels of the original."""
    view, layout = cell.content.facts.view, cell.content.facts.layout
    across = layout.cols / (view.right - view.left)
    down = layout.rows / (view.bottom - view.top)
    left, top = (box[0] - view.left) * across, (box[1] - view.top) * down
    right, bottom = (box[2] - view.left) * across, (box[3] - view.top) * down
    x = machine(left, 4)
    return Mark(kind, f"M{x} {machine(top, 4)}H{machine(right, 4)}V{machine(bottom, 4)}H{x}z")


def shown(*panels: Panel | None) -> tuple[Panel, ...]:
    """Panels without the missing ones."""
    return tuple(panel for panel in panels if panel is not None)


def place_text(place: tuple[int, int]) -> str:
    """Label of a patch: row and column from 1."""
    return f"row {place[0] + 1}, column {place[1] + 1}"


def layer_text(layer: int) -> str:
    """Label of a layer of the residual stream, where 0 is the embedding."""
    return f"layer {layer}" if layer else "embedding"


def outline(mask: BoolArray) -> str:
    """Outline of a mask as the ``d`` of an SVG path; empty for an empty mask.

    Closed lines around parts and holes: their steps are a third of the bytes of single strokes.

    Args:
        mask: bool ``[row, col]``.
    """
    padded = np.pad(mask, 1).astype(np.int8)
    level = np.diff(padded, axis=0)[:, 1:-1]  # [line between rows, col]
    upright = np.diff(padded, axis=1)[1:-1]  # [row, line between cols]
    # corner -> steps along the sides that leave it, with the mask to their right
    steps: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for sides, corner, step in (
        (level > 0, (0, 0), (0, 1)),
        (level < 0, (0, 1), (0, -1)),
        (upright > 0, (1, 0), (-1, 0)),
        (upright < 0, (0, 0), (1, 0)),
    ):
        for row, col in np.argwhere(sides).tolist():
            steps.setdefault((row + corner[0], col + corner[1]), []).append(step)
    return "".join(_loop(corner, steps) for corner in sorted(steps) for _ in steps[corner][:])


def _loop(start: tuple[int, int], steps: dict[tuple[int, int], list[tuple[int, int]]]) -> str:
    """A closed line from a corner along steps, which are taken away; empty if none leave it."""
    runs: list[tuple[str, int]] = []
    row, col = start
    while steps[row, col]:
        down, right = steps[row, col].pop()
        way, length = ("v", down) if down else ("h", right)
        if runs and runs[-1][0] == way and runs[-1][1] * length > 0:
            length += runs.pop()[1]
        runs.append((way, length))
        row, col = row + down, col + right
    # closing the line draws its last run
    drawn = "".join(f"{way}{length}" for way, length in runs[:-1])
    return f"M{start[1]} {start[0]}{drawn}z" if runs else ""
