"""Measuring on an accelerator: cells a second, time over the forward pass, memory, agreement."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from generator.capture.models.load import LoadedModel
from generator.pipeline.build import planned_gallery
from generator.pipeline.measuring import measure_missing
from generator.progress import Silent
from generator.records.extras import DEFAULT_EXTRAS
from generator.records.record import AttentionRecord
from generator.records.store import Store
from generator.spec.gallery import GallerySpec, ModelSpec
from tests.benchmarks import measuring, seeded

BATCH_TOKENS = 32768
"""Tokens of a batch that is timed, at most 16 images."""

AGREE_AT = 224
"""Side in pixels at which numbers are compared with the CPU's."""


@dataclass(frozen=True)
class Timed:
    """One size, side and dtype.

    Attributes:
        ratio: measuring over the forward pass of the same batch.
        cells: cells a second, from pictures on disk to records in the store, loading left out.
        peak_bytes: of the device's memory, weights included; 0 on the CPU.
        apart: largest difference of an attention weight from the float32 record of the CPU, in
            times uniform over the largest; NaN where it was not compared.
    """

    ratio: float
    cells: float
    peak_bytes: int
    apart: float


def timed(folder: Path, size: str, side: int, dtype: str, device: str) -> Timed:
    """Measure a model with four registers on a device."""
    torch_type = {"float32": torch.float32, "bfloat16": torch.bfloat16}[dtype]
    plain = measuring.dinov2(size, registers=4)
    expected = _record(plain, AGREE_AT) if side == AGREE_AT else None
    model = _moved(plain, torch.device(device), torch_type)
    images = max(min(BATCH_TOKENS // model.layout(side, side).tokens, 16), 1)
    bare = _fastest(lambda: measuring.bare(model, side, images), device)
    whole = _fastest(lambda: measuring.record(model, side, images=images), device)
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()
        measuring.record(model, side, images=images)
        peak = torch.cuda.max_memory_allocated()
    else:
        peak = 0
    apart = _apart(_record(model, side), expected) if expected is not None else float("nan")
    return Timed(whole / bare, _cells_a_second(folder, size, side, dtype, device), peak, apart)


def _moved(model: LoadedModel, device: torch.device, dtype: torch.dtype) -> LoadedModel:
    model.network.to(device, dtype)
    return replace(model, device=device, dtype=dtype, roots={})


def _record(model: LoadedModel, side: int) -> AttentionRecord:
    return next(measuring.records(model, side, DEFAULT_EXTRAS, 1))


def _apart(found: AttentionRecord, expected: AttentionRecord) -> float:
    one, two = found.attention.astype(np.float64), expected.attention.astype(np.float64)
    return float(np.abs(one - two).max() / two.max())


def _fastest(work: Callable[[], None], device: str, rounds: int = 3) -> float:
    """Seconds of the fastest round, after one that is not counted."""
    seconds = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        work()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])


class _Clock(Silent):
    """Notes how long the pictures of a model take, without loading it."""

    seconds = 0.0

    @contextmanager
    def job(self, title: str, total: int, *, brief: bool = False) -> Iterator[Silent]:
        start = time.perf_counter()
        yield self
        self.seconds = time.perf_counter() - start


def _cells_a_second(folder: Path, size: str, side: int, dtype: str, device: str) -> float:
    """From files of pictures to records in the store."""
    checkpoint = folder / size
    if not checkpoint.exists():
        seeded.checkpoint(checkpoint, size)
    pictures = 4 if device == "cpu" else 64
    shown = seeded.photographs(folder / "pictures", pictures)
    spec = GallerySpec(
        models=(ModelSpec.model_validate({"id": str(checkpoint)}),),
        images=(shown,),
        out=folder / "site",
        store=folder / f"store-{size}-{side}-{dtype}",
        resolution=side,
        device=device,
        dtype=dtype,
    )
    store, clock = Store(spec.store), _Clock()
    failures = measure_missing(spec, planned_gallery(spec, store, Silent()), store, clock)
    assert not failures, failures
    return pictures / clock.seconds
