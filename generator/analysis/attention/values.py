"""Value norms and attention contributions (Kobayashi 2020).

An attention weight is not a contribution: a token with a short value vector adds little, however
much attention it receives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.records.extras import IntArray
from generator.records.record import AttentionRecord, FloatArray

NOT_MEASURED = NotApplicable("norms of value vectors were not measured")


def contribution(record: AttentionRecord) -> FloatArray | NotApplicable:
    """Norm of each key's contribution to the first prefix token, summed over heads.

    ``|sum_h A[h, query, key] v[h, key] W_O[h]|``, with LayerScale where the block has one; heads
    may cancel. In models without prefix, the query is the mean patch.

    Returns:
        float32 ``[layer, key]``, in the residual stream's own unit.
    """
    if record.values is None:
        return NOT_MEASURED
    return record.values.contribution.astype(np.float32)


def as_shares(values: FloatArray) -> FloatArray:
    """Values divided by the sum over their last axis, to compare with attention: float32."""
    wide = values.astype(np.float64)
    sums = wide.sum(axis=-1, keepdims=True)
    return np.asarray(wide / np.where(sums == 0, 1, sums), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class SinkValues:
    """Value norm of the most attended key in each head.

    ``relative`` near 0: attention to the key adds nothing. Near 1 and above: it adds as much as a
    patch.

    Attributes:
        token: int32 ``[layer, head]``, the key that receives most, averaged over all queries.
        received: float32 ``[layer, head]``, attention the key receives, share of 1.
        norm: float32 ``[layer, head]``, norm of its value vector after the output projection.
        relative: float32 ``[layer, head]``, ``norm`` over the patches' median.
    """

    token: IntArray
    received: FloatArray
    norm: FloatArray
    relative: FloatArray


def sink_values(record: AttentionRecord) -> SinkValues | NotApplicable:
    """Value norms of the most attended tokens of a record."""
    if record.values is None:
        return NOT_MEASURED
    alpha = record.received_by_all() / np.float32(record.layout.tokens)
    token = alpha.argmax(axis=-1).astype(np.int32)
    norms = record.values.norms.astype(np.float32)
    norm = np.take_along_axis(norms, token[..., None].astype(np.intp), axis=-1)[..., 0]
    median = np.median(norms[..., record.layout.patch_slice], axis=-1)
    return SinkValues(
        token=token,
        received=alpha.max(axis=-1),
        norm=norm,
        relative=norm / np.maximum(median, np.finfo(np.float32).tiny),
    )
