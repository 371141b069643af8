"""Principal components of patch features, over one image or many.

Features are taken before the final LayerNorm, unlike in DINOv3's notebook; captions must say so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generator.analysis.features.boxes import BoolArray
from generator.analysis.features.eigen import largest_eigenpairs, largest_eigenpairs_of_rows
from generator.errors import AnalysisError
from generator.records.record import FloatArray, TokenLayout

WHITENED_RANGE = 3.0
"""Drawing range of the first component, in standard deviations (Darcet 2024, Fig. 20)."""

NEGLIGIBLE = 1e-6
"""Components below this share of the variance are rounding errors; their scores are set to 0."""


@dataclass(frozen=True, slots=True)
class PrincipalComponents:
    """Principal components of a set of vectors, largest variance first.

    Attributes:
        mean: float64 ``[channel]``.
        axes: float64 ``[component, channel]``, of length 1; the loading of largest magnitude is
            positive, since a component's sign means nothing.
        variance: float64 ``[component]``, of the vectors along the axes.
        explained: float64 ``[component]``, explained variance as a share of the total.
    """

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    variance: NDArray[np.float64]
    explained: NDArray[np.float64]

    def scores(self, features: FloatArray) -> NDArray[np.float64]:
        """Whitened scores: ``[sample, channel] -> [sample, component]``.

        Over the vectors that were fitted each component has mean 0 and variance 1; one without
        variance is 0.
        """
        values = _exact_enough(features)
        along = (values - self.mean.astype(values.dtype)) @ self.axes.T.astype(values.dtype)
        real = self.explained > NEGLIGIBLE
        return np.where(real, along / np.sqrt(np.where(real, self.variance, 1)), 0)


def _exact_enough(vectors: FloatArray) -> FloatArray:
    """Vectors in float64; those of half precision in float32, which is half the work.

    That loses none of their digits, and sums of products lose far less than half precision has.
    """
    return vectors.astype(np.float32 if vectors.dtype == np.float16 else np.float64, copy=False)


class _Moments:
    """Sums over vectors, from which their principal components follow; the vectors are not kept."""

    def __init__(self) -> None:
        self._shift: NDArray[np.float64] | None = None
        self._samples = 0

    def add(self, vectors: FloatArray) -> None:
        """Add vectors ``[sample, channel]``."""
        if not len(vectors):
            return
        values = _exact_enough(vectors)
        if self._shift is None:  # sums of what is left near zero keep their digits
            self._shift = values.mean(axis=0).astype(np.float64)
            self._total = np.zeros_like(self._shift)
            self._products = np.zeros((len(self._shift),) * 2)
        values = values - self._shift.astype(values.dtype)
        self._total = self._total + values.sum(axis=0, dtype=np.float64)
        self._products = self._products + values.T @ values
        self._samples += len(values)

    def components(self, count: int) -> PrincipalComponents:
        """The components of the vectors so far.

        Raises:
            AnalysisError: there are fewer than two vectors.
        """
        if self._shift is None or self._samples < 2:
            raise AnalysisError("Principal components need at least two vectors.")
        mean = self._total / self._samples
        covariance = self._products / self._samples - np.outer(mean, mean)
        found = largest_eigenpairs(covariance, min(count, len(mean)))
        return _components(self._shift + mean, found, float(np.trace(covariance)))


def _components(
    mean: NDArray[np.float64],
    found: tuple[NDArray[np.float64], NDArray[np.float64]],
    whole: float,
) -> PrincipalComponents:
    """Components from eigenvalues and vectors of a covariance, and its trace."""
    variance, axes = found[0], found[1].T
    largest = np.argmax(np.abs(axes), axis=1)
    axes = axes * np.sign(axes[np.arange(len(axes)), largest])[:, None]
    variance = np.clip(variance, 0, None)
    explained = variance / whole if whole > 0 else np.zeros(len(axes))
    return PrincipalComponents(mean, axes, variance, explained)


def fit(features: Iterable[FloatArray], count: int) -> PrincipalComponents:
    """Fit principal components to vectors in batches, each read once.

    Args:
        features: arrays ``[sample, channel]``, such as one an image; only sums are kept.
        count: components wanted; fewer than that where there are fewer channels.

    Raises:
        AnalysisError: there are fewer than two vectors.
    """
    sums = _Moments()
    for piece in features:
        sums.add(piece)
    return sums.components(count)


def fit_image(features: FloatArray, count: int) -> PrincipalComponents:
    """Fit principal components to the vectors of one image, as :func:`fit` does in float64.

    They are few enough to find the components without their covariance, in a third of the time.

    Args:
        features: ``[sample, channel]``.
        count: components wanted; fewer than that where there are fewer channels.

    Raises:
        AnalysisError: there are fewer than two vectors.
    """
    if len(features) < 2:
        raise AnalysisError("Principal components need at least two vectors.")
    values = features.astype(np.float64, copy=False)
    mean = values.mean(axis=0)
    centered = values - mean
    sizes, axes = largest_eigenpairs_of_rows(centered, min(count, len(mean)))
    whole = float(np.einsum("sc,sc->", centered, centered)) / len(values)
    return _components(mean, (sizes / len(values), axes), whole)


def border(layout: TokenLayout) -> BoolArray:
    """The patches at the edge of the grid: bool ``[patch]``."""
    edge = np.ones((layout.rows, layout.cols), dtype=bool)
    edge[1:-1, 1:-1] = False
    return edge.ravel()


def border_share(side: BoolArray, edge: BoolArray) -> float:
    """Share of a side's patches at the edge of the grid; 1 for an empty side."""
    return float(edge[side].mean()) if side.any() else 1.0


