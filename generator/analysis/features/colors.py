"""Colors for patch features: DINOv2's two-step principal components (Oquab 2024, section 7.5).

The first component over a group of images separates foreground from background. Three components of
the foreground become red, green and blue. Colors of two models are *not* comparable unless one is
aligned to the other; the residual says how well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from generator.analysis.absent import NotApplicable
from generator.analysis.features.boxes import BoolArray
from generator.analysis.features.pca import (
    PrincipalComponents,
    border,
    fit,
    fit_image,
    foreground_sign,
)
from generator.records.record import FloatArray, TokenLayout, View

CHANNELS = 3

SHUFFLES = 8
"""Random pairings of patches; their mean residual is the chance level."""

ROBUST_DEVIATIONS = 2.0
"""The color range covers scores within this many median absolute deviations (DVT, Yang 2024)."""


@dataclass(frozen=True, slots=True)
class SharedComponents:
    """Three principal components of the foreground of a group of images of one model.

    Attributes:
        foreground: for each image bool ``[row, col]``.
        scores: for each image float64 ``[row, col, component]``, whitened; NaN in the background.
        first_explained: explained variance of the component that separates the foreground, share of
            1.
        explained: float64 ``[component]``, shares of the variance of the foreground.
        left_out: number of patches excluded from both fits.
        fitted: for each image bool ``[row, col]``, the foreground patches used in the fit.
        residual: residual of the alignment, relative to the squared norm of the reference's
            components (:func:`aligned`); None for components that are not aligned.
        shuffled: residual for patches paired at random; None for components that are not aligned.
    """

    foreground: tuple[BoolArray, ...]
    scores: tuple[NDArray[np.float64], ...]
    first_explained: float
    explained: NDArray[np.float64]
    left_out: int
    fitted: tuple[BoolArray, ...]
    residual: float | None = None
    shuffled: float | None = None


def shared_components(
    features: Sequence[FloatArray],
    layouts: Sequence[TokenLayout],
    *,
    left_out: Sequence[BoolArray] | None = None,
    flip: bool = False,
    first: PrincipalComponents | None = None,
) -> SharedComponents | NotApplicable:
    """Fit principal components to a group of images, then again to their foreground.

    Args:
        features: for each image ``[patch, channel]``, the residual stream after the last block.
        layouts: token layout of each image.
        left_out: for each image bool ``[patch]``, patches to exclude from the fits, such as
            outliers; they still get a side and colors.
        flip: whether the other side of the first component is the foreground.
        first: the first fit, if it is known.

    Returns:
        The components; not applicable where too few patches remain for the fit.
    """
    used = [np.ones(len(item), dtype=bool) for item in features]
    if left_out is not None:
        used = [~mask for mask in left_out]
    if sum(int(mask.sum()) for mask in used) < 2:
        return NotApplicable("fewer than two patches are left")
    first = first or _fit(features, used, 1)
    parting = [first.scores(item)[:, 0] for item in features]
    edges = np.concatenate([border(layout) for layout in layouts])
    # The rule is applied to what was fitted, so that outliers do not choose the sign either.
    of_fit = np.concatenate(used)
    sign = foreground_sign(np.concatenate(parting)[of_fit], edges[of_fit], flip=flip)
    kept = [scores * sign > 0 for scores in parting]
    fitted = [mask & ok for mask, ok in zip(kept, used, strict=True)]
    if sum(int(mask.sum()) for mask in fitted) <= CHANNELS:
        return NotApplicable("too few patches are in the foreground")
    second = _fit(features, fitted, CHANNELS)
    scores = []
    for item, mask, layout in zip(features, kept, layouts, strict=True):
        laid = np.full((layout.patches, CHANNELS), np.nan)
        found = second.scores(item[mask])
        laid[mask, : found.shape[1]] = found
        laid[mask, found.shape[1] :] = 0
        scores.append(laid.reshape(layout.rows, layout.cols, CHANNELS))
    explained = np.zeros(CHANNELS)
    explained[: len(second.explained)] = second.explained
    return SharedComponents(
        foreground=tuple(
            mask.reshape(layout.rows, layout.cols)
            for mask, layout in zip(kept, layouts, strict=True)
        ),
        scores=tuple(scores),
        first_explained=float(first.explained[0]),
        explained=explained,
        left_out=int((~of_fit).sum()),
        fitted=tuple(
            mask.reshape(layout.rows, layout.cols)
            for mask, layout in zip(fitted, layouts, strict=True)
        ),
    )


def _fit(
    features: Sequence[FloatArray], used: Sequence[BoolArray], count: int
) -> PrincipalComponents:
    """Fit components to the patches of a group that are used."""
    pieces = (item[mask] for item, mask in zip(features, used, strict=True))
    return fit_image(next(pieces), count) if len(features) == 1 else fit(pieces, count)


def aligned(
    components: SharedComponents,
    views: Sequence[View],
    reference: SharedComponents,
    reference_views: Sequence[View],
) -> SharedComponents | NotApplicable:
    """Align a model's components to those of a reference model, so that colors compare.

    Orthogonal Procrustes (Schönemann 1966): the rotation or reflection of the three components that
    comes closest to the reference, over all places that both models were fitted to. Patches
    excluded from a fit, such as outliers, would dominate the rotation. Each patch is paired with
    the reference's patch that holds its center.

    Args:
        components: components to align, one item for each image of the group.
        views: part of each original that their grids cover.
        reference: components of the reference model over the same images in the same order.
        reference_views: part of each original that the reference's grids cover.

    Returns:
        The aligned components. Their ``residual`` is the squared distance over the squared norm of
        the reference; ``shuffled`` is its mean over :data:`SHUFFLES` random pairings. Not
        applicable where the models share too few places.
    """
    pairs = [
        _paired(own, view, other, other_view)
        for own, view, other, other_view in zip(
            _fitted_scores(components),
            views,
            _fitted_scores(reference),
            reference_views,
            strict=True,
        )
    ]
    own = np.concatenate([pair[0] for pair in pairs])
    other = np.concatenate([pair[1] for pair in pairs])
    if len(own) < CHANNELS:
        return NotApplicable("the models share too few patches of the foreground")
    rotation = procrustes(own, other)
    rng = np.random.default_rng(0)
    shuffled = [_residual(rng.permutation(own), other) for _ in range(SHUFFLES)]
    return replace(
        components,
        scores=tuple(scores @ rotation for scores in components.scores),
        residual=_residual(own, other),
        shuffled=float(np.mean(shuffled)),
    )


def _residual(own: FloatArray, other: FloatArray) -> float:
    """Residual of the best rotation, relative to the squared norm of the reference."""
    size = float((other**2).sum())
    left = float(((own @ procrustes(own, other) - other) ** 2).sum())
    return left / size if size > 0 else 0.0


def _fitted_scores(components: SharedComponents) -> list[NDArray[np.float64]]:
    """Scores of the fitted patches for each image, NaN elsewhere."""
    return [
        np.where(mask[..., None], scores, np.nan)
        for scores, mask in zip(components.scores, components.fitted, strict=True)
    ]


def procrustes(own: FloatArray, reference: FloatArray) -> NDArray[np.float64]:
    """The orthogonal matrix R that makes ``own @ R`` closest to the reference.

    Args:
        own: ``[sample, component]``.
        reference: ``[sample, component]``, the same samples.
    """
    left, _, right = np.linalg.svd(own.T @ reference)
    rotation: NDArray[np.float64] = left @ right
    return rotation


def _paired(
    own: NDArray[np.float64], view: View, other: NDArray[np.float64], other_view: View
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores at the places both models cover: two arrays ``[sample, component]``."""
    rows = _holding(own.shape[0], _down(view), other.shape[0], _down(other_view))
    cols = _holding(own.shape[1], _across(view), other.shape[1], _across(other_view))
    inside = (rows >= 0)[:, None] & (cols >= 0)[None, :]
    there = other[rows[:, None], cols[None, :]]
    both = inside & np.isfinite(own[..., 0]) & np.isfinite(there[..., 0])
    return own[both], there[both]


