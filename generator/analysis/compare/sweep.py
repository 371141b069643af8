"""Training sweeps: numbers and map agreement of a model's checkpoints by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from generator.analysis.attention.heads import PATCHES
from generator.analysis.cells.model_digest import ModelDigest, Spread
from generator.analysis.compare.agreement import divergence
from generator.analysis.grids import PlacedMap, on_common_grid
from generator.analysis.stream.norms import CUTOFFS
from generator.records.record import OUTLIER, FloatArray

NOWHERE = float("nan")
"""A missing number: a gap in the line of the chart."""


@dataclass(frozen=True, slots=True)
class StepNumbers:
    """Numbers of one checkpoint, means over images, layers and heads; NaN where undefined.

    Attributes:
        entropy: quantity ``entropy``.
        distance: quantity ``distance-share``.
        cls_on_cls: quantity ``cls-mass-cls``.
        cls_on_registers: quantity ``cls-mass-registers``.
        cls_on_patches: quantity ``cls-mass-patches``.
        outlier_share: quantity ``outlier-share``.
        max_norm: quantity ``max-norm``, median over images.
        norm_ratio: quantity ``norm-ratio``, largest over the layers.
        onset: quantity ``norm-onset``; 0 for the embedding, NaN if there is none.
    """

    images: int
    entropy: float
    distance: float
    cls_on_cls: float
    cls_on_registers: float
    cls_on_patches: float
    outlier_share: float
    max_norm: float
    norm_ratio: float
    onset: float


def step_numbers(digest: ModelDigest) -> StepNumbers:
    """Compute the numbers of a checkpoint."""
    norms, onset = digest.norms, digest.onset.patch_onset
    return StepNumbers(
        images=digest.images,
        entropy=float(digest.entropy.mean.mean()),
        distance=float(digest.distance_share.mean.mean()),
        cls_on_cls=_mass(digest, "CLS"),
        cls_on_registers=_mass(digest, "reg"),
        cls_on_patches=_mass(digest, PATCHES),
        outlier_share=float(norms.above[norms.peak, CUTOFFS.index(int(OUTLIER))]),
        max_norm=float(norms.maximum.max()),
        norm_ratio=float(norms.ratio.max()),
        onset=NOWHERE if onset is None else float(onset),
    )


def _mass(digest: ModelDigest, start: str) -> float:
    """Mean mass of CLS on the key groups with a name prefix; NaN if there is none."""
    mass: Spread | None = digest.mass
    places = [n for n, group in enumerate(digest.groups) if group.startswith(start)]
    if mass is None or not places:
        return NOWHERE
    return float(mass.mean[places].sum(axis=0).mean())


@dataclass(frozen=True, slots=True)
class StepAgreement:
    """Agreement of each checkpoint's maps with those of the first and the last checkpoint.

    Attributes:
        first: float64 ``[step]``, Jensen-Shannon divergence from the first checkpoint, in bits,
            mean over images; NaN where no image has both.
        last: float64 ``[step]``, divergence from the last checkpoint, otherwise as ``first``.
        images: int ``[step]``, number of images that the step and both ends have.
    """

    first: FloatArray
    last: FloatArray
    images: tuple[int, ...]


def step_agreement(maps: Sequence[Mapping[str, PlacedMap]]) -> StepAgreement:
    """Compare the maps of checkpoints with those of the first and of the last, image by image.

    Args:
        maps: for each checkpoint, in order of steps, the last layer's map of each image, mean over
            heads.
    """
    ends = (maps[0], maps[-1])
    first, last = (np.array([_mean_divergence(own, end) for own in maps]) for end in ends)
    return StepAgreement(
        first, last, tuple(len(own.keys() & ends[0].keys() & ends[1].keys()) for own in maps)
    )


def _mean_divergence(one: Mapping[str, PlacedMap], two: Mapping[str, PlacedMap]) -> float:
    found = []
    for image, placed in one.items():
        pair = on_common_grid([placed, two[image]]) if image in two else None
        if pair is not None:
            found.append(divergence(*pair))
    return float(np.mean(found)) if found else NOWHERE
