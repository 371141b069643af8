"""Reductions of attention: from query and key vectors to rows and per-head numbers.

Works in blocks of queries that fit the cache, so no matrix of tokens x tokens is ever held for more
than one head on the CPU. Softmax and every reduction are float32, whatever the model's dtype.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from generator.records import PatchQueries, TokenLayout

CPU_BLOCK = 1 << 18
"""Attention values in a block on the CPU: 1 MB of float32, about one core's second-level cache."""

ACCELERATOR_BLOCK = 1 << 26
"""Attention values in a block elsewhere: 256 MB, enough to keep the device busy."""


class Scores(Protocol):
    """Attention logits before the softmax, made block by block."""

    @property
    def heads(self) -> int:
        """Number of heads."""
        ...

    @property
    def device(self) -> torch.device:
        """Where the logits are made."""
        ...

    def block(self, heads: slice, queries: slice) -> Tensor:
        """Logits float32 ``[head, query, key]`` of some heads and queries of one image."""
        ...


@dataclass(frozen=True, slots=True)
class QueryKeyScores:
    """Logits from the vectors that go into scaled dot-product attention.

    Attributes:
        query: ``[head, query, channel]`` of one image.
        key: ``[head, key, channel]`` of the same image.
        scale: factor on the dot product.
        bias: added to the logits, broadcastable to ``[head, query, key]``; None for none.
    """

    query: Tensor
    key: Tensor
    scale: float
    bias: Tensor | None = None

    @property
    def heads(self) -> int:
        """Number of heads."""
        return self.query.shape[0]

    @property
    def device(self) -> torch.device:
        """Where the vectors live."""
        return self.query.device

    def block(self, heads: slice, queries: slice) -> Tensor:
        """Logits float32 ``[head, query, key]``."""
        # Scaling the queries touches far fewer values than scaling the product.
        query = self.query[heads, queries].float() * self.scale
        scores = query @ self.key[heads].float().transpose(-1, -2)
        if self.bias is None:
            return scores
        bias = self.bias.expand(self.heads, *self.bias.shape[-2:])[heads]
        return scores.add_(bias[:, queries] if bias.shape[1] > 1 else bias)


@dataclass(frozen=True, slots=True)
class GivenScores:
    """Logits that an eager attention has already made: ``[head, query, key]`` of one image."""

    scores: Tensor

    @property
    def heads(self) -> int:
        """Number of heads."""
        return self.scores.shape[0]

    @property
    def device(self) -> torch.device:
        """Where the logits live."""
        return self.scores.device

    def block(self, heads: slice, queries: slice) -> Tensor:
        """Logits float32 ``[head, query, key]``."""
        return self.scores[heads, queries].float()


@dataclass(frozen=True, slots=True)
class LayerStatistics:
    """What one layer's attention on one image is reduced to.

    Attention here is a share of 1 (the softmax output), not yet times uniform.

    Attributes:
        rows: float32 ``[prefix, head, key]``.
        received: float32 ``[head, key]``, mean over the patch queries.
        entropy: float32 ``[head]``, mean over queries, in [0, 1].
        entropy_patches: float32 ``[head]``, the same over renormalised patches.
        distance: float32 ``[head]``, in input pixels.
        distance_patches: float32 ``[head]``, in input pixels, rows renormalised over patches.
        self_attention: float32 ``[head]``.
        head_mean: float32 ``[query, key]``.
        patch_attention: float16 times uniform, ``[query, key]``, ``[head, query, key]`` or None.
    """

    rows: Tensor
    received: Tensor
    entropy: Tensor
    entropy_patches: Tensor
    distance: Tensor
    distance_patches: Tensor
    self_attention: Tensor
    head_mean: Tensor
    patch_attention: Tensor | None


def prefix_rows(scores: Scores, layout: TokenLayout) -> Tensor:
    """Attention of the prefix tokens alone: float32 ``[prefix, head, key]``."""
    block = scores.block(slice(None), layout.prefix_slice)
    return torch.softmax(block, dim=-1).transpose(0, 1)


def patch_distances(layout: TokenLayout, patch: tuple[int, int], device: torch.device) -> Tensor:
    """Distance between patch centres in input pixels: float32 ``[patch, patch]``.

    Args:
        layout: the grid.
        patch: height and width of a patch in input pixels.
        device: where to put the result.
    """
    place = torch.arange(layout.patches, device=device)
    row, col = place // layout.cols, place % layout.cols
    down = (row[:, None] - row[None, :]).float() * patch[0]
    across = (col[:, None] - col[None, :]).float() * patch[1]
    return torch.hypot(down, across)


