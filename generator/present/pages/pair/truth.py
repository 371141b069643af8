"""A comparison's page on objects that people have marked: both models' scores, paired by image."""

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
from generator.analysis.quantities.table import quantity
from generator.present.cells.truth import MAPS, UNIFORM, BoxOverlaps, CellTruth, Marks
from generator.present.charts.chart import Chart, Words
from generator.present.charts.intervals import interval_chart
from generator.present.pages.pair.pair import PairContext, difference_interval
from generator.present.pages.pair.views import PairTable
from generator.present.pages.sections import Section, TableRow
from generator.records.record import FloatArray
from generator.text.phrases import counted

OwnInterval = Callable[[FloatArray], Interval | None]

OWN = 2
"""Of the maps that are scored, the first ones are the model's of the picture."""

SCORES: tuple[tuple[str, str, Callable[[MapScores], float]], ...] = (
    ("mass-inside", "mass inside", lambda found: found.mass_inside),
    ("pointing-game", "hits", lambda found: float(found.hit)),
    ("mask-iou", "IoU at 60\u00a0%", lambda found: found.iou),
    ("average-precision", "average precision", lambda found: found.average_precision),
)
"""Ids of the quantities, short names, and where they stand."""

METHODS: tuple[tuple[str, Callable[[BoxOverlaps], float | NotApplicable]], ...] = (
    ("LOST", lambda overlaps: overlaps.lost),
    ("TokenCut", lambda overlaps: overlaps.tokencut),
)


@dataclass(frozen=True, slots=True)
class _ScoreRow:
    """A score of both models: what the map is, which score, and the pairs."""

    map: str
    score: str
    found: Paired


def truth_section(pair: PairContext) -> Section | None:
    """Differences of scores, image by image; None where nobody has marked anything."""
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
            f"{counted(len(scored), 'image')} of {pair.count} with marked objects. "
            f"{quantity('paired-difference').caveat} A clean map is not a better mask: read the "
            "numbers beside those of maps that know nothing of the picture.",
        ),
        charts=tuple(charts),
    )


def truth_tables(pair: PairContext) -> tuple[PairTable, ...]:
    """Scores of maps against masks and boxes, and CorLoc of found boxes."""
    found = (*(_map_table(pair, marks) for marks in ("mask", "boxes")), _box_table(pair))
    return tuple(table for table in found if table is not None)


def _scored(pair: PairContext) -> dict[str, tuple[CellTruth, CellTruth]]:
    """Image -> scores of both models, where both have some."""
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
                continue  # all its places tie
            values: list[list[float | None]] = [[], []]
            for both in scored.values():
                for held, truth in zip(values, both, strict=True):
                    scores = truth.maps[place]
                    held.append(value(scores) if isinstance(scores, MapScores) else None)
            found = paired(tuple(scored), *values)
            if found.n:
                yield _ScoreRow(name, score, found)


def _map_table(pair: PairContext, marks: Marks) -> PairTable | None:
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
    return PairTable(
        caption=f"Maps against {'masks' if marks == 'mask' else 'boxes'}: means over images, CLS "
        f"query, last layer averaged over heads, and rollout. {_interval_words()}",
        columns=("map and score", *pair.labels, "difference", "nominal 95 % interval", "n"),
        rows=rows,
    )


def _box_table(pair: PairContext) -> PairTable | None:
    """CorLoc with its interval, and overlaps, paired."""
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
    return PairTable(
        caption=f"Found boxes against marked ones. CorLoc: share of the images in which "
        f"the found box has an IoU of at least {FOUND:g} with a marked one. In "
        f"brackets each model's own nominal 95 % interval (of CorLoc Wilson's). "
        f"{_interval_words()}",
        columns=("method", *pair.labels, "difference", "nominal 95 % interval", "n"),
        rows=tuple(rows),
    )


def _overlaps(scored: dict[str, tuple[CellTruth, CellTruth]]) -> Iterator[tuple[str, Paired]]:
    """IoU of found boxes, image by image: a method in the vectors that both models were asked."""
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
        "Difference: second less first, with its nominal 95 % interval over images, from "
        f"{FEWEST} images."
    )


def _cells(
    found: Paired, *, own: OwnInterval | None = None, compared: bool = True
) -> tuple[str, ...]:
    """Means of both; their difference where the maps are the models' of this picture."""
    interval = found.interval if compared else None
    return (
        _mean(found.one, own),
        _mean(found.two, own),
        _signed(found.mean) if compared else "—",
        f"{_signed(interval.low)} to {_signed(interval.high)}" if interval else "—",
        str(found.n),
    )


def _mean(values: FloatArray, own: OwnInterval | None) -> str:
    interval = own(values) if own else None
    text = f"{float(values.mean()):.2f}"
    if interval is None:
        return text
    return f"{text} [{interval.low:.2f},\u00a0{interval.high:.2f}]"


def _signed(value: float) -> str:
    text = f"{value:.3f}"
    return "0.000" if text == "-0.000" else text.replace("-", "\u2212")


def _differences(pair: PairContext, marks: Marks, place: int) -> Chart | None:
    """All scores of one map: a dot for each image, the mean with its interval."""
    names = {score: name for score, name, _ in SCORES}
    rows = [
        difference_interval(pair, names[row.score], row.found)
        for row in _rows(pair, marks)
        if row.map == MAPS[place]
    ]
    if not rows:
        return None
    name, against = MAPS[place], "masks" if marks == "mask" else "boxes"
    words = Words(
        f"truth-{marks}-{name.replace(' ', '-')}",
        f"{name[0].upper()}{name[1:]} against {against}",
        "score, B less A",
        "",
        f"A is {pair.labels[0]}, B is {pair.labels[1]}. Right of zero, B agrees more with what "
        f"people have marked; {int(np.max([row.count or 0 for row in rows]))} images.",
    )
    return pair.planner.defined(interval_chart(words, rows), *(score for score, _, _ in SCORES))
