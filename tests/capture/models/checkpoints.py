"""Checkpoints that are edited in place, and how they are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from generator.capture.loaders.resolve import resolve_folder
from generator.capture.models.transformers_network import Built, build_network
from generator.errors import ModelError

Weights = dict[str, Tensor]
WIDTH = 32
"""Channels of the models."""


def edited(folder: Path, change: Callable[[Weights], Weights | None]) -> Path:
    """Change the weights of a folder in place."""
    weights = load_file(folder / "model.safetensors")
    changed = change(weights)
    save_file(weights if changed is None else changed, folder / "model.safetensors")
    return folder


def configured(folder: Path, **keys: object) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | keys))
    return folder


def built(folder: Path) -> Built:
    return build_network(resolve_folder(folder), torch.float32, "sdpa", blank=True)


def refusal(folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        built(folder)
    return str(caught.value)
