"""Caption texts on color scales and clipped values."""

from __future__ import annotations

from collections.abc import Sequence

from generator.export.figures.layout.ranges import FORM_WORDS
from generator.export.figures.layout.tones import TIMES, Tone
from generator.present.drawing.map_range import USUAL_CLIP
from generator.records.record import FloatArray
from generator.spec.figures import FigureSpec
from generator.text.numbers import between, percent
from generator.text.phrases import listed

WEIGHTED = (
    "× values: each key's attention times the norm of its value vector after the output "
    "projection, as shares over the keys."
)
"""The query ``weighted`` in words, for captions."""


def scope_said(request: FigureSpec, drawn: Sequence[tuple[Tone, FloatArray]]) -> str:
    """The ends of the scales, and the maps that share a scale, in words.

    Args:
        drawn: maps of the figure, at least one, each with its scale.
    """
    tones = list(dict.fromkeys(tone for tone, _ in drawn))
    if tones[0].says:
        return tones[0].says
    form = tones[0].form
    usual = 0.0 if request.scale == "map" else USUAL_CLIP
    clip = usual if request.clip is None else request.clip
    ends = "each end" if form == "log2" else "the upper end"
    how = FORM_WORDS[form] + (f", cut off at {percent(clip / 100)} at {ends}" if clip else "")
    if request.scale == "map":
        return f"Every map has a scale of its own ({how}): colors of different maps do not compare."
    spans = [between(t.low, t.high) for t in tones]
    over = "the range of all layers and heads of the models and images shown"
    if request.scale == "shared":
        return f"Colors run from {spans[0]} times uniform ({how}), the same for all: {over}."
    whose = [tone.label.removeprefix(f"{TIMES}: ") for tone in tones]
    named = "; ".join(f"{name} from {span}" for name, span in zip(whose, spans, strict=True))
    over = "all its layers and heads" if request.scale == "model" else "all its heads"
    return (
        f"Each {request.scale} has a scale of its own over {over} ({how}), in times uniform: "
        f"{named}. Colors of different {request.scale}s do not compare."
    )


def cut_said(drawn: Sequence[tuple[Tone, FloatArray]]) -> str:
    """The share of values that scales clip, in words."""
    counts = [tone.clipped(values) for tone, values in drawn]
    below, above, of = (sum(part) for part in zip(*counts, strict=True)) if counts else (0, 0, 0)
    parts = [
        f"{percent(number / of)} of the patches lie {where}"
        for number, where in ((above, "above"), (below, "below"))
        if of and number
    ]
    return f" {listed(parts)} it and have the color of its end." if parts else ""
