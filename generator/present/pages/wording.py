"""Phrases that several pages share: counts, tokens, alternative texts, credits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from generator.analysis.absent import NotApplicable
from generator.analysis.stream.norms import Outliers
from generator.present.cells.chunks.headers import MapNote
from generator.present.cells.files import CellContent
from generator.present.cells.labels import column_name, row_name
from generator.present.drawing.scale import FLOOR, LOW_TAIL, TAIL, Scale, power_label
from generator.present.pages.views import CreditLine, Notice
from generator.records.record import OUTLIER, ModelFacts, Preprocessing, TokenLayout
from generator.records.run import Failure, ImageEntry, ModelEntry, Run
from generator.text.numbers import given, number, percent
from generator.text.phrases import counted, layer_spans, listed, stream_layer, with_runs

RECEIVED_NOTE = "mean received attention (this model has no CLS token)"
UNIT = "attention in times uniform: 1 is what every token would get if attention were spread evenly"
SCALE_RULE = (
    "for each model the 10 and 99.5 percentiles over all images, layers, heads and queries, "
    f"widened to whole powers of two; the union over models; never below {power_label(FLOOR)}"
)


def models_text(run: Run) -> str:
    """Number of models; a sweep counts once: ``2 models (one at 3 steps)``."""
    count = len(run.listed)
    words = counted(count, "model")
    steps = sorted({len(sweep.steps) for sweep in run.sweeps})
    if not steps:
        return words
    at = f"at {steps[0]} steps" if len(steps) == 1 else f"at {steps[0]} to {steps[-1]} steps"
    if len(run.sweeps) == count:
        return f"{words} {at}" if count == 1 else f"{words} (each {at})"
    return f"{words} ({'one' if len(run.sweeps) == 1 else len(run.sweeps)} {at})"


def images_text(run: Run) -> str:
    """Number of images: ``2 images, a sequence of 5 frames``."""
    frames = sum(image.frame is not None for image in run.images)
    stills = len(run.images) - frames
    words = [counted(stills, "image")] if stills or not frames else []
    if frames:
        of = counted(frames, "frame")
        sequences = len(run.sequences)
        words.append(
            f"a sequence of {of}"
            if sequences == 1
            else f"{counted(sequences, 'sequence')} of {of} in all"
        )
    return ", ".join(words)


def model_names(run: Run, models: Iterable[ModelEntry]) -> tuple[str, ...]:
    """Labels of models; a sweep has one label for all checkpoints."""
    sweeps = (run.sweep_of(model.slug) or model for model in models)
    return tuple(dict.fromkeys(each.label for each in sweeps))


def not_applicable(found: NotApplicable) -> str:
    """Why a number does not apply: ``Not applicable: rotary embedding.``."""
    return f"Not applicable: {found.reason.rstrip('.')}."


def withheld(found: NotApplicable) -> str:
    """Why a number is withheld: ``Withheld: fewer than 100 images.``."""
    return f"Withheld: {found.reason.rstrip('.')}."


def grid_text(grids: Iterable[tuple[int, int]]) -> str:
    """Grid sizes: ``37 × 37``, or the smallest to the largest where images differ."""
    ordered = sorted(set(grids))
    texts = [f"{rows} × {cols}" for rows, cols in ordered]
    return texts[0] if len(texts) == 1 else f"{texts[0]} to {texts[-1]}"


def prefix_text(layout: TokenLayout, model: ModelEntry) -> str:
    """The prefix tokens in words; test-time registers are named as such."""
    named = with_runs([name for name in layout.prefix if name not in layout.registers])
    trained = len(layout.registers) - (model.register is not None)
    registers = [counted(trained, "register")] if trained else []
    registers += ["1 test-time register"] if model.register else []
    if not layout.prefix:
        return "no CLS token, no registers"
    return listed([*named, *registers]) + ("" if registers else ", no registers")


def map_alt(label: str, note: MapNote, content: CellContent) -> str:
    """Alternative text of one map, from its data."""
    what = "mean received attention" if content.received else f"{content.header.token} attention"
    return (
        f"{label}, {row_name(note.row)}, {column_name(note.column)}: {percent(note.patches)} of "
        f"the {what} is on patches, at most {number(note.maximum)} times uniform on one."
    )


def wall_alt(label: str, content: CellContent) -> str:
    """Alternative text of a rendered wall, from its data."""
    header, layout = content.header, content.facts.layout
    strong, pale = header.strongest, header.palest
    what = (
        "mean received attention" if content.received else f"attention of the {header.token} token"
    )
    return (
        f"{label}: {what} in every layer (rows, {header.rows[0]} to {header.rows[-1]} from the "
        f"top) and head (columns, 1 to {header.heads}, then their mean), each a map of "
        f"{layout.rows} × {layout.cols} patches. The strongest patch is in {row_name(strong.row)}, "
        f"{column_name(strong.column)}: {number(strong.maximum)} times uniform. The least "
        f"attention on patches is in {row_name(pale.row)}, {column_name(pale.column)}: "
        f"{percent(pale.patches)}."
    )


def windows_text(model: ModelFacts, layers: Sequence[int]) -> str:
    """Layers that attend within windows: ``layers 1-2 within windows of 14 × 14 patches``.

    Args:
        layers: their indices; empty for none.
    """
    side = f"{model.window} × {model.window} patches"
    return f"{layer_spans(layers)} within windows of {side}" if layers else ""


def outliers_text(outliers: Outliers) -> str:
    """Number of outlier patches of a model, in one line."""
    if not outliers.count:
        return "0 outlier patches in all layers"
    largest = f"{number(outliers.ratio)} × the median".replace(" ", "\u00a0")
    found = counted(outliers.count, "outlier patch", "outlier patches")
    return f"{found} in {stream_layer(outliers.layer)}, the largest norm {largest}"


OUTLIERS_RULE = (
    f"Patches whose norm exceeds {given(OUTLIER)} × the median of their layer. Norms are of the "
    "residual stream, before the final LayerNorm. Counts are for the layer where the largest norm "
    "is farthest above the median."
)


def scale_note(scale: Scale, patches: Scale | None) -> str:
    """How the range of the shared scale was found."""
    others = (
        f" Patch queries have their own scale, {power_label(patches.low)} to "
        f"{power_label(patches.high)}."
        if patches
        else ""
    )
    below = (
        f"more than {percent(LOW_TAIL)} may be below it, since no scale starts lower"
        if scale.low <= FLOOR
        else f"at most {percent(LOW_TAIL)} are below it"
    )
    return (
        f"One scale for the whole gallery: {power_label(scale.low)} to {power_label(scale.high)} "
        f"times uniform. At most {percent(TAIL)} of each model's patches are above it; {below}."
        f"{others}"
    )


def notice(failure: Failure | None) -> Notice | None:
    """Convert a failure to a notice."""
    return Notice(message=failure.message, hint=failure.hint) if failure else None


def credit(image: ImageEntry) -> CreditLine:
    """Maker and license in one line."""
    # a URL, perhaps followed by words
    address = re.match(r"(https?://[^\s,]+),?\s*", image.source)
    source, words = ("", image.source)
    if address:
        source, words = address[1], image.source[address.end() :]
    parts = [image.credit, image.license, words]
    return CreditLine(text=", ".join(part for part in parts if part), source=source)


def checkpoint_notes(model: ModelFacts, preprocessing: Preprocessing) -> tuple[str, ...]:
    """Caveats on how a checkpoint was read, one sentence each; usually empty."""
    found = (
        f"with {model.adapter}, merged into the weights" if model.adapter else "",
        model.renamed,
        preprocessing.assumed,
    )
    return tuple(f"{text[0].upper()}{text[1:]}." for text in found if text)


def version_text(model: ModelEntry, facts_version: str) -> str:
    """Short commit or hash of the weights."""
    commit = model.commit or facts_version
    return commit[:12]
