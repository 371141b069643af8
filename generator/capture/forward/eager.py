"""Attention matrices of networks of transformers that make them and do not return them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from generator.capture.checkpoint.sequence import SequenceLayout
from generator.capture.forward.windows import Windows

FUNCTION = "eager_attention_forward"
"""What modules of transformers call their eager attention."""


@contextmanager
def made_matrices(network: nn.Module) -> Iterator[list[Tensor]]:
    """Context manager: a list of the matrices that a network makes, ``[image, head, query, key]``.

    Args:
        network: of transformers, loaded with its eager attention.
    """
    module, found = sys.modules[type(network).__module__], []
    own = getattr(module, FUNCTION)

    def noted(*args: Any, **options: Any) -> Any:
        result = own(*args, **options)
        found.append(result[1])
        return result

    setattr(module, FUNCTION, noted)
    try:
        yield found
    finally:
        setattr(module, FUNCTION, own)


def whole_matrices(made: Sequence[Tensor], tokens: int) -> tuple[Tensor, ...]:
    """One matrix for each layer: those of windows side by side, with 0 for all other tokens.

    Args:
        made: in the order in which they were made.
        tokens: length of the sequence.
    """
    layers, waiting = [], list[Tensor]()
    for weights in made:
        waiting.append(weights)
        if sum(each.shape[-1] for each in waiting) < tokens:
            continue
        whole = weights.new_zeros(*weights.shape[:2], tokens, tokens)
        first = 0
        for each in waiting:
            last = first + each.shape[-1]
            whole[..., first:last, first:last] = each
            first = last
        layers.append(whole)
        waiting.clear()
    return tuple(layers)


def pictures(made: Sequence[Tensor], layout: SequenceLayout, heads: int) -> tuple[Tensor, ...]:
    """Matrices of one picture, ``[1, head, query, key]``, with 0 outside of windows.

    Args:
        made: for each layer, with the windows, and maybe the heads, on the first axis.
        layout: of the picture.
        heads: of each layer.
    """
    windows, found = Windows(layout), []
    for weights in made:
        apart = weights.reshape(-1, heads, *weights.shape[-2:])
        inside = windows.hold(len(apart), apart.shape[-1], 1)
        found.append(windows.whole(apart) if inside else apart)
    return tuple(found)
