"""Attention rollout (Abnar & Zuidema 2020): how much to trust it.

Through many layers all queries come to look alike, at the tokens that gather attention: the
diagnostics say how far that went.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.records import AttentionRecord, FloatArray


@dataclass(frozen=True, slots=True)
class RolloutDiagnostics:
    """What becomes of the rollout, by the layer it starts from; the last layer is its end.

    Attributes:
        tokens: names of the prefix tokens.
        on_tokens: float32 ``[start layer, token]``, share of 1 that lies on each prefix token.
        prefix_mass: float32 ``[start layer]``, share of 1 that lies on the whole prefix, lost to
            the map; 0 for a model without prefix.
        uniform_prefix: share of the tokens that the prefix is.
        cosine: float32 ``[start layer]``, mean cosine between the rollouts of different patch
            queries; near 1 the map says nothing of its query.
    """

    tokens: tuple[str, ...]
    on_tokens: FloatArray
    prefix_mass: FloatArray
    uniform_prefix: float
    cosine: FloatArray


def rollout_diagnostics(record: AttentionRecord) -> RolloutDiagnostics:
    """The diagnostics of a record's own rollout: heads fused by their mean, nothing discarded."""
    layout = record.layout
    on_tokens = record.rollout[:, layout.prefix_slice]
    return RolloutDiagnostics(
        tokens=layout.prefix,
        on_tokens=on_tokens,
        prefix_mass=on_tokens.sum(axis=1),
        uniform_prefix=len(layout.prefix) / layout.tokens,
        cosine=record.rollout_cosine,
    )
