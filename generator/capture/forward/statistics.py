"""Statistics of attention: from logits to attention rows and numbers of each head.

Attention is computed in blocks of queries that fit the CPU's cache; the whole matrix is never held.
Softmax and reductions are float32, whatever the model's dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from generator.capture.forward.scores import Scores
from generator.capture.forward.watcher import Implementation, Listener
from generator.records.record import PatchQueries, TokenLayout

CPU_BLOCK = 1 << 19
"""Attention values in a block on the CPU: 2 MB of float32, which fit its caches."""

CPU_RANGES = 8
"""Fewest ranges of queries on the CPU. They are dealt out to threads; since they are the same for
any number of threads, so is the order in which numbers are added."""

ACCELERATOR_BLOCK = 1 << 26
"""Attention values in a block on a GPU: 256 MB, enough to keep it busy."""

FAINT = 1e-20
"""Weights below this are too close to underflow for an exact logarithm."""

Reduced = TypeVar("Reduced")


@dataclass(frozen=True, slots=True)
class LayerStatistics:
    """Statistics of one layer's attention on one image.

    Attention is the softmax output: rows sum to 1, or to less where padding took the rest, and are
    not yet divided by uniform attention.

    Attributes:
        rows: float32 ``[prefix, head, key]``.
        received: float32 ``[head, key]``, mean over the patch queries.
        entropy: float32 ``[head]``, mean over queries, in [0, 1].
        entropy_patches: float32 ``[head]``, the same over renormalized patches.
        distance: float32 ``[head]``, in input pixels.
        distance_patches: float32 ``[head]``, in input pixels, rows renormalized over patches.
        self_attention: float32 ``[head]``, mean over the patches.
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


def token_distances(layout: TokenLayout, patch: tuple[int, int], device: torch.device) -> Tensor:
    """Distance between patch centers in input pixels: float32 ``[token, token]``.

    Prefix tokens have no place in the picture: their rows and columns are 0.

    Args:
        layout: the grid.
        patch: height and width of a patch in input pixels.
        device: of the result.
    """
    place = torch.arange(layout.patches, device=device)
    row, col = place // layout.cols, place % layout.cols
    down = (row[:, None] - row[None, :]).float() * patch[0]
    across = (col[:, None] - col[None, :]).float() * patch[1]
    distances = torch.zeros(layout.tokens, layout.tokens, device=device)
    distances[layout.patch_slice, layout.patch_slice] = torch.hypot(down, across)
    return distances


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums over the blocks of a layer.

    Attributes:
        rows: ``[prefix, head, key]``.
        received: ``[head, key]``, summed over the patch queries.
        own_logit: ``[head, query]``, of each token to itself.
        own_weight: ``[head, query]``, attention of each token to itself.
        patch_mass: ``[head, query]``, attention to all patches.
        patch_logit: ``[head, query]``, sum of attention times logit over the patches.
        prefix_logit: ``[head, query]``, sum of attention times logit over the prefix, or over the
            padding of networks that pad; these have no prefix.
        distance: ``[head, query]``, expected distance.
        head_mean: ``[query, key]``.
        kept: float16 ``[head, patch query, key]``, times uniform, or None.
    """

    rows: Tensor
    received: Tensor
    own_logit: Tensor
    own_weight: Tensor
    patch_mass: Tensor
    patch_logit: Tensor
    prefix_logit: Tensor
    distance: Tensor
    head_mean: Tensor
    kept: Tensor | None

    @classmethod
    def zeros(cls, layout: TokenLayout, heads: int, device: torch.device, *, keep: bool) -> _Sums:
        """Sums that are 0, with memory for the patches' rows if ``keep``."""
        tokens = layout.tokens
        shape = (heads, layout.patches, tokens)
        return cls(
            rows=torch.zeros(len(layout.prefix), heads, tokens, device=device),
            received=torch.zeros(heads, tokens, device=device),
            own_logit=torch.zeros(heads, tokens, device=device),
            own_weight=torch.zeros(heads, tokens, device=device),
            patch_mass=torch.zeros(heads, tokens, device=device),
            patch_logit=torch.zeros(heads, tokens, device=device),
            prefix_logit=torch.zeros(heads, tokens, device=device),
            distance=torch.zeros(heads, tokens, device=device),
            head_mean=torch.zeros(tokens, tokens, device=device),
            kept=torch.zeros(shape, dtype=torch.float16, device=device) if keep else None,
        )


