"""Plan of the sequence page: frames, and charts over time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from generator.analysis.compare.agreement import divergence
from generator.analysis.quantities.table import quantity
from generator.present.cells.files import CellContent
from generator.present.charts.chart import Chart, Words
from generator.present.charts.lines import STROKES, Series, line_chart
from generator.present.content.contents import Copies
from generator.present.pages.image.plan import FIELDS, page_at, page_model
from generator.present.pages.image.views import FrameThumb, ImagePage, OverTime
from generator.present.pages.paths import sequence_path
from generator.present.pages.planner import Planner
from generator.present.pages.reduced import sequence_notice
from generator.present.pages.small_maps import small_maps, small_maps_text
from generator.present.pages.views import Fact, FrameModel, SequenceFrame
from generator.present.pages.wording import OUTLIERS_RULE, model_names, notice, scale_note
from generator.records.record import FloatArray
from generator.records.run import ImageEntry, ModelEntry, Sequence
from generator.text.amounts import moment
from generator.text.numbers import number
from generator.text.phrases import counted

SECONDS_A_PICTURE = 0.2
"""Duration of a numbered picture in playback, since it has no time."""

LAST_STEP = "Of a sweep, the last step is shown."

ABSENT = {
    "time-registers": "CLS on registers: not applicable, no model has both.",
    "time-outliers": "Outlier patches: no model has any, in any frame.",
}
"""Id of a chart -> why it may be missing."""

Read = Callable[[CellContent], float | None]


def sequence_pages(planner: Planner) -> Iterator[ImagePage]:
    """Plan the page of every sequence that has a frame."""
    for sequence in planner.run.sequences:
        if planner.frames(sequence):
            yield _page(planner.on(sequence_path(sequence.slug)), sequence)


def frame_label(image: ImageEntry) -> str:
    """Label of a frame: its time, or the number in its name."""
    assert image.frame is not None
    if image.frame.time is None:
        return image.title.removeprefix(f"{image.frame.sequence.label}, ")
    return moment(image.frame.time)


def sequence_summary(planner: Planner, sequence: Sequence) -> str:
    """Summary of a sequence: number of frames and duration."""
    frames = planner.frames(sequence)
    if not sequence.sha256:
        return counted(len(frames), "picture")
    first, last = (frame.frame.time or 0.0 for frame in (frames[0], frames[-1]) if frame.frame)
    return f"{counted(len(frames), 'frame')}, {number(last - first)} s"


def _page(here: Planner, sequence: Sequence) -> ImagePage:
    frames = here.frames(sequence)
    every = [i for i in here.run.images if i.frame and i.frame.sequence == sequence]
    at = {model.slug: _first_with_maps(here, model.slug, frames) for model in here.run.models}
    first = page_at(here, frames[0], sequence_summary(here, sequence), None, None, at)
    labels = ", ".join(model_names(here.run, here.run.models))
    charts = tuple(_charts(here, sequence, frames))
    return replace(
        first,
        frame=here.frame(
            f"{sequence.label} · {here.run.title}",
            f"Attention of {labels} on {sequence.label} over time, side by side.",
            "sequence",
        ),
        title=sequence.label,
        # outliers of one frame would stay when another is shown
        columns=tuple(replace(column, outliers="") for column in first.columns),
        facts=_facts(here, sequence, first.size),
        reduced=sequence_notice(here, [image.slug for image in frames]),
        data=replace(
            first.data, frames=tuple(_frame(here, n, image) for n, image in enumerate(frames))
        ),
        sequence=None,
        over_time=OverTime(
            damage=sequence.damage,
            frames=tuple(_thumb(here, image) for image in every),
            maps=_maps_text(here),
            over=_over_text(here),
            charts=charts,
            absent=tuple(
                reason
                for chart, reason in ABSENT.items()
                if charts and chart not in [found.words.id for found in charts]
            ),
        ),
    )


def _first_with_maps(planner: Planner, model: str, frames: tuple[ImageEntry, ...]) -> ImageEntry:
    """First frame with maps of a model."""
    measured = (f for f in frames if isinstance(planner.cell(model, f.slug), CellContent))
    return next(measured, frames[0])


def _facts(planner: Planner, sequence: Sequence, size: str) -> tuple[Fact, ...]:
    facts = [
        Fact("File" if sequence.sha256 else "Folder", sequence.source),
        Fact("Taken", sequence.taken),
        Fact("Size", size),
        Fact("Models saw", FIELDS[planner.run.field_of_view]),
        Fact("Outlier patches", OUTLIERS_RULE),
    ]
    return (*facts, Fact("SHA-256", sequence.sha256)) if sequence.sha256 else tuple(facts)


def _frame(planner: Planner, place: int, image: ImageEntry) -> SequenceFrame:
    copies = planner.contents.copies.get(image.slug)
    assert image.frame is not None
    time = image.frame.time
    models = (page_model(planner, model, image) for model in planner.run.models)
    return SequenceFrame(
        slug=image.slug,
        title=image.title,
        label=frame_label(image),
        time=place * SECONDS_A_PICTURE if time is None else time,
        picture=copies.picture.path if isinstance(copies, Copies) else "",
        models=tuple(FrameModel(m.record, m.chunks, m.failure, m.cut, m.alike) for m in models),
    )


def _maps_text(planner: Planner) -> str:
    steps = f" {LAST_STEP}" if planner.run.sweeps else ""
    return f"{small_maps_text(planner)}{steps} {scale_note(planner.contents.scale, None)}"


def _thumb(planner: Planner, image: ImageEntry) -> FrameThumb:
    return FrameThumb(
        url="" if image.failure else planner.image_link(image),
        label=frame_label(image),
        picture=planner.picture(image, thumb=True),
        maps=() if image.failure else tuple(small_maps(planner, image)),
        failure=notice(image.failure),
    )


# --- charts ------------------------------------------------------------------------------------


def _drawn(planner: Planner) -> tuple[ModelEntry, ...]:
    """Models with a line in the charts: as many as lines can be told apart."""
    run = planner.run
    return run.models if len(run.models) <= STROKES else run.listed


def _over_text(planner: Planner) -> str:
    fewer = len(_drawn(planner)) < len(planner.run.models)
    steps = f" {LAST_STEP}" if fewer else ""
    return f"Numbers of the last layer, frame by frame.{steps} A dot leads to its frame."


def _charts(
    planner: Planner, sequence: Sequence, frames: tuple[ImageEntry, ...]
) -> Iterator[Chart]:
    """Charts of quantities of the last layer over frames; empty for a single frame."""
    if len(frames) < 2:
        return
    over = "seconds" if sequence.sha256 else "picture"
    tables: tuple[tuple[str, str, str, Read], ...] = (
        ("entropy", "entropy", "Entropy in the last layer, mean over heads", _entropy),
        (
            "registers",
            "cls-mass-registers",
            "CLS on registers in the last layer, mean over heads",
            _registers,
        ),
        ("outliers", "outlier-count", "Outlier patches", _outliers),
    )
    for name, identifier, title, read in tables:
        values = [_over_frames(planner, model.slug, frames, read) for model in _drawn(planner)]
        found = quantity(identifier)
        words = Words(f"time-{name}", title, over, found.unit, notation=found.notation)
        if np.nansum(values) > 0:
            chart = _lines(planner, words, frames, values)
            yield planner.defined(chart, identifier)
    jumps = [_jumps(planner, model.slug, frames) for model in _drawn(planner)]
    if np.isfinite(jumps).any():
        words = Words(
            "time-change",
            "How much the CLS map changes from the frame before",
            over,
            quantity("divergence").unit,
            "Last layer, mean over heads, patches only, as shares of 1. A model without CLS: what "
            "patches receive.",
        )
        chart = _lines(planner, words, frames, jumps)
        yield planner.defined(chart, "divergence")


def _entropy(cell: CellContent) -> float:
    return float(cell.entropy[-1].mean())


def _registers(cell: CellContent) -> float | None:
    return cell.header.on_registers


def _outliers(cell: CellContent) -> float:
    return float(cell.facts.outliers.count)


def _over_frames(
    planner: Planner, model: str, frames: tuple[ImageEntry, ...], read: Read
) -> FloatArray:
    """Values over frames: float64 ``[frame]``; NaN for missing values."""
    found = []
    for image in frames:
        cell = planner.cell(model, image.slug)
        value = read(cell) if isinstance(cell, CellContent) else None
        found.append(np.nan if value is None else value)
    return np.array(found)


def _jumps(planner: Planner, model: str, frames: tuple[ImageEntry, ...]) -> FloatArray:
    """Divergence of each frame's map from the previous one: float64 ``[frame]``, in bits."""
    digests = [planner.contents.digests.of(model, image.slug) for image in frames]
    found = np.full(len(frames), np.nan)
    for n, (one, two) in enumerate(pairwise(digests), start=1):
        if one is not None and two is not None and one.last.shape == two.last.shape:
            found[n] = divergence(one.last.astype(np.float64), two.last.astype(np.float64))
    return found


def _lines(
    planner: Planner, words: Words, frames: tuple[ImageEntry, ...], values: list[FloatArray]
) -> Chart:
    x = np.array([_place(n, image) for n, image in enumerate(frames, start=1)])
    urls = tuple(f"{planner.url(planner.page)}#frame={n}" for n in range(1, len(frames) + 1))
    # a model without values keeps its color and stroke
    series = [
        Series(model.label, x, y, urls=urls, model=model.slug, number=n)
        for n, (model, y) in enumerate(zip(_drawn(planner), values, strict=True), start=1)
    ]
    shown = [one for one in series if np.isfinite(one.y).any()]
    if len(shown) == 1 < len(series):
        words = replace(words, note=f"{shown[0].name} only. {words.note}".strip())
    return line_chart(words, shown, zero=True)


def _place(number: int, image: ImageEntry) -> float:
    assert image.frame is not None
    return float(number) if image.frame.time is None else image.frame.time
