"""Statistics of an image that the index sorts by: values and their formats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from generator.analysis.quantities.agreement import DISAGREEMENT
from generator.analysis.quantities.attention import CLS_MASS_REGISTERS, ENTROPY
from generator.analysis.quantities.quantity import Quantity
from generator.analysis.quantities.stream import OUTLIER_COUNT
from generator.present.cells.files import CellContent
from generator.text.numbers import column


@dataclass(frozen=True, slots=True)
class Statistic:
    """A statistic of an image.

    Attributes:
        quantity: the quantity that is reduced to one number for each image.
        says: what the number is, in front of it; empty for the one that is always shown, which
            the text above the pictures explains.
        unit: ``%`` for a share of 1, or empty.
    """

    quantity: Quantity
    says: str
    unit: Literal["%", ""] = ""


STATISTICS = (
    Statistic(DISAGREEMENT, ""),
    Statistic(OUTLIER_COUNT.reduced("Mean over models."), "outliers:"),
    Statistic(
        CLS_MASS_REGISTERS.reduced("Last layer, mean over heads and models that have registers."),
        "on registers:",
        "%",
    ),
    Statistic(ENTROPY.reduced("Last layer, mean over heads and models."), "entropy:"),
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
        _mean([share for cell in cells if (share := cell.header.on_registers) is not None]),
        _mean([float(cell.entropy[-1].mean()) for cell in cells]),
    )


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def figure_texts(statistic: Statistic, values: Sequence[float | None]) -> list[str]:
    """A statistic of images in words, one below the other; empty where it doesn't apply."""
    texts = column(values, "percent" if statistic.unit else "number")
    return [
        "" if value is None else f"{statistic.says} {text}".lstrip()
        for value, text in zip(values, texts, strict=True)
    ]
