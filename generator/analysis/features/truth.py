"""Agreement of maps and boxes with annotated objects.

Clean-looking maps are not automatically better masks, and photographs are centered. Compare the
numbers with the baselines of :mod:`generator.analysis.compare.agreement`: the uniform map, a
centered Gaussian, and the map of another picture.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from generator.analysis.absent import NotApplicable
from generator.analysis.features.boxes import BoolArray
from generator.analysis.features.masks import KEPT_MASS, mass_mask
from generator.errors import AnalysisError
from generator.records.record import FloatArray, TokenLayout, View

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels of the oriented original."""

FOUND = 0.5
"""Smallest overlap at which an object counts as found (CorLoc; PASCAL VOC)."""


@dataclass(frozen=True, slots=True)
class GridTruth:
    """Annotated objects on a patch grid, as area shares, within the model's view.

    Attributes:
        inside: float64 ``[row, col]``, share of the patch that is object.
        outside: float64 ``[row, col]``, share of the patch that is background. The rest is void or
            beyond the picture and is ignored.
    """

    inside: NDArray[np.float64]
    outside: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MapScores:
    """Scores of one map against annotated objects. The best value of each is 1.

    Attributes:
        mass_inside: share of the map's mass on objects (the energy-based pointing game, Wang 2020,
            Score-CAM). A patch's mass is spread evenly over it.
        hit: whether the patch of the largest value is mostly object (the pointing game, Zhang
            2018). One outlier decides it.
        iou: intersection over union of the objects and the mass mask.
        average_precision: area under precision and recall, over all thresholds.
    """

    mass_inside: float
    hit: bool
    iou: float
    average_precision: float


def truth_on_grid(
    objects: BoolArray, void: BoolArray | None, layout: TokenLayout, view: View
) -> GridTruth:
    """Resample a pixel mask to a patch grid, by area.

    Args:
        objects: bool ``[pixel row, pixel col]`` on the oriented original.
        void: bool, of the same shape, pixels that count neither as object nor as background; None
            for none.
        view: part of the original that the grid covers; its edges may cut pixels.

    Raises:
        AnalysisError: the mask and the picture differ in size.
    """
    size = (view.image_height, view.image_width)
    for mask in (objects, void):
        if mask is not None and mask.shape != size:
            raise AnalysisError(f"A mask of {size} pixels was expected, got {mask.shape}.")
    known = np.ones(size, dtype=bool) if void is None else ~void
    inside = _area_share(objects & known, layout, view)
    return GridTruth(inside, np.clip(_area_share(known, layout, view) - inside, 0, 1))


def truth_of_boxes(boxes: Iterable[Box], layout: TokenLayout, view: View) -> GridTruth:
    """Resample boxes to a patch grid, by area; places in several boxes count once.

    Boxes include background, so their scores do not compare with those of masks.

    Args:
        boxes: boxes in pixels of the oriented original; edges are rounded to whole pixels.
        view: part of the original that the grid covers.
    """
    objects = np.zeros((view.image_height, view.image_width), dtype=bool)
    for box in boxes:
        left, top, right, bottom = (max(0, round(edge)) for edge in box)
        objects[top:bottom, left:right] = True
    return truth_on_grid(objects, None, layout, view)


def score_map(
    values: FloatArray, truth: GridTruth, share: float = KEPT_MASS
) -> MapScores | NotApplicable:
    """Compute the scores of a map against annotated objects.

    The map is renormalized over the patches. Areas are those of the picture, so the scores equal
    what pixels would give on the map enlarged without interpolation. A map that is the same
    everywhere has no order, and so no mask: for ``iou`` it covers its share of every patch, which
    is about what a random choice of patches gets.

    Args:
        values: ``[row, col]``, non-negative, in any unit; patches only.
        truth: annotated objects on the same grid.
        share: share of the mass in the mask for ``iou``.

    Returns:
        The scores; not applicable where the model saw no object, or the map is empty.

    Raises:
        AnalysisError: the grids differ.
    """
    if values.shape != truth.inside.shape:
        raise AnalysisError(f"A map of {truth.inside.shape} was expected, got {values.shape}.")
    inside, known = truth.inside, truth.inside + truth.outside
    if not inside.any():
        return NotApplicable("the model saw no object")
    mass = np.asarray(values, dtype=np.float64)
    seen = float((mass * known).sum())
    if seen <= 0:
        return NotApplicable("the map is empty")
    largest = np.unravel_index(np.argmax(mass), mass.shape)
    mask = mass_mask(mass.ravel(), share).reshape(mass.shape).astype(np.float64)
    if np.ptp(mass) == 0:
        mask[:] = share
    both = float((inside * mask).sum())
    either = float(inside.sum() + (known * mask).sum()) - both
    return MapScores(
        mass_inside=float((mass * inside).sum()) / seen,
        hit=bool(inside[largest] > known[largest] / 2),
        iou=both / either,
        average_precision=average_precision(mass, inside, truth.outside),
    )


