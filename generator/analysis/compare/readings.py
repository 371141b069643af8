"""What two galleries are compared by: numbers of one record, each with its name and unit.

A measure is a quantity of :mod:`generator.analysis.quantities.table`, or one of the parts that a
quantity has (the mass of CLS on CLS, on registers, on patches).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.analysis.attention.heads import PATCHES, HeadTables, head_tables
from generator.analysis.attention.rollout import rollout_diagnostics
from generator.analysis.attention.values import sink_values
from generator.analysis.compare.agreement import divergence
from generator.analysis.grids import PlacedMap, on_common_grid
from generator.analysis.stream.massive import massive_summary
from generator.analysis.stream.norms import norm_summary, outliers_of
from generator.records.record import AttentionRecord, FloatArray

NO_CLS = NotApplicable("there is no CLS token")
NO_PREFIX = NotApplicable("there are no tokens before the patches")
NO_REGISTERS = NotApplicable("there are no registers")
APART = NotApplicable("A and B saw no part of the picture together")

Readings = Mapping[str, FloatArray | NotApplicable]
"""The values of every measure, by its id: of the shape that its axes say."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One number for each place along its axes.

    Attributes:
        id: in options and data; never changes.
        quantity: id of the quantity that it is, or is part of.
        name: what tables call it.
        unit: of the values, short.
        axes: ``layer`` and ``head``, ``layer`` alone, or none for one number an image.
        first_layer: number of the first layer; 0 where the embedding is one.
    """

    id: str
    quantity: str
    name: str
    unit: str
    axes: tuple[str, ...]
    first_layer: int = 1


HEADS, LAYERS = ("layer", "head"), ("layer",)
SHARE, MAXIMUM, MEDIAN = "share of 1", "share of maximum", "times median"
PIXELS, SIDE, NORM = "input pixels", "share of side", "norm"

MEASURES = (
    Reading("entropy", "entropy", "entropy", MAXIMUM, HEADS),
    Reading("entropy-patches", "entropy-patches", "entropy, patches only", MAXIMUM, HEADS),
    Reading("distance", "distance", "distance", PIXELS, HEADS),
    Reading("distance-share", "distance", "distance", SIDE, HEADS),
    Reading("distance-patches", "distance-patches", "distance, patches only", PIXELS, HEADS),
    Reading("distance-patches-share", "distance-patches", "distance, patches only", SIDE, HEADS),
    Reading("cls-mass-cls", "cls-mass", "mass of CLS on CLS", SHARE, HEADS),
    Reading("cls-mass-registers", "cls-mass", "mass of CLS on registers", SHARE, HEADS),
    Reading("cls-mass-patches", "cls-mass", "mass of CLS on patches", SHARE, HEADS),
    Reading("max-attention", "max-attention", "max attention of CLS", SHARE, HEADS),
    Reading("sink", "sink", "largest share received", SHARE, HEADS),
    Reading("sink-rate", "sink-rate", "sink rate", "share of heads", LAYERS),
    Reading("sink-value", "sink-value", "value norm of the sink", MEDIAN, HEADS),
    Reading("rollout-prefix", "rollout-prefix", "rollout on the prefix", SHARE, LAYERS),
    Reading("rollout-cosine", "rollout-cosine", "cosine of rollouts", "cosine", LAYERS),
    Reading("max-norm", "norm", "max norm of a patch", NORM, LAYERS, 0),
    Reading("median-norm", "norm", "median norm of patches", NORM, LAYERS, 0),
    Reading("cls-norm", "norm", "norm of CLS", NORM, LAYERS, 0),
    Reading("register-norm", "norm", "max norm of a register", NORM, LAYERS, 0),
    Reading("norm-ratio", "norm-ratio", "max norm over median", MEDIAN, LAYERS, 0),
    Reading("outlier-count", "outlier-share", "outlier patches", "patches", ()),
    Reading("outlier-share", "outlier-share", "share of outlier patches", "share of patches", ()),
    Reading("channel-max", "channel-max", "largest channel", "value", LAYERS, 0),
    Reading("divergence", "divergence", "divergence from A's map", "bits", LAYERS),
)
"""In the order of the table."""


def readings(record: AttentionRecord) -> Readings:
    """Every measure of one record, but for the divergence, which needs two (:func:`diverged`)."""
    heads, norms = head_tables(record), norm_summary(record)
    rolled, outliers = rollout_diagnostics(record), outliers_of(record)
    values, massive = sink_values(record), massive_summary(record)
    layout = record.layout
    registers = [layout.token(name) for name in layout.registers]
    return {
        "entropy": heads.entropy,
        "entropy-patches": heads.entropy_patches,
        "distance": heads.distance,
        "distance-share": heads.distance_share,
        "distance-patches": heads.distance_patches,
        "distance-patches-share": heads.distance_patches_share,
        "cls-mass-cls": NO_CLS if layout.cls is None else _mass(heads, (layout.cls,)),
        "cls-mass-registers": _mass(heads, layout.registers),
        "cls-mass-patches": _mass(heads, (PATCHES,)),
        "max-attention": NO_CLS if heads.max_attention is None else heads.max_attention,
        "sink": heads.sink,
        "sink-rate": heads.sink_rate,
        "sink-value": values if isinstance(values, NotApplicable) else values.relative,
        "rollout-prefix": rolled.prefix_mass if layout.prefix else NO_PREFIX,
        "rollout-cosine": rolled.cosine,
        "max-norm": norms.maximum,
        "median-norm": norms.median,
        "cls-norm": NO_CLS if layout.cls is None else record.norms[:, layout.token(layout.cls)],
        "register-norm": record.norms[:, registers].max(axis=1) if registers else NO_REGISTERS,
        "norm-ratio": norms.ratio,
        "outlier-count": np.asarray(outliers.count, dtype=np.float32),
        "outlier-share": np.asarray(outliers.count / layout.patches, dtype=np.float32),
        "channel-max": massive if isinstance(massive, NotApplicable) else massive.channel_max,
    }


def _mass(heads: HeadTables, groups: tuple[str, ...]) -> FloatArray | NotApplicable:
    if heads.mass is None:
        return NO_CLS
    if not groups:
        return NO_REGISTERS
    places = [heads.groups.index(group) for group in groups]
    found: FloatArray = heads.mass[places].sum(axis=0)
    return found


def diverged(one: AttentionRecord, two: AttentionRecord) -> FloatArray | NotApplicable:
    """Jensen-Shannon divergence of two records' maps, layer by layer: float64 ``[layer]``, bits.

    Maps are those of the CLS query, mean over heads, or what patches receive without CLS; both on
    the coarser of the two grids.
    """
    if (one.layout.cls is None) != (two.layout.cls is None):
        return NO_CLS
    if one.model.layers != two.model.layers:
        return NotApplicable("the models differ in layers")
    found = []
    for layer in range(one.model.layers):
        placed = on_common_grid(
            [PlacedMap(_map(record, layer), record.view) for record in (one, two)]
        )
        if placed is None:
            return APART
        found.append(divergence(*placed))
    return np.array(found)


def _map(record: AttentionRecord, layer: int) -> FloatArray:
    layout = record.layout
    rows = record.received if layout.cls is None else record.rows(layout.cls)
    heads = rows[layer][:, layout.patch_slice].mean(axis=0, dtype=np.float64)
    return layout.fold(heads)
