"""Mass masks: the patches that hold most of a map's mass, as in DINO."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generator.analysis.features.boxes import BoolArray, ConnectedComponents, components
from generator.errors import AnalysisError
from generator.records.record import FloatArray, TokenLayout

KEPT_MASS = 0.6
"""Share of mass that DINO keeps (Caron 2021, Fig. 4; ``visualize_attention.py --threshold
0.6``)."""

ROUNDING = 1e-9
"""Tolerance for equal sums, so that rounding does not decide over a patch."""


@dataclass(frozen=True, slots=True)
class MassMask:
    """The patches that hold most of one map's mass.

    Attributes:
        mask: bool ``[row, col]``.
        area: share of the patches in the mask. It equals the kept share for uniform attention and
            is much smaller for a map with one large outlier.
        parts: its 4-connected components.
    """

    mask: BoolArray
    area: float
    parts: ConnectedComponents


@dataclass(frozen=True, slots=True)
class LayerMasks:
    """Mass masks of one query in one layer.

    Attributes:
        share: share of the mass on patches that each mask holds.
        heads: one for each head.
        mean: mask of the mean over heads.
    """

    share: float
    heads: tuple[MassMask, ...]
    mean: MassMask


def mass_mask(attention: FloatArray, share: float = KEPT_MASS) -> BoolArray:
    """Mask of the patches that hold a share of the mass: bool, of the input's shape.

    As in DINO's ``visualize_attention.py``: the values are renormalized, sorted ascending and
    summed up, and a patch is kept when the sum that ends with it exceeds ``1 - share``. Of equal
    values those later in the sequence are kept first. So uniform attention over n patches keeps
    ``n - floor((1 - share) n)`` of them.

    Args:
        attention: ``[..., patch]``, non-negative, in any unit; patches only. A map without any
            mass gives an empty mask.
        share: share of the mass to hold, above 0, at most 1.

    Raises:
        AnalysisError: the share is out of range, or a value is negative or not finite.
    """
    if not 0 < share <= 1:
        raise AnalysisError(f"A share of the mass above 0 and at most 1 was expected, got {share}.")
    values = np.asarray(attention, dtype=np.float64)
    if not np.isfinite(values).all() or (values < 0).any():
        raise AnalysisError("Attention should be finite and not negative.")
    order = np.argsort(values, axis=-1, kind="stable")
    summed = np.cumsum(np.take_along_axis(values, order, axis=-1), axis=-1)
    total = summed[..., -1:]
    kept = (summed > (1 - share + ROUNDING) * total) & (total > 0)
    mask = np.empty(values.shape, dtype=bool)
    np.put_along_axis(mask, order, kept, axis=-1)
    return mask


def layer_masks(attention: FloatArray, layout: TokenLayout, share: float = KEPT_MASS) -> LayerMasks:
    """Mass masks of each head and of the head mean.

    Args:
        attention: ``[head, key]`` of one query and layer, over all tokens or patches only;
            attention to the prefix is ignored.
        layout: token layout of the keys.
        share: share of the mass on patches to hold.
    """
    maps = layout.fold(np.asarray(attention, dtype=np.float64))
    flat = maps.reshape(len(maps), -1)
    return LayerMasks(
        share=share,
        heads=tuple(_described(mass_mask(head, share), layout) for head in flat),
        mean=_described(mass_mask(flat.mean(axis=0), share), layout),
    )


def _described(mask: BoolArray, layout: TokenLayout) -> MassMask:
    folded = mask.reshape(layout.rows, layout.cols)
    return MassMask(folded, float(mask.mean()), components(folded))
