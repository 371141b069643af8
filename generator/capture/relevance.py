"""Class-specific relevance by attention and its gradients (Chefer 2021, generic attention).

From ``R = I``, each block adds ``mean_h[(dA * A)+] R``, where ``dA`` is the gradient of the class's
logit. Only one row of ``R`` is needed: that of the token that the class head reads. It is computed
from the last block to the first, in the order in which gradients come. The attention matrices of
all blocks are held at once, since the backward pass needs them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from generator.capture.forward.watcher import Listener, Watcher
from generator.capture.models.heads import ClassHead
from generator.capture.models.load import LoadedModel
from generator.errors import ModelError
from generator.records.extras import Relevance
from generator.records.record import TokenLayout
from generator.text.amounts import size_in_words

MOST_BYTES = 16 << 30
"""Largest size of one image's attention matrices."""

IN_PASSING = 4
"""Further matrices of the running block: logits, gradients, products."""


def relevance(model: LoadedModel, pixels: Tensor, layout: TokenLayout, target: int) -> Relevance:
    """Relevance of every token to the class, by a forward and a backward pass.

    Args:
        model: with a class head.
        pixels: ``[channel, row, column]`` of one image.
        layout: of an input of this size.
        target: the class.
    """
    assert model.head is not None
    # The weights need no gradient, so the input asks for one; else there is no graph.
    values = pixels[None].to(model.dtype).clone().requires_grad_()
    rolling = _Rolling(_start(model.head, layout, pixels))
    watcher = Watcher(
        model.blocks, rolling, tokens=layout.tokens, model=model.facts.id, explicit=True
    )
    with torch.enable_grad(), watcher:
        hidden = model.forward(values, layout, gradients=True)
        logit = model.head.logits(hidden, layout)[0, target].float()
    torch.autograd.grad(logit, values)
    return Relevance(keys=rolling.row[0].cpu().numpy())


def expect_memory(model: LoadedModel, layout: TokenLayout, image: str) -> None:
    """Refuse a relevance that needs too much memory.

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
    """The row of the token that the head reads, ``[1, key]``."""
    row = torch.zeros(1, layout.tokens, device=pixels.device)
    if head.reads in ("mean patch", "mean of patches"):
        row[0, layout.patch_slice] = 1.0 / layout.patches
    else:
        row[0, layout.token("CLS")] = 1.0
    return row


class _Rolling(Listener):
    """Updates a row in each block, last to first, as the backward pass reaches it."""

    def __init__(self, row: Tensor) -> None:
        self.row = row

    def weights(self, weights: Tensor) -> None:
        """Wait for the gradient of a block's attention."""
        attention = weights.detach()

        def roll(gradient: Tensor) -> None:
            flow = (gradient * attention).clamp_(min=0)[0].float().mean(0)
            self.row = self.row + self.row @ flow

        weights.register_hook(roll)  # type: ignore[no-untyped-call]
