"""Color ranges of attention maps, with the choices of an image page.

One range for all maps, or one for each model, layer or map; with log2, square-root or linear steps;
clipped at both ends.
"""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import MaxNLocator

from generator.export.figures.layout.tones import TIMES, Tone, placed
from generator.present.drawing.colors import color_table
from generator.present.drawing.scale import Scale, Tick, power_label
from generator.spec.figures import Form
from generator.text.numbers import given, number

FORM_WORDS: dict[Form, str] = {"log2": "log2", "sqrt": "square root", "linear": "linear"}


def attention_tone(
    low: float, high: float, form: Form, colors: str, *, of: str = "", says: str = ""
) -> Tone:
    """The color scale of a range of times uniform.

    Args:
        form: form of the scale between them.
        colors: name of the color map.
        of: the model or layer that it applies to; empty for all.
        says: the scale in words, for the caption.
    """
    return Tone(
        label=f"{TIMES}: {of}" if of else TIMES,
        low=low,
        high=high,
        form=form,
        ticks=_ticks(low, high, form),
        table=color_table(colors),
        says=says,
    )


def gallery_tone(scale: Scale, form: Form, colors: str) -> Tone:
    """The gallery's own scale, as on its pages."""
    low, high = (2.0**scale.low if form == "log2" else 0.0), 2.0**scale.high
    first = power_label(scale.low) if form == "log2" else "0"
    says = (
        f"Colors run from {first} to {power_label(scale.high)} times uniform "
        f"({FORM_WORDS[form]}), the same for all maps."
    )
    return Tone(
        label=TIMES,
        low=low,
        high=high,
        form=form,
        ticks=scale.ticks if form == "log2" else _ticks(low, high, form),
        table=color_table(colors),
        says=says,
    )


def unnumbered_tone(whose: str, colors: str) -> Tone:
    """A bar without numbers for many ranges, which are in the caption or given as maxima."""
    return Tone(
        label=f"of the range of each {whose}",
        low=0.0,
        high=1.0,
        form="linear",
        ticks=(Tick(0.0, "low end"), Tick(1.0, "high end")),
        table=color_table(colors),
        says="",
    )


def _ticks(low: float, high: float, form: Form) -> tuple[Tick, ...]:
    """Both ends, and round numbers between them that are not too close to these."""
    if form == "log2":
        octaves = np.arange(np.ceil(np.log2(low)), np.floor(np.log2(high)) + 1)
        step = -(-len(octaves) // 7) or 1
        inner = {2.0**n: power_label(int(n)) for n in octaves if n % step == 0}
    elif form == "sqrt":
        inner = {
            part * 10.0**power: given(part * 10.0**power)
            for power in range(-2, 5)
            for part in (1, 2, 5)
        }
    else:
        marks = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        inner = {float(mark): given(mark) for mark in marks}
    ends = {value: number(value) for value in (low, high)}
    places = {value: float(placed(np.array([value]), low, high, form)[0]) for value in inner}
    kept = {
        value: inner[value]
        for value, place in places.items()
        if low < value < high and min(place, 1 - place) > 0.07
    }
    taken = 0.0
    for value in sorted(kept):
        if places[value] - taken < 0.07:
            del kept[value]
        else:
            taken = places[value]
    named = {**kept, **ends}
    return tuple(
        Tick(round(float(placed(np.array([value]), low, high, form)[0]), 6), named[value])
        for value in sorted(named)
    )
