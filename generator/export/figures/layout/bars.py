"""Color bars of vector rectangles, with ticks and a label."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from generator.export.figures.layout.style import HAIRLINE, RULE, SMALL, fitted, text_width
from generator.export.figures.layout.tones import Tone

BAR = 0.065
"""Height of a color bar, in inches."""

BAR_BLOCK = 0.40
"""Height of a bar with its numbers and name, in inches."""


def fill_bar(axes: Axes, tone: Tone, across: float, room: float) -> None:
    """Draw a bar into axes.

    Args:
        axes: as large as the bar.
        tone: its colors and numbers.
        across: width of the bar, in inches.
        room: for its name, in inches.
    """
    # each color reaches a little under the next, so that no viewer shows a seam
    edges = np.linspace(0, 1, len(tone.table) + 1)
    for step, color in enumerate(tone.table):
        end = edges[min(step + 2, len(tone.table))]
        axes.add_patch(
            Rectangle(
                (edges[step], 0), end - edges[step], 1, facecolor=color / 255, edgecolor="none"
            )
        )
    axes.set(xlim=(0, 1), ylim=(0, 1), yticks=[])
    axes.set_xticks([t.position for t in tone.ticks], _thinned(tone, across))
    for spine in axes.spines.values():
        spine.set(visible=True, linewidth=HAIRLINE, color=RULE)
    label = fitted(tone.label, room, SMALL, lines=1)
    axes.set_xlabel(label, size=SMALL, labelpad=1.5)


def _thinned(tone: Tone, across: float) -> list[str]:
    """Numbers of the bar without those that would touch; the ends stay."""
    shown: list[str] = []
    last = len(tone.ticks) - 1
    room = [text_width(tick.label, SMALL) / 2 for tick in tone.ticks]
    taken = -1.0
    end = across * tone.ticks[last].position - room[last] - 0.05
    for n, tick in enumerate(tone.ticks):
        place = across * tick.position
        free = place - room[n] >= taken and (n in (0, last) or place + room[n] <= end)
        shown.append(tick.label if free else "")
        if free:
            taken = place + room[n] + 0.05
    return shown
