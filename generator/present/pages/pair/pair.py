"""Pair context: data that the sections of a pair page share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from generator.analysis.cells.model_digest import ModelDigest
from generator.analysis.compare.compared import LETTERS, ComparedModel
from generator.analysis.compare.paired import Paired
from generator.present.cells.files import CellContent
from generator.present.charts.intervals import IntervalRow
from generator.present.content.pairs import ComparedPair
from generator.present.content.sampling import evenly
from generator.present.pages.model_context import ModelContext
from generator.present.pages.planner import Planner
from generator.records.run import ImageEntry, ModelEntry
from generator.text.numbers import Notation, value_text

Found = TypeVar("Found")


@dataclass(frozen=True)
class PairContext:
    """A pair with common images, for the sections of its page.

    Attributes:
        planner: planner of the pair page.
        pair: content of the pair.
        one: context of the first model, over the pair's images.
        images: images of the pair, in order.
        shown: the images whose maps are shown, those whose maps differ most first.
    """

    planner: Planner
    pair: ComparedPair
    one: ModelContext
    two: ModelContext
    images: tuple[ImageEntry, ...]
    shown: tuple[ImageEntry, ...]

    @classmethod
    def of(cls, planner: Planner, pair: ComparedPair) -> PairContext | None:
        """Context of a pair; None without common images."""
        if pair.digests is None:
            return None
        images = tuple(image for image in planner.run.images if image.slug in set(pair.images))
        models = {model.slug: model for model in planner.run.models}
        contexts = [
            _context(planner, models[slug], digest, images)
            for slug, digest in zip((pair.one, pair.two), pair.digests, strict=True)
        ]
        named = {image.slug: image for image in images}
        shown = tuple(named[slug] for slug in pair.shown)
        return cls(planner, pair, contexts[0], contexts[1], images, shown)

    @property
    def models(self) -> tuple[ModelContext, ModelContext]:
        """The first model, then the second."""
        return self.one, self.two

    @property
    def labels(self) -> tuple[str, str]:
        """Labels of both models."""
        return self.one.model.label, self.two.model.label

    @property
    def count(self) -> int:
        """Number of common images."""
        return len(self.images)

    def each(self, make: Callable[[ModelContext, str], Found]) -> tuple[Found, Found]:
        """Apply ``make`` to each model and its letter."""
        return make(self.one, LETTERS[0]), make(self.two, LETTERS[1])

    def content(self, context: ModelContext, image: ImageEntry) -> CellContent:
        """Content of a model on one of the pair's images."""
        found = self.planner.cell(context.model.slug, image.slug)
        assert isinstance(found, CellContent), "both models have the pair's images"
        return found


def compared_model(context: ModelContext) -> ComparedModel:
    """A model's facts for the summary paragraph."""
    layout = context.layout
    facts = context.cells[0].facts.model
    return ComparedModel(
        label=context.model.label,
        registers=layout.registers,
        cls=layout.cls,
        digest=context.digest,
        checkpoint=f"{facts.id} {facts.version}",
        test_time=context.model.register is not None,
    )


def _context(
    planner: Planner, model: ModelEntry, digest: ModelDigest, images: tuple[ImageEntry, ...]
) -> ModelContext:
    cells = tuple(
        cell
        for image in images
        if isinstance(cell := planner.cell(model.slug, image.slug), CellContent)
    )
    return ModelContext(planner, model, digest, cells, images[0])


MOST_DOTS = 60
"""Most single values in a row, since a thousand dots are illegible and large."""


def difference_interval(
    pair: PairContext, name: str, found: Paired, notation: Notation
) -> IntervalRow:
    """Row with a dot for each image, their mean and its interval.

    Args:
        pair: the pair whose differences are drawn.
        notation: how the values of both models are written.
    """
    titles = {image.slug: image.title for image in pair.images}
    shown = list(evenly(found.n, MOST_DOTS))
    return IntervalRow(
        name=name,
        values=found.difference[shown],
        middle=found.mean,
        low=found.interval.low if found.interval else None,
        high=found.interval.high if found.interval else None,
        texts=tuple(
            f"{titles[found.images[n]]}: {value_text(float(found.one[n]), notation)} and "
            f"{value_text(float(found.two[n]), notation)}"
            for n in shown
        ),
        count=found.n,
    )
