"""Connected components of a patch mask and their bounding boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generator.records.record import TokenLayout, View

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PatchBox:
    """A box of whole patches; ``right`` and ``bottom`` are the first patch outside.

    Attributes:
        left: column of its first patch.
        top: row of its first patch.
        right: column after its last patch.
        bottom: row below its last patch.
    """

    left: int
    top: int
    right: int
    bottom: int

    def overlap(self, other: PatchBox) -> float:
        """Intersection over union with another box."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        shared = max(width, 0) * max(height, 0)
        return shared / (self.area + other.area - shared)

    @property
    def area(self) -> int:
        """Number of patches in the box."""
        return (self.right - self.left) * (self.bottom - self.top)

    def in_pixels(self, layout: TokenLayout, view: View) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in pixels of the oriented original."""
        left, top, _, _ = view.patch_box(layout, self.top, self.left)
        _, _, right, bottom = view.patch_box(layout, self.bottom - 1, self.right - 1)
        return (left, top, right, bottom)


TRIED = 32
"""Most tied seeds to try; they are sampled evenly if there are more."""


@dataclass(frozen=True, slots=True)
class SeedTies:
    """Sensitivity of a box to the choice among equally good seeds.

    Attributes:
        count: number of tied patches, the seed included.
        overlap: smallest intersection over union of the box with the boxes of other tied seeds, of
            at most :data:`TRIED` seeds; 0 if a seed gives no box, 1 without ties.
    """

    count: int
    overlap: float

    @classmethod
    def of(
        cls,
        tied: NDArray[np.intp],
        box: PatchBox,
        grow: Callable[[NDArray[np.intp]], Iterable[PatchBox | None]],
    ) -> SeedTies:
        """Compute the boxes of the tied seeds.

        Args:
            tied: indices of the tied patches.
            grow: computes the boxes of some seeds; None for a seed without one.
        """
        places = np.unique(np.linspace(0, len(tied) - 1, min(len(tied), TRIED)).round().astype(int))
        found = grow(tied[places])
        overlaps = [box.overlap(other) if other is not None else 0.0 for other in found]
        return cls(len(tied), min(overlaps, default=1.0))


@dataclass(frozen=True, slots=True)
class ConnectedComponents:
    """The 4-connected components of a mask.

    Attributes:
        labels: int32 ``[row, col]``, 0 outside the mask, else the component, from 1, in the order
            in which their first patches are read.
        areas: number of patches of each component, in the order of the labels.
    """

    labels: NDArray[np.int32]
    areas: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of components."""
        return len(self.areas)

    def holding(self, row: int, col: int) -> BoolArray:
        """The component that holds a patch, bool ``[row, col]``; empty outside the mask."""
        label = self.labels[row, col]
        held: BoolArray = (self.labels == label) & (label > 0)
        return held

    def largest(self) -> BoolArray:
        """The largest component, bool ``[row, col]``; the first if several are equal."""
        label = int(np.argmax(self.areas)) + 1 if self.areas else -1
        held: BoolArray = self.labels == label
        return held


def components(mask: BoolArray) -> ConnectedComponents:
    """The 4-connected components of a mask ``[row, col]``."""
    # Late: a build that needs no such analysis should not wait for it to load.
    from scipy import ndimage  # noqa: PLC0415

    labels, count = ndimage.label(mask)  # its default structure joins along edges only
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    return ConnectedComponents(labels.astype(np.int32), tuple(int(area) for area in areas))


def box_around(mask: BoolArray) -> PatchBox | None:
    """Bounding box of a mask ``[row, col]``; None for an empty mask."""
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return PatchBox(int(cols[0]), int(rows[0]), int(cols[-1]) + 1, int(rows[-1]) + 1)
