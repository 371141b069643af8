"""Attention logits block by block, from query and key vectors or as a network made them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from generator.capture.calls import MASKED
from generator.records.record import TokenLayout


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
        """Write logits into ``out``, float32 ``[head, query, key]``."""


@dataclass(frozen=True, slots=True)
class QueryKeyScores:
    """Logits from the vectors that go into scaled dot-product attention.

    Attributes:
        query: float32 ``[head, query, channel]`` of one image, already scaled.
        key: float32 ``[head, key, channel]`` of the same image.
        bias: added to the logits, broadcastable to ``[head, query, key]``; None for none.
    """

    query: Tensor
    key: Tensor
    bias: Tensor | None = None

    @classmethod
    def scaled(
        cls, query: Tensor, key: Tensor, scale: float, bias: Tensor | None = None
    ) -> QueryKeyScores:
        """From vectors of any dtype, made ready once for many blocks.

        Scaling the queries touches far fewer values than scaling the products.
        """
        return cls(query.float() * scale, key.float(), bias)

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
        torch.matmul(self.query[heads, queries], self.key[heads].transpose(-1, -2), out=out)
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


def prefix_rows(scores: Scores, layout: TokenLayout) -> Tensor:
    """Attention of the prefix tokens alone: float32 ``[prefix, head, key]``."""
    return attention_of(scores, layout.prefix_slice).transpose(0, 1)


def attention_of(scores: Scores, queries: slice) -> Tensor:
    """Attention of some queries, all heads: float32 ``[head, query, key]``."""
    count = len(range(*queries.indices(scores.keys)))
    logits = torch.empty(scores.heads, count, scores.keys, device=scores.device)
    scores.write(slice(None), queries, logits)
    return torch.softmax(logits, dim=-1)
