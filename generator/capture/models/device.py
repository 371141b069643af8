"""Device and dtype of a model."""

from __future__ import annotations

import torch

from generator.errors import ModelError


def choose_device(name: str) -> torch.device:
    """The device of that name; ``auto`` takes CUDA, then MPS, then the CPU.

    Raises:
        ModelError: this machine has no such device.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    kind, _, index = name.partition(":")
    available = {
        "cpu": 1,
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
    }.get(kind, 0)
    if not (index or "0").isdecimal() or int(index or 0) >= available:
        raise ModelError(
            f"This machine has no device {name}, as torch {torch.__version__} sees it.",
            "Use --device auto or --device cpu.",
            usage=True,
        )
    return torch.device(name)


def choose_devices(names: str) -> tuple[torch.device, ...]:
    """The devices of several names with commas; ``auto`` takes every GPU that CUDA has.

    Raises:
        ModelError: this machine has no such device.
    """
    if names == "auto" and torch.cuda.device_count() > 1:
        return tuple(torch.device(f"cuda:{n}") for n in range(torch.cuda.device_count()))
    return tuple(choose_device(name) for name in names.split(","))


def torch_dtype(name: str) -> torch.dtype:
    """The dtype of that name."""
    return {
        "float32": torch.float32,
        "bfloat16": torch.bfloat16,
        "float16": torch.float16,
    }[name]
