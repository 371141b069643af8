"""What all kinds of charts share: what is said of one, and where its plot lies."""

from __future__ import annotations

from dataclasses import dataclass

from generator.present.charts.axes import Span
from generator.present.charts.chart import AxisTick, Rule

WIDTH, HEIGHT = 520.0, 300.0
LEFT, TOP, RIGHT, BOTTOM = 58.0, 12.0, 508.0, 256.0


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of a chart.

    Attributes:
        id: unique on its page.
        title: what it shows.
        x: label of the horizontal axis, with its unit.
        y: label of the vertical axis, with its unit.
        note: definition, n, caveats; may be empty.
    """

    id: str
    title: str
    x: str
    y: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """A level to compare with, such as what uniform attention would give."""

    y: float
    label: str


def slot_ticks(
    labels: list[str], start: float, slot: float, *, room: float
) -> tuple[AxisTick, ...]:
    """A tick in the middle of each slot, or of every second, third, ... where they are narrow.

    Args:
        labels: one for each slot.
        start: left edge of the first slot.
        slot: width of a slot.
        room: that a label needs.
    """
    every = max(1, -(-int(room) // max(int(slot), 1)))
    return tuple(
        AxisTick(round(start + slot * (n + 0.5), 2), label)
        for n, label in enumerate(labels)
        if n % every == 0
    )


def reference_rules(references: tuple[Reference, ...], y: Span) -> tuple[Rule, ...]:
    """Dashed lines across the plot."""
    return tuple(Rule(LEFT, y.at(r.y), RIGHT, y.at(r.y), r.label) for r in references)