@dataclass(frozen=True, slots=True)
class LeadingComponent:
    """The first principal component of one image's patches (Darcet 2024, Fig. 20).

    Attributes:
        scores: float64 ``[row, col]``, whitened; to be drawn from ``-WHITENED_RANGE`` to
            ``WHITENED_RANGE``. Positive is the side with the lower share of border patches.
        explained: explained variance, share of 1.
        left_out: number of patches excluded from the fit; they are still drawn.
    """

    scores: NDArray[np.float64]
    explained: float
    left_out: int


def leading_component(
    features: FloatArray,
    layout: TokenLayout,
    *,
    left_out: BoolArray | None = None,
    flip: bool = False,
) -> LeadingComponent:
    """The first principal component of one image, with its sign fixed.

    Args:
        features: ``[patch, channel]``, the residual stream after the last block
            (``features.last`` of a record).
        left_out: bool ``[patch]``, patches to exclude from the fit, such as outliers, which would
            dominate the component.
        flip: whether to invert the sign.

    Raises:
        AnalysisError: fewer than two patches are left.
    """
    kept = np.ones(layout.patches, dtype=bool) if left_out is None else ~left_out
    return leading(fit_image(features[kept], 1), features, layout, int((~kept).sum()), flip=flip)


@dataclass(frozen=True, slots=True)
class FirstComponents:
    """Fits of the first principal component of one image's patches.

    Attributes:
        whole: fitted to all patches.
        without: fitted without the outliers, which is the same where there are none; None where
            fewer than two patches are left.
        outliers: bool ``[patch]``.
        features: float64 ``[patch, channel]``.
    """

    whole: PrincipalComponents
    without: PrincipalComponents | None
    outliers: BoolArray
    features: NDArray[np.float64]


def first_components(features: FloatArray, outliers: BoolArray) -> FirstComponents:
    """Fit the first principal component to one image with and without its outliers.

    Args:
        features: ``[patch, channel]``, as for :func:`leading_component`.
        outliers: bool ``[patch]``, the patches of unusual norm.

    Raises:
        AnalysisError: there are fewer than two patches.
    """
    values = features.astype(np.float64, copy=False)
    whole = fit_image(values, 1)
    without: PrincipalComponents | None = whole
    if outliers.any():
        without = fit_image(values[~outliers], 1) if (~outliers).sum() > 1 else None
    return FirstComponents(whole, without, outliers, values)


def leading(
    found: PrincipalComponents,
    features: FloatArray,
    layout: TokenLayout,
    left_out: int,
    *,
    flip: bool = False,
) -> LeadingComponent:
    """The scores of all patches along the first component, with its sign fixed."""
    scores = found.scores(features)[:, 0]
    scores = scores * foreground_sign(scores, border(layout), flip=flip)
    return LeadingComponent(
        scores.reshape(layout.rows, layout.cols), float(found.explained[0]), left_out
    )


def foreground_sign(scores: FloatArray, edge: BoolArray, *, flip: bool = False) -> int:
    """Sign of a component's foreground, 1 or -1 (our rule: papers have none).

    The foreground is the side of zero with the lower share of border patches; the positive one when
    they are equal.

    Args:
        scores: ``[sample]`` of the component, over one image or a group.
        edge: bool ``[sample]``, whether the patch is at the border of its grid.
        flip: whether to invert the result.
    """
    positive = border_share(scores > 0, edge) <= border_share(scores < 0, edge)
    return 1 if positive != flip else -1
