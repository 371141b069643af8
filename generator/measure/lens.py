"""The logit lens: the class head read at every token of every layer (Vilas 2023)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from generator.extras import LogitLens
from generator.measure.heads import ClassHead
from generator.measure.load import LoadedModel
from generator.records import TokenLayout


def lens(model: LoadedModel, pixels: Tensor, layout: TokenLayout, target: int) -> LogitLens:
    """Probability and rank of a class at every token of every layer, by one more pass.

    Early layers are not calibrated: the head was trained on the last alone. What a head that reads
    several tokens makes of one is said at :meth:`ClassHead.lens`.

    Args:
        model: with a class head.
        pixels: ``[channel, row, column]`` of one image.
        layout: of an input of this size.
        target: the class.
    """
    assert model.head is not None
    probabilities: list[Tensor] = []
    ranks: list[Tensor] = []

    def read(stream: Tensor, head: ClassHead = model.head) -> None:
        logits = head.lens(stream[0], layout)
        wanted = logits[:, target, None]
        probabilities.append(torch.softmax(logits, dim=-1)[:, target])
        ranks.append((logits > wanted).sum(-1) + 1)

    with torch.no_grad(), _streams(model, read):
        model.forward(pixels[None], layout)
    return LogitLens(
        probability=torch.stack(probabilities).half().cpu().numpy(),
        rank=torch.stack(ranks).int().cpu().numpy(),
    )


@contextmanager
def _streams(model: LoadedModel, read: Any) -> Iterator[None]:
    """Hand the embedding and the stream after each block to a function as they come."""

    def before(module: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        read(args[0] if args else kwargs["hidden_states"])

    def after(module: nn.Module, inputs: Any, output: Any) -> None:
        read(output[0] if isinstance(output, tuple) else output)

    hooks = [model.blocks[0].register_forward_pre_hook(before, with_kwargs=True)]
    hooks += [block.register_forward_hook(after) for block in model.blocks]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
