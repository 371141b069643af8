"""Norms of tokens in the residual stream, before the final LayerNorm, and their outliers."""

from __future__ import annotations

from dataclasses import dataclass

from generator.records import AttentionRecord, outlier_patches


@dataclass(frozen=True, slots=True)
class Outliers:
    """How many patches have an unusual norm, at the layer where the largest stands out most.

    Attributes:
        layer: that layer, from 1; 0 for the embedding.
        ratio: largest norm over the median, at that layer.
        count: patches with a norm above three times the median, at that layer.
    """

    layer: int
    ratio: float
    count: int


def outliers_of(record: AttentionRecord) -> Outliers:
    """The outliers of a record, counted (:func:`generator.records.outlier_patches`)."""
    found = outlier_patches(record.norms[:, record.layout.patch_slice])
    return Outliers(found.layer, float(f"{found.ratio:.4g}"), len(found.patches))
