"""Figures that a gallery's file asks for, drawn into the site while it is built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from generator.errors import GalleryError, SpecError
from generator.export.figures.grid import Layout, layout
from generator.export.figures.make import colour_map, make_figure, preset_named, write_figure
from generator.export.figures.preset import Preset
from generator.export.figures.scene import Request
from generator.export.figures.venues import Extent, extent
from generator.export.source import open_source
from generator.figure_spec import FigureSpec


@dataclass(frozen=True, slots=True)
class Planned:
    """A figure whose words have been understood.

    Attributes:
        spec: what the file says.
        extent: its width.
        what: a preset or the layout of a grid.
    """

    spec: FigureSpec
    extent: Extent
    what: Preset | Layout

    @property
    def title(self) -> str:
        """What the index calls it."""
        return self.what.title if isinstance(self.what, Preset) else self.spec.name


def planned(specs: Sequence[FigureSpec]) -> tuple[Planned, ...]:
    """Understand every figure, before anything is measured.

    Raises:
        SpecError: one cannot be made; the message names it.
    """
    found = []
    for spec in specs:
        try:
            wide = extent(spec.venue, spec.span, spec.width)
            colour_map(spec.colours)
            what = (
                preset_named(spec.preset)
                if spec.preset
                else layout(spec.rows, spec.cols, with_input=spec.input)
            )
        except GalleryError as error:
            raise SpecError(f"Figure {spec.name}: {error.message}", error.hint) from None
        found.append(Planned(spec, wide, what))
    return tuple(found)


def draw_into(site: Path, store: Path, figures: Sequence[Planned], folder: str) -> None:
    """Draw figures from a site whose pages are written, into a folder of it.

    Raises:
        SpecError: one cannot be drawn from this gallery; the message names it.
    """
    source = open_source(site, store)
    for figure in figures:
        spec = figure.spec
        request = Request(
            models=spec.models,
            images=spec.images,
            layers=spec.layers,
            heads=spec.heads,
            queries=spec.queries,
            width=figure.extent.inches,
            overlay=spec.overlay,
            scale=spec.scale,
            colours=spec.colours,
            face=spec.font,
            letters=spec.letters,
        )
        try:
            made = make_figure(source, request, figure.extent, spec.files[0], figure.what)
        except GalleryError as error:
            raise SpecError(f"Figure {spec.name}: {error.message}", error.hint) from None
        write_figure(site / folder / spec.files[0], made)
