"""Class-specific relevance by attention and its gradients (Chefer 2021, generic attention).

From ``R = I``, each block adds ``mean_h[(dA * A)+] R``, where ``dA`` is the gradient of the class's
logit. Wanted is the row of the token that the head reads, and a row can be rolled from the last
block to the first, in the order in which gradients come: so of all that is made here only the
attention of every block is held at once, tokens x tokens x heads x layers, as the method needs it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from generator.capture.heads import ClassHead
from generator.capture.load import LoadedModel
from generator.capture.watcher import Listener, Watcher
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
    rolling = _Rolling(_start(model.head, layout, pixels))
    watcher = Watcher(
        model.blocks, rolling, tokens=layout.tokens, model=model.facts.id, explicit=True
    )
    with torch.enable_grad(), watcher:
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


class _Rolling(Listener):
    """Rolls a row through the blocks, last to first, as a backward pass reaches them."""

    def __init__(self, row: Tensor) -> None:
        self.row = row

    def weights(self, weights: Tensor) -> None:
        """Roll the row through a block as soon as its gradient comes."""
        attention = weights.detach()

        def roll(gradient: Tensor) -> None:
            flow = (gradient * attention).clamp_(min=0)[0].float().mean(0)
            self.row = self.row + self.row @ flow

        weights.register_hook(roll)  # type: ignore[no-untyped-call]
