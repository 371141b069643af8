"""Averages over images at each place in the patch grid: attention, outlier rate.

Images are added one at a time to a frozen sum. Sums of parts of a run can be merged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generator.analysis.absent import NotApplicable
from generator.errors import AnalysisError
from generator.records.record import AttentionRecord, FloatArray, TokenLayout, outlier_patches

LEAST_IMAGES = 100
"""With fewer images the average shows their composition rather than the model."""


@dataclass(frozen=True, slots=True)
class LocationAverages:
    """Means over images at each place in the grid.

    Attributes:
        queries: names of the prefix tokens.
        attention: float32 ``[query, layer, row, col]``, times uniform, mean over heads
            (Darcet 2024, Fig. 16).
        received: float32 ``[layer, row, col]``, attention that patches receive from patches, times
            uniform, mean over heads.
        outlier_rate: float32 ``[row, col]``, share of the images in which the patch is an outlier
            (Darcet 2024, Fig. 10).
    """

    images: int
    queries: tuple[str, ...]
    attention: FloatArray
    received: FloatArray
    outlier_rate: FloatArray


@dataclass(frozen=True, slots=True)
class LocationSums:
    """Sums over images of one model on one grid.

    Attributes:
        model: the model's id and version.
        layout: token layout, the same for all images.
        images: how many images are in the sums.
        attention: float64 ``[query, layer, patch]``.
        received: float64 ``[layer, patch]``.
        outliers: int64 ``[patch]``, images in which the patch is an outlier.
    """

    model: tuple[str, str]
    layout: TokenLayout
    images: int
    attention: FloatArray
    received: FloatArray
    outliers: NDArray[np.int64]

    @classmethod
    def of(cls, record: AttentionRecord) -> LocationSums:
        """The sums of one image."""
        layout = record.layout
        patches = layout.patch_slice
        outliers = np.zeros(layout.patches, dtype=np.int64)
        outliers[outlier_patches(record.norms[:, patches]).patches] = 1
        return cls(
            model=(record.model.id, record.model.version),
            layout=layout,
            images=1,
            attention=record.attention[..., patches].mean(axis=2, dtype=np.float64),
            received=record.received[..., patches].mean(axis=1, dtype=np.float64),
            outliers=outliers,
        )

    def merge(self, other: LocationSums) -> LocationSums:
        """The sums of both.

        Raises:
            AnalysisError: they are of different models or grids.
        """
        if (self.model, self.layout) != (other.model, other.layout):
            raise AnalysisError(
                f"Averages by place need one model on one grid: {self.model[0]} on "
                f"{self.layout.rows}x{self.layout.cols}, {other.model[0]} on "
                f"{other.layout.rows}x{other.layout.cols}.",
                "Average images of one shape (the square field of view gives that).",
            )
        return LocationSums(
            model=self.model,
            layout=self.layout,
            images=self.images + other.images,
            attention=self.attention + other.attention,
            received=self.received + other.received,
            outliers=self.outliers + other.outliers,
        )

    def averages(self) -> LocationAverages | NotApplicable:
        """The means; not applicable below 100 images."""
        if self.images < LEAST_IMAGES:
            return NotApplicable(
                f"averages by place need at least {LEAST_IMAGES} images; this run has {self.images}"
            )
        f32 = np.float32
        return LocationAverages(
            images=self.images,
            queries=self.layout.prefix,
            attention=self.layout.fold(self.attention / self.images).astype(f32),
            received=self.layout.fold(self.received / self.images).astype(f32),
            outlier_rate=self.layout.fold(self.outliers / self.images).astype(f32),
        )
