"""Dot products of all pairs of vectors: computed in float32, compared as in float64.

float32 takes half the time. Its error has a bound, so only the few products that are nearer to a
limit than that are computed again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from generator.analysis.features.boxes import BoolArray
from generator.analysis.features.cosine import gram_matrix
from generator.records.record import FloatArray

_UNIT = 1.01 * 2.0**-24
"""Largest relative error of an operation in float32, and what errors of errors add."""

_MOST_AGAIN = 0.02
"""Share of the pairs up to which single products are computed again; else all of them are."""

_BLOCK = 2048
"""Pairs whose products are computed again at once."""


class DotProducts:
    """Dot products of all pairs of some vectors.

    Args:
        vectors: ``[vector, channel]``.

    Attributes:
        finite: whether all entries of the vectors are; else there are no products.
    """

    def __init__(self, vectors: FloatArray) -> None:
        self._vectors = np.asarray(vectors, dtype=np.float64)
        lengths = np.sqrt(np.einsum("vc,vc->v", self._vectors, self._vectors))
        self.finite = bool(np.isfinite(lengths).all())
        if not self.finite:
            return
        self._lengths = np.where(lengths > 0, lengths, 1)
        units = (self._vectors / self._lengths[:, None]).astype(np.float32)
        self._cosines = units @ units.T

    def above(self, cosine: float = 0.0, bias: float = 0.0) -> BoolArray:
        """Whether products plus a bias are above a cosine times both lengths.

        A vector of zeros is taken to have length 1.

        Returns:
            bool ``[vector, vector]``.
        """
        # In whatever order n products are summed, rounding adds at most n units of the sum of their
        # magnitudes (Higham 2002, section 3.1), here at most 1; vectors and limits are rounded too.
        error = (self._vectors.shape[1] + 8) * _UNIT
        found = self._cosines > np.float32(cosine + error)
        doubtful = np.flatnonzero(found != (self._cosines > np.float32(cosine - error)))
        if bias or len(doubtful) > _MOST_AGAIN * found.size:
            sizes = self._lengths * self._lengths[:, None]
            return np.asarray(gram_matrix(self._vectors) + bias > cosine * sizes)
        one, two = np.divmod(doubtful, len(found))
        half = one <= two
        one, two = one[half], two[half]
        for start in range(0, len(one), _BLOCK):
            mine, other = one[start : start + _BLOCK], two[start : start + _BLOCK]
            products = np.einsum("pc,pc->p", self._vectors[mine], self._vectors[other])
            above = products > cosine * self._lengths[mine] * self._lengths[other]
            found[mine, other] = found[other, mine] = above
        return found

    def of(self, index: int) -> NDArray[np.float64]:
        """Products of one vector with all: float64 ``[vector]``."""
        found: NDArray[np.float64] = self._vectors @ self._vectors[index]
        return found

    def sums(self, groups: Sequence[NDArray[np.intp]]) -> NDArray[np.float64]:
        """Sums of the products with the vectors of each group: float64 ``[group, vector]``."""
        totals = [self._vectors[group].sum(axis=0) for group in groups]
        found: NDArray[np.float64] = np.stack(totals) @ self._vectors.T
        return found
