"""Paired statistics of two models over the same images: differences, intervals, significance.

Intervals are over images, never over heads or patches, which are not independent. Their coverage
was measured by simulation (tests/analysis/compare/test_paired.py): nominal 95 % intervals hold the
mean in 94 to 96 % of normal samples, and in 90 to 96 % of skewed ones (exponential, lognormal).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from generator.errors import AnalysisError
from generator.records.record import FloatArray

LEVEL = 0.95

FEWEST = 8
"""Fewest images for an interval: for very skewed values, fewer than 9 in 10 nominal 95 % intervals
of 5 images hold the mean."""

STARS = 20
"""Fewest images for a significance mark."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A nominal confidence interval of a mean."""

    low: float
    high: float
    level: float


@dataclass(frozen=True, slots=True)
class Paired:
    """A quantity of two models, paired by image.

    Attributes:
        images: names of the images that both have a value for.
        one: float64 ``[image]``, values of the first model.
        two: float64 ``[image]``, values of the second model.
        difference: float64 ``[image]``, first minus second.
        mean: mean difference; NaN without images.
        interval: confidence interval of the mean difference; None below :data:`FEWEST` images.
        p: two-sided p-value of a zero mean difference; None below :data:`FEWEST` images.
        left_out: names of images that lack a value.
    """

    images: tuple[str, ...]
    one: FloatArray
    two: FloatArray
    difference: FloatArray
    mean: float
    interval: Interval | None
    p: float | None
    left_out: tuple[str, ...]

    @property
    def n(self) -> int:
        """Number of images compared."""
        return len(self.images)

    @property
    def stars_allowed(self) -> bool:
        """Whether there are enough images to mark significance; below 20, show the dots."""
        return self.n >= STARS


def paired(
    images: Sequence[str],
    one: Sequence[float | None],
    two: Sequence[float | None],
    *,
    level: float = LEVEL,
) -> Paired:
    """Pair the values of two models.

    Args:
        images: names of the images.
        one: the first model's values; None or NaN where it has none.

    Raises:
        AnalysisError: the three lengths differ.
    """
    if not len(images) == len(one) == len(two):
        raise AnalysisError(
            f"Pairs need a value of both models for each image: {len(images)} images, "
            f"{len(one)} and {len(two)} values."
        )
    first, second = _numbers(one), _numbers(two)
    known = np.isfinite(first) & np.isfinite(second)
    difference = first[known] - second[known]
    return Paired(
        images=tuple(name for name, both in zip(images, known, strict=True) if both),
        one=first[known],
        two=second[known],
        difference=difference,
        mean=float(difference.mean()) if len(difference) else float("nan"),
        interval=mean_interval(difference, level=level),
        p=_p_of_zero(difference),
        left_out=tuple(name for name, both in zip(images, known, strict=True) if not both),
    )


def mean_interval(values: FloatArray, *, level: float = LEVEL) -> Interval | None:
    """Interval of a mean by a t statistic whose skewness is removed (Hall 1992).

    With ``T = (mean - mu) / error`` and ``a`` the sample skewness over the root of n, the
    transformed ``T + a T^2 / 3 + a^2 T^3 / 27 + a / 6`` has the quantiles of Student's t to second
    order. For values without skewness this is the t interval.

    Args:
        values: ``[image]``.
        level: nominal level; the tests measure the coverage.

    Returns:
        None for fewer than :data:`FEWEST` values.
    """
    from scipy import special  # noqa: PLC0415 - late: most builds compare nothing

    n = len(values)
    if n < FEWEST:
        return None
    mean, error, a = _moments(values)
    quantile = float(special.stdtrit(n - 1, (1 + level) / 2))
    low, high = (mean - error * _inverse(y, a) for y in (quantile, -quantile))
    return Interval(low, high, level)


def _inverse(y: float, a: float) -> float:
    """Inverse of the transform: ``3 / a * (cbrt(1 + a * (y - a / 6)) - 1)``, for any a."""
    root = float(np.cbrt(1 + a * (y - a / 6)))
    return 3 * (y - a / 6) / (root**2 + root + 1)


def share_interval(values: FloatArray, *, level: float = LEVEL) -> Interval | None:
    """Interval of a share by the score test (Wilson 1927).

    Args:
        values: ``[image]``, 0 or 1.

    Returns:
        None for fewer than :data:`FEWEST` values.
    """
    from scipy import special  # noqa: PLC0415 - late: most builds compare nothing

    n = len(values)
    if n < FEWEST:
        return None
    z = float(special.ndtri((1 + level) / 2))
    share = float(values.mean())
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2)
    return Interval(max(0.0, middle - half), min(1.0, middle + half), level)


def starred(measures: Mapping[str, Paired], *, level: float = LEVEL) -> frozenset[str]:
    """Measures with a significant mean difference, corrected for their number (Holm 1979).

    Args:
        measures: paired measures by id; those without enough images are skipped.
        level: one less the family-wise error rate.
    """
    tested = {id_: found.p for id_, found in measures.items() if found.stars_allowed}
    known = sorted((p, id_) for id_, p in tested.items() if p is not None)
    marked = []
    for rank, (p, id_) in enumerate(known):
        if p > (1 - level) / (len(known) - rank):
            break
        marked.append(id_)
    return frozenset(marked)


def _p_of_zero(values: FloatArray) -> float | None:
    """p-value of a zero mean, by inverting :func:`mean_interval`."""
    from scipy import special  # noqa: PLC0415 - late: most builds compare nothing

    n = len(values)
    if n < FEWEST:
        return None
    mean, error, a = _moments(values)
    if error == 0:
        return 1.0 if mean == 0 else 0.0
    t = mean / error
    y = t + a * t**2 / 3 + a**2 * t**3 / 27 + a / 6
    return float(2 * special.stdtr(n - 1, -abs(y)))


def _moments(values: FloatArray) -> tuple[float, float, float]:
    """Mean, standard error, and the sample skewness over the root of n."""
    n, mean = len(values), float(values.mean())
    away = values - mean
    deviation = float(np.sqrt((away**2).sum() / (n - 1)))
    if deviation <= 1e-12 * max(abs(mean), np.finfo(np.float64).tiny):
        return mean, 0.0, 0.0
    skewness = float((away**3).sum()) * n / ((n - 1) * (n - 2)) / deviation**3
    return mean, deviation / n**0.5, skewness / n**0.5


def _numbers(values: Sequence[float | None]) -> FloatArray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
