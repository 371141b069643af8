"""Two models over the same images: differences image by image, with their uncertainty.

Resampling is over images, never over heads or patches, which are not independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generator.errors import AnalysisError
from generator.records.record import FloatArray

RESAMPLES = 10_000
LEVEL = 0.95

STARS = 20
"""Images that are needed before a difference may be called significant."""

_BLOCK = 1 << 22
"""Resampled values that are held at a time."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A bootstrap percentile interval of a mean.

    Attributes:
        low: its lower end.
        high: its upper end.
        level: the share of resampled means inside it.
    """

    low: float
    high: float
    level: float


@dataclass(frozen=True, slots=True)
class Paired:
    """A quantity of two models on the same images.

    Attributes:
        images: names of the images that both have a value for.
        one: float64 ``[image]``, of the first model.
        two: float64 ``[image]``, of the second.
        difference: float64 ``[image]``, second less first.
        mean: mean difference; NaN without images.
        interval: of the mean difference; None for fewer than two images.
        left_out: names of images that lack a value.
    """

    images: tuple[str, ...]
    one: FloatArray
    two: FloatArray
    difference: FloatArray
    mean: float
    interval: Interval | None
    left_out: tuple[str, ...]

    @property
    def n(self) -> int:
        """How many images are compared."""
        return len(self.images)

    @property
    def stars_allowed(self) -> bool:
        """Whether there are images enough to mark significance; below 20, show the dots."""
        return self.n >= STARS


def paired(
    images: Sequence[str],
    one: Sequence[float | None],
    two: Sequence[float | None],
    *,
    seed: int = 0,
    level: float = LEVEL,
) -> Paired:
    """Pair the values of two models.

    Args:
        images: names of the images.
        one: the first model's value on each; None or NaN where it has none.
        two: the second model's.
        seed: of the resampling.
        level: of the interval.

    Raises:
        AnalysisError: the three are not equally long.
    """
    if not len(images) == len(one) == len(two):
        raise AnalysisError(
            f"Pairs need a value of both models for each image: {len(images)} images, "
            f"{len(one)} and {len(two)} values."
        )
    first, second = _numbers(one), _numbers(two)
    known = np.isfinite(first) & np.isfinite(second)
    difference = second[known] - first[known]
    return Paired(
        images=tuple(name for name, both in zip(images, known, strict=True) if both),
        one=first[known],
        two=second[known],
        difference=difference,
        mean=float(difference.mean()) if len(difference) else float("nan"),
        interval=bootstrap(difference, seed=seed, level=level),
        left_out=tuple(name for name, both in zip(images, known, strict=True) if not both),
    )


def bootstrap(values: FloatArray, *, seed: int = 0, level: float = LEVEL) -> Interval | None:
    """Percentile interval of the mean over 10,000 resamples (Efron & Tibshirani 1993, ch. 13).

    Args:
        values: ``[image]``.
        seed: the same seed gives the same interval.
        level: share of resampled means inside it.

    Returns:
        None for fewer than two values, of which nothing can be said.
    """
    n = len(values)
    if n < 2:
        return None
    rng = np.random.default_rng(seed)
    block = max(_BLOCK // n, 1)
    means = [
        values[rng.integers(0, n, size=(min(block, RESAMPLES - start), n))].mean(axis=1)
        for start in range(0, RESAMPLES, block)
    ]
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level)


def _numbers(values: Sequence[float | None]) -> FloatArray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
