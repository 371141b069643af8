"""Two models over the images that both have: maps compared image by image, and numbers paired."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from generator.analysis.attention.budget import OUTLIERS
from generator.analysis.cells.digest import CellDigest
from generator.analysis.compare.agreement import Agreement, agreement, center_gaussian, uniform_map
from generator.analysis.compare.paired import Paired, paired
from generator.analysis.grids import PlacedMap, on_common_grid
from generator.analysis.quantities.attention import (
    CLS_MASS_OUTLIERS,
    CLS_MASS_REGISTERS,
    ENTROPY_PATCHES,
)
from generator.analysis.quantities.objects import MASS_MASK_AREA
from generator.analysis.quantities.quantity import Quantity
from generator.analysis.quantities.stream import LARGEST_CLS_PATCH, NORM_RATIO, OUTLIER_SHARE
from generator.analysis.quantities.table import from_table
from generator.analysis.stream.norms import CUTOFFS
from generator.records.record import OUTLIER, TokenLayout, View


@dataclass(frozen=True, slots=True)
class PairCell:
    """One model on one image, as far as a comparison needs it."""

    digest: CellDigest
    layout: TokenLayout
    view: View


@dataclass(frozen=True, slots=True)
class Baselines:
    """How a model's map agrees with maps that know nothing of the picture.

    Attributes:
        uniform: with the map that looks everywhere alike; its correlations are NaN.
        center: with a Gaussian in the middle, as photographs are centered.
        shuffled: with the same model's map on another image; None for a single image.
    """

    uniform: Agreement
    center: Agreement
    shuffled: Agreement | None


@dataclass(frozen=True, slots=True)
class MapComparison:
    """The last layers' maps of two models on one image, on their common grid.

    Attributes:
        between: of the two models.
        one: baselines of the first; None where they were not asked for.
        two: baselines of the second, likewise.
    """

    between: Agreement
    one: Baselines | None
    two: Baselines | None


def compare_maps(
    one: PairCell,
    two: PairCell,
    others: tuple[PairCell, PairCell] | None,
    *,
    baselines: bool = True,
) -> MapComparison | None:
    """Compare the maps of two models on one image.

    About a second at 16x16 and above, nearly all of it for seven earth mover's distances; a fifth
    of that without baselines.

    Args:
        one: the first model on the image.
        two: the second.
        others: both models on another image, for the shuffled baseline; None without one.
        baselines: whether to compare with maps that know nothing of the picture, too.

    Returns:
        None where the two saw no part of the picture together.
    """
    placed = on_common_grid([_placed(one), _placed(two)])
    if placed is None:
        return None
    left, right, top, bottom = _shared_view(one.view, two.view)
    aspect = (right - left) / (bottom - top)
    between = agreement(*placed, aspect=aspect)
    if not baselines:
        return MapComparison(between, None, None)
    maps = [
        _baselines(own, cell, other, aspect)
        for own, cell, other in zip(
            placed, (one, two), others if others else (None, None), strict=True
        )
    ]
    return MapComparison(between, maps[0], maps[1])


def _placed(cell: PairCell) -> PlacedMap:
    return PlacedMap(cell.digest.last, cell.view)


def _shared_view(one: View, two: View) -> tuple[float, float, float, float]:
    """Left, right, top, bottom of what both saw."""
    return (
        max(one.left, two.left),
        min(one.right, two.right),
        max(one.top, two.top),
        min(one.bottom, two.bottom),
    )


def _baselines(own: np.ndarray, cell: PairCell, other: PairCell | None, aspect: float) -> Baselines:
    rows, cols = own.shape
    shuffled = None
    if other is not None:
        # The other picture's map, laid over this one's place whatever its shape.
        moved = on_common_grid([PlacedMap(own, cell.view), PlacedMap(other.digest.last, cell.view)])
        shuffled = agreement(*moved, aspect=aspect) if moved else None
    return Baselines(
        uniform=agreement(own, uniform_map(rows, cols), aspect=aspect),
        center=agreement(own, center_gaussian(rows, cols), aspect=aspect),
        shuffled=shuffled,
    )


@dataclass(frozen=True, slots=True)
class PairedMeasure:
    """A quantity as one number an image, by which two models are paired.

    Attributes:
        quantity: an entry of :mod:`generator.analysis.quantities.table`.
        value: the number; None where the model cannot have it.
        where: the layer that it is of, after the quantity's name; may be empty.
    """

    quantity: Quantity
    value: Callable[[PairCell], float | None]
    where: str = "last layer"

    @property
    def name(self) -> str:
        """What pages call it."""
        return ", ".join(filter(None, (self.quantity.label, self.where)))


def outlier_share(cell: PairCell) -> float:
    """Share of outlier patches, at the layer where the largest norm stands out most."""
    norms = cell.digest.norms
    return float(norms.above[norms.peak, CUTOFFS.index(int(OUTLIER))])


def norm_ratio(cell: PairCell) -> float:
    """Largest patch norm over the median, at the layer where it is largest."""
    return float(cell.digest.norms.ratio.max())


def register_mass(cell: PairCell) -> float | None:
    """Attention of CLS on all registers, last layer, mean over heads; None without registers."""
    shares = [cell.digest.heads.mass_on(name) for name in cell.layout.registers]
    found = [float(each[-1].mean()) for each in shares if each is not None]
    return sum(found) if found else None


def outlier_mass(cell: PairCell) -> float | None:
    """Attention of CLS on outlier patches, last layer, mean over heads; 0 where there are none."""
    budget = cell.digest.budget
    own = budget.of(cell.layout.cls or "")
    if own is None:
        return None
    return float(np.nan_to_num(own.shares[-1, budget.keys.index(OUTLIERS)]))


def largest_share(cell: PairCell) -> float | None:
    """Attention of CLS on the patch it attends to most, last layer, mean over heads."""
    found = cell.digest.onset.patch_attention
    return None if found is None else float(found[-1])


MEASURES = (
    PairedMeasure(OUTLIER_SHARE, outlier_share, ""),
    PairedMeasure(NORM_RATIO, norm_ratio, "at its peak"),
    PairedMeasure(CLS_MASS_OUTLIERS, outlier_mass),
    PairedMeasure(CLS_MASS_REGISTERS, register_mass),
    PairedMeasure(LARGEST_CLS_PATCH, largest_share),
    PairedMeasure(
        ENTROPY_PATCHES, lambda cell: float(cell.digest.heads.entropy_patches[-1].mean())
    ),
    PairedMeasure(MASS_MASK_AREA, lambda cell: cell.digest.mask.area),
)
"""What two models are paired by, in the order in which pages list it."""

from_table(*(measure.quantity for measure in MEASURES))


def measure_values(cell: PairCell) -> dict[str, float | None]:
    """Every measure of one model on one image: id of the quantity -> value."""
    return {measure.quantity.id: measure.value(cell) for measure in MEASURES}


def pair_measures(
    images: Sequence[str],
    one: Sequence[Mapping[str, float | None]],
    two: Sequence[Mapping[str, float | None]],
) -> dict[str, Paired]:
    """Every measure of two models, paired over images: id of the quantity -> values.

    Args:
        images: names of the images, in order.
        one: of :func:`measure_values`, the first model on each.
        two: the second.
    """
    return {
        name: paired(images, [each[name] for each in one], [each[name] for each in two])
        for name in (measure.quantity.id for measure in MEASURES)
    }
