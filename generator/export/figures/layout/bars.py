"""Color bars of vector rectangles, with ticks and a label."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from generator.export.figures.layout.style import HAIRLINE, RULE, SMALL, fitted, text_width
from generator.export.figures.layout.tones import Tone

BAR = 0.065
"""Height of a color bar, in inches."""

BAR_BLOCK = 0.40
"""Height of a color bar with numbers and label, in inches."""


def fill_bar(axes: Axes, tone: Tone, across: float, space: float) -> None:
    """Draw a bar into axes.

    Args:
        axes: axes of the size of the bar.
        tone: colors and numbers.
        across: width of the bar, in inches.
        space: width for its label, in inches.
    """
    # each color overlaps the next a little, so that viewers show no gaps
    edges = np.linspace(0, 1, len(tone.table) + 1).tolist()
    ends = (*edges[2:], 1)
    steps = [[(x, 0), (end, 0), (end, 1), (x, 1)] for x, end in zip(edges[:-1], ends, strict=True)]
    axes.add_collection(
        PolyCollection(steps, facecolors=tone.table / 255, edgecolors="none"),
        autolim=False,  # limits are set below
    )
    axes.set(xlim=(0, 1), ylim=(0, 1), yticks=[])
    axes.set_xticks([t.position for t in tone.ticks], _thinned(tone, across))
    for spine in axes.spines.values():
        spine.set(visible=True, linewidth=HAIRLINE, color=RULE)
    label = fitted(tone.label, space, SMALL, lines=1)
    axes.set_xlabel(label, size=SMALL, labelpad=1.5)


def _thinned(tone: Tone, across: float) -> list[str]:
    """The numbers of a bar without those that would overlap; both ends are kept."""
    shown: list[str] = []
    last = len(tone.ticks) - 1
    half = [text_width(tick.label, SMALL) / 2 for tick in tone.ticks]
    taken = -1.0
    end = across * tone.ticks[last].position - half[last] - 0.05
    for n, tick in enumerate(tone.ticks):
        place = across * tick.position
        free = place - half[n] >= taken and (n in (0, last) or place + half[n] <= end)
        shown.append(tick.label if free else "")
        if free:
            taken = place + half[n] + 0.05
    return shown
