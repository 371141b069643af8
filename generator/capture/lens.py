"""The logit lens: the class head read at every token of every layer (Vilas 2023)."""

from __future__ import annotations

import torch
from torch import Tensor

from generator.capture.forward.hooks import Streams
from generator.capture.models.heads import ClassHead
from generator.capture.models.load import LoadedModel
from generator.records.extras import LogitLens
from generator.records.record import TokenLayout


def lens(model: LoadedModel, pixels: Tensor, layout: TokenLayout, target: int) -> LogitLens:
    """Probability and rank of a class at every token of every layer, by a forward pass.

    Early layers are not calibrated: the head was trained on the last layer only.
    :meth:`ClassHead.lens` describes how a head that reads several tokens is applied to one.

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
        probabilities.append(head.probabilities(logits)[:, target])
        ranks.append((logits > wanted).sum(-1) + 1)

    with torch.no_grad(), Streams(model.blocks, read):
        model.forward(pixels[None], layout)
    return LogitLens(
        probability=torch.stack(probabilities).half().cpu().numpy(),
        rank=torch.stack(ranks).int().cpu().numpy(),
    )
