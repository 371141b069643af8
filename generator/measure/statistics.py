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

CPU_BLOCK = 3 << 17
"""Attention values in a block on the CPU: 1.5 MB of float32, which stay in its caches."""

ACCELERATOR_BLOCK = 1 << 26
"""Attention values in a block elsewhere: 256 MB, enough to keep the device busy."""


FAINT = 1e-20
"""A weight below this is too near to underflow to read a log-sum-exp from it."""

MASKED = -1e30
"""Logit of a key that may not be seen. Finite, so that 0 times it is 0 in an expectation."""


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

    @property
    def keys(self) -> int:
        """Number of keys."""
        ...

    def write(self, heads: slice, queries: slice, out: Tensor) -> None:
        """Write the logits of some heads and queries into ``out``, float32 ``[head, query, key]``."""


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

    @property
    def keys(self) -> int:
        """Number of keys."""
        return self.key.shape[1]

    def write(self, heads: slice, queries: slice, out: Tensor) -> None:
        """Logits into ``out``, float32 ``[head, query, key]``."""
        # Scaling the queries touches far fewer values than scaling the product.
        query = self.query[heads, queries].float() * self.scale
        torch.matmul(query, self.key[heads].float().transpose(-1, -2), out=out)
        if self.bias is not None:
            bias = self.bias.expand(self.heads, *self.bias.shape[-2:])[heads]
            out.add_(bias[:, queries] if bias.shape[1] > 1 else bias)


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

    @property
    def keys(self) -> int:
        """Number of keys."""
        return self.scores.shape[2]

    def write(self, heads: slice, queries: slice, out: Tensor) -> None:
        """Logits into ``out``, float32 ``[head, query, key]``."""
        out.copy_(self.scores[heads, queries]).clamp_(min=MASKED)


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
    return attention_of(scores, layout.prefix_slice).transpose(0, 1)


def attention_of(scores: Scores, queries: slice) -> Tensor:
    """Attention of some queries, all heads: float32 ``[head, query, key]``."""
    count = len(range(*queries.indices(scores.keys)))
    logits = torch.empty(scores.heads, count, scores.keys, device=scores.device)
    scores.write(slice(None), queries, logits)
    return torch.softmax(logits, dim=-1)


def token_distances(layout: TokenLayout, patch: tuple[int, int], device: torch.device) -> Tensor:
    """Distance between patch centres in input pixels: float32 ``[token, token]``.

    The prefix has no place in the picture: its rows and columns are 0.

    Args:
        layout: the grid.
        patch: height and width of a patch in input pixels.
        device: where to put the result.
    """
    place = torch.arange(layout.patches, device=device)
    row, col = place // layout.cols, place % layout.cols
    down = (row[:, None] - row[None, :]).float() * patch[0]
    across = (col[:, None] - col[None, :]).float() * patch[1]
    distances = torch.zeros(layout.tokens, layout.tokens, device=device)
    distances[layout.patch_slice, layout.patch_slice] = torch.hypot(down, across)
    return distances


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
        self._distances = token_distances(layout, patch, device)

    def reduce(self, scores: Scores) -> LayerStatistics:
        """All statistics of one layer on one image.

        Every row's entropy is ``lse - sum_j p_j s_j`` with logits ``s``, probabilities ``p`` and
        ``lse`` their log-sum-exp (see :func:`_log_sum_exp`). Each pass over a block counts: it is
        all that measuring costs beside making the logits.
        """
        layout, heads = self.layout, scores.heads
        tokens, first = layout.tokens, len(layout.prefix)
        rows = self._zeros(first, heads, tokens)
        received = self._zeros(heads, tokens)
        entropy = self._zeros(heads, tokens)
        entropy_patches = self._zeros(heads, tokens)
        distance = self._zeros(heads, tokens)
        patch_mass = self._zeros(heads, tokens)
        diagonal = self._zeros(heads, layout.patches)
        head_mean = self._zeros(tokens, tokens)
        kept = self._kept(heads)

        for group, queries, s, p in self._blocks(heads):
            scores.write(group, queries, s)
            torch.softmax(s, dim=-1, out=p)
            lse = _log_sum_exp(s, p)
            to_patches = p[..., first:]
            mass = to_patches.sum(-1)
            expected = torch.linalg.vecdot(to_patches, s[..., first:])
            prefix = torch.linalg.vecdot(p[..., :first], s[..., :first]) if first else 0.0
            entropy[group, queries] = lse - expected - prefix
            # Of the renormalised row: log-sum-exp over the patches is lse + log(mass).
            entropy_patches[group, queries] = lse + mass.log() - expected / mass
            patch_mass[group, queries] = mass
            for head in p:
                head_mean[queries] += head
            if queries.start < first:
                rows[:, group] = p[:, :first].transpose(0, 1)
            distance[group, queries] = torch.linalg.vecdot(p, self._distances[queries])
            from_patches = p[:, max(first - queries.start, 0) :]
            places = slice(max(queries.start - first, 0), queries.stop - first)
            received[group] += from_patches.sum(1)
            diagonal[group, places] = from_patches.diagonal(first + places.start, dim1=1, dim2=2)
            if kept is not None:
                kept[group, places] = from_patches * tokens
        head_mean /= heads
        patches = layout.patches
        return LayerStatistics(
            rows=rows,
            received=received / patches,
            entropy=_mean(entropy) / _log(tokens),
            entropy_patches=_mean(entropy_patches) / _log(patches),
            distance=_mean(distance[:, first:]),
            distance_patches=_mean(distance[:, first:] / patch_mass[:, first:]),
            self_attention=_mean(diagonal),
            head_mean=head_mean,
            patch_attention=(head_mean[first:] * tokens).half()
            if self.patch_queries == "mean"
            else kept,
        )

    def _blocks(self, heads: int) -> Iterator[tuple[slice, slice, Tensor, Tensor]]:
        """Blocks of heads and queries, with room for their logits and weights.

        The room is the same for all blocks: fresh memory would cost as much as a pass over it. The
        first block of queries holds the whole prefix.
        """
        tokens, first = self.layout.tokens, len(self.layout.prefix)
        size = CPU_BLOCK if self.device.type == "cpu" else ACCELERATOR_BLOCK
        queries = min(tokens, max(size // tokens, first + 1))
        together = min(heads, max(size // (queries * tokens), 1))
        room = torch.empty(2, together, queries, tokens, device=self.device)
        for start in range(0, tokens, queries):
            stop = min(start + queries, tokens)
            for head in range(0, heads, together):
                last = min(head + together, heads)
                logits, weights = room[:, : last - head, : stop - start]
                yield slice(head, last), slice(start, stop), logits, weights

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


def _log_sum_exp(scores: Tensor, weights: Tensor) -> Tensor:
    """The rows' log-sum-exp ``[head, query]``, from a softmax already made.

    ``s_j - log p_j`` is the same for every key; the first key serves unless its weight is so small
    that its logarithm is no longer exact, in which case the largest does.
    """
    score, weight = scores[..., 0], weights[..., 0]
    if bool((weight < FAINT).any()):
        score, weight = scores.amax(-1), weights.amax(-1)
    return score - weight.log()


def _mean(values: Tensor) -> Tensor:
    """Mean over the last axis in float64, for sums of thousands of rows; back in float32."""
    double = torch.float32 if values.device.type == "mps" else torch.float64
    return values.mean(-1, dtype=double).float()


def _log(count: int) -> float:
    """log(count), or 1 where an entropy over a single key is 0 anyway."""
    return float(torch.tensor(float(count)).log()) if count > 1 else 1.0
