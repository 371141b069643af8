"""What differs between two models, image by image, as a row of a chart."""

from __future__ import annotations

from generator.analysis.compare.paired import Paired
from generator.present.charts.axes import number_text
from generator.present.charts.intervals import IntervalRow
from generator.present.content.sampling import evenly
from generator.present.pages.pair.pair import PairContext

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
