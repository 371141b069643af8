"""Adapters in a folder, and those without weights of their own, which change another checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from generator.capture.checkpoint.adapters import Adapter, read_adapter
from generator.capture.checkpoint.processors import PREPROCESSOR, PROCESSOR, Processor
from generator.capture.checkpoint.resolved import ResolvedModel
from generator.capture.checkpoint.weight_files import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    expect_no_pointer,
    read_json,
    there,
)
from generator.errors import ModelError


@dataclass(frozen=True, slots=True)
class LoneAdapter:
    """An adapter without weights of its own: a change of another checkpoint.

    Attributes:
        folder: of its files.
        name: as the user gave it.
        preprocessing: what it declares itself, given its checkpoint, whose preprocessing counts
            where it declares none.
        commit: on the hub; empty for a folder.
        revision: on the hub, as asked for.
    """

    adapter: Adapter
    folder: Path
    name: str
    preprocessing: Callable[[ResolvedModel], Processor]
    commit: str = ""
    revision: str = ""


def adapter_in(folder: Path, name: str) -> Adapter | None:
    """The adapter in a folder; None without one.

    Raises:
        ModelError: it cannot be applied.
    """
    if not there(folder / ADAPTER_CONFIG):
        if there(folder / ADAPTER_WEIGHTS):
            raise ModelError(
                f"{name} has {ADAPTER_WEIGHTS} without {ADAPTER_CONFIG}.",
                "Copy the adapter again, with its config, or take its weights out of the folder.",
            )
        return None
    adapter = read_adapter(read_json(folder / ADAPTER_CONFIG, name), name)
    if not there(folder / ADAPTER_WEIGHTS):
        raise ModelError(
            f"{name} has {ADAPTER_CONFIG} without {ADAPTER_WEIGHTS}.",
            "Save the adapter with save_pretrained(), which writes safetensors.",
        )
    expect_no_pointer(folder / ADAPTER_WEIGHTS, name)
    return adapter


def own_preprocessing(folder: Path, name: str, base: ResolvedModel) -> Processor:
    """What the files beside an adapter declare."""
    read = partial(read_own, folder, name)
    return base.loader.preprocessing(base.config, read, base.vision, name)


def read_own(folder: Path, model: str, file: str) -> Mapping[str, Any] | None:
    """A small file of a checkpoint, parsed; None where there is none."""
    return read_json(folder / file, model) if there(folder / file) else None


def small_files(folder: Path) -> list[Path]:
    """Files of a checkpoint that decide the numbers and are not its weights."""
    names = ("config.json", PROCESSOR, PREPROCESSOR, ADAPTER_CONFIG, ADAPTER_WEIGHTS)
    return [folder / name for name in names if there(folder / name)]
