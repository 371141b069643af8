"""Watches attention go by during an ordinary forward pass.

Modern vision transformers call ``torch.nn.functional.scaled_dot_product_attention`` and never make
the attention matrix. A function mode sees the call's query and key vectors, whatever the modules
around it are called, and hands them to :mod:`generator.capture.statistics`. A model that makes its
matrix itself is seen through its softmax instead. Blocks announce themselves by hooks, so that each
attention is known to belong to a layer, and exactly one is asked of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from generator.capture.calls import SOFTMAX, AttentionCall
from generator.capture.hooks import BlockWatcher
from generator.capture.scores import GivenScores, QueryKeyScores, Scores
from generator.errors import CaptureError

Reduced = TypeVar("Reduced")


class AttentionTap(BlockWatcher, Generic[Reduced]):
    """A context in which a forward pass leaves its attention behind, reduced layer by layer.

    Args:
        blocks: the transformer blocks, first to last.
        reduce: turns one image's logits into what is kept.
        tokens: length of the sequence that the layout promises.
        model: named in errors.

    Attributes:
        layers: for each layer, one reduction for each image of the batch.
        pooling: attention of a pooling probe, float32 ``[image, head, key]``, or None.
        seen: how the attention was computed.
    """

    def __init__(
        self,
        blocks: Sequence[nn.Module],
        reduce: Callable[[Scores], Reduced],
        *,
        tokens: int,
        model: str,
    ) -> None:
        super().__init__(blocks)
        self._reduce = reduce
        self._tokens = tokens
        self._model = model
        self.layers: list[list[Reduced]] = [[] for _ in blocks]
        self.pooling: Tensor | None = None
        self.seen: Literal["sdpa", "eager"] = "sdpa"

    def leave_block(self, layer: int) -> None:
        """Each block must have shown its attention by the time it ends."""
        if not self.layers[layer]:
            raise CaptureError(
                f"Layer {layer + 1} of {self._model} ran no attention that can be read: "
                "neither scaled_dot_product_attention nor a square softmax was called.",
                "Report the architecture with the versions of torch and transformers.",
            )

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Called by torch in place of every function; passes all but attention through."""
        kwargs = kwargs or {}
        if func is functional.scaled_dot_product_attention:
            self._see_sdpa(AttentionCall.of(args, kwargs))
        elif func is functional.multi_head_attention_forward:
            return self._see_multi_head(func, args, kwargs)
        elif func in SOFTMAX:
            self._see_softmax(args[0] if args else kwargs["input"])
        return func(*args, **kwargs)

    def _see_sdpa(self, call: AttentionCall) -> None:
        if call.causal:
            raise CaptureError(
                f"{self._model} uses causal attention; patches must see each other.",
                "Use a bidirectional vision transformer.",
            )
        if self.layer is None:
            self._see_pooling(call)
            return
        query, key, bias = call.query, call.shared(call.key), call.bias
        self._expect_all_tokens(query.shape[-2], key.shape[-2])
        self._store(
            QueryKeyScores.scaled(
                query[i], key[i], call.scale, None if bias is None else bias[_image(bias, i)]
            )
            for i in range(query.shape[0])
        )

    def _see_softmax(self, scores: Tensor) -> None:
        """An eager block makes its own matrix: its logits are the input of a square softmax."""
        square = scores.dim() == 4 and scores.shape[-1] == scores.shape[-2] == self._tokens
        if self.layer is None or not square:
            return
        self.seen = "eager"
        self._store(GivenScores(image) for image in scores)

    def _see_pooling(self, call: AttentionCall) -> None:
        queries = call.query.shape[-2]
        if queries != 1:
            raise CaptureError(
                f"{self._model} attends over {queries} tokens outside its blocks.",
                "Report the architecture: it is not laid out like a plain vision transformer.",
            )
        self.pooling = torch.softmax(call.logits(), dim=-1)[..., 0, :]

    def _see_multi_head(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """A pooling head built on ``nn.MultiheadAttention``: ask it for its weights, per head."""
        if self.layer is not None:
            raise CaptureError(
                f"{self._model} uses nn.MultiheadAttention inside its blocks.",
                "Report the architecture: only scaled dot-product and eager attention are read.",
            )
        output, weights = func(
            *args, **{**kwargs, "need_weights": True, "average_attn_weights": False}
        )
        self.pooling = weights[..., 0, :].float()
        return output, weights.mean(dim=1)

    def _store(self, images: Iterable[Scores]) -> None:
        assert self.layer is not None
        if self.layers[self.layer]:
            raise CaptureError(
                f"Layer {self.layer + 1} of {self._model} ran attention more than once; "
                "one call for each block was expected.",
                "Report the architecture: it is not a plain vision transformer.",
            )
        for scores in images:
            self.layers[self.layer].append(self._reduce(scores))

    def _expect_all_tokens(self, queries: int, keys: int) -> None:
        assert self.layer is not None
        if queries != self._tokens or keys != self._tokens:
            raise CaptureError(
                f"Layer {self.layer + 1} of {self._model} attends over {queries} x {keys} tokens "
                f"where the token layout has {self._tokens}.",
                "Windowed or pooled attention has no map over the whole picture.",
            )


def _image(bias: Tensor, image: int) -> int:
    """Index of an image in a bias that may be shared by the whole batch."""
    return image if bias.shape[0] > 1 else 0
