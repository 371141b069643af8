"""Class-specific relevance by attention and its gradients (Chefer 2021, generic attention).

From ``R = I``, each block adds ``mean_h[(dA * A)+] R``, where ``dA`` is the gradient of the class's
logit. Wanted is the row of the token that the head reads, and a row can be rolled from the last
block to the first, in the order in which gradients come: so of all that is made here only the
attention of every block is held at once, tokens x tokens x heads x layers, as the method needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from generator.capture.calls import SOFTMAX, AttentionCall
from generator.capture.heads import ClassHead
from generator.capture.hooks import BlockWatcher
from generator.capture.load import LoadedModel
from generator.errors import ModelError
from generator.records.extras import Relevance
from generator.records.record import TokenLayout
from generator.text.amounts import size_in_words

MOST_BYTES = 16 << 30
"""Attention that may be held at once, of one image."""

IN_PASSING = 4
"""Matrices of one block that are there beside those of all: logits, gradients, their product."""


def relevance(model: LoadedModel, pixels: Tensor, layout: TokenLayout, target: int) -> Relevance:
    """Relevance of every token to the class, by one more pass with gradients.

    Args:
        model: with a class head; its weights are not trained, so they get no gradients.
        pixels: ``[channel, row, column]`` of one image.
        layout: of an input of this size.
        target: the class.
    """
    assert model.head is not None
    # Something must want a gradient, or no graph is made; the weights don't.
    values = pixels[None].to(model.dtype).clone().requires_grad_()
    with torch.enable_grad(), _Rolling(model.blocks, _start(model.head, layout, pixels)) as rolling:
        hidden = model.forward(values, layout, gradients=True)
        logit = model.head.logits(hidden, layout)[0, target].float()
        torch.autograd.grad(logit, values)
    return Relevance(keys=rolling.row[0].cpu().numpy())


def expect_room(model: LoadedModel, layout: TokenLayout, image: str) -> None:
    """Refuse what would take more memory than any machine here should give.

    Raises:
        ModelError: the attention of all blocks is too large.
    """
    matrix = 4 * model.facts.heads * layout.tokens**2
    need = matrix * (model.facts.layers + IN_PASSING)
    if need > MOST_BYTES:
        raise ModelError(
            f"The relevance of {model.facts.id} on {image} needs the attention of all "
            f"{model.facts.layers} layers at once, {layout.tokens} x {layout.tokens} tokens each: "
            f"about {size_in_words(need)}, above the bound of {size_in_words(MOST_BYTES)}.",
            "Lower --resolution, or leave relevance out of the extras.",
        )


def _start(head: ClassHead, layout: TokenLayout, pixels: Tensor) -> Tensor:
    """The row to roll, ``[1, key]``: the token that the head reads."""
    row = torch.zeros(1, layout.tokens, device=pixels.device)
    if head.reads == "mean patch":
        row[0, layout.patch_slice] = 1.0 / layout.patches
    else:
        row[0, layout.token("CLS")] = 1.0
    return row


class _Rolling(BlockWatcher):
    """A context in which a backward pass rolls a row through the blocks, last to first.

    Scaled dot-product attention makes its matrix here after all, in float32, so that its gradient
    passes by; an attention that makes its own is seen through its softmax.
    """

    def __init__(self, blocks: Sequence[nn.Module], row: Tensor) -> None:
        super().__init__(blocks)
        self.row = row

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Called by torch in place of every function."""
        kwargs = kwargs or {}
        if self.layer is None:
            return func(*args, **kwargs)
        if func is functional.scaled_dot_product_attention:
            return self._attend(AttentionCall.of(args, kwargs))
        result = func(*args, **kwargs)
        if func in SOFTMAX and self._is_attention(result):
            self._watch(result)
        return result

    def _attend(self, call: AttentionCall) -> Tensor:
        attention = torch.softmax(call.logits(), dim=-1)
        self._watch(attention)
        return (attention @ call.shared(call.value).float()).to(call.value.dtype)

    def _is_attention(self, weights: Tensor) -> bool:
        tokens = self.row.shape[-1]
        return weights.dim() == 4 and weights.shape[-2:] == (tokens, tokens)

    def _watch(self, attention: Tensor) -> None:
        """Roll the row through a block as soon as its gradient comes."""
        weights = attention.detach()

        def roll(gradient: Tensor) -> None:
            flow = (gradient * weights).clamp_(min=0)[0].float().mean(0)
            self.row = self.row + self.row @ flow

        attention.register_hook(roll)  # type: ignore[no-untyped-call]
