"""The tensors of an original checkpoint, read without running what a pickle may ask for."""

from __future__ import annotations

import argparse
import pickle
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from generator.capture.checkpoint.weight_files import readable
from generator.capture.models.tensors import StoredTensor, Tensors, read_tensors
from generator.errors import ModelError, first_line

DEEPEST = 6
"""Dictionaries within dictionaries that are looked through."""

_HARMLESS = (argparse.Namespace,)
"""Beside tensors and plain values: what training scripts keep their options in. It runs nothing."""


class HeldTensor:
    """A tensor in memory, or a part of it, as the files of safetensors give theirs."""

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor

    def get_shape(self) -> list[int]:
        """Its shape."""
        return list(self._tensor.shape)

    def __getitem__(self, index: Any) -> Tensor:
        return self._tensor[index]


def read_state_dict(file: Path, model: str) -> Tensors:
    """All tensors of a file, by name; names of dictionaries around them stand in front.

    Args:
        file: safetensors, or what ``torch.save`` writes.
        model: named in errors.

    Raises:
        ModelError: it cannot be read, or only by running code.
    """
    with readable(file, model):
        if file.suffix == ".safetensors":
            try:
                return read_tensors([file], model, blank=False)
            except SafetensorError as error:
                raise _damaged(file, error) from error
        with torch.serialization.safe_globals(list(_HARMLESS)):
            content = _loaded(file)
    found = {
        name: StoredTensor(HeldTensor(tensor), blank=False) for name, tensor in _tensors(content)
    }
    if not found:
        raise ModelError(
            f"{file.name} holds no tensors.", "Name a file with the weights of a model."
        )
    return found


def _loaded(file: Path) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters is an error
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        if named is None:
            raise _damaged(file, error) from error
        raise ModelError(
            f"{file.name} cannot be read without running code: it asks for {named[1]}.",
            "If you trust it, save its weights alone with Python: "
            f'torch.save(torch.load("{file.name}", weights_only=False)["model"], "weights.pth"), '
            "with the key that holds them.",
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError) as error:
        if "TorchScript" in str(error):
            raise ModelError(
                f"{file.name} is a TorchScript archive, which holds code.",
                "If you trust it, save its weights alone with Python: "
                f'torch.save(torch.jit.load("{file.name}").state_dict(), "weights.pth").',
            ) from error
        raise _damaged(file, error) from error


def _damaged(file: Path, error: Exception) -> ModelError:
    return ModelError(
        f"{file.name} is damaged or no file of weights: {first_line(error).rstrip('.')}.",
        "Copy or download it again.",
    )


def _tensors(content: object, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Tensor]]:
    if isinstance(content, Tensor):
        yield prefix.removesuffix("."), content
    elif isinstance(content, Mapping) and depth < DEEPEST:
        for key, value in content.items():
            yield from _tensors(value, f"{prefix}{key}.", depth + 1)
