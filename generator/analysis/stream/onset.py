"""In which layer high norms and attention sinks begin (Jiang 2025, Fig. 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generator.errors import AnalysisError
from generator.records.record import OUTLIER, AttentionRecord, FloatArray


@dataclass(frozen=True, slots=True)
class Onset:
    """Largest norm and largest attention by layer, mean over images, and where they begin.

    The onset of a series of norms is the first layer above half its peak, both as multiples of the
    layer's median patch norm. There is none if the peak is at most three times that median. Layers
    of norms are ``layer + 1`` long: index 0 is the embedding.

    Attributes:
        images: number of images.
        patch_norm: float32 ``[layer + 1]``, largest norm of a patch.
        patch_ratio: float32 ``[layer + 1]``, ``patch_norm`` over the median patch norm.
        tokens: names of the prefix tokens.
        prefix_norm: float32 ``[layer + 1, token]``, norms of the prefix tokens.
        prefix_ratio: float32 ``[layer + 1, token]``, ``prefix_norm`` over the median patch norm.
        patch_attention: float32 ``[layer]``, largest attention of CLS to a patch, mean over heads,
            share of 1; None for a model without CLS.
        register_attention: float32 ``[layer]``, largest attention of CLS to a register, mean over
            heads, share of 1; None without CLS or registers.
        patch_onset: onset layer of high patch norms, 0 for the embedding; None if there is none.
        prefix_onsets: onset layer of each prefix token's norm.
    """

    images: int
    patch_norm: FloatArray
    patch_ratio: FloatArray
    tokens: tuple[str, ...]
    prefix_norm: FloatArray
    prefix_ratio: FloatArray
    patch_attention: FloatArray | None
    register_attention: FloatArray | None
    patch_onset: int | None
    prefix_onsets: tuple[int | None, ...]


def onset_layer(ratios: FloatArray) -> int | None:
    """First layer above half the peak; None if the peak is at most 3.

    Args:
        ratios: ``[layer + 1]``, times the median patch norm.
    """
    peak = float(ratios.max())
    return int(np.flatnonzero(ratios > peak / 2)[0]) if peak > OUTLIER else None


@dataclass(frozen=True, slots=True)
class OnsetSeries:
    """The series of one image for :class:`Onset`, in fields of the same names.

    Attributes:
        median: float64 ``[layer + 1]``, median patch norm.
    """

    tokens: tuple[str, ...]
    median: FloatArray
    patch_norm: FloatArray
    prefix_norm: FloatArray
    patch_attention: FloatArray | None
    register_attention: FloatArray | None


def onset_series(record: AttentionRecord) -> OnsetSeries:
    """The series of one record, so that not all records are held in memory."""
    layout = record.layout
    patches = record.norms[:, layout.patch_slice].astype(np.float64)
    patch_attention = register_attention = None
    if layout.cls is not None:
        heads = record.rows(layout.cls).mean(axis=1, dtype=np.float64) / layout.tokens
        patch_attention = heads[:, layout.patch_slice].max(axis=1)
        registers = [layout.token(name) for name in layout.registers]
        register_attention = heads[:, registers].max(axis=1) if registers else None
    return OnsetSeries(
        tokens=layout.prefix,
        median=np.maximum(np.median(patches, axis=1), np.finfo(np.float32).tiny),
        patch_norm=patches.max(axis=1),
        prefix_norm=record.norms[:, layout.prefix_slice].astype(np.float64),
        patch_attention=patch_attention,
        register_attention=register_attention,
    )


def onset_of(series: Sequence[OnsetSeries]) -> Onset:
    """Means over the images of one model, and the onset of each series.

    Raises:
        AnalysisError: there are no series, or they are of different models.
    """
    if not series:
        raise AnalysisError("There are no images to find an onset on.")
    first = series[0]
    if any(
        (each.tokens, each.median.shape) != (first.tokens, first.median.shape) for each in series
    ):
        raise AnalysisError(
            "Onsets of models with different layers or prefix tokens have no mean.",
            "Take the mean over images of one model.",
        )
    patch_ratio = _mean([each.patch_norm / each.median for each in series])
    prefix_ratio = _mean([each.prefix_norm / each.median[:, None] for each in series])
    return Onset(
        images=len(series),
        patch_norm=_mean([each.patch_norm for each in series]),
        patch_ratio=patch_ratio,
        tokens=first.tokens,
        prefix_norm=_mean([each.prefix_norm for each in series]),
        prefix_ratio=prefix_ratio,
        patch_attention=_mean_of([each.patch_attention for each in series]),
        register_attention=_mean_of([each.register_attention for each in series]),
        patch_onset=onset_layer(patch_ratio),
        prefix_onsets=tuple(onset_layer(token) for token in prefix_ratio.T),
    )


def _mean(values: Sequence[FloatArray]) -> FloatArray:
    found: FloatArray = np.asarray(np.stack(values).mean(axis=0), dtype=np.float32)
    return found


def _mean_of(values: Sequence[FloatArray | None]) -> FloatArray | None:
    """Mean of series that either all images have or none."""
    present = [each for each in values if each is not None]
    return _mean(present) if present else None
