"""The residual stream handed to a function layer by layer, for what needs more than its norms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


@contextmanager
def streams(blocks: Sequence[nn.Module], read: Callable[[Tensor], None]) -> Iterator[None]:
    """A context in which forward passes show their residual stream, before the final LayerNorm.

    Args:
        blocks: the transformer blocks, first to last.
        read: called with the embedding, then with what leaves each block: ``[image, token,
            channel]``.
    """

    def before(module: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        read(args[0] if args else kwargs["hidden_states"])

    def after(module: nn.Module, inputs: Any, output: Any) -> None:
        read(output[0] if isinstance(output, tuple) else output)

    hooks = [blocks[0].register_forward_pre_hook(before, with_kwargs=True)]
    hooks += [block.register_forward_hook(after) for block in blocks]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
