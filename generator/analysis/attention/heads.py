"""Numbers of each head: entropy, attention distance, mass on CLS and registers, sinks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generator.records.record import AttentionRecord, FloatArray, TokenLayout

SINK = 0.3
"""A head has a sink when one key receives more than this share of all its attention (Gu 2025)."""

PATCHES = "patches"
"""Name of the patches among the key groups of ``HeadTables.mass``."""


@dataclass(frozen=True, slots=True)
class HeadTables:
    """Numbers of every head of one model on one image.

    Tables are float32 ``[layer, head]`` unless stated otherwise, and have the names and definitions
    of :mod:`generator.analysis.quantities.attention`. Those of the CLS query are None without CLS.

    Attributes:
        uniform_distance: ``distance_patches_share`` of uniform attention, the reference line of its
            chart.
        groups: key groups along the first axis of ``mass``: the prefix tokens by name, then
            ``"patches"``.
        mass: ``[key group, layer, head]``, mass of the CLS query.
        sink_rate: ``[layer]``.
    """

    entropy: FloatArray
    entropy_patches: FloatArray
    distance: FloatArray
    distance_patches: FloatArray
    distance_share: FloatArray
    distance_patches_share: FloatArray
    uniform_distance: float
    groups: tuple[str, ...]
    mass: FloatArray | None
    max_attention: FloatArray | None
    sink: FloatArray
    sink_rate: FloatArray

    def mass_on(self, group: str) -> FloatArray | None:
        """Attention of CLS to one key group, share of 1; None where the model lacks either."""
        if self.mass is None or group not in self.groups:
            return None
        found: FloatArray = self.mass[self.groups.index(group)]
        return found


def head_tables(record: AttentionRecord) -> HeadTables:
    """All tables of a record."""
    layout, cls = record.layout, record.layout.cls
    patch = (record.model.patch_height, record.model.patch_width)
    side = short_side(layout, patch)
    # The sum over queries in float32; half precision would round the sinks' shares.
    alpha = record.received_by_all() / np.float32(layout.tokens)
    sink = alpha.max(axis=-1)
    return HeadTables(
        entropy=record.entropy,
        entropy_patches=record.entropy_patches,
        distance=record.distance,
        distance_patches=record.distance_patches,
        distance_share=record.distance / np.float32(side),
        distance_patches_share=record.distance_patches / np.float32(side),
        uniform_distance=uniform_distance(layout, patch) / side,
        groups=(*layout.prefix, PATCHES),
        mass=None if cls is None else np.moveaxis(record.mass[:, :, layout.token(cls)], -1, 0),
        max_attention=None
        if cls is None
        else record.rows(cls).max(axis=-1).astype(np.float32) / np.float32(layout.tokens),
        sink=sink,
        sink_rate=(sink > SINK).mean(axis=-1).astype(np.float32),
    )


def short_side(layout: TokenLayout, patch: tuple[int, int]) -> int:
    """Short side of the area the patches cover, in input pixels: the unit of distance shares.

    Args:
        patch: height and width of a patch in input pixels.
    """
    return min(layout.rows * patch[0], layout.cols * patch[1])


def uniform_distance(layout: TokenLayout, patch: tuple[int, int]) -> float:
    """Mean attention distance of uniform attention over the patches, in input pixels.

    The exact mean over all pairs of patches, each with itself too: 0.521 times the side of a large
    square. Offsets are counted instead of pairs.

    Args:
        patch: height and width of a patch in input pixels.
    """
    down, across = np.arange(layout.rows), np.arange(layout.cols)
    pairs = np.outer(_pairs_apart(layout.rows), _pairs_apart(layout.cols))
    apart = np.hypot(down[:, None] * patch[0], across[None, :] * patch[1])
    return float((pairs * apart).sum() / pairs.sum())


def _pairs_apart(count: int) -> FloatArray:
    """Number of ordered pairs of ``count`` places at distance 0, 1, 2, ..."""
    pairs = 2.0 * np.arange(count, 0, -1)
    pairs[0] = count
    return pairs
