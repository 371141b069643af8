"""The numbers that images are sorted by: their names, units and definitions in one place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from generator.present.cells.files import CellContent
from generator.records.record import OUTLIER
from generator.text.numbers import given, number, percent, rounded


@dataclass(frozen=True, slots=True)
class Statistic:
    """A number of an image.

    Attributes:
        id: in URLs and data.
        name: what pages call it.
        unit: of the number, in words.
        definition: what it is, exactly.
        text: a value as pages print it, with its unit.
    """

    id: str
    name: str
    unit: str
    definition: str
    text: Callable[[float], str]


def _bits(value: float) -> str:
    return f"{number(value)} bits"


DISAGREEMENT, OUTLIERS, REGISTERS, ENTROPY = (
    Statistic(
        "disagreement",
        "disagreement",
        "bits, 0 to 1",
        "Mean over all pairs of models of the Jensen-Shannon divergence, base 2, of their small "
        "maps (last layer, mean over heads, patches only, as shares of 1) on the coarsest of the "
        "models' grids. 0: all models look at the same places; 1: no two share a place.",
        _bits,
    ),
    Statistic(
        "outliers",
        "outliers",
        "patches, mean over models",
        f"Patches whose norm in the residual stream is more than {given(OUTLIER)} times the median "
        "patch's, counted at the layer where the largest norm stands out most, averaged over the "
        "models.",
        number,
    ),
    Statistic(
        "registers",
        "on registers",
        "share of the CLS token's attention",
        "Share of the CLS token's attention in the last layer, averaged over heads, that goes to "
        "register tokens; averaged over the models that have registers.",
        percent,
    ),
    Statistic(
        "entropy",
        "entropy",
        "share of its maximum, 0 to 1",
        "Entropy of the attention of all tokens in the last layer, divided by its maximum and "
        "averaged over queries, heads and models. 0: each looks at one token; 1: at all alike.",
        number,
    ),
)
STATISTICS = (DISAGREEMENT, OUTLIERS, REGISTERS, ENTROPY)
"""In the order in which pages name them."""


def image_values(
    cells: Sequence[CellContent], disagreement: float | None
) -> tuple[float | None, ...]:
    """The values of an image, in the order of :data:`STATISTICS`; None where one doesn't apply.

    Args:
        cells: of the models that have a record of the image.
        disagreement: mean over the pairs of models.
    """
    return (
        disagreement,
        _mean([cell.facts.outliers.count for cell in cells]),
        _mean([share for cell in cells if (share := cell.on_registers) is not None]),
        _mean([float(cell.entropy[-1].mean()) for cell in cells]),
    )


def _mean(values: Sequence[float]) -> float | None:
    return rounded(float(np.mean(values)), 4) if values else None


def figures_text(values: Sequence[float | None]) -> str:
    """All values of an image in one line."""
    known = [(s, v) for s, v in zip(STATISTICS, values, strict=True) if v is not None]
    # a name and its number stay on one line
    parts = [f"{statistic.name} {statistic.text(value)}" for statistic, value in known]
    return "\u00a0· ".join(part.replace(" ", "\u00a0") for part in parts)
