"""The numbers that images are sorted by: quantities as one number an image, and how they print."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from generator.analysis.quantities.agreement import DISAGREEMENT
from generator.analysis.quantities.attention import CLS_MASS_REGISTERS, ENTROPY
from generator.analysis.quantities.quantity import Quantity
from generator.analysis.quantities.stream import OUTLIER_COUNT
from generator.present.cells.files import CellContent
from generator.text.numbers import percent


@dataclass(frozen=True, slots=True)
class Statistic:
    """A number of an image.

    Attributes:
        quantity: reduced to one number an image.
        text: prints a value, with its unit where it is not a share.
    """

    quantity: Quantity
    text: Callable[[float], str]


def _bits(value: float) -> str:
    return f"{value:.3f} bits"


def _count(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def _two(value: float) -> str:
    return f"{value:.2f}"


STATISTICS = (
    Statistic(DISAGREEMENT, _bits),
    Statistic(OUTLIER_COUNT.reduced("Mean over models."), _count),
    Statistic(
        CLS_MASS_REGISTERS.reduced("Last layer, mean over heads and models that have registers."),
        percent,
    ),
    Statistic(ENTROPY.reduced("Last layer, mean over heads and models."), _two),
)
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
    return float(f"{np.mean(values):.4g}") if values else None


def figures_text(values: Sequence[float | None]) -> str:
    """All values of an image in one line."""
    known = [(s, v) for s, v in zip(STATISTICS, values, strict=True) if v is not None]
    # A name and its number stay on one line.
    parts = [f"{statistic.quantity.label} {statistic.text(value)}" for statistic, value in known]
    return "\u00a0· ".join(part.replace(" ", "\u00a0") for part in parts)
