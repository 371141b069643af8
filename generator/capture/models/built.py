"""A network as a loader gives it: what everything after loading needs to know of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from generator.capture.models.heads import ClassHead
from generator.records.record import TokenLayout


class Runner(Protocol):
    """How a network is called."""

    def hidden(self, pixels: Tensor, layout: TokenLayout) -> Tensor:
        """The last hidden state ``[image, token, channel]``, every patch in its place.

        Args:
            pixels: ``[image, channel, row, column]``.
            layout: of an input of this size.
        """

    def attentions(self, pixels: Tensor, layout: TokenLayout) -> tuple[Tensor, ...]:
        """What the network itself returns: ``[image, head, query, key]`` for each layer.

        Only a network that was built with eager attention returns any.
        """


@dataclass(frozen=True, slots=True)
class Built:
    """A network with its weights, and what became of the checkpoint's tensors.

    Attributes:
        network: the backbone.
        blocks: its transformer blocks, first to last.
        runner: how it is called.
        head: the class head that was loaded with it; None without one.
        headless: why there is none, in words; empty with one.
        renamed: which prefix was taken off the names, in words; empty where none was.
        unused: tensors that took no part, and why that changes nothing: a line for each reason.
        lent: whether the network belongs to somebody else, who gets it back as it was.
        tokens_first: whether the blocks hand on ``[token, image, channel]``.
    """

    network: nn.Module
    blocks: Sequence[nn.Module]
    runner: Runner
    head: ClassHead | None
    headless: str
    renamed: str
    unused: tuple[str, ...]
    lent: bool = False
    tokens_first: bool = False
