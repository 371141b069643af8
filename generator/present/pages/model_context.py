"""A model as its page's sections see it: its digest, the gallery's limits, and where heads lead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from generator.analysis.cells.model_digest import ModelDigest
from generator.analysis.quantities.table import quantity
from generator.present.cells.files import CellContent
from generator.present.pages.planner import Planner
from generator.present.pages.sections import Section
from generator.records.record import FloatArray, TokenLayout
from generator.records.run import ImageEntry, ModelEntry
from generator.text.phrases import counted


@dataclass(frozen=True)
class ModelContext:
    """A model that was measured.

    Attributes:
        planner: seen from the model's page.
        digest: numbers over its images.
        cells: its contents, in the order of the images.
        image: the first image that it was measured on, where heads lead.
    """

    planner: Planner
    model: ModelEntry
    digest: ModelDigest
    cells: tuple[CellContent, ...]
    image: ImageEntry

    @classmethod
    def of(cls, planner: Planner, model: ModelEntry) -> ModelContext | None:
        """The model, seen from its page; None where nothing was measured with it."""
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
        """Of the first image; the prefix is the same for all of them."""
        return self.cells[0].facts.layout

    @property
    def layers(self) -> int:
        """How many blocks it has."""
        return len(self.digest.entropy.mean)

    @property
    def heads(self) -> int:
        """How many heads each has."""
        return int(self.digest.entropy.mean.shape[1])

    @property
    def numbers(self) -> FloatArray:
        """Numbers of the layers: 1, 2, ..."""
        return np.arange(1.0, self.layers + 1)

    @property
    def stream_layers(self) -> FloatArray:
        """Numbers of the layers of the residual stream: 0 for the embedding, 1, 2, ..."""
        return np.arange(0.0, self.layers + 1)

    @property
    def over(self) -> str:
        """``Mean over 3 images.``, or the one image."""
        if self.digest.images == 1:
            return "Over one image."
        return f"Mean over {counted(self.digest.images, 'image')}."

    def head_url(self, layer: int, head: int) -> str:
        """Where a head is seen: the page of the first image. Indices count from 0."""
        return f"{self.planner.image_link(self.image)}#layer={layer + 1}&head={head + 1}"

    def limit(self, pick: Callable[[ModelDigest], FloatArray | None]) -> float:
        """The largest value of a quantity over all models of the gallery, rounded up.

        So a color is the same number on the pages of all models.
        """
        found = [pick(digest) for digest in self.planner.contents.models.values()]
        largest = max(float(np.nanmax(values)) for values in found if values is not None)
        return next((end for end in _ENDS if largest <= end), largest)


_ENDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)


def absent_section(section_id: str, title: str, identifier: str, said: str) -> Section:
    """A section that says what a quantity is, and why there is none of it here."""
    return Section(section_id, title, (quantity(identifier).definition,), absent=(said,))


def reading(identifier: str) -> str:
    """How to read a quantity: what low and high mean, and its caveat."""
    found = quantity(identifier)
    return f"Low: {found.low}. High: {found.high}. {found.caveat}".strip()
