"""Token norms in the residual stream before the final LayerNorm, and outlier patches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from generator.errors import AnalysisError
from generator.records.record import AttentionRecord, FloatArray, outlier_patches
from generator.text.numbers import rounded

QUANTILES = (0.05, 0.25, 0.75, 0.95, 0.99)
"""Quantiles of the patch norms that are kept."""

CUTOFFS = tuple(range(2, 11))
"""Cutoffs, in times the median, for the share of patches above."""

EDGES: NDArray[np.float64] = np.geomspace(0.1, 10_000, 101)
"""Bin edges of the histograms, 20 for a factor of ten, the same for all models. The first and last
bin include values outside."""

EDGES.setflags(write=False)

_NO_HISTOGRAM: NDArray[np.int64] = np.zeros((1, 1), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Outliers:
    """Number of outlier patches at the layer where the largest norm stands out most.

    Attributes:
        layer: the layer, from 1; 0 for the embedding.
        ratio: largest norm over the median, at that layer.
        count: patches with a norm above three times the median, at that layer.
    """

    layer: int
    ratio: float
    count: int


def outliers_of(record: AttentionRecord) -> Outliers:
    """Count the outlier patches of a record (:func:`generator.records.record.outlier_patches`)."""
    found = outlier_patches(record.norms[:, record.layout.patch_slice])
    return Outliers(found.layer, rounded(found.ratio, 4), len(found.patches))


@dataclass(frozen=True, slots=True)
class NormSummary:
    """Norms of one model's tokens, on one image or combined over several.

    Layers are ``layer + 1`` long: index 0 is the embedding. Patches and prefix tokens are kept
    apart. Over several images every number is the median over images, histograms and counts are
    sums, and shares are means (each image counts alike).

    Attributes:
        images: number of images.
        patches: number of patches over all images.
        median: float32 ``[layer + 1]``, median patch norm.
        maximum: float32 ``[layer + 1]``, largest patch norm.
        quantiles: float32 ``[layer + 1, quantile]``, patch norms at ``QUANTILES``.
        ratio: float32 ``[layer + 1]``, largest patch norm over the median.
        peak: index of the layer where ``ratio`` is largest.
        histogram: int64 ``[layer + 1, bin]``, patches in each bin between ``EDGES``.
        above: float32 ``[layer + 1, cutoff]``, share of the patches above ``CUTOFFS`` times the
            median of their layer.
        tokens: names of the prefix tokens.
        prefix: float32 ``[layer + 1, token]``, norms of the prefix tokens.
        outliers: bool ``[row, col]``, the outlier patches; None over several images.
    """

    images: int
    patches: int
    median: FloatArray
    maximum: FloatArray
    quantiles: FloatArray
    ratio: FloatArray
    peak: int
    histogram: NDArray[np.int64]
    above: FloatArray
    tokens: tuple[str, ...]
    prefix: FloatArray
    outliers: NDArray[np.bool_] | None

    def of(self, token: str) -> FloatArray | None:
        """Norms of one prefix token, ``[layer + 1]``; None where the model has no such token."""
        if token not in self.tokens:
            return None
        found: FloatArray = self.prefix[:, self.tokens.index(token)]
        return found


def norm_summary(record: AttentionRecord) -> NormSummary:
    """The norms of one record."""
    layout, f32 = record.layout, np.float32
    norms = record.norms[:, layout.patch_slice].astype(np.float64)
    median, maximum = np.median(norms, axis=1), norms.max(axis=1)
    relative = norms / np.maximum(median, np.finfo(f32).tiny)[:, None]
    mask = np.zeros(layout.patches, dtype=np.bool_)
    mask[outlier_patches(norms).patches] = True
    ratio = relative.max(axis=1)
    return NormSummary(
        images=1,
        patches=layout.patches,
        median=median.astype(f32),
        maximum=maximum.astype(f32),
        quantiles=np.quantile(norms, QUANTILES, axis=1).T.astype(f32),
        ratio=ratio.astype(f32),
        peak=int(ratio.argmax()),
        histogram=_histograms(norms),
        above=np.stack([(relative > each).mean(axis=1) for each in CUTOFFS], axis=1).astype(f32),
        tokens=layout.prefix,
        prefix=record.norms[:, layout.prefix_slice],
        outliers=mask.reshape(layout.rows, layout.cols),
    )


def _histograms(norms: FloatArray) -> NDArray[np.int64]:
    """Counts of each row between ``EDGES``: ``[layer, patch] -> [layer, bin]``."""
    bins = len(EDGES) - 1
    places = np.clip(np.searchsorted(EDGES, norms, side="right") - 1, 0, bins - 1)
    rows = np.arange(len(norms))[:, None] * bins
    counts = np.bincount((rows + places).ravel(), minlength=len(norms) * bins)
    return counts.reshape(len(norms), bins).astype(np.int64)


class NormCollection:
    """Norms of several images of one model, added one by one.

    Their histograms are summed at once: they take a third of a digest's memory.
    """

    def __init__(self) -> None:
        self._images: list[NormSummary] = []
        self._histogram = _NO_HISTOGRAM

    def add(self, summary: NormSummary) -> None:
        """Add an image.

        Raises:
            AnalysisError: it is of another model.
        """
        first = next(iter(self._images), summary)
        if (first.tokens, first.prefix.shape) != (summary.tokens, summary.prefix.shape):
            raise AnalysisError(
                "Norms of models with different layers or prefix tokens cannot be combined.",
                "Combine those of one model.",
            )
        self._histogram = self._histogram + summary.histogram
        self._images.append(replace(summary, histogram=_NO_HISTOGRAM, outliers=None))

    def combined(self) -> NormSummary:
        """One summary of all images.

        Raises:
            AnalysisError: there are none.
        """
        if not self._images:
            raise AnalysisError("There are no norms to combine.")
        ratio = _median([each.ratio for each in self._images])
        above = np.stack([each.above for each in self._images])
        return NormSummary(
            images=sum(each.images for each in self._images),
            patches=sum(each.patches for each in self._images),
            median=_median([each.median for each in self._images]),
            maximum=_median([each.maximum for each in self._images]),
            quantiles=_median([each.quantiles for each in self._images]),
            ratio=ratio,
            peak=int(ratio.argmax()),
            histogram=self._histogram,
            above=np.asarray(above.mean(axis=0), np.float32),
            tokens=self._images[0].tokens,
            prefix=_median([each.prefix for each in self._images]),
            outliers=None,
        )


def combine_norms(summaries: Iterable[NormSummary]) -> NormSummary:
    """One summary of several images of one model.

    Raises:
        AnalysisError: there are none, or they are of different models.
    """
    found = NormCollection()
    for each in summaries:
        found.add(each)
    return found.combined()


def _median(values: Sequence[FloatArray]) -> FloatArray:
    found: FloatArray = np.median(np.stack(values), axis=0).astype(np.float32)
    return found
