"""Two models as their comparison's page sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from generator.analysis.cells.model_digest import ModelDigest
from generator.analysis.compare.argument import ComparedModel
from generator.analysis.compare.paired import Paired
from generator.present.cells.files import CellContent
from generator.present.charts.axes import number_text
from generator.present.charts.intervals import IntervalRow
from generator.present.content.pairs import ComparedPair
from generator.present.content.sampling import evenly
from generator.present.pages.model_context import ModelContext
from generator.present.pages.planner import Planner
from generator.records.run import ImageEntry, ModelEntry

LETTERS = ("A", "B")

Found = TypeVar("Found")


@dataclass(frozen=True)
class PairContext:
    """A pair that has images.

    Attributes:
        planner: seen from the pair's page.
        pair: what is known of it.
        one: the first model, over the pair's images.
        two: the second.
        images: of the pair, in order.
    """

    planner: Planner
    pair: ComparedPair
    one: ModelContext
    two: ModelContext
    images: tuple[ImageEntry, ...]

    @classmethod
    def of(cls, planner: Planner, pair: ComparedPair) -> PairContext | None:
        """The pair, seen from its page; None without an image that both have."""
        if pair.digests is None:
            return None
        images = tuple(image for image in planner.run.images if image.slug in set(pair.images))
        models = {model.slug: model for model in planner.run.models}
        context = [
            _seen(planner, models[slug], digest, images)
            for slug, digest in zip((pair.one, pair.two), pair.digests, strict=True)
        ]
        return cls(planner, pair, context[0], context[1], images)

    @property
    def models(self) -> tuple[ModelContext, ModelContext]:
        """The first model, then the second."""
        return self.one, self.two

    @property
    def labels(self) -> tuple[str, str]:
        """What pages call them."""
        return self.one.model.label, self.two.model.label

    @property
    def count(self) -> int:
        """How many images both have."""
        return len(self.images)

    def each(self, make: Callable[[ModelContext, str], Found]) -> tuple[Found, Found]:
        """Something made of each model, told its letter."""
        return make(self.one, LETTERS[0]), make(self.two, LETTERS[1])

    def content(self, context: ModelContext, image: ImageEntry) -> CellContent:
        """A model's content of one of the pair's images."""
        found = self.planner.cell(context.model.slug, image.slug)
        assert isinstance(found, CellContent), "both models have the pair's images"
        return found


def compared_model(context: ModelContext) -> ComparedModel:
    """A model as the paragraph speaks of it."""
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


def _seen(
    planner: Planner, model: ModelEntry, digest: ModelDigest, images: tuple[ImageEntry, ...]
) -> ModelContext:
    cells = tuple(
        cell
        for image in images
        if isinstance(cell := planner.cell(model.slug, image.slug), CellContent)
    )
    return ModelContext(planner, model, digest, cells, images[0])


MOST_DOTS = 60
"""Single values that are drawn in a row: a thousand dots are a smear, and heavy."""


def difference_interval(pair: PairContext, name: str, found: Paired) -> IntervalRow:
    """A dot for each image, their mean and its interval.

    Args:
        pair: whose numbers they are.
        name: of the row.
        found: the numbers.
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
            f"{titles[found.images[n]]}: {number_text(float(found.one[n]))} and "
            f"{number_text(float(found.two[n]))}"
            for n in shown
        ),
        count=found.n,
    )
