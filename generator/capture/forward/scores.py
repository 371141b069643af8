"""Attention logits: from query and key vectors, or as an eager network made them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor

MASKED = -1e30
"""Logit of a masked key. Finite, so that 0 times it is 0 in an expectation."""


class Scores(Protocol):
    """Attention logits before the softmax, computed block by block."""

    @property
    def heads(self) -> int:
        """Number of heads."""
        ...

    @property
    def device(self) -> torch.device:
        """Device of the logits."""
        ...

    @property
    def queries(self) -> int:
        """Number of queries."""
        ...

    @property
    def keys(self) -> int:
        """Number of keys: that of queries, and one more if the last is padding."""
        ...

    def write(self, heads: slice, queries: slice, out: Tensor) -> None:
        """Write logits into ``out``, float32 ``[head, query, key]``."""

    def attend(self, heads: slice, queries: slice, weights: Tensor) -> None:
        """Weigh the values, if the network waits for that: ``weights`` are the softmax's."""


@dataclass(frozen=True, slots=True)
class QueryKeyScores:
    """Logits of scaled dot-product attention.

    Attributes:
        query: float32 ``[head, query, channel]`` of one image, already scaled.
        key: float32 ``[head, key, channel]``.
        bias: added to the logits, broadcastable to ``[head, query, key]``; None for none.
        value: float32 ``[head, key, channel]``; None if the network weighs its values itself.
        attended: memory for the weighted values, ``[head, query, channel]``; None without values.
    """

    query: Tensor
    key: Tensor
    bias: Tensor | None = None
    value: Tensor | None = None
    attended: Tensor | None = None

    @classmethod
    def scaled(
        cls, query: Tensor, key: Tensor, scale: float, bias: Tensor | None = None
    ) -> QueryKeyScores:
        """From vectors of any dtype, converted once for all blocks.

        Queries have far fewer values to scale than logits.
        """
        return cls(query.float() * scale, key.float(), bias)

    @property
    def heads(self) -> int:
        """Number of heads."""
        return self.query.shape[0]

    @property
    def device(self) -> torch.device:
        """Device of the vectors."""
        return self.query.device

    @property
    def queries(self) -> int:
        """Number of queries."""
        return self.query.shape[1]

    @property
    def keys(self) -> int:
        """Number of keys."""
        return self.key.shape[1]

    def write(self, heads: slice, queries: slice, out: Tensor) -> None:
        """Logits into ``out``, float32 ``[head, query, key]``."""
        torch.matmul(self.query[heads, queries], self.key[heads].transpose(-1, -2), out=out)
        if self.bias is not None:
            bias = self.bias.expand(self.heads, *self.bias.shape[-2:])[heads]
            out.add_(bias[:, queries] if bias.shape[1] > 1 else bias)

    def attend(self, heads: slice, queries: slice, weights: Tensor) -> None:
        """Weigh the values, if the network waits for that."""
        if self.value is not None and self.attended is not None:
            torch.matmul(weights, self.value[heads], out=self.attended[heads, queries])


@dataclass(frozen=True, slots=True)
class GivenScores:
    """Logits of eager attention: ``[head, query, key]`` of one image."""

    scores: Tensor

    @property
    def heads(self) -> int:
        """Number of heads."""
        return self.scores.shape[0]

    @property
    def device(self) -> torch.device:
        """Device of the logits."""
        return self.scores.device

    @property
    def queries(self) -> int:
        """Number of queries."""
        return self.scores.shape[1]

    @property
    def keys(self) -> int:
        """Number of keys."""
        return self.scores.shape[2]

    def write(self, heads: slice, queries: slice, out: Tensor) -> None:
        """Logits into ``out``, float32 ``[head, query, key]``."""
        out.copy_(self.scores[heads, queries]).clamp_(min=MASKED)

    def attend(self, heads: slice, queries: slice, weights: Tensor) -> None:
        """Nothing: an eager network weighs its values itself."""


