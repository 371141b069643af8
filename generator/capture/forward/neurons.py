"""Neurons moved to a test-time register (Jiang 2025), while a network runs.

The activation of register neurons, after the non-linearity, goes to one more token instead of the
patches. Each neuron is moved by itself; the authors' code gives one value to all chosen neurons of
a block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from generator.capture.forward.hooks import Hooked
from generator.errors import CaptureError
from generator.records.extras import Intervened
from generator.records.record import TokenLayout


class MovedNeurons(Hooked):
    """A context in which a forward pass has a test-time register.

    Args:
        blocks: the transformer blocks, first to last.
        register: its neurons.
        layout: of the sequence with the register, which is the last of the prefix.
    """

    def __init__(
        self, blocks: Sequence[nn.Module], register: Intervened, layout: TokenLayout
    ) -> None:
        super().__init__()
        self._blocks = blocks
        self._layout = layout
        self._at = layout.token(register.token)
        self._neurons: dict[int, list[int]] = {}
        for found in register.neurons:
            self._neurons.setdefault(found.layer, []).append(found.neuron)

    def hang(self) -> Iterator[RemovableHandle]:
        """Add the token in front of the first block, and move neurons in each MLP that has some."""
        # In front of all other hooks, which see the token from the first block on.
        yield self._blocks[0].register_forward_pre_hook(
            self._insert, prepend=True, with_kwargs=True
        )
        for layer, neurons in self._neurons.items():
            hook = self._moving(torch.tensor(sorted(neurons)))
            yield mlp_output(self._blocks[layer]).register_forward_pre_hook(hook)

    def _insert(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Put zeros into the sequence; position embeddings are in it already."""
        stream: Tensor = args[0] if args else kwargs["hidden_states"]
        zeros = torch.zeros_like(stream[:, :1])
        longer = torch.cat([stream[:, : self._at], zeros, stream[:, self._at :]], dim=1)
        if args:
            return (longer, *args[1:]), kwargs
        return args, {**kwargs, "hidden_states": longer}

    def _moving(self, neurons: Tensor) -> Any:
        patches, at = self._layout.patch_slice, self._at

        def move(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
            hidden = args[0].clone()
            index = neurons.to(hidden.device)
            # The register's own activation counts: once earlier neurons have moved, it is the
            # register that excites later ones, no longer a patch.
            active = hidden[..., index]
            largest = active.abs().argmax(1, keepdim=True)
            hidden[:, at, index] = active.gather(1, largest)[:, 0]
            hidden[:, patches] = hidden[:, patches].index_fill(-1, index, 0.0)
            return (hidden, *args[1:])

        return move


def mlp_output(block: nn.Module) -> nn.Linear:
    """The layer that reads an MLP's hidden activations: a block's last linear layer.

    Raises:
        CaptureError: the block has none.
    """
    linear = [module for module in block.modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise CaptureError(
            "The blocks have no linear layers, so no neurons can be moved.",
            "Leave test_time_registers out for this model.",
        )
    return linear[-1]
