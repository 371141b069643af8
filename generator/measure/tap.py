"""Watches attention go by during an ordinary forward pass.

Modern vision transformers call ``torch.nn.functional.scaled_dot_product_attention`` and never make
the attention matrix. A function mode sees the call's query and key vectors, whatever the modules
around it are called, and hands them to :mod:`generator.measure.statistics`. A model that makes its
matrix itself is seen through its softmax instead. Blocks announce themselves by hooks, so that each
attention is known to belong to a layer, and exactly one is asked of each.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from generator.errors import CaptureError
from generator.measure.statistics import MASKED, GivenScores, QueryKeyScores, Scores

Reduced = TypeVar("Reduced")

SOFTMAX = (functional.softmax, torch.softmax, Tensor.softmax)


class AttentionTap(TorchFunctionMode, Generic[Reduced]):
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
        super().__init__()
        self._blocks = blocks
        self._reduce = reduce
        self._tokens = tokens
        self._model = model
        self._layer: int | None = None
        self._hooks: list[torch.utils.hooks.RemovableHandle] = []
        self.layers: list[list[Reduced]] = [[] for _ in blocks]
        self.pooling: Tensor | None = None
        self.seen: Literal["sdpa", "eager"] = "sdpa"

    def __enter__(self) -> Self:
        for index, block in enumerate(self._blocks):
            self._hooks.append(block.register_forward_pre_hook(self._entering(index)))
            self._hooks.append(block.register_forward_hook(self._leaving(index)))
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)  # type: ignore[no-untyped-call]
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()

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
            self._see_sdpa(*args, **kwargs)
        elif func is functional.multi_head_attention_forward:
            return self._see_multi_head(func, args, kwargs)
        elif func in SOFTMAX:
            self._see_softmax(args[0] if args else kwargs["input"])
        return func(*args, **kwargs)

    def _see_sdpa(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> None:
        if is_causal:
            raise CaptureError(
                f"{self._model} uses causal attention; patches must see each other.",
                "Use a bidirectional vision transformer.",
            )
        if scale is None:
            scale = 1.0 / math.sqrt(query.shape[-1])
        if enable_gqa and key.shape[1] != query.shape[1]:
            key = key.repeat_interleave(query.shape[1] // key.shape[1], dim=1)
        bias = _additive(attn_mask)
        if self._layer is None:
            self._see_pooling(query, key, scale, bias)
            return
        self._expect_all_tokens(query.shape[-2], key.shape[-2])
        self._store(
            QueryKeyScores.scaled(
                query[i], key[i], scale, None if bias is None else bias[_image(bias, i)]
            )
            for i in range(query.shape[0])
        )

    def _see_softmax(self, scores: Tensor) -> None:
        """An eager block makes its own matrix: its logits are the input of a square softmax."""
        square = scores.dim() == 4 and scores.shape[-1] == scores.shape[-2] == self._tokens
        if self._layer is None or not square:
            return
        self.seen = "eager"
        self._store(GivenScores(image) for image in scores)

    def _see_pooling(self, query: Tensor, key: Tensor, scale: float, bias: Tensor | None) -> None:
        if query.shape[-2] != 1:
            raise CaptureError(
                f"{self._model} attends over {query.shape[-2]} tokens outside its blocks.",
                "Report the architecture: it is not laid out like a plain vision transformer.",
            )
        scores = query.float() * scale @ key.float().transpose(-1, -2)
        if bias is not None:
            scores = scores + bias
        self.pooling = torch.softmax(scores, dim=-1)[..., 0, :]

    def _see_multi_head(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """A pooling head built on ``nn.MultiheadAttention``: ask it for its weights, per head."""
        if self._layer is not None:
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
        assert self._layer is not None
        if self.layers[self._layer]:
            raise CaptureError(
                f"Layer {self._layer + 1} of {self._model} ran attention more than once; "
                "one call for each block was expected.",
                "Report the architecture: it is not a plain vision transformer.",
            )
        for scores in images:
            self.layers[self._layer].append(self._reduce(scores))

    def _expect_all_tokens(self, queries: int, keys: int) -> None:
        assert self._layer is not None
        if queries != self._tokens or keys != self._tokens:
            raise CaptureError(
                f"Layer {self._layer + 1} of {self._model} attends over {queries} x {keys} tokens "
                f"where the token layout has {self._tokens}.",
                "Windowed or pooled attention has no map over the whole picture.",
            )

    def _entering(self, index: int) -> Callable[..., None]:
        def enter(module: nn.Module, inputs: Any) -> None:
            self._layer = index

        return enter

    def _leaving(self, index: int) -> Callable[..., None]:
        def leave(module: nn.Module, inputs: Any, output: Any) -> None:
            self._layer = None
            if not self.layers[index]:
                raise CaptureError(
                    f"Layer {index + 1} of {self._model} ran no attention that can be read: "
                    "neither scaled_dot_product_attention nor a square softmax was called.",
                    "Report the architecture with the versions of torch and transformers.",
                )

        return leave


def _additive(mask: Tensor | None) -> Tensor | None:
    """A mask as float32 logits to add, ``[image, head, query, key]`` with broadcast axes."""
    if mask is None:
        return None
    while mask.dim() < 4:
        mask = mask.unsqueeze(0)
    if mask.dtype == torch.bool:
        return torch.zeros(mask.shape, device=mask.device).masked_fill_(~mask, MASKED)
    return mask.float().clamp(min=MASKED)


def _image(bias: Tensor, image: int) -> int:
    """Index of an image in a bias that may be shared by the whole batch."""
    return image if bias.shape[0] > 1 else 0
