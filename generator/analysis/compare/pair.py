"""Comparison of two models over their common images: maps and paired numbers."""

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
    """The data of one model on one image that a comparison needs."""

    digest: CellDigest
    layout: TokenLayout
    view: View


@dataclass(frozen=True, slots=True)
class Baselines:
    """Agreement of a model's map with baselines that ignore the picture.

    Attributes:
        uniform: agreement with the uniform map; its correlations are NaN.
        center: agreement with a centered Gaussian, as photographs are centered.
        shuffled: agreement with the model's map on another image; None for a single image.
    """

    uniform: Agreement
    center: Agreement
    shuffled: Agreement | None


@dataclass(frozen=True, slots=True)
class MapComparison:
    """The last layers' maps of two models on one image, on their common grid.

    Attributes:
        between: agreement of the two models.
        one: baselines of the first model; None where they were not asked for.
        two: baselines of the second model; None where they were not asked for.
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
        others: both models on another image, for the shuffled baseline; None for a single image.
        baselines: whether to compare with the baselines, too.

    Returns:
        None where the models' views do not overlap.
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
    """Left, right, top, bottom of the area that both models saw."""
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
    """A paired measure: a quantity with one number for each image.

    Attributes:
        quantity: an entry of :mod:`generator.analysis.quantities.table`.
        value: computes the number; None where it is not defined for the model.
        where: the layer, appended to the quantity's name; may be empty.
    """

    quantity: Quantity
    value: Callable[[PairCell], float | None]
    where: str = "last layer"

    @property
    def name(self) -> str:
        """Name of the measure on pages."""
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
"""The paired measures, in the order of the pages."""

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
        one: results of :func:`measure_values`, the first model on each image.
    """
    return {
        name: paired(images, [each[name] for each in one], [each[name] for each in two])
        for name in (measure.quantity.id for measure in MEASURES)
    }
