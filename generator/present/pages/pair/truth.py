"""Pair page: section on scores against marked objects, paired by image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.analysis.compare.paired import (
    FEWEST,
    Interval,
    Paired,
    mean_interval,
    paired,
    share_interval,
)
from generator.analysis.features.truth import FOUND, MapScores
from generator.present.cells.truth import MAPS, UNIFORM, BoxOverlaps, CellTruth, Marks
from generator.present.charts.chart import Chart, Words
from generator.present.charts.intervals import interval_chart
from generator.present.pages.pair.pair import PairContext, difference_interval
from generator.present.pages.sections import Section, Table, TableRow
from generator.records.record import FloatArray
from generator.text.numbers import MISSING, column, interval_texts, percent, points
from generator.text.phrases import counted

OwnInterval = Callable[[FloatArray], Interval | None]

OWN = 2
"""Number of scored maps that are the model's own; baselines follow them."""

SCORES: tuple[tuple[str, str, Callable[[MapScores], float]], ...] = (
    ("mass-inside", "mass inside", lambda found: found.mass_inside),
    ("pointing-game", "hits", lambda found: float(found.hit)),
    ("mask-iou", "IoU at 60\u00a0%", lambda found: found.iou),
    ("average-precision", "average precision", lambda found: found.average_precision),
)
"""Ids of the quantities, short names, and getters."""

METHODS: tuple[tuple[str, Callable[[BoxOverlaps], float | NotApplicable]], ...] = (
    ("LOST", lambda overlaps: overlaps.lost),
    ("TokenCut", lambda overlaps: overlaps.tokencut),
)


@dataclass(frozen=True, slots=True)
class _ScoreRow:
    """A score of both models: map, score, and pairs of values."""

    map: str
    score: str
    found: Paired


def truth_section(pair: PairContext) -> Section | None:
    """Section on scores by image; None without marked objects."""
    scored = _scored(pair)
    if not scored:
        return None
    charts = [
        chart
        for marks in ("mask", "boxes")
        for place in range(OWN)
        if (chart := _differences(pair, marks, place)) is not None
    ]
    return Section(
        id="truth",
        title="Against the marked objects",
        text=(
            f"{counted(len(scored), 'image')} of {pair.count} have marked objects. Differences "
            "are A minus B: right of zero, A agrees more with the marks. A clean map is not a "
            "better mask: compare with maps that ignore the picture.",
        ),
        charts=tuple(charts),
        tables=tuple(_tables(pair)),
    )


def _tables(pair: PairContext) -> Iterator[Table]:
    """Tables of the scores of maps, and of CorLoc of found boxes."""
    for table in (_map_table(pair, "mask"), _map_table(pair, "boxes"), _box_table(pair)):
        if table is not None:
            yield table


def _scored(pair: PairContext) -> dict[str, tuple[CellTruth, CellTruth]]:
    """Image -> scores of both models, if both have some."""
    truth = pair.planner.contents.scored.truth
    found = {}
    for image in pair.images:
        one, two = (truth.get((seen.model.slug, image.slug)) for seen in pair.models)
        if isinstance(one, CellTruth) and isinstance(two, CellTruth):
            found[image.slug] = (one, two)
    return found


def _rows(pair: PairContext, marks: Marks) -> Iterator[_ScoreRow]:
    scored = {at: both for at, both in _scored(pair).items() if both[0].marks == marks}
    for place, name in enumerate(MAPS):
        for score, _, value in SCORES:
            if name == UNIFORM and score == "pointing-game":
                continue  # all its values are tied
            values: list[list[float | None]] = [[], []]
            for both in scored.values():
                for held, truth in zip(values, both, strict=True):
                    scores = truth.maps[place]
                    held.append(value(scores) if isinstance(scores, MapScores) else None)
            found = paired(tuple(scored), *values)
            if found.n:
                yield _ScoreRow(name, score, found)


