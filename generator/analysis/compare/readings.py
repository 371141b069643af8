"""Readings of a record: the measures by which two galleries are compared."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.analysis.attention.heads import PATCHES, HeadTables, head_tables
from generator.analysis.attention.rollout import rollout_diagnostics
from generator.analysis.attention.values import sink_values
from generator.analysis.compare.agreement import divergence
from generator.analysis.grids import PlacedMap, on_common_grid
from generator.analysis.quantities import attention, contribution, stream
from generator.analysis.quantities.agreement import DIVERGENCE
from generator.analysis.quantities.quantity import Quantity
from generator.analysis.quantities.table import from_table
from generator.analysis.stream.massive import massive_summary
from generator.analysis.stream.norms import norm_summary, outliers_of
from generator.records.record import AttentionRecord, FloatArray

NO_CLS = NotApplicable("there is no CLS token")
NO_PREFIX = NotApplicable("there are no tokens before the patches")
NO_REGISTERS = NotApplicable("there are no registers")
APART = NotApplicable("A and B saw no part of the picture together")

Readings = Mapping[str, FloatArray | NotApplicable]
"""Values of every measure by id, along its axes; one number where the axis is ``image``."""

MEASURES = from_table(
    attention.ENTROPY,
    attention.ENTROPY_PATCHES,
    attention.DISTANCE,
    attention.DISTANCE_SHARE,
    attention.DISTANCE_PATCHES,
    attention.DISTANCE_PATCHES_SHARE,
    attention.CLS_MASS_CLS,
    attention.CLS_MASS_REGISTERS,
    attention.CLS_MASS_PATCHES,
    attention.MAX_ATTENTION,
    attention.SINK,
    attention.SINK_RATE,
    contribution.SINK_VALUE,
    contribution.ROLLOUT_PREFIX,
    contribution.ROLLOUT_COSINE,
    stream.MAX_NORM,
    stream.MEDIAN_NORM,
    stream.CLS_NORM,
    stream.REGISTER_NORM,
    stream.NORM_RATIO,
    stream.OUTLIER_COUNT,
    stream.OUTLIER_SHARE,
    stream.CHANNEL_MAX,
    DIVERGENCE,
)
"""In the order of a diff's table."""


def first_layer(measure: Quantity) -> int:
    """First layer of a measure: 0 if its layers start with the embedding."""
    return 0 if measure.axes[0] == "layer + 1" else 1


def readings(record: AttentionRecord) -> Readings:
    """All measures of one record; the divergence takes two records (:func:`diverged`)."""
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

    Maps are means over heads of the CLS query, or of attention that patches receive in models
    without CLS, on the coarser of the two grids.
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
