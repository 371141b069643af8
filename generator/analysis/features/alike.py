"""Cosine similarity of patch features, and their compression for the page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generator.analysis.absent import NotApplicable
from generator.analysis.features.cosine import cosine_maps, unit_vectors
from generator.analysis.features.eigen import leading_coordinates
from generator.analysis.features.objects import NO_FEATURES, Objects
from generator.records.record import AttentionRecord, FloatArray, TokenLayout, outlier_patches

DIMENSIONS = (16, 32, 64, 96, 128)
"""Candidate numbers of directions; the smallest that meets :data:`NEAR` is kept."""

NEAR = 0.02
"""Largest error allowed for a cosine."""

STEPS = 127

FINEST = 0.006
"""Smallest step of a code: finer ones add bytes, but no cosine gets nearer."""

_ALL, _SAMPLED = slice(None), slice(None, None, 16)
"""Patches whose cosines with all others are compared."""


@dataclass(frozen=True, slots=True)
class AlikeMap:
    """Cosines of one patch's features with those of all patches.

    Attributes:
        name: ``seed`` (of LOST), ``outlier`` (the largest norm) or ``center``.
        place: row and column of the patch, from 0.
        values: float16 ``[row, col]``, in [-1, 1]; 1 at the patch itself.
    """

    name: str
    place: tuple[int, int]
    values: FloatArray


@dataclass(frozen=True, slots=True)
class SmallFeatures:
    """Patch features compressed to few directions and 8 bits.

    The dot product of two patches' ``codes * scales`` approximates the cosine of their features.

    Attributes:
        codes: int8 ``[direction, patch]``.
        scales: float32 ``[direction]``.
        most: largest error of a cosine over all pairs of patches.
        mean: mean absolute error.
    """

    codes: NDArray[np.int8]
    scales: FloatArray
    most: float
    mean: float


def alike_maps(record: AttentionRecord, objects: Objects) -> tuple[AlikeMap, ...] | NotApplicable:
    """Cosine maps of a few patches: LOST's seed, the largest outlier, the center.

    Features are those of the last block, before the final LayerNorm (Siméoni 2025, Figs. 3 and 6).
    """
    if record.features is None:
        return NO_FEATURES
    layout, places = record.layout, _places(record, objects)
    patches = [row * layout.cols + col for row, col in places.values()]
    maps = cosine_maps(record.features.last, layout, patches).astype(np.float16)
    return tuple(
        AlikeMap(name, place, values)
        for (name, place), values in zip(places.items(), maps, strict=True)
    )


def _places(record: AttentionRecord, objects: Objects) -> dict[str, tuple[int, int]]:
    layout: TokenLayout = record.layout
    found = {}
    if not isinstance(objects.lost, NotApplicable):
        found["seed"] = objects.lost.seed
    norms = record.norms[:, layout.patch_slice]
    outliers = outlier_patches(norms)
    if len(outliers.patches):
        found["outlier"] = divmod(int(norms[outliers.layer].argmax()), layout.cols)
    found["center"] = (layout.rows // 2, layout.cols // 2)
    return found


def small_features(features: FloatArray) -> SmallFeatures:
    """Compress features to the fewest directions that keep every cosine within :data:`NEAR`.

    The directions are the top singular vectors of the uncentered unit vectors, or nearly so, which
    minimizes the loss. With the most directions the error may still be larger; it is reported. The
    sign of a direction is free: here its largest coordinate is positive.

    Args:
        features: ``[patch, channel]``.
    """
    # rounding of float32 is a hundred-thousandth of the error allowed
    units = unit_vectors(features).astype(np.float32)
    exact = np.clip(units @ units.T, -1, 1)
    turned = leading_coordinates(exact, min(DIMENSIONS[-1], *units.shape))
    largest = turned[np.abs(turned).argmax(axis=0), np.arange(turned.shape[1])]
    turned *= np.where(largest < 0, -1, 1).astype(np.float32)
    for count in DIMENSIONS:
        last = count >= min(turned.shape[1], DIMENSIONS[-1])
        # most counts that are too small are so among a few patches already
        if not last and _coded(turned[:, :count], exact, _SAMPLED).most > NEAR:
            continue
        found = _coded(turned[:, :count], exact)
        if found.most <= NEAR or last:
            break
    return found


def _coded(coordinates: FloatArray, exact: FloatArray, of: slice = _ALL) -> SmallFeatures:
    """Coordinates ``[patch, direction]`` as codes, and their error among some patches and all."""
    scales = np.maximum(np.abs(coordinates).max(axis=0) / STEPS, FINEST)
    codes = np.rint(coordinates / scales).astype(np.int8)
    read = (codes * scales).astype(np.float32)
    error = read[of] @ read.T
    np.clip(error, -1, 1, out=error)
    error -= exact[of]
    np.abs(error, out=error)
    return SmallFeatures(
        codes=np.ascontiguousarray(codes.T),
        scales=scales.astype(np.float32),
        most=float(error.max()),
        mean=float(error.mean(dtype=np.float64)),
    )