class Reducer:
    """Reduces the attention of layers that share one token layout.

    Args:
        layout: which tokens are patches.
        patch: height and width of a patch in input pixels.
        patch_queries: whether to keep rows of the patches too.
        device: where the reductions run.
    """

    def __init__(
        self,
        layout: TokenLayout,
        *,
        patch: tuple[int, int],
        patch_queries: PatchQueries,
        device: torch.device,
    ) -> None:
        self.layout = layout
        self.patch_queries = patch_queries
        self.device = device
        self._distances = patch_distances(layout, patch, device)

    def reduce(self, scores: Scores) -> LayerStatistics:
        """All statistics of one layer on one image.

        Every row's entropy is ``lse - sum_j p_j s_j`` with logits ``s``, probabilities ``p`` and
        ``lse`` their log-sum-exp, which is read off the row's maximum (``s_max - log p_max``)
        instead of being summed again.
        """
        layout, heads = self.layout, scores.heads
        tokens, first = layout.tokens, len(layout.prefix)
        rows = self._zeros(first, heads, tokens)
        received = self._zeros(heads, tokens)
        entropy = self._zeros(heads, tokens)
        entropy_patches = self._zeros(heads, tokens)
        distance = self._zeros(heads, layout.patches)
        patch_mass = self._zeros(heads, tokens)
        diagonal = self._zeros(heads, layout.patches)
        head_mean = self._zeros(tokens, tokens)
        kept = self._kept(heads)

        for group, queries in self._blocks(heads):
            s = scores.block(group, queries)
            p = torch.softmax(s, dim=-1)
            lse = s.amax(-1) - p.amax(-1).log()
            to_patches = p[..., first:]
            mass = to_patches.sum(-1)
            expected = torch.linalg.vecdot(to_patches, s[..., first:])
            prefix = torch.linalg.vecdot(p[..., :first], s[..., :first]) if first else 0.0
            entropy[group, queries] = lse - expected - prefix
            # Of the renormalised row: log-sum-exp over the patches is lse + log(mass).
            entropy_patches[group, queries] = lse + mass.log() - expected / mass
            patch_mass[group, queries] = mass
            head_mean[queries] += p.sum(0)
            if queries.start < first:
                rows[:, group] = p[:, :first].transpose(0, 1)
            patch_rows = slice(max(first - queries.start, 0), None)
            among = p[:, patch_rows, first:]
            places = slice(max(queries.start - first, 0), queries.stop - first)
            received[group] += p[:, patch_rows].sum(1)
            distance[group, places] = torch.linalg.vecdot(among, self._distances[places])
            diagonal[group, places] = among.diagonal(places.start, dim1=1, dim2=2)
            if kept is not None:
                kept[group, places] = p[:, patch_rows] * tokens
        head_mean /= heads
        patches = layout.patches
        return LayerStatistics(
            rows=rows,
            received=received / patches,
            entropy=_mean(entropy) / _log(tokens),
            entropy_patches=_mean(entropy_patches) / _log(patches),
            distance=_mean(distance),
            distance_patches=_mean(distance / patch_mass[:, first:]),
            self_attention=_mean(diagonal),
            head_mean=head_mean,
            patch_attention=(head_mean[first:] * tokens).half()
            if self.patch_queries == "mean"
            else kept,
        )

    def _blocks(self, heads: int) -> Iterator[tuple[slice, slice]]:
        """Blocks of heads and queries; the first block of queries holds the whole prefix."""
        tokens, first = self.layout.tokens, len(self.layout.prefix)
        size = CPU_BLOCK if self.device.type == "cpu" else ACCELERATOR_BLOCK
        queries = min(tokens, max(size // tokens, first + 1))
        together = min(heads, max(size // (queries * tokens), 1))
        for start in range(0, tokens, queries):
            for head in range(0, heads, together):
                yield (
                    slice(head, min(head + together, heads)),
                    slice(start, min(start + queries, tokens)),
                )

    def _zeros(self, *shape: int) -> Tensor:
        return torch.zeros(*shape, dtype=torch.float32, device=self.device)

    def _kept(self, heads: int) -> Tensor | None:
        if self.patch_queries != "heads":
            return None
        shape = (heads, self.layout.patches, self.layout.tokens)
        return torch.zeros(*shape, dtype=torch.float16, device=self.device)


def rollout(head_means: list[Tensor], start: Tensor) -> Tensor:
    """Attention rollout of one query distribution (Abnar & Zuidema 2020).

    Each layer mixes attention with the residual path in equal parts: ``(A + I) / 2``, whose rows
    sum to 1 already. Starting from the last layer, one row needs only products of a vector with a
    matrix.

    Args:
        head_means: attention averaged over heads, ``[query, key]`` for each layer, first to last.
        start: ``[token]``, the query (or mean of queries) to roll out; sums to 1.

    Returns:
        float32 ``[key]``, sums to 1.
    """
    row = start
    for layer in reversed(head_means):
        row = (row @ layer + row) / 2
    return row


def _mean(values: Tensor) -> Tensor:
    """Mean over the last axis in float64, for sums of thousands of rows; back in float32."""
    double = torch.float32 if values.device.type == "mps" else torch.float64
    return values.mean(-1, dtype=double).float()


def _log(count: int) -> float:
    """log(count), or 1 where an entropy over a single key is 0 anyway."""
    return float(torch.tensor(float(count)).log()) if count > 1 else 1.0
