"""Massive activations of the residual stream (Sun 2024)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.records.record import AttentionRecord, FloatArray

LEAST = 100.0
"""Smallest magnitude of a massive activation."""

TIMES = 1000.0
"""Smallest ratio of a massive activation to the median magnitude of its layer."""


NOTABLE = 100.0
"""Smallest ratio to the median at which a value is mentioned although it is not massive."""


@dataclass(frozen=True, slots=True)
class Massive:
    """One massive activation.

    Attributes:
        layer: from 1; 0 for the embedding.
        token: index in the sequence.
        name: name of the prefix token; empty for a patch.
        place: row and column of a patch, from 0; None for a prefix token.
        channel: index in the residual stream.
        ratio: magnitude over the median magnitude of the layer.
    """

    layer: int
    token: int
    name: str
    place: tuple[int, int] | None
    channel: int
    value: float
    ratio: float


@dataclass(frozen=True, slots=True)
class MassiveSummary:
    """The largest values of the residual stream of one model on one image.

    Layers are ``layer + 1`` long: index 0 is the embedding.

    Attributes:
        largest: float32 ``[layer + 1, 3]``, magnitudes of the three largest values.
        median: float32 ``[layer + 1]``, median magnitude.
        channel_max: float32 ``[layer + 1]``, the largest magnitude of a channel over the patches.
        channel_argmax: int ``[layer + 1]``, the channel of ``channel_max``. If it stays the same
            over layers, it is an outlier channel, which norms do not show.
        found: massive activations by Sun's rule, among the three largest of each layer.
    """

    largest: FloatArray
    median: FloatArray
    channel_max: FloatArray
    channel_argmax: tuple[int, ...]
    found: tuple[Massive, ...]


def massive_summary(record: AttentionRecord) -> MassiveSummary | NotApplicable:
    """Compute the summary of a record."""
    part = record.massive
    if part is None:
        return NotApplicable("massive activations were not measured")
    size = np.abs(part.value)
    median = np.maximum(part.median, np.finfo(np.float32).tiny)[:, None]
    massive = (size > LEAST) & (size >= TIMES * median)
    return MassiveSummary(
        largest=size,
        median=part.median,
        channel_max=part.channel_max.max(axis=1),
        channel_argmax=tuple(int(channel) for channel in part.channel_max.argmax(axis=1)),
        found=tuple(
            _row(record, int(layer), int(token), int(channel), float(value), float(ratio))
            for layer, token, channel, value, ratio in zip(
                np.nonzero(massive)[0],
                part.token[massive],
                part.channel[massive],
                part.value[massive],
                (size / median)[massive],
                strict=True,
            )
        ),
    )


def _row(
    record: AttentionRecord, layer: int, token: int, channel: int, value: float, ratio: float
) -> Massive:
    layout = record.layout
    first = len(layout.prefix)
    patch = token >= first
    return Massive(
        layer=layer,
        token=token,
        name="" if patch else layout.prefix[token],
        place=divmod(token - first, layout.cols) if patch else None,
        channel=channel,
        value=value,
        ratio=ratio,
    )
