"""Norms of the residual stream at every block, read by hooks before the final LayerNorm.

Hidden states as transformers returns them are not used: some versions replace the last one by its
normalised form for some families, which hides exactly the outliers that are looked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor, nn

from generator.errors import CaptureError


def find_blocks(model: nn.Module, layers: int, *, name: str) -> Sequence[nn.Module]:
    """The transformer blocks: the heaviest ``ModuleList`` of the promised length.

    Args:
        model: what will run.
        layers: how many blocks the config promises.
        name: the model's id, for the error.

    Raises:
        CaptureError: there is no such list.
    """
    lists = [m for m in model.modules() if isinstance(m, nn.ModuleList) and len(m) == layers]
    if not lists:
        raise CaptureError(
            f"{name} has no list of {layers} blocks, which its config promises.",
            "Report the architecture: it is not laid out like a plain vision transformer.",
        )

    def weight(blocks: nn.ModuleList) -> int:
        return sum(parameter.numel() for parameter in blocks.parameters())

    return tuple(max(lists, key=weight))  # type: ignore[arg-type]


class ResidualNorms:
    """A context in which a forward pass leaves the norms of its residual stream behind.

    Args:
        blocks: the transformer blocks, first to last.

    Attributes:
        norms: float32 ``[image, token]``, one for the embedding and one after each block.
    """

    def __init__(self, blocks: Sequence[nn.Module]) -> None:
        self._blocks = blocks
        self._hooks: list[torch.utils.hooks.RemovableHandle] = []
        self.norms: list[Tensor] = []

    def __enter__(self) -> Self:
        first = self._blocks[0]
        self._hooks.append(first.register_forward_pre_hook(self._before, with_kwargs=True))
        self._hooks += [block.register_forward_hook(self._after) for block in self._blocks]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()

    def _before(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        self._keep(args[0] if args else kwargs["hidden_states"])

    def _after(self, module: nn.Module, inputs: Any, output: Any) -> None:
        self._keep(output[0] if isinstance(output, tuple) else output)

    def _keep(self, stream: Tensor) -> None:
        self.norms.append(torch.linalg.vector_norm(stream, dim=-1, dtype=torch.float32))
