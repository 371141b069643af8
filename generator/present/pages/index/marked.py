"""Front page: scores of maps and boxes against marked objects, over all images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.analysis.features.truth import FOUND, MapScores, corloc
from generator.analysis.quantities.table import quantity
from generator.present.cells.digests import vectors_of
from generator.present.cells.truth import MAPS, UNIFORM, CellTruth, Marks
from generator.present.charts.chart import NumberTable
from generator.present.pages.image.analyses_views import MarkedSummary, ScoreTable
from generator.present.pages.image.panels import term
from generator.present.pages.planner import Planner
from generator.text.numbers import MISSING, percent
from generator.text.phrases import counted

MAP_COLUMNS = (
    "model, map",
    "images",
    "mass inside",
    "hits",
    "IoU at 60\u00a0%",
    "average precision",
)
TITLES: dict[Marks, str] = {"mask": "Maps against masks", "boxes": "Maps against boxes"}
NOTES: dict[Marks, str] = {
    "mask": "Means over the images with a mask, CLS query, last layer averaged over heads, and "
    "rollout through all layers. The map of another picture, uniform attention and a centered "
    "Gaussian ignore the picture: compare a model's numbers with theirs.",
    "boxes": "The same over images with boxes and no mask. Boxes include background, so these "
    "numbers are not comparable with those against masks.",
}


def marked_summary(planner: Planner) -> MarkedSummary | None:
    """Summary of the scores; None for a gallery without marked objects."""
    truth = {at: t for at, t in planner.contents.scored.truth.items() if isinstance(t, CellTruth)}
    if not truth:
        return None
    tables = [
        table
        for marks in TITLES
        if (
            table := _map_table(
                planner, {at: t for at, t in truth.items() if t.marks == marks}, marks
            )
        )
    ]
    ids = ["mass-inside", "pointing-game", "mask-iou", "average-precision"]
    boxes = _box_table(planner, truth)
    if boxes:
        tables.append(boxes)
        ids.append("corloc")
    return MarkedSummary(tuple(term(planner, quantity(each)) for each in ids), tuple(tables))


def _map_table(
    planner: Planner, truth: dict[tuple[str, str], CellTruth], marks: Marks
) -> ScoreTable | None:
    rows = []
    for model in planner.run.models:
        own = [t for (slug, _), t in truth.items() if slug == model.slug]
        for place, name in enumerate(MAPS):
            scores = [s for t in own if isinstance(s := t.maps[place], MapScores)]
            if scores:
                count, mass, hits, *others = _means(scores)
                hits = MISSING if name == UNIFORM else hits
                rows.append((f"{model.label}, {name}", count, mass, hits, *others))
    if not rows:
        return None
    return ScoreTable(TITLES[marks], NumberTable(MAP_COLUMNS, tuple(rows)), NOTES[marks])


def _means(scores: Sequence[MapScores]) -> tuple[str, ...]:
    return (
        str(len(scores)),
        percent(float(np.mean([each.mass_inside for each in scores]))),
        percent(float(np.mean([each.hit for each in scores]))),
        percent(float(np.mean([each.iou for each in scores]))),
        percent(float(np.mean([each.average_precision for each in scores]))),
    )


def _box_table(planner: Planner, truth: dict[tuple[str, str], CellTruth]) -> ScoreTable | None:
    rows = []
    for model in planner.run.models:
        own = [t for (slug, _), t in truth.items() if slug == model.slug]
        for vectors in vectors_of(planner.contents.digests, model.slug):
            found = [o for t in own for o in t.overlaps if o.vectors == vectors]
            cells: list[str] = []
            for overlaps in ([o.lost for o in found], [o.tokencut for o in found]):
                known = [iou for iou in overlaps if not isinstance(iou, NotApplicable)]
                share = corloc(known)
                cells += (
                    ["", ""]
                    if isinstance(share, NotApplicable)
                    else [percent(share), str(len(known))]
                )
            if any(cells):
                rows.append((f"{model.label}, {vectors}", *cells))
    if not rows:
        return None
    return ScoreTable(
        "CorLoc: objects found without labels",
        NumberTable(
            ("model, vectors of its last layer", "LOST", "images", "TokenCut", "images"),
            tuple(rows),
        ),
        f"Share of the images in which the box has an IoU of at least {percent(FOUND)} with a "
        "marked one; "
        f"{counted(len({image for _, image in truth}), 'image')} with marks.",
    )