class Reducer:
    """Computes the statistics of layers that share one token layout.

    Args:
        layout: which tokens are patches.
        patch: height and width of a patch in input pixels.
        patch_queries: which attention rows of the patches to keep.
        device: of the logits.
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
        self._block = CPU_BLOCK if device.type == "cpu" else ACCELERATOR_BLOCK
        workers = torch.get_num_threads() if device.type == "cpu" else 1
        self._buffers = [torch.empty(2, 0, device=device) for _ in range(workers)]
        self._distances = token_distances(layout, patch, device)

    def reduce(self, scores: Scores) -> LayerStatistics:
        """Statistics of one layer on one image."""
        layout, sums = self.layout, self._sum(scores)
        patches, patch = layout.patches, layout.patch_slice
        lse = self._log_sum_exp(scores, sums)
        # The entropy of a row is its log-sum-exp minus its expected logit.
        entropy = lse - sums.patch_logit - sums.prefix_logit
        entropy_patches, distance_patches = self._over_patches(scores, sums, lse)
        return LayerStatistics(
            rows=sums.rows,
            received=sums.received / patches,
            entropy=_mean(entropy) / _log(layout.tokens),
            entropy_patches=_mean(entropy_patches) / _log(patches),
            distance=_mean(sums.distance[:, patch]),
            distance_patches=_mean(distance_patches[:, patch]),
            self_attention=_mean(sums.own_weight[:, patch]),
            head_mean=sums.head_mean,
            patch_attention=(sums.head_mean[patch] * layout.tokens).half()
            if self.patch_queries == "mean"
            else sums.kept,
        )

    def _sum(self, scores: Scores) -> _Sums:
        """Go through the blocks once.

        On the CPU each thread computes its own ranges of queries: at this size, threads that share
        an operation wait longer than they work.
        """
        sums = _Sums.zeros(
            self.layout, scores.heads, self.device, keep=self.patch_queries == "heads"
        )
        ranges = self._ranges()
        workers = min(len(self._buffers), len(ranges))
        if workers == 1:
            for queries in ranges:
                sums.received.add_(self._sum_range(scores, sums, queries, 0))
            return sums

        inference = torch.is_inference_mode_enabled()

        def work(worker: int) -> list[Tensor]:
            # Both settings are per thread.
            torch.set_num_threads(1)
            with torch.inference_mode(inference), torch.no_grad():
                own = ranges[worker::workers]
                return [self._sum_range(scores, sums, queries, worker) for queries in own]

        with ThreadPoolExecutor(workers) as pool:
            received = list(pool.map(work, range(workers)))
        for number in range(len(ranges)):
            sums.received.add_(received[number % workers][number // workers])
        return sums

    def _sum_range(self, scores: Scores, sums: _Sums, queries: slice, worker: int) -> Tensor:
        """Fill the sums for a range of queries.

        Each pass over a block adds to the cost of measuring: there are as few as possible.

        Returns:
            What the keys received from these queries, summed: ``[head, key]``.
        """
        layout, heads = self.layout, scores.heads
        first = len(layout.prefix)
        received = torch.zeros(heads, layout.tokens, device=self.device)
        for group, _, logits, weights in self._blocks(scores, [queries], worker):
            scores.write(group, queries, logits)
            torch.softmax(logits, dim=-1, out=weights)
            scores.attend(group, queries, weights)
            s, p = logits[..., : layout.tokens], weights[..., : layout.tokens]
            sums.own_logit[group, queries] = s.diagonal(queries.start, dim1=1, dim2=2)
            sums.own_weight[group, queries] = p.diagonal(queries.start, dim1=1, dim2=2)
            if scores.keys > layout.tokens:  # padding counts in no sum but that of the entropy
                sums.prefix_logit[group, queries] = logits[..., -1] * weights[..., -1]
            torch.sum(p[..., first:], dim=-1, out=sums.patch_mass[group, queries])
            s.mul_(p)
            torch.sum(s[..., first:], dim=-1, out=sums.patch_logit[group, queries])
            if first:
                torch.sum(s[..., :first], dim=-1, out=sums.prefix_logit[group, queries])
            torch.mul(p, self._distances[queries], out=s)
            torch.sum(s, dim=-1, out=sums.distance[group, queries])
            for head in p:
                sums.head_mean[queries].add_(head, alpha=1 / heads)
            if queries.start < first:
                sums.rows[:, group] = p[:, :first].transpose(0, 1)
            from_patches = p[:, max(first - queries.start, 0) :]
            received[group] += from_patches.sum(1)
            if sums.kept is not None:
                places = slice(max(queries.start - first, 0), queries.stop - first)
                sums.kept[group, places] = from_patches * layout.tokens
        return received

    def _log_sum_exp(self, scores: Scores, sums: _Sums) -> Tensor:
        """Log-sum-exp of each row, ``[head, query]``, without another pass.

        It is the logit minus the log of the weight, for any key: here the token itself. Rows where
        that weight is too close to underflow are summed.
        """
        lse = sums.own_logit - sums.own_weight.log()
        faint = sums.own_weight < FAINT
        if bool(faint.any()):
            for group, queries, s, _ in self._blocks(scores, self._ranges(), 0):
                scores.write(group, queries, s)
                exact = torch.logsumexp(s, dim=-1)
                lse[group, queries] = torch.where(faint[group, queries], exact, lse[group, queries])
        return lse

    def _over_patches(self, scores: Scores, sums: _Sums, lse: Tensor) -> tuple[Tensor, Tensor]:
        """Entropy and expected distance of rows cut to the patches: two of ``[head, query]``.

        The log-sum-exp of a renormalized row is that of the whole row plus log(mass). Where a sink
        takes so much attention that the mass underflows, the softmax is computed over the patches.
        """
        entropy = lse + sums.patch_mass.log() - sums.patch_logit / sums.patch_mass
        distance = sums.distance / sums.patch_mass
        faint = sums.patch_mass < FAINT
        if bool(faint.any()):
            patch = self.layout.patch_slice
            for group, queries, s, _ in self._blocks(scores, self._ranges(), 0):
                scores.write(group, queries, s)
                cut = torch.log_softmax(s[..., patch], dim=-1)
                share = cut.exp()
                rows = faint[group, queries]
                for whole, exact in (
                    (entropy, -(share * cut).sum(-1)),
                    (distance, (share * self._distances[queries, patch]).sum(-1)),
                ):
                    whole[group, queries] = torch.where(rows, exact, whole[group, queries])
        return entropy, distance

    def _ranges(self) -> list[slice]:
        """Ranges of queries that fit a block. The first holds the whole prefix."""
        tokens = self.layout.tokens
        fewest = CPU_RANGES if self.device.type == "cpu" else 1
        length = min(self._block // tokens, -(-tokens // fewest))
        length = min(max(length, len(self.layout.prefix) + 1), tokens)
        return [slice(start, min(start + length, tokens)) for start in range(0, tokens, length)]

    def _blocks(
        self, scores: Scores, ranges: list[slice], worker: int
    ) -> Iterator[tuple[slice, slice, Tensor, Tensor]]:
        """Blocks of heads and queries, with buffers for their logits and weights.

        A worker reuses its buffers for all blocks and layers: fresh memory costs as much as a pass
        over it.
        """
        heads, keys = scores.heads, scores.keys
        for queries in ranges:
            length = queries.stop - queries.start
            together = min(heads, max(self._block // (length * keys), 1))
            size = together * length * keys
            if self._buffers[worker].shape[1] < size:
                self._buffers[worker] = torch.empty(2, size, device=self.device)
            for head in range(0, heads, together):
                last = min(head + together, heads)
                buffer = self._buffers[worker][:, : (last - head) * length * keys]
                logits, weights = buffer.view(2, last - head, length, keys)
                yield slice(head, last), queries, logits, weights


class ReducedAttention(Listener, Generic[Reduced]):
    """Keeps the attention of a forward pass, reduced layer by layer.

    Args:
        reduce: turns one image's logits into what is kept.
        attends: whether it calls ``Scores.attend`` for all heads and queries.

    Attributes:
        layers: for each layer, one reduction for each image of the batch.
        pooled: attention of a pooling head, float32 ``[image, head, key]``, or None.
        implementation: how the network computes attention.
    """

    def __init__(self, reduce: Callable[[Scores], Reduced], *, attends: bool = False) -> None:
        self.attends = attends
        self._reduce = reduce
        self.layers: list[list[Reduced]] = []
        self.pooled: Tensor | None = None
        self.implementation: Implementation = "sdpa"

    def logits(self, images: Iterator[Scores], implementation: Implementation) -> None:
        """Reduce a layer."""
        if implementation == "eager":
            self.implementation = implementation
        self.layers.append([self._reduce(scores) for scores in images])

    def pooling(self, weights: Tensor) -> None:
        """Keep the attention of a pooling head."""
        self.pooled = weights


def rollouts(head_means: Sequence[Tensor], start: Tensor) -> list[Tensor]:
    """Attention rollout of some queries (Abnar & Zuidema 2020), from every start layer.

    Each layer mixes attention and residual connection in equal parts: ``(A + I) / 2``, whose rows
    sum to 1, or to less where padding of windows took the rest. Rows are multiplied from the last
    layer down, so each step gives the rollout from one more start layer.

    Args:
        head_means: attention averaged over heads, ``[query, key]`` for each layer, first to last.
        start: ``[row, token]``, queries or means of queries; rows sum to 1.

    Returns:
        For each start layer, first to last: float32 ``[row, key]``, with the same sums.
    """
    rows, found = start, []
    for layer in reversed(head_means):
        rows = (rows @ layer + rows) / 2
        found.append(rows)
    return found[::-1]


def _mean(values: Tensor) -> Tensor:
    """Mean over the last axis, summed in float64 (float32 on MPS); float32."""
    double = torch.float32 if values.device.type == "mps" else torch.float64
    return values.mean(-1, dtype=double).float()


def _log(count: int) -> float:
    """log(count); 1 for a single key, whose entropy is 0."""
    return float(torch.tensor(float(count)).log()) if count > 1 else 1.0