def _map_table(pair: PairContext, marks: Marks) -> Table | None:
    names = {score: name for score, name, _ in SCORES}
    rows = tuple(
        TableRow(
            (f"{row.map}, {names[row.score]}",),
            pair.planner.definition(row.score).url,
            _cells(row.found, compared=row.map in MAPS[:OWN]),
        )
        for row in _rows(pair, marks)
    )
    if not rows:
        return None
    return Table(
        title=f"Maps against {'masks' if marks == 'mask' else 'boxes'}: means over images of the "
        f"CLS map (last layer, mean over heads) and of rollout. {_interval_words()}",
        heads=("map and score",),
        columns=(*pair.labels, "difference", "nominal 95\u00a0% interval", "n"),
        rows=rows,
    )


def _box_table(pair: PairContext) -> Table | None:
    """Table of CorLoc with its interval, and of paired IoU."""
    scored = {at: both for at, both in _scored(pair).items() if both[0].boxed}
    rows = []
    for name, ious in _overlaps(scored):
        hits = paired(
            ious.images,
            [float(value >= FOUND) for value in ious.one],
            [float(value >= FOUND) for value in ious.two],
        )
        url = pair.planner.definition("corloc").url
        rows.append(TableRow((f"{name}, CorLoc",), url, _cells(hits, own=share_interval)))
        url = pair.planner.definition("box-iou").url
        rows.append(TableRow((f"{name}, box IoU",), url, _cells(ious, own=mean_interval)))
    if not rows:
        return None
    return Table(
        title=f"Found boxes against marked ones. CorLoc: share of images in which "
        f"the found box has an IoU of at least {percent(FOUND)} with a marked one. "
        f"Brackets: each model's nominal 95\u00a0% interval (Wilson for CorLoc). "
        f"{_interval_words()}",
        heads=("method",),
        columns=(*pair.labels, "difference", "nominal 95\u00a0% interval", "n"),
        rows=tuple(rows),
    )


def _overlaps(scored: dict[str, tuple[CellTruth, CellTruth]]) -> Iterator[tuple[str, Paired]]:
    """IoU of found boxes, paired by image, for each method and kind of vectors."""
    vectors = dict.fromkeys(
        found.vectors for both in scored.values() for each in both for found in each.overlaps
    )
    for kind in vectors:
        for method, iou_of in METHODS:
            values: list[list[float | None]] = [[], []]
            for both in scored.values():
                for held, truth in zip(values, both, strict=True):
                    ious = [iou_of(found) for found in truth.overlaps if found.vectors == kind]
                    held.append(None if not ious or isinstance(ious[0], NotApplicable) else ious[0])
            found = paired(tuple(scored), *values)
            if found.n:
                yield f"{method} in {kind}", found


def _interval_words() -> str:
    return (
        "Difference: A minus B, in percentage points, with its nominal 95\u00a0% interval over "
        "images, from "
        f"{FEWEST} images."
    )


def _cells(
    found: Paired, *, own: OwnInterval | None = None, compared: bool = True
) -> tuple[str, ...]:
    """Cells with both means, and their difference if the map is the models' own."""
    difference, reach = points(found.mean) if compared else MISSING, MISSING
    if compared and found.interval:
        low, high = found.interval.low, found.interval.high
        difference, reach = interval_texts(found.mean, low, high, "points")
    return (_mean(found.one, own), _mean(found.two, own), difference, reach, str(found.n))


def _mean(values: FloatArray, own: OwnInterval | None) -> str:
    interval = own(values) if own else None
    mean = float(values.mean())
    if interval is None:
        return percent(mean)
    text, low, high = column((mean, interval.low, interval.high), "percent")
    return f"{text} [{low},\u00a0{high}]"


def _differences(pair: PairContext, marks: Marks, place: int) -> Chart | None:
    """Chart of all scores of one map: a dot for each image, and the mean with its interval."""
    names = {score: name for score, name, _ in SCORES}
    rows = [
        difference_interval(pair, names[row.score], row.found, "percent")
        for row in _rows(pair, marks)
        if row.map == MAPS[place]
    ]
    if not rows:
        return None
    name, against = MAPS[place], "masks" if marks == "mask" else "boxes"
    words = Words(
        f"truth-{marks}-{name.replace(' ', '-')}",
        f"{name[0].upper()}{name[1:]} against {against}",
        "percentage points, A \u2212 B",
        "",
        counted(int(np.max([row.count or 0 for row in rows])), "image") + ".",
        "points",
    )
    return pair.planner.defined(interval_chart(words, rows), *(score for score, _, _ in SCORES))
