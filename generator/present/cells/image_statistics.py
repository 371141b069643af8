"""Statistics of an image that the index sorts by: values and their formats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from generator.analysis.quantities.agreement import DISAGREEMENT
from generator.analysis.quantities.attention import CLS_MASS_REGISTERS, ENTROPY
from generator.analysis.quantities.quantity import Quantity
from generator.analysis.quantities.stream import OUTLIER_COUNT
from generator.present.cells.files import CellContent
from generator.text.numbers import number, percent


@dataclass(frozen=True, slots=True)
class Statistic:
    """A statistic of an image.

    Attributes:
        quantity: the quantity that is reduced to one number for each image.
        text: formats a value, with its unit where it is not a share.
    """

    quantity: Quantity
    text: Callable[[float], str]


def _bits(value: float) -> str:
    return f"{number(value)} bits"


STATISTICS = (
    Statistic(DISAGREEMENT, _bits),
    Statistic(OUTLIER_COUNT.reduced("Mean over models."), number),
    Statistic(
        CLS_MASS_REGISTERS.reduced("Last layer, mean over heads and models that have registers."),
        percent,
    ),
    Statistic(ENTROPY.reduced("Last layer, mean over heads and models."), number),
)
"""All statistics, in the order of the pages."""


def image_values(
    cells: Sequence[CellContent], disagreement: float | None
) -> tuple[float | None, ...]:
    """The values of an image, in the order of :data:`STATISTICS`; None where one doesn't apply.

    Args:
        cells: contents of the models that have a record of the image.
        disagreement: mean divergence over the pairs of models, in bits.
    """
    return (
        disagreement,
        _mean([cell.facts.outliers.count for cell in cells]),
        _mean([share for cell in cells if (share := cell.on_registers) is not None]),
        _mean([float(cell.entropy[-1].mean()) for cell in cells]),
    )


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def figures_text(values: Sequence[float | None]) -> str:
    """All statistics of an image in one line."""
    known = [(s, v) for s, v in zip(STATISTICS, values, strict=True) if v is not None]
    # A name and its number stay on one line.
    parts = [f"{statistic.quantity.label} {statistic.text(value)}" for statistic, value in known]
    return "\u00a0· ".join(part.replace(" ", "\u00a0") for part in parts)
