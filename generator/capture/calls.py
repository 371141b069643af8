"""A call to scaled dot-product attention, as the watchers read it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

MASKED = -1e30
"""Logit of a key that may not be seen. Finite, so that 0 times it is 0 in an expectation."""

SOFTMAX = (functional.softmax, torch.softmax, Tensor.softmax)
"""What a network that makes its matrix itself may call."""


@dataclass(frozen=True, slots=True)
class AttentionCall:
    """What a call to ``scaled_dot_product_attention`` was given.

    Attributes:
        query: ``[image, head, query, channel]``.
        key: ``[image, head, key, channel]``, with as many heads as the model has for keys.
        value: likewise.
        scale: of the logits.
        mask: as it was given: which keys may be seen, or logits to add; None for none.
        causal: whether queries see only what stands in front of them.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    scale: float
    mask: Tensor | None
    causal: bool

    @classmethod
    def of(cls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> AttentionCall:
        """Read the arguments, by place or by name as the call has them."""
        return _read(*args, **kwargs)

    @property
    def bias(self) -> Tensor | None:
        """The mask as float32 logits to add, ``[image, head, query, key]`` with broadcast axes."""
        return None if self.mask is None else _additive(self.mask)

    def shared(self, vectors: Tensor) -> Tensor:
        """Keys or values with a head for each head of the queries (grouped-query attention)."""
        groups = self.query.shape[1] // vectors.shape[1]
        return vectors.repeat_interleave(groups, dim=1) if groups > 1 else vectors

    def logits(self) -> Tensor:
        """Before the softmax: float32 ``[image, head, query, key]``."""
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
    """The names and defaults of torch."""
    scale = 1.0 / math.sqrt(query.shape[-1]) if scale is None else scale
    return AttentionCall(query, key, value, scale, attn_mask, is_causal)


def _additive(mask: Tensor) -> Tensor:
    while mask.dim() < 4:
        mask = mask.unsqueeze(0)
    if mask.dtype == torch.bool:
        return torch.zeros(mask.shape, device=mask.device).masked_fill_(~mask, MASKED)
    return mask.float().clamp(min=MASKED)
