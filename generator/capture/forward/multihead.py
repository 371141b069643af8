"""A call of ``torch.nn.functional.multi_head_attention_forward``, which projects by itself."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from generator.errors import CaptureError

_SIGNATURE = inspect.signature(functional.multi_head_attention_forward)
_UNREAD = {
    "bias_k": "a bias for keys",
    "bias_v": "a bias for values",
    "add_zero_attn": "a key of zeros",
    "key_padding_mask": "a mask of keys",
    "attn_mask": "an attention mask",
    "static_k": "given keys",
    "static_v": "given values",
    "use_separate_proj_weight": "projections of their own size for keys and values",
    "is_causal": "causal attention",
}


@dataclass(frozen=True, slots=True)
class MultiHeadCall:
    """Plain self-attention by ``nn.MultiheadAttention``.

    Attributes:
        given: the arguments by name.
    """

    given: Mapping[str, Any]

    @classmethod
    def of(cls, args: tuple[Any, ...], kwargs: dict[str, Any], layer: str) -> MultiHeadCall:
        """From the arguments of the function.

        Args:
            layer: named in errors.

        Raises:
            CaptureError: it does more than attention of all tokens to all.
        """
        bound = _SIGNATURE.bind(*args, **kwargs)
        bound.apply_defaults()
        given = bound.arguments
        more = [
            words
            for name, words in _UNREAD.items()
            if given[name] is not None and given[name] is not False
        ]
        if given["query"].dim() != 3:
            more.append("one image without a batch")
        if more:
            raise CaptureError(
                f"{layer} calls nn.MultiheadAttention with {more[0]}, which is not read.",
                "Report the architecture: it is not a plain vision transformer.",
            )
        return cls(given)

    def vectors(self) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value: ``[image, head, token, channel]``."""
        weight, bias = self.given["in_proj_weight"], self.given["in_proj_bias"]
        biases = bias.chunk(3) if bias is not None else (None, None, None)
        heads = self.given["num_heads"]
        query, key, value = (
            functional.linear(self.given[name], part, own)
            .unflatten(-1, (heads, -1))  # type: ignore[no-untyped-call]
            .permute(1, 2, 0, 3)
            for name, part, own in zip(
                ("query", "key", "value"), weight.chunk(3), biases, strict=True
            )
        )
        return query, key, value

    @property
    def projection(self) -> Tensor:
        """Weight of the output projection."""
        weight: Tensor = self.given["out_proj_weight"]
        return weight

    def projected(self, joined: Tensor) -> Tensor:
        """The output projection of the heads' results side by side, ``[image, token, channel]``."""
        return functional.linear(joined, self.projection, self.given["out_proj_bias"])

    def weights(self, query: Tensor, key: Tensor) -> Tensor | None:
        """What the caller asks for beside the output: attention, by head or their mean."""
        if not self.given["need_weights"]:
            return None
        logits = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
        weights = torch.softmax(logits, dim=-1)
        return weights.mean(dim=1) if self.given["average_attn_weights"] else weights
