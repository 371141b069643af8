"""Networks that belong to somebody else: run without a trace, and hashed as they are."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn

from generator.errors import ModelError


@contextmanager
def as_found(network: nn.Module) -> Iterator[None]:
    """Context manager: run a network in evaluation mode, uncompiled, and leave it as it was.

    Train or evaluation mode is restored module by module, and torch's random numbers go on as if
    nothing had run. Hooks are the business of those who hang them.
    """
    modes = [(module, module.training) for module in network.modules()]
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    forked = [device] if device.type == "cuda" else []
    compiled = "torch._dynamo" in sys.modules  # else nothing is, and importing it takes seconds
    uncompiled = torch.compiler.set_stance("force_eager") if compiled else nullcontext()
    with torch.random.fork_rng(devices=forked), uncompiled:
        try:
            for module, _ in modes:
                module.training = False
            yield
        finally:
            for module, training in modes:
                module.training = training


def place_of(network: nn.Module, model: str) -> tuple[torch.device, torch.dtype]:
    """Device and dtype of a network.

    Raises:
        ModelError: it has no floating-point parameters, is spread over devices, or has no numbers.
    """
    floats = [p for p in network.parameters() if p.is_floating_point()]
    if not floats:
        raise ModelError(f"{model} has no parameters in floating point.", "Load its weights first.")
    devices = {parameter.device for parameter in floats}
    if len(devices) > 1 or floats[0].is_meta:
        where = ", ".join(sorted(map(str, devices)))
        raise ModelError(
            f"{model} is on {where}; one device with all weights was expected.",
            "Move it with .to(device).",
        )
    return floats[0].device, floats[0].dtype


def state_hash(network: nn.Module, description: str, model: str) -> str:
    """sha256 over a description and the state dict: names, dtypes, shapes and bytes.

    Raises:
        ModelError: a tensor cannot be read, as in a network that is sharded over processes.
    """
    digest = hashlib.sha256(description.encode())
    held = {**dict(network.named_buffers()), **network.state_dict()}  # some buffers are not in it
    for name, value in sorted(held.items()):
        if not isinstance(value, Tensor):
            digest.update(json.dumps([name, repr(value)]).encode())
            continue
        try:
            data = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        except (RuntimeError, NotImplementedError, TypeError) as error:
            raise ModelError(
                f"The tensor {name} of {model} cannot be read ({type(value).__name__}).",
                "Gather the weights in one process first.",
            ) from error
        digest.update(json.dumps([name, str(value.dtype), list(value.shape)]).encode())
        digest.update(data.data)
    return digest.hexdigest()


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