@dataclass(frozen=True, slots=True)
class AttentionCall:
    """The arguments of a call to ``scaled_dot_product_attention``.

    Attributes:
        query: ``[image, head, query, channel]``.
        key: ``[image, head, key, channel]``; may have fewer heads than ``query``.
        value: as ``key``.
        scale: of the logits.
        mask: which keys are visible, or logits to add; None for none.
        causal: whether a query sees only the keys before it.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    scale: float
    mask: Tensor | None
    causal: bool

    @classmethod
    def of(cls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> AttentionCall:
        """From positional and named arguments."""
        return _read(*args, **kwargs)

    @classmethod
    def joined(cls, windows: Sequence[AttentionCall]) -> AttentionCall:
        """Attention within windows, one after another, as one call that masks all others."""
        lengths = torch.tensor([window.query.shape[-2] for window in windows])
        window = torch.arange(len(windows)).repeat_interleave(lengths)
        return cls(
            query=torch.cat([window.query for window in windows], dim=-2),
            key=torch.cat([window.key for window in windows], dim=-2),
            value=torch.cat([window.value for window in windows], dim=-2),
            scale=windows[0].scale,
            mask=(window[:, None] == window).to(windows[0].query.device),
            causal=False,
        )

    def placed(self, order: Sequence[int]) -> AttentionCall:
        """The same with its tokens in another order: the place that each has now."""
        if not order:
            return self
        mask = self.mask
        if mask is not None:
            axes = [axis for axis in (-2, -1) if mask.shape[axis] > 1]
            mask = in_order(mask, order, *axes) if axes else mask
        return replace(
            self,
            query=in_order(self.query, order),
            key=in_order(self.key, order),
            value=in_order(self.value, order),
            mask=mask,
        )

    @property
    def bias(self) -> Tensor | None:
        """The mask as float32 logits to add, ``[image, head, query, key]`` with broadcast axes."""
        return None if self.mask is None else _additive(self.mask)

    def shared(self, vectors: Tensor) -> Tensor:
        """Keys or values, repeated to one head for each head of the queries."""
        groups = self.query.shape[1] // vectors.shape[1]
        return vectors.repeat_interleave(groups, dim=1) if groups > 1 else vectors

    def images(self, attended: Tensor | None = None) -> Iterator[QueryKeyScores]:
        """Logits of each image.

        Args:
            attended: memory for the weighted values, ``[image, head, query, channel]``; None if the
                network weighs its values itself.
        """
        key, bias = self.shared(self.key), self.bias
        value = None if attended is None else self.shared(self.value)
        for image, query in enumerate(self.query):
            own = None if bias is None else bias[image if bias.shape[0] > 1 else 0]
            scores = QueryKeyScores.scaled(query, key[image], self.scale, own)
            if value is not None and attended is not None:
                scores = replace(scores, value=value[image], attended=attended[image])
            yield scores

    def memory(self) -> Tensor | None:
        """Memory for the weighted values, ``[image, head, query, channel]``.

        None where attention is better left to torch: on a GPU, whose kernels take less time than a
        product, in another dtype, whose rounding is part of the model, and with a mask.

        The heads of a token lie side by side, as the output projection reads them.
        """
        query = self.query
        if query.device.type != "cpu" or query.dtype != torch.float32 or self.mask is not None:
            return None
        images, heads, queries, _ = query.shape
        return query.new_empty(images, queries, heads, self.value.shape[-1]).transpose(1, 2)

    def logits(self) -> Tensor:
        """All logits: float32 ``[image, head, query, key]``."""
        scores = (self.query.float() * self.scale) @ self.shared(self.key).float().transpose(-1, -2)
        bias = self.bias
        return scores if bias is None else scores + bias


def _read(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> AttentionCall:
    """Has torch's names and defaults."""
    scale = 1.0 / math.sqrt(query.shape[-1]) if scale is None else scale
    return AttentionCall(query, key, value, scale, attn_mask, is_causal)


def _additive(mask: Tensor) -> Tensor:
    while mask.dim() < 4:
        mask = mask.unsqueeze(0)
    if mask.dtype == torch.bool:
        return torch.zeros(mask.shape, device=mask.device).masked_fill_(~mask, MASKED)
    return mask.float().clamp(min=MASKED)


def in_order(values: Tensor, order: Sequence[int], *axes: int) -> Tensor:
    """Tokens in another order.

    Args:
        values: of any shape.
        order: the place that each token has now; empty to leave them.
        axes: of tokens; the last but one unless given.
    """
    if not order:
        return values
    index = torch.tensor(order, device=values.device)
    for axis in axes or (-2,):
        values = values.index_select(axis, index)
    return values


def attention_of(scores: Scores, queries: slice) -> Tensor:
    """Attention of some queries, all heads: float32 ``[head, query, key]``."""
    count = len(range(*queries.indices(scores.queries)))
    logits = torch.empty(scores.heads, count, scores.keys, device=scores.device)
    scores.write(slice(None), queries, logits)
    return torch.softmax(logits, dim=-1)
