"""Similarity of layers: linear CKA (Kornblith 2019) with the unbiased HSIC (Song 2012)."""

from __future__ import annotations

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.errors import AnalysisError
from generator.records.record import FloatArray

LEAST_IMAGES = 256
"""Fewest images: CKA is unreliable with far fewer samples than channels, even without bias."""


def layer_similarity(
    one: FloatArray, two: FloatArray | None = None, *, standardize: bool = False
) -> FloatArray | NotApplicable:
    """Linear CKA between all layers of two models, or of a model with itself.

    One massive channel can dominate linear CKA: compare the plain and the standardized numbers.
    Well under a second for 25 layers and 256 images.

    Args:
        one: ``[image, layer + 1, channel]``.
        two: ``[image, layer + 1, channel]`` of another model on the same images; None to compare
            ``one`` with itself.
        standardize: whether to standardize every channel over images first; constant channels are
            dropped.

    Returns:
        float32 ``[layer + 1 of one, layer + 1 of two]``: 1 is equal up to rotation and scale, about
        0 is unrelated. NaN where a layer is constant over images (the CLS embedding). Not
        applicable below 256 images or without the token.

    Raises:
        AnalysisError: the images differ in number.
    """
    if two is not None and len(one) != len(two):
        raise AnalysisError(
            f"Layers are compared over the same images: one model has {len(one)}, the other "
            f"{len(two)}."
        )
    if len(one) < LEAST_IMAGES:
        return NotApplicable(
            f"similarity of layers needs at least {LEAST_IMAGES} images; this run has {len(one)}"
        )
    if np.isnan(one).any() or (two is not None and np.isnan(two).any()):
        return NotApplicable("one of the models has no CLS token")
    first = _grams(one, standardize)
    second = first if two is None else _grams(two, standardize)
    across = np.array([[_hsic(a, b) for b in second] for a in first])
    own = [np.array([_hsic(gram, gram) for gram in grams]) for grams in (first, second)]
    size = np.sqrt(np.outer(np.maximum(own[0], 0), np.maximum(own[1], 0)))
    found: FloatArray = np.divide(across, size, out=np.full_like(across, np.nan), where=size > 0)
    return np.asarray(found, dtype=np.float32)


def _grams(values: FloatArray, standardize: bool) -> list[FloatArray]:
    layers = np.moveaxis(values, 1, 0)
    return [_gram(_standardized(layer) if standardize else layer) for layer in layers]


def _standardized(values: FloatArray) -> FloatArray:
    wide = values.astype(np.float64)
    centered = wide - wide.mean(axis=0)
    # Rounding leaves a little deviation in channels that never change.
    changing = np.ptp(wide, axis=0) > 1e-6 * np.maximum(np.abs(wide).max(axis=0), 1e-12)
    found: FloatArray = centered[:, changing] / centered[:, changing].std(axis=0)
    return found


def _gram(values: FloatArray) -> FloatArray:
    """U-centered Gram matrix with a zero diagonal.

    With the U-centering of Székely 2014 the estimate of Song 2012, Eq. 5, is one inner product.
    """
    wide = values.astype(np.float64)
    # Centering first changes nothing but rounding.
    wide = wide - wide.mean(axis=0)
    gram = wide @ wide.T
    np.fill_diagonal(gram, 0)
    n = len(gram)
    sums = gram.sum(axis=0) / (n - 2)
    gram += gram.sum() / ((n - 1) * (n - 2)) - sums[:, None] - sums[None, :]
    np.fill_diagonal(gram, 0)
    # What is left of vectors that are all the same is rounding.
    scale = float(np.abs(values).max(initial=0)) ** 2 * values.shape[1]
    return gram if np.abs(gram).max() > 1e-12 * scale else np.zeros_like(gram)


def _hsic(one: FloatArray, two: FloatArray) -> float:
    n = len(one)
    return float(np.vdot(one, two) / (n * (n - 3)))
