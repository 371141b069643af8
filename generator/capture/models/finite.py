"""A check that weights are numbers."""

from __future__ import annotations

import math

from torch import nn

from generator.errors import ModelError


def expect_finite(network: nn.Module, model: str, *, in_memory: bool) -> None:
    """Check that no parameter holds NaN or infinity.

    Args:
        model: named in errors.
        in_memory: whether it is a module of the user's, which has no other revision.

    Raises:
        ModelError: one does.
    """
    for name, parameter in network.named_parameters():
        if not parameter.is_meta and not math.isfinite(parameter.detach().float().sum().item()):
            raise ModelError(
                f"The weights of {model} hold NaN or infinity, in {name} first.",
                "In a training, lower the learning rate or measure an earlier step."
                if in_memory
                else "Use another revision of the checkpoint, or float32 if it was converted.",
            )