def average_precision(values: FloatArray, inside: FloatArray, outside: FloatArray) -> float:
    """Average precision of a ranking: the sum of precision times the gain in recall.

    Equal values share one threshold, so their order does not matter.

    Args:
        values: values to rank, any shape.
        inside: weight of positives at each value: the area of object.
        outside: weight of negatives at each value: the area of background.

    Returns:
        0 to 1; the share of positives for a constant map, NaN without positives.
    """
    _, place = np.unique(-np.asarray(values, dtype=np.float64).ravel(), return_inverse=True)
    positive = np.cumsum(np.bincount(place, weights=inside.ravel()))
    negative = np.cumsum(np.bincount(place, weights=outside.ravel()))
    if positive[-1] <= 0:
        return float("nan")
    taken = positive + negative
    precision = positive / np.where(taken > 0, taken, 1)
    gain = np.diff(positive, prepend=0)
    return float((precision * gain).sum() / positive[-1])


# --- boxes ---------------------------------------------------------------------------------------


def box_iou(one: Box, two: Box) -> float:
    """Intersection over union of two boxes; 0 if both are empty."""
    width = min(one[2], two[2]) - max(one[0], two[0])
    height = min(one[3], two[3]) - max(one[1], two[1])
    both = max(0.0, width) * max(0.0, height)
    either = _area(one) + _area(two) - both
    return both / either if either > 0 else 0.0


def best_iou(found: Box, marked: Iterable[Box]) -> float | NotApplicable:
    """Largest overlap of a box with any annotated object.

    An image counts for CorLoc, the share of images whose object is found, when this is at least
    ``FOUND`` (Deselaers 2010).

    Args:
        found: box of LOST, TokenCut or a mask.
        marked: annotated boxes, cropped by :func:`boxes_in_view`.
    """
    overlaps = [box_iou(found, box) for box in marked]
    return max(overlaps) if overlaps else NotApplicable("the model saw no object")


def corloc(overlaps: Iterable[float]) -> float | NotApplicable:
    """CorLoc: share of images whose object is found, from their best overlaps."""
    values = list(overlaps)
    if not values:
        return NotApplicable("no image has boxes")
    return sum(value >= FOUND for value in values) / len(values)


def boxes_in_view(boxes: Iterable[Box], view: View) -> tuple[Box, ...]:
    """Crop annotated boxes to the model's view and drop those outside.

    A model that saw a square of the picture cannot find objects outside it.
    """
    cut = (
        (
            max(left, view.left),
            max(top, view.top),
            min(right, view.right),
            min(bottom, view.bottom),
        )
        for left, top, right, bottom in boxes
    )
    return tuple(box for box in cut if box[0] < box[2] and box[1] < box[3])


def _area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def _area_share(mask: BoolArray, layout: TokenLayout, view: View) -> NDArray[np.float64]:
    """Share of each patch's area that a pixel mask covers: float64 ``[row, col]``."""
    rows = np.linspace(view.top, view.bottom, layout.rows + 1)
    cols = np.linspace(view.left, view.right, layout.cols + 1)
    covered = _between(_between(mask.astype(np.float32), rows).T, cols).T
    share: NDArray[np.float64] = covered / (np.diff(rows)[:, None] * np.diff(cols)[None, :])
    return np.clip(share, 0, 1)


def _between(values: FloatArray, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of unit cells along the first axis between edges, which may cut cells."""
    found = np.zeros((len(edges) - 1, values.shape[1]))
    for n, (low, high) in enumerate(pairwise(edges)):
        first, last = max(0, int(np.floor(low))), min(len(values), int(np.ceil(high)))
        cells = np.arange(first, last)
        weights = np.minimum(cells + 1, high) - np.maximum(cells, low)
        found[n] = weights @ values[first:last]
    return found
