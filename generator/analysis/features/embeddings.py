"""Analyses of weights: similarity of position embeddings, patch embedding filters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generator.analysis.absent import NotApplicable
from generator.analysis.features.cosine import cosine_matrix
from generator.records.extras import ModelWeights
from generator.text.numbers import percent


@dataclass(frozen=True, slots=True)
class PositionSimilarity:
    """Cosine similarity of position embeddings (Dosovitskiy 2021, Fig. 7 center).

    Attributes:
        cosine: float64 ``[row, col, row, col]``: the first two axes choose the tile, the place of
            one patch in the native grid; the last two are that tile, its cosine with every patch.
            In [-1, 1], and one scale for all: a *dot product* would show norms too.
    """

    cosine: NDArray[np.float64]

    def mosaic(self) -> NDArray[np.float64]:
        """The tiles as one picture: float64 ``[rows * rows, cols * cols]``."""
        rows, cols = self.cosine.shape[:2]
        return self.cosine.transpose(0, 2, 1, 3).reshape(rows * rows, cols * cols)


@dataclass(frozen=True, slots=True)
class PatchFilters:
    """Principal components of the patch embedding's filters (Dosovitskiy 2021, Fig. 7 left).

    Attributes:
        display: float64 ``[component, row, col, RGB]`` in [0, 1]; 0.5, middle gray, is weight zero,
            and one scale holds for all components.
        scale: weight at 1; its negative is at 0.
        spectrum: float64 ``[component]``, share of the variance in each of *all* components.
        caption: what the spectrum says, in words.
    """

    display: NDArray[np.float64]
    scale: float
    spectrum: NDArray[np.float64]
    caption: str


def position_similarity(weights: ModelWeights) -> PositionSimilarity | NotApplicable:
    """Cosines between learned position embeddings, on the native grid.

    Returns:
        The tiles; not applicable, with the reason, for a model without such embeddings (rotary
        ones, say). Registers and CLS have no place in the picture and are never among them.
    """
    if weights.position is None:
        return NotApplicable(weights.position_note or "no learned position embeddings")
    rows, cols = weights.position_grid
    cosines = cosine_matrix(weights.position)
    return PositionSimilarity(cosines.reshape(rows, cols, rows, cols))


def patch_filters(weights: ModelWeights) -> PatchFilters | NotApplicable:
    """Principal components of the filters as colors around gray, all on one scale.

    Returns:
        The colors; not applicable where the checkpoint's filters are all zero or there are none.
    """
    filters = np.asarray(weights.filters, dtype=np.float64)
    scale = float(np.abs(filters).max(initial=0))
    spectrum = np.asarray(weights.spectrum, dtype=np.float64)
    if not scale > 0 or not spectrum.sum() > 0:  # filters without variance: what is left rounds
        return NotApplicable("no patch filters")
    shown = len(filters)
    return PatchFilters(
        display=filters.transpose(0, 2, 3, 1) / (2 * scale) + 0.5,
        scale=scale,
        spectrum=spectrum,
        caption=_spectrum_text(spectrum, shown),
    )


def _spectrum_text(spectrum: NDArray[np.float64], shown: int) -> str:
    """Sentence on the variance of the shown filters, and how many hold nearly all of it."""
    held = np.cumsum(spectrum)
    most = min(int(np.searchsorted(held, 0.95 * held[-1])) + 1, len(spectrum))
    part = float(held[min(shown, len(spectrum)) - 1] / held[-1])
    return (
        f"The first {shown} of {len(spectrum)} components hold {percent(part)} of the filters' "
        f"variance; {most} hold {percent(0.95)}."
    )
