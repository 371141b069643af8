"""Model context: data and links that the sections of a model's page share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from generator.analysis.cells.model_digest import ModelDigest
from generator.analysis.quantities.table import quantity
from generator.present.cells.files import CellContent
from generator.present.pages.planner import Planner
from generator.present.pages.sections import Section
from generator.present.pages.wording import windows_text
from generator.records.record import FloatArray, TokenLayout
from generator.records.run import ImageEntry, ModelEntry
from generator.text.phrases import counted


@dataclass(frozen=True)
class ModelContext:
    """A measured model, for the sections of its page.

    Attributes:
        planner: planner of the model's page.
        digest: numbers of the model over its images.
        cells: contents of its cells, in the order of the images.
        image: the first measured image, to which heads link.
    """

    planner: Planner
    model: ModelEntry
    digest: ModelDigest
    cells: tuple[CellContent, ...]
    image: ImageEntry

    @classmethod
    def of(cls, planner: Planner, model: ModelEntry) -> ModelContext | None:
        """Context of a model; None where nothing was measured with it."""
        digest = planner.contents.models.get(model.slug)
        images = [
            image
            for image in planner.run.images
            if isinstance(planner.cell(model.slug, image.slug), CellContent)
        ]
        if digest is None or not images:
            return None
        return cls(planner, model, digest, planner.measured(model.slug), images[0])

    @property
    def layout(self) -> TokenLayout:
        """Token layout of the first image. The prefix is equal for all images."""
        return self.cells[0].facts.layout

    @property
    def layers(self) -> int:
        """Number of blocks."""
        return len(self.digest.entropy.mean)

    @property
    def heads(self) -> int:
        """Number of heads in each block."""
        return int(self.digest.entropy.mean.shape[1])

    @property
    def windowed(self) -> tuple[int, ...]:
        """Indices of layers that attend within windows, on any image."""
        found = (c.facts.model.within_windows(c.facts.layout) for c in self.cells)
        return tuple(sorted({layer for layers in found for layer in layers}))

    @property
    def windows(self) -> str:
        """Layers that attend within windows, in words; empty for none."""
        return windows_text(self.cells[0].facts.model, self.windowed)

    @property
    def window(self) -> TokenLayout:
        """One of the windows, as a grid."""
        side = self.cells[0].facts.model.window
        return TokenLayout((), side, side)

    def within(self, layer: int) -> str:
        """Words behind the name of a layer whose numbers are of windows; empty for the others."""
        return " (within windows)" if layer in self.windowed else ""

    @property
    def numbers(self) -> FloatArray:
        """Layer numbers: 1, 2, ..."""
        return np.arange(1.0, self.layers + 1)

    @property
    def stream_layers(self) -> FloatArray:
        """Layer numbers of the residual stream: 0 for the embedding, then 1, 2, ..."""
        return np.arange(0.0, self.layers + 1)

    @property
    def over(self) -> str:
        """Sentence on n: ``Mean over 3 images.``, or the title of the only image."""
        if self.digest.images == 1:
            return "Over one image."
        return f"Mean over {counted(self.digest.images, 'image')}."

    @property
    def target(self) -> str:
        """URL of the page of the first image, to which a layer and a head are added."""
        return self.planner.image_link(self.image)

    def limit(self, pick: Callable[[ModelDigest], FloatArray | None]) -> float:
        """Upper end of a color map: the largest value over all models of the gallery, rounded up.

        So a color means the same number on all model pages.
        """
        found = [pick(digest) for digest in self.planner.contents.models.values()]
        largest = max(float(np.nanmax(values)) for values in found if values is not None)
        return next((end for end in _ENDS if largest <= end), largest)


_ENDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)


def absent_section(section_id: str, title: str, said: str) -> Section:
    """A section that only says why it is missing."""
    return Section(section_id, title, (), absent=(said,))


def reading(identifier: str) -> str:
    """What low and high values of a quantity mean; its caveat is on the methods page."""
    found = quantity(identifier)
    return f"Low: {found.low}. High: {found.high}."
