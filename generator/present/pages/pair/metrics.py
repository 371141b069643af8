"""Pair page: sections on the agreement of maps and on differences paired by image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from generator.analysis.compare.agreement import Agreement
from generator.analysis.compare.compared import LETTERS
from generator.analysis.compare.pair import MEASURES, Baselines, MapComparison, PairedMeasure
from generator.analysis.compare.paired import FEWEST, STARS, Paired, mean_interval, starred
from generator.analysis.quantities.attention import CLS_MASS_REGISTERS
from generator.analysis.quantities.table import quantity
from generator.present.charts.chart import Chart, Words
from generator.present.charts.intervals import IntervalRow, interval_chart
from generator.present.content.sampling import evenly
from generator.present.pages.model_context import reading
from generator.present.pages.pair.pair import MOST_DOTS, PairContext, difference_interval
from generator.present.pages.sections import Section, Table, TableRow
from generator.records.record import FloatArray
from generator.text.numbers import MISSING, Notation, column, count, interval_texts, value_text
from generator.text.phrases import counted, upper_first

AGREEMENTS: tuple[tuple[str, Callable[[Agreement], float]], ...] = (
    ("divergence", lambda found: found.divergence),
    ("pearson", lambda found: found.pearson),
    ("spearman", lambda found: found.spearman),
    ("earth-movers", lambda found: found.earth_movers),
    ("similarity", lambda found: found.similarity),
)
"""Ids of the quantities, and their getters."""

Pick = Callable[[MapComparison], Agreement | None]


@dataclass(frozen=True, slots=True)
class _ComparedMap:
    """A map to compare with: a short name for charts, and a long one for the table."""

    short: str
    long: str
    pick: Pick


def agreement_section(pair: PairContext, sentences: tuple[str, ...]) -> Section | None:
    """Section on the agreement of last-layer maps, with baselines.

    Args:
        sentences: what the numbers say.
    """
    if not pair.pair.comparisons:
        return None
    compared = len(pair.pair.comparisons)
    based = sum(each.one is not None for each in pair.pair.comparisons.values())
    notes = []
    if based < compared:
        notes.append(f"Baselines are for {based} evenly spaced images of {compared}.")
    if compared < STARS:
        notes.append(f"All values are shown; no significance tests below {STARS} images.")
    if left := pair.count - compared:
        notes.append(f"The models see no common part of {counted(left, 'image')}.")
    charts = {name: _agreement_chart(pair, name, value) for name, value in AGREEMENTS}
    first, *more = (chart for chart in charts.values() if chart is not None)
    return Section(
        id="agreement",
        title="Agreement of the maps",
        text=(" ".join(sentences), " ".join(notes)) if notes else (" ".join(sentences),),
        charts=(first,),
        more_title="Four more measures",
        more=tuple(more),
        tables=(_agreement_table(pair),),
        absent=tuple(
            f"{upper_first(quantity(name).name)}: not defined, every map is uniform."
            for name, chart in charts.items()
            if chart is None
        ),
    )


def _rows() -> tuple[_ComparedMap, ...]:
    return (
        _ComparedMap("A and B", "A and B", lambda found: found.between),
        *_baseline_rows(LETTERS[0], lambda found: found.one),
        *_baseline_rows(LETTERS[1], lambda found: found.two),
    )


def _baseline_rows(
    letter: str, own: Callable[[MapComparison], Baselines | None]
) -> Iterator[_ComparedMap]:
    yield _ComparedMap(
        f"{letter}, shuffled",
        f"{letter} and {letter}'s map of another image",
        lambda found: base.shuffled if (base := own(found)) else None,
    )
    yield _ComparedMap(
        f"{letter}, center",
        f"{letter} and a Gaussian in the center",
        lambda found: base.center if (base := own(found)) else None,
    )
    yield _ComparedMap(
        f"{letter}, uniform",
        f"{letter} and a uniform map",
        lambda found: base.uniform if (base := own(found)) else None,
    )


def _values(
    pair: PairContext, row: _ComparedMap, value: Callable[[Agreement], float]
) -> tuple[tuple[str, ...], FloatArray]:
    """Titles of the images with the value, and the values."""
    titles = {image.slug: image.title for image in pair.images}
    found = [
        (titles[image], value(agreement))
        for image, comparison in pair.pair.comparisons.items()
        if (agreement := row.pick(comparison)) is not None
    ]
    held = [(title, number) for title, number in found if np.isfinite(number)]
    return tuple(title for title, _ in held), np.array([number for _, number in held])


def _agreement_chart(
    pair: PairContext, name: str, value: Callable[[Agreement], float]
) -> Chart | None:
    found = quantity(name)
    rows = []
    for row in _rows():
        titles, values = _values(pair, row, value)
        if len(values):
            rows.append(_interval(row.short, titles, values, found.notation))
    if not rows:
        return None
    words = Words(
        f"agreement-{name}",
        f"{upper_first(found.name)}",
        found.unit,
        "",
        reading(name),
        found.notation,
    )
    return pair.planner.defined(interval_chart(words, rows, zero=False), name)


def _interval(
    name: str, titles: Sequence[str], values: FloatArray, notation: Notation
) -> IntervalRow:
    interval = mean_interval(values)
    shown = evenly(len(values), MOST_DOTS)
    return IntervalRow(
        name=name,
        values=values[list(shown)],
        middle=float(values.mean()),
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        texts=tuple(f"{titles[n]}: {value_text(float(values[n]), notation)}" for n in shown),
        count=len(values),
    )


def _agreement_table(pair: PairContext) -> Table:
    """Table of means with intervals: compared maps down, measures across."""
    rows = []
    for row in _rows():
        columns = [(_values(pair, row, value)[1], quantity(name)) for name, value in AGREEMENTS]
        if not any(len(each) for each, _ in columns):
            continue
        n = max(len(each) for each, _ in columns)
        means = (_mean_text(each, measure.notation) for each, measure in columns)
        rows.append(TableRow((row.long,), "", (str(n), *means)))
    return Table(
        title=f"Means [nominal 95\u00a0% intervals over images, from {FEWEST} images]",
        heads=("compared",),
        columns=("n", *(quantity(name).name for name, _ in AGREEMENTS)),
        rows=tuple(rows),
    )


def _mean_text(values: FloatArray, notation: Notation) -> str:
    if not len(values):
        return MISSING
    interval = mean_interval(values)
    mean = float(values.mean())
    if interval is None:
        return value_text(mean, notation)
    text, low, high = column((mean, interval.low, interval.high), notation)
    return f"{text} [{low},\u00a0{high}]"


def differences_section(pair: PairContext) -> Section:
    """Section on differences of both models, paired by image."""
    held = [measure for measure in MEASURES if pair.pair.measures[measure.quantity.id].n]
    absent = [measure for measure in MEASURES if not pair.pair.measures[measure.quantity.id].n]
    many = pair.count > MOST_DOTS
    drawn = f" Dots are {MOST_DOTS} evenly spaced images of {pair.count}." if many else ""
    return Section(
        id="differences",
        title="Differences, image by image",
        text=(f"{_apart(pair)} Differences are A minus B: right of zero, A has more.{drawn}",),
        charts=tuple(_difference_chart(pair, measure) for measure in held),
        tables=(_differences_table(pair),),
        absent=tuple(
            f"{upper_first(measure.name)}: not applicable, {_lacks(measure)}." for measure in absent
        ),
    )


def _apart(pair: PairContext) -> str:
    """Sentence on how many of the intervals exclude zero, or on why there are none."""
    found = [each for each in pair.pair.measures.values() if each.n]
    intervals = [each.interval for each in found if each.interval is not None]
    if not intervals:
        return f"Intervals need {FEWEST} images; every dot is an image."
    apart = sum(each.low > 0 or each.high < 0 for each in intervals)
    return (
        f"{count(apart)} of {counted(len(intervals), 'interval')} over images (nominal 95\u00a0%) "
        f"exclude{'s' if apart == 1 else ''} zero."
    )


def _lacks(measure: PairedMeasure) -> str:
    """Why a measure cannot be paired for two models."""
    if measure.quantity is CLS_MASS_REGISTERS:
        return "both models need registers and a class token"
    return "both models need a class token"


def _difference_chart(pair: PairContext, measure: PairedMeasure) -> Chart:
    found = measure.quantity
    row = difference_interval(pair, "A \u2212 B", pair.pair.measures[found.id], found.notation)
    words = Words(
        f"difference-{found.id}",
        upper_first(measure.name),
        found.change_unit,
        "",
        "",
        found.change_notation,
    )
    return pair.planner.defined(interval_chart(words, [row]), found.id)


def _differences_table(pair: PairContext) -> Table:
    """Table of both means and the mean difference, with its interval and n."""
    marked = starred(pair.pair.measures)
    tested = sum(found.stars_allowed for found in pair.pair.measures.values())
    stars = (
        f"no stars below {STARS} images"
        if pair.count < STARS
        else f"* p < 0.05 after Holm's correction for {counted(tested, 'number')}; intervals are "
        "not corrected"
    )
    return Table(
        title=f"Means over images, and A minus B, of shares in percentage points ({stars})",
        heads=("number",),
        columns=("unit", *pair.labels, "difference", "nominal 95\u00a0% interval", "n"),
        rows=tuple(
            _difference_row(
                pair,
                measure,
                pair.pair.measures[measure.quantity.id],
                star=measure.quantity.id in marked,
            )
            for measure in MEASURES
        ),
    )


def _difference_row(
    pair: PairContext, measure: PairedMeasure, found: Paired, *, star: bool
) -> TableRow:
    url = pair.planner.definition(measure.quantity.id).url
    if not found.n:
        return TableRow((measure.name,), url, (measure.quantity.unit, *4 * (MISSING,), "0"))
    interval, notation = found.interval, measure.quantity.notation
    means = column((float(found.one.mean()), float(found.two.mean())), notation)
    change = measure.quantity.change_notation
    difference, reach = value_text(found.mean, change), MISSING
    if interval:
        difference, reach = interval_texts(found.mean, interval.low, interval.high, change)
    difference += " *" if star else ""
    return TableRow(
        (measure.name,),
        url,
        (measure.quantity.unit, *means, difference, reach, str(found.n)),
    )