def _down(view: View) -> tuple[float, float]:
    return (view.top, view.bottom)


def _across(view: View) -> tuple[float, float]:
    return (view.left, view.right)


def _holding(
    count: int, span: tuple[float, float], others: int, other_span: tuple[float, float]
) -> NDArray[np.intp]:
    """For each cell along an axis, the cell of the other grid that holds its center; -1 if none."""
    centers = span[0] + (np.arange(count) + 0.5) * (span[1] - span[0]) / count
    place = (centers - other_span[0]) / (other_span[1] - other_span[0]) * others
    found = np.floor(place).astype(np.intp)
    return np.where((found >= 0) & (found < others), found, -1)


@dataclass(frozen=True, slots=True)
class ColorRange:
    """Scores at 0 and 1 of each color channel: float64 ``[component]``, both."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]


def robust_range(scores: FloatArray, deviations: float = ROBUST_DEVIATIONS) -> ColorRange:
    """Range of the scores within some median absolute deviations of the median.

    Per component: the smallest and largest score within so many median absolute deviations of the
    median; where that deviation is 0, of all scores.

    Args:
        scores: ``[sample, component]``, finite.
    """
    values = np.asarray(scores, dtype=np.float64)
    away = np.abs(values - np.median(values, axis=0))
    deviation = np.median(away, axis=0)
    within = (away <= deviations * deviation) | (deviation == 0)
    low = np.where(within, values, np.inf).min(axis=0)
    high = np.where(within, values, -np.inf).max(axis=0)
    return ColorRange(low, high)


def range_of(components: SharedComponents) -> ColorRange:
    """The robust range over the foreground of a group.

    A model that is aligned to a reference takes the reference's range.
    """
    stacked = [
        scores[mask] for scores, mask in zip(components.scores, components.foreground, strict=True)
    ]
    return robust_range(np.concatenate(stacked))


def colors(components: SharedComponents, chosen: ColorRange) -> tuple[NDArray[np.float64], ...]:
    """Colors for each image: float64 ``[row, col, RGB]``, clipped to [0, 1]; NaN in the background.

    A channel without a range is 0.5.
    """
    width = chosen.high - chosen.low
    scale = np.where(width > 0, width, 1)
    return tuple(
        np.clip(np.where(width > 0, (scores - chosen.low) / scale, scores * 0 + 0.5), 0, 1)
        for scores in components.scores
    )
