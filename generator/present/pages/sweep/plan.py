"""Plan of the sweep page: quantities and maps of one model by training step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from generator.analysis.compare.sweep import (
    StepAgreement,
    StepNumbers,
    step_agreement,
    step_numbers,
)
from generator.analysis.grids import PlacedMap
from generator.analysis.quantities.agreement import DIVERGENCE
from generator.analysis.quantities.attention import CLS_MASS, DISTANCE_SHARE, ENTROPY
from generator.analysis.quantities.quantity import Quantity
from generator.analysis.quantities.stream import MAX_NORM, NORM_ONSET, NORM_RATIO, OUTLIER_SHARE
from generator.present.cells.files import CellContent
from generator.present.charts.chart import Chart, Words
from generator.present.charts.lines import Series, line_chart
from generator.present.pages.links import step_text
from generator.present.pages.model_context import reading
from generator.present.pages.paging import listed_images
from generator.present.pages.paths import sweep_path
from generator.present.pages.planner import Planner
from generator.present.pages.sections import Table, TableRow
from generator.present.pages.sweep.views import Checkpoint, StepMap, StepRow, SweepPage
from generator.present.pages.wording import map_alt, notice
from generator.records.record import FloatArray
from generator.records.run import Failure, ImageEntry, ModelEntry, Sweep
from generator.text.numbers import column, count
from generator.text.phrases import counted

MOST_ROWS = 6
"""Most images whose maps are shown by step."""

AXIS = "step"


def sweep_page(planner: Planner, sweep: Sweep) -> SweepPage:
    """Plan the page of a sweep."""
    here = planner.on(sweep_path(sweep.slug))
    measured = _measured(here, sweep)
    shown = [image for image in listed_images(here.run.images) if image.failure is None]
    first, last = (step_text(step.step) for step in (sweep.steps[0], sweep.steps[-1]))
    left = len(shown) - MOST_ROWS
    return SweepPage(
        path=here.page,
        frame=here.frame(
            f"{sweep.label} · {here.run.title}",
            f"{sweep.label} from {first} to {last}: attention along the training.",
            "sweep",
        ),
        label=sweep.label,
        summary=f"{counted(len(sweep.steps), 'checkpoint')}, {first} to {last}",
        checkpoints=tuple(
            Checkpoint(step_text(step), here.model_link(model), notice(model.failure))
            for step, model in measured.steps
        ),
        maps="CLS attention of the last layer, mean over heads, one scale. Models without CLS: "
        "attention that patches receive."
        + (" A sequence is shown by its first frame." if here.run.sequences else ""),
        bar=here.shared_bar(),
        rows=tuple(_row(here, sweep, measured, image) for image in shown[:MOST_ROWS]),
        more=f"{counted(left, 'more image')} not shown here." if left > 0 else "",
        text="Means over images, layers and heads, unless a chart says otherwise. A gap: the "
        "checkpoint has no such number. Training is not the only possible cause of a change."
        + _uneven(measured),
        charts=tuple(_charts(here, measured)),
        table=_table(measured),
    )


def _uneven(measured: _Measured) -> str:
    """Sentence that means are over different images at some steps; empty if they are not."""
    counts = {each.images for each in measured.numbers if each}
    if len(counts) < 2:
        return ""
    return (
        f" Not every checkpoint has every image: means are over {count(min(counts))} to "
        f"{counted(max(counts), 'image')}, as the table says."
    )


@dataclass(frozen=True, slots=True)
class _Measured:
    """Measured data of a sweep.

    Attributes:
        steps: pairs of a step and its model.
        numbers: numbers of each step; None if nothing was measured.
        agreement: agreement of each step's maps with those of the first and last measured steps.
        ends: first and last measured steps; None if nothing was measured.
        urls: URLs of the models' pages.
    """

    steps: tuple[tuple[int, ModelEntry], ...]
    numbers: tuple[StepNumbers | None, ...]
    agreement: StepAgreement
    ends: tuple[int, int] | None
    urls: tuple[str, ...]

    def values(self, pick: Callable[[StepNumbers], float]) -> FloatArray:
        """Values over steps: float64 ``[step]``; NaN for missing values."""
        return np.array([np.nan if each is None else pick(each) for each in self.numbers])


def _measured(planner: Planner, sweep: Sweep) -> _Measured:
    entries = {model.slug: model for model in planner.run.models}
    steps = tuple((each.step, entries[each.model]) for each in sweep.steps)
    digests = [planner.contents.models.get(each.model) for each in sweep.steps]
    maps = [_placed(planner, each.model) for each in sweep.steps]
    with_maps = [n for n, own in enumerate(maps) if own]
    ends = (with_maps[0], with_maps[-1]) if with_maps else None
    agreement = StepAgreement(np.full(len(steps), np.nan), np.full(len(steps), np.nan), ())
    if ends:
        within = step_agreement(maps[ends[0] : ends[1] + 1])
        agreement.first[ends[0] : ends[1] + 1] = within.first
        agreement.last[ends[0] : ends[1] + 1] = within.last
    return _Measured(
        steps=steps,
        numbers=tuple(step_numbers(each) if each else None for each in digests),
        agreement=agreement,
        ends=(steps[ends[0]][0], steps[ends[1]][0]) if ends else None,
        urls=tuple(planner.model_link(model) for _, model in steps),
    )


def _placed(planner: Planner, model: str) -> dict[str, PlacedMap]:
    """Last-layer map of each image."""
    found = {}
    for image in planner.run.images:
        cell = planner.cell(model, image.slug)
        digest = planner.contents.digests.of(model, image.slug)
        if isinstance(cell, CellContent) and digest is not None:
            found[image.slug] = PlacedMap(digest.last, cell.facts.view)
    return found


# --- charts --------------------------------------------------------------------------------------

_SINGLE: tuple[tuple[Quantity, str, Callable[[StepNumbers], float]], ...] = (
    (ENTROPY, "Entropy", lambda n: n.entropy),
    (DISTANCE_SHARE, "Attention distance", lambda n: n.distance),
    (OUTLIER_SHARE, "Outlier patches", lambda n: n.outlier_share),
    (MAX_NORM, "Max norm of a patch", lambda n: n.max_norm),
    (NORM_RATIO, "Max norm over the median", lambda n: n.norm_ratio),
    (NORM_ONSET, "Onset of high norms", lambda n: n.onset),
)
"""Quantities of the charts, titles, and getters."""

_MASS: tuple[tuple[str, Callable[[StepNumbers], float]], ...] = (
    ("on CLS", lambda n: n.cls_on_cls),
    ("on registers", lambda n: n.cls_on_registers),
    ("on patches", lambda n: n.cls_on_patches),
)


FROM_ZERO = frozenset({"cls-mass", "divergence", "outlier-share"})
"""Quantities whose charts start at zero: shares, and distances."""


def _charts(planner: Planner, measured: _Measured) -> Iterator[Chart]:
    if not measured.ends:
        return
    for drawn, title, pick in _SINGLE:
        values = measured.values(pick)
        if np.isfinite(values).any():
            words = Words(drawn.id, title, AXIS, drawn.unit, reading(drawn.id), drawn.notation)
            yield _chart(planner, words, [_series(measured, title, values)], drawn.id)
    mass = [_series(measured, name, measured.values(pick)) for name, pick in _MASS]
    mass = [each for each in mass if np.isfinite(each.y).any()]
    if mass:
        words = Words(
            "cls-mass",
            "Where CLS attends",
            AXIS,
            CLS_MASS.unit,
            reading("cls-mass"),
            CLS_MASS.notation,
        )
        yield _chart(planner, words, mass, "cls-mass")
    words = Words(
        "agreement",
        "How far the maps are from the first and the last",
        AXIS,
        f"divergence in {DIVERGENCE.unit}",
        "Maps of the last layer, mean over heads and over images. Low: similar maps. High: no "
        "overlap, however far apart.",
    )
    ends = [
        _series(measured, f"from {step_text(step)}", values)
        for step, values in zip(
            measured.ends, (measured.agreement.first, measured.agreement.last), strict=True
        )
    ]
    yield _chart(planner, words, ends, "divergence")


def _series(measured: _Measured, name: str, values: FloatArray) -> Series:
    x = np.array([step for step, _ in measured.steps], dtype=float)
    return Series(name, x, values, urls=measured.urls)


def _chart(planner: Planner, words: Words, series: list[Series], quantity: str) -> Chart:
    chart = line_chart(words, series, zero=quantity in FROM_ZERO)
    return planner.defined(chart, quantity)


def _table(measured: _Measured) -> Table:
    """Table of all quantities by step."""
    columns: list[tuple[str, Quantity, FloatArray]] = [
        *((title, each, measured.values(pick)) for each, title, pick in _SINGLE),
        *((f"CLS {name}", CLS_MASS, measured.values(pick)) for name, pick in _MASS),
        ("Divergence from the first", DIVERGENCE, measured.agreement.first),
        ("Divergence from the last", DIVERGENCE, measured.agreement.last),
    ]
    printed = [column(list(map(float, values)), each.notation) for _, each, values in columns]
    return Table(
        title="All numbers",
        heads=("step",),
        columns=("images", *(f"{name} ({each.unit})" for name, each, _ in columns)),
        rows=tuple(
            TableRow(
                (str(step),),
                measured.urls[n],
                (
                    str(numbers.images if numbers else 0),
                    *(texts[n] for texts in printed),
                ),
            )
            for n, ((step, _), numbers) in enumerate(
                zip(measured.steps, measured.numbers, strict=True)
            )
        ),
    )


# --- maps through the steps ----------------------------------------------------------------------


def _row(planner: Planner, sweep: Sweep, measured: _Measured, image: ImageEntry) -> StepRow:
    url = planner.image_link(image)
    return StepRow(
        title=image.title,
        url=url,
        thumb=planner.picture(image, thumb=True),
        maps=tuple(
            _map(planner, step, model, image, f"{url}#{chosen(planner.run.sweeps, sweep, step)}")
            for step, model in measured.steps
        ),
    )


def chosen(sweeps: tuple[Sweep, ...], sweep: Sweep, step: int) -> str:
    """URL fragment of an image page that shows a step; other sweeps show their last step."""
    steps = (step if other is sweep else other.steps[-1].step for other in sweeps)
    return f"step={','.join(map(str, steps))}"


def _map(planner: Planner, step: int, model: ModelEntry, image: ImageEntry, url: str) -> StepMap:
    cell = planner.cell(model.slug, image.slug)
    if isinstance(cell, Failure):
        return StepMap(step_text(step), url, None, (model.failure or cell).message)
    file = planner.contents.colored[model.slug, image.slug].map
    alt = map_alt(model.label, cell.header.last, cell)
    return StepMap(step_text(step), url, planner.map_picture(file, cell, alt), "")
