"""Means over images of sink value norms and of the largest channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generator.analysis.attention.heads import SINK
from generator.analysis.attention.values import SinkValues
from generator.analysis.stream.massive import MassiveSummary
from generator.records.extras import IntArray
from generator.records.record import FloatArray


@dataclass(frozen=True, slots=True)
class SinkMeans:
    """Value norms of the most attended tokens by layer, mean over images.

    Attributes:
        relative: float32 ``[layer]``, value norm of the most attended key over the median patch's:
            median over heads, mean over images.
        strong: float32 ``[layer]``, mean of that ratio over heads and images whose key receives
            more than ``SINK`` of all attention; NaN where there is none.
        count: int64 ``[layer]``, number of these heads and images.
        tokens: int32 ``[image, layer, head]``, the most attended keys.
    """

    images: int
    relative: FloatArray
    strong: FloatArray
    count: IntArray
    tokens: IntArray


@dataclass(frozen=True, slots=True)
class ChannelMeans:
    """The largest channel over the patches by layer; index 0 is the embedding.

    Attributes:
        largest: float32 ``[layer + 1]``, the channel's largest magnitude, mean over images.
        ratio: float32 ``[layer + 1]``, ``largest`` over the layer's median magnitude, mean over
            images.
        channel: ``[layer + 1]``, the channel that is largest in most images.
        agree: ``[layer + 1]``, number of images in which it is the largest.
    """

    images: int
    largest: FloatArray
    ratio: FloatArray
    channel: tuple[int, ...]
    agree: tuple[int, ...]


def sink_means(sinks: Sequence[SinkValues]) -> SinkMeans | None:
    """Combine images; None without any."""
    if not sinks:
        return None
    relative = np.stack([each.relative for each in sinks]).astype(np.float64)
    strong = np.stack([each.received for each in sinks]) > SINK
    count = strong.sum(axis=(0, 2))
    total = np.where(strong, relative, 0).sum(axis=(0, 2))
    return SinkMeans(
        images=len(sinks),
        relative=np.median(relative, axis=2).mean(axis=0).astype(np.float32),
        strong=np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32),
        count=count,
        tokens=np.stack([each.token for each in sinks]),
    )


def channel_means(massive: Sequence[MassiveSummary]) -> ChannelMeans:
    """Combine images; at least one is needed."""
    largest = np.stack([each.channel_max for each in massive]).astype(np.float64)
    median = np.stack([each.median for each in massive]).astype(np.float64)
    ratio = largest / np.maximum(median, np.finfo(np.float32).tiny)
    chosen = []
    for layer in range(largest.shape[1]):
        channels, counts = np.unique(
            [each.channel_argmax[layer] for each in massive], return_counts=True
        )
        chosen.append((int(channels[counts.argmax()]), int(counts.max())))
    return ChannelMeans(
        images=len(massive),
        largest=largest.mean(axis=0).astype(np.float32),
        ratio=ratio.mean(axis=0).astype(np.float32),
        channel=tuple(channel for channel, _ in chosen),
        agree=tuple(count for _, count in chosen),
    )
