"""Batches: what runs together, and what happens when memory runs out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from generator.capture.extract import Broken, extract
from tests.capture.ready import measured, prepared, ready, same


@pytest.mark.parametrize("name", ["dinov2 with registers", "siglip 2", "mae", "beit"])
def test_batch_of_three_equals_three_batches_of_one(
    saved: Callable[[str], Path], name: str
) -> None:
    model = ready(saved(name))
    items = [prepared(model, seed) for seed in range(3)]
    together = measured(model, *items)
    for item, record in zip(items, together, strict=True):
        same(record, measured(model, item)[0])
    assert not np.allclose(together[0].attention, together[1].attention) or name == "siglip 2"


class Small:
    """A context in which a network has room for so many pictures only."""

    def __init__(self, network: nn.Module, room: int) -> None:
        self.room = room
        self.ran: list[int] = []
        self._hook = network.register_forward_pre_hook(self._check, with_kwargs=True)

    def _check(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        pictures = len(kwargs["pixel_values"])
        if pictures > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB.")
        self.ran.append(pictures)

    def __enter__(self) -> Small:
        return self

    def __exit__(self, *error: object) -> None:
        self._hook.remove()


def test_out_of_memory_halves_the_batch_and_goes_on(
    saved: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    model = ready(saved("dinov2"))
    items = [prepared(model, seed) for seed in range(5)]
    whole = measured(model, *items)
    with Small(model.network, 2) as memory, caplog.at_level(logging.WARNING):
        split = measured(model, *items)
    assert memory.ran == [2, 1, 2]
    for one, other in zip(split, whole, strict=True):
        same(one, other)
    assert caplog.messages == [
        "Out of memory with a batch of 5; going on with 2.",
        "Out of memory with a batch of 3; going on with 1.",
    ]


def test_out_of_memory_on_one_picture(saved: Callable[[str], Path]) -> None:
    model = ready(saved("dinov2"))
    item = prepared(model, 4)
    with Small(model.network, 0):
        (broken,) = extract(model, [item])
    assert isinstance(broken, Broken) and broken.key == item.key
    assert str(broken.error) == (
        "dinov2 runs out of memory on noise-4.png alone, at 144 x 96 px. "
        "Lower --resolution, or use --patch-queries off or --dtype bfloat16."
    )


def test_other_runtime_errors_are_not_taken_for_lack_of_memory(
    saved: Callable[[str], Path],
) -> None:
    model = ready(saved("dinov2"))
    item = prepared(model)
    with pytest.raises((RuntimeError, ValueError), match="channel"):
        measured(model, replace(item, pixels=item.pixels[:2]))
