"""Attention mass by key group, for each query group and layer.

Query groups are the prefix tokens (CLS, registers), one each, and the patches, split into normal
and outlier patches. Key groups are the query's own token (``self``), the prefix tokens, the outlier
patches and the other patches. A group never holds the query itself, which is in ``self``, so groups
do not overlap and sum to 1.

A record keeps the patches' attention to themselves as a mean over *all* patches. So:

- without outliers, ``self`` of the patches is exact;
- with outliers, ``self`` of the normal patches is the midpoint of its bounds, and
  ``QueryBudget.self_error`` is half their distance; the error goes to ``other patches``;
- of outlier patches, ``self`` is not told apart from ``outlier patches`` (NaN);
- where the attention of every patch was kept (``patch_attention``), all of it is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generator.records.record import AttentionRecord, FloatArray, RecordError, outlier_patches

SELF = "self"
OUTLIERS = "outlier patches"
OTHERS = "other patches"
NORMAL = "normal patches"


@dataclass(frozen=True, slots=True)
class QueryBudget:
    """Attention mass of one query group on each key group.

    NaN stands where the group of keys does not exist for these queries: the token itself among the
    prefix tokens, outlier patches where there are none. Otherwise rows sum to 1.

    Attributes:
        query: name of the group: a prefix token, ``"normal patches"`` or ``"outlier patches"``.
        tokens: how many queries the group has.
        shares: float32 ``[layer, key group]``, share of 1, mean over heads.
        heads: float32 ``[layer, head, key group]``; None where the record keeps only the mean over
            heads: patches of an image with outliers, unless every patch's attention was kept.
        uniform: float32 ``[key group]``, value for uniform attention.
        self_error: float32 ``[layer]``, how far ``self`` may be off in ``shares``, and ``other
            patches`` the other way; 0 where it is exact.
    """

    query: str
    tokens: int
    shares: FloatArray
    heads: FloatArray | None
    uniform: FloatArray
    self_error: FloatArray


@dataclass(frozen=True, slots=True)
class MassBudget:
    """The budget of one model on one image.

    Attributes:
        keys: names of the key groups, in the order of their axis.
        queries: the groups of queries that the image has, prefix tokens first.
    """

    keys: tuple[str, ...]
    queries: tuple[QueryBudget, ...]

    def of(self, query: str) -> QueryBudget | None:
        """The budget of one group of queries; None where the model or image has no such group."""
        return next((each for each in self.queries if each.query == query), None)


ALL_PATCHES = "all patches"
REGISTERS = "registers"


@dataclass(frozen=True, slots=True)
class HeadBudget:
    """Attention mass of each head on CLS, registers and outlier patches.

    Attributes:
        query: the class token's name (``CLS``), or all patches together: records keep every head of
            these.
        keys: the class token (itself, where it is the query), all registers, outlier patches.
        shares: float16 ``[key, layer, head]``, share of 1; NaN if the key does not exist.
        uniform: float32 ``[key]``, value for uniform attention; NaN if the key does not exist.
    """

    query: str
    keys: tuple[str, ...]
    shares: FloatArray
    uniform: FloatArray


def head_budgets(record: AttentionRecord) -> tuple[HeadBudget, ...]:
    """Attention mass of single heads on sinks, for CLS and for all patches as queries."""
    groups, layout = _Groups(record), record.layout
    queries = [ALL_PATCHES]
    if layout.cls is not None:
        queries.insert(0, layout.cls)
    return tuple(groups.of_heads(query) for query in queries)


def mass_budget(record: AttentionRecord) -> MassBudget:
    """Compute the budget of a record: under a second, or a few with every patch's attention.

    Raises:
        RecordError: the image has outlier patches, and the record lacks their attention.
    """
    return _Groups(record).budget()


class _Groups:
    """A record with its patches split into outliers and others."""

    def __init__(self, record: AttentionRecord) -> None:
        self.record, self.layout = record, record.layout
        self.outliers = outlier_patches(record.norms[:, self.layout.patch_slice]).patches
        self.others = np.setdiff1d(np.arange(self.layout.patches), self.outliers)
        self.keys = (SELF, *self.layout.prefix, OUTLIERS, OTHERS)

    def budget(self) -> MassBudget:
        queries = [self._prefix(index) for index in range(len(self.layout.prefix))]
        if self.record.patch_attention is not None:
            queries.append(self._kept(self.record.patch_attention, NORMAL, self.others))
            if len(self.outliers):
                queries.append(self._kept(self.record.patch_attention, OUTLIERS, self.outliers))
        elif len(self.outliers):
            from_outliers = self._from_outliers()
            queries.append(self._normal(from_outliers))
            queries.append(self._outliers(from_outliers))
        else:
            heads = self._all_patches()
            queries.append(self._with_heads(NORMAL, self.layout.patches, heads))
        return MassBudget(self.keys, tuple(queries))

    def _prefix(self, index: int) -> QueryBudget:
        """Mass of one prefix token: exact sums, the patches' share split by the token's row."""
        mass = self.record.mass[:, :, index]
        parts = self._part(mass[..., -1], self.record.attention[index])
        own = mass[..., index, None]
        prefix = mass[..., :-1].copy()
        prefix[..., index] = np.nan
        heads = np.concatenate([own, prefix, parts], axis=-1)
        return self._with_heads(self.layout.prefix[index], 1, heads)

    def _all_patches(self) -> FloatArray:
        """Mass of all patches together, per head; ``other patches`` excludes ``self``."""
        mass = self.record.mass[:, :, -1]
        own = self.record.self_attention[..., None]
        parts = self._part(mass[..., -1], self.record.received)
        parts[..., 1:] = np.maximum(parts[..., 1:] - own, 0)
        return np.concatenate([own, mass[..., :-1], parts], axis=-1)

    def of_heads(self, query: str) -> HeadBudget:
        """Mass of CLS or of all patches: float16, to save memory."""
        layout = self.layout
        index = -1 if query == ALL_PATCHES else layout.prefix.index(query)
        mass = self.record.mass[:, :, index]
        rows = self.record.received if index < 0 else self.record.attention[index]
        none = np.full_like(mass[..., 0], np.nan)
        registers = [layout.prefix.index(name) for name in layout.registers]
        shares = [
            none if layout.cls is None else mass[..., layout.prefix.index(layout.cls)],
            mass[..., registers].sum(axis=-1) if registers else none,
            self._part(mass[..., -1], rows)[..., 0],
        ]
        counts = [int(layout.cls is not None), len(registers), len(self.outliers)]
        return HeadBudget(
            query=query,
            keys=(layout.cls or "CLS", REGISTERS, OUTLIERS),
            shares=np.stack(shares).astype(np.float16),
            uniform=np.array([count or np.nan for count in counts], np.float32)
            / np.float32(layout.tokens),
        )

    def _from_outliers(self) -> FloatArray:
        """Mass of the outliers, ``[layer, key group]``: float16 values renormalized to sum to 1."""
        received = self.record.received_from_outliers
        if received is None:
            raise RecordError(
                f"{self.record.model.id} has {len(self.outliers)} outlier patches, but the record "
                "lacks what they attend to."
            )
        rows = received.astype(np.float64)
        sums = self._sums(rows / rows.sum(axis=-1, keepdims=True))
        own = np.full((len(sums), 1), np.nan)
        return np.concatenate([own, sums], axis=-1)

    def _normal(self, from_outliers: FloatArray) -> QueryBudget:
        """Mass of the normal patches: all less the outliers, weighted by their counts."""
        every = self._all_patches().astype(np.float64).mean(axis=1)
        own_of_all = every[:, 0]
        every[:, -1] += own_of_all
        few, many = len(self.outliers), len(self.others)
        shares = (self.layout.patches * every - few * from_outliers) / many
        shares[:, 1:] = np.maximum(shares[:, 1:], 0)
        shares[:, 1:] /= shares[:, 1:].sum(axis=-1, keepdims=True)
        # The outliers pay themselves between nothing and all that outliers pay outliers.
        most = np.minimum(self.layout.patches * own_of_all / many, shares[:, -1])
        least = self.layout.patches * own_of_all - few * from_outliers[:, -2]
        least = np.minimum(np.maximum(least / many, 0), most)
        shares[:, 0] = (most + least) / 2
        shares[:, -1] -= shares[:, 0]
        return QueryBudget(
            query=NORMAL,
            tokens=many,
            shares=shares.astype(np.float32),
            heads=None,
            uniform=self._uniform(NORMAL),
            self_error=((most - least) / 2).astype(np.float32),
        )

    def _outliers(self, from_outliers: FloatArray) -> QueryBudget:
        uniform = self._uniform(OUTLIERS)
        uniform[-2] += uniform[0]
        uniform[0] = np.nan
        return QueryBudget(
            query=OUTLIERS,
            tokens=len(self.outliers),
            shares=from_outliers.astype(np.float32),
            heads=None,
            uniform=uniform,
            self_error=np.zeros(len(from_outliers), np.float32),
        )

    def _kept(self, kept: FloatArray, query: str, patches: NDArray[np.intp]) -> QueryBudget:
        """Exact mass of some patches, from the attention of every patch, one layer at a time."""
        first = len(self.layout.prefix)
        found = []
        for layer in kept:
            by_head = layer if layer.ndim == 3 else layer[None]
            rows = by_head[:, patches].astype(np.float32)
            rows = rows / rows.sum(axis=-1, keepdims=True)
            own = rows[:, np.arange(len(patches)), first + patches].mean(axis=-1)
            sums = self._sums(rows.mean(axis=1))
            sums[:, -2 if query == OUTLIERS else -1] -= own
            found.append(np.concatenate([own[:, None], sums], axis=-1))
        heads = np.stack(found)
        if kept.ndim == 4:
            return self._with_heads(query, len(patches), heads)
        return self._with_heads(query, len(patches), heads, only_mean=True)

    def _with_heads(
        self, query: str, tokens: int, heads: FloatArray, *, only_mean: bool = False
    ) -> QueryBudget:
        return QueryBudget(
            query=query,
            tokens=tokens,
            shares=heads.mean(axis=1, dtype=np.float64).astype(np.float32),
            heads=None if only_mean else heads.astype(np.float32),
            uniform=self._uniform(query),
            self_error=np.zeros(len(heads), np.float32),
        )

    def _sums(self, rows: FloatArray) -> FloatArray:
        """Sums of rows over the key groups without ``self``: ``[..., key] -> [..., group]``."""
        first = len(self.layout.prefix)
        outliers = rows[..., first + self.outliers].sum(axis=-1, keepdims=True)
        if not len(self.outliers):
            outliers = outliers + np.nan
        others = rows[..., first + self.others].sum(axis=-1, keepdims=True)
        return np.concatenate([rows[..., :first], outliers, others], axis=-1)

    def _part(self, total: FloatArray, rows: FloatArray) -> FloatArray:
        """Split the patches' exact share into outliers and others in proportion to their rows."""
        sums = self._sums(rows.astype(np.float32))[..., -2:]
        share = np.nan_to_num(sums[..., 0]) / np.maximum(
            np.nansum(sums, axis=-1), np.finfo(np.float32).tiny
        )
        outliers = total * share if len(self.outliers) else np.full_like(total, np.nan)
        return np.stack([outliers, total * (1 - share)], axis=-1)

    def _uniform(self, query: str) -> FloatArray:
        """Share of all tokens in each key group, for a query of this group."""
        counts = np.array(
            [1, *np.ones(len(self.layout.prefix)), len(self.outliers) or np.nan, len(self.others)]
        )
        if query == NORMAL:
            counts[-1] -= 1
        elif query == OUTLIERS:
            counts[-2] -= 1
        else:
            counts[self.keys.index(query)] = np.nan
        return (counts / self.layout.tokens).astype(np.float32)
