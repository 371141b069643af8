"""Cost of everything after measuring: pages, rebuilds, start-up, and bytes of the site."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from generator.present.site.write import build_site
from generator.records.record import AttentionRecord, TokenLayout
from generator.records.run import Cell, ImageEntry, ModelEntry, Run
from tests import tiny


@dataclass(frozen=True)
class Built:
    """What a first build of a synthetic site took.

    Attributes:
        seconds_per_cell: wall time over model x image cells.
        data_bytes_per_cell: numbers that the page loads, for one query.
        colored_bytes_per_cell: rendered walls for readers without JavaScript.
        site_bytes: all of it.
        cells: how many.
    """

    seconds_per_cell: float
    data_bytes_per_cell: float
    colored_bytes_per_cell: float
    site_bytes: int
    cells: int


@cache
def large_record() -> AttentionRecord:
    """24 x 16 heads on 37 x 37 patches: smooth blobs, noise, and a few outlier patches."""
    rng = np.random.default_rng(0)
    layout = TokenLayout(("CLS",), 37, 37)
    layers, heads, tokens = 24, 16, layout.tokens
    row, col = np.divmod(np.arange(layout.patches), layout.cols)
    center = rng.uniform(5, 32, size=(layers, heads, 2, 1))
    blob = -((row - center[:, :, 0]) ** 2 + (col - center[:, :, 1]) ** 2) / 120
    logits = np.concatenate(
        [np.full((layers, heads, 1), 1.0), blob + rng.normal(scale=0.6, size=blob.shape)], axis=-1
    )
    logits[..., rng.integers(1, tokens, 6)] += 3
    rows = np.exp(logits)
    rows /= rows.sum(-1, keepdims=True)
    small = tiny.record(tiny.layout(rows=2, cols=2), layers=layers, heads=heads)
    mass = np.zeros((layers, heads, 2, 2), np.float32)
    mass[..., 0], mass[..., 1] = rows[..., :1], rows[..., 1:].sum(-1, keepdims=True)
    return replace(
        small,
        layout=layout,
        view=replace(small.view, input_width=518, input_height=518, right=64, bottom=64),
        attention=(rows * tokens)[None].astype(np.float16),
        received=(rows * tokens).astype(np.float16),
        mass=mass,
        norms=rng.uniform(1, 20, size=(layers + 1, tokens)).astype(np.float32),
        rollout=rows.mean(1).astype(np.float32),
        rollout_cosine=np.full(layers, 0.5, dtype=np.float32),
    )


def pictures(folder: Path, count: int) -> tuple[ImageEntry, ...]:
    """Seeded photographs of 640 x 480 pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for number in range(count):
        coarse = np.random.default_rng(number).integers(0, 256, (12, 16, 3), dtype=np.uint8)
        path = folder / f"picture-{number}.jpg"
        Image.fromarray(coarse).resize((640, 480), Image.Resampling.BICUBIC).save(path)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        entries.append(ImageEntry(path.stem, path.name, path, sha256, 640, 480, title=path.stem))
    return tuple(entries)


def synthetic_run(folder: Path, models: int, images: int) -> Run:
    """A run of that many cells, all with records."""
    entries = tuple(
        ModelEntry(f"model-{n}", f"model {n}", f"seeded/model-{n}", "main", "c" * 40)
        for n in range(models)
    )
    shown = pictures(folder / "pictures", images)
    cells = tuple(
        Cell(model.slug, image.slug, record=_key(model, image))
        for image in shown
        for model in entries
    )
    return Run("Benchmark", "", "benchmark", "square", entries, shown, cells)


def _key(model: ModelEntry, image: ImageEntry) -> str:
    return hashlib.sha256(f"{model.slug} {image.slug}".encode()).hexdigest()


def first_build(folder: Path, models: int = 2, images: int = 4) -> Built:
    """Build a site of 24 x 16 heads on 37 x 37 patches from records in memory."""
    run, record = synthetic_run(folder, models, images), large_record()
    out = folder / "site"
    start = time.perf_counter()
    build_site(run, lambda key: replace(record, key=key), out, version="benchmark")
    seconds = time.perf_counter() - start
    cells = len(run.cells)
    data = sum(_sizes(out / "data", ".js"))
    everything = sum(_sizes(out, ""))
    colored = sum(_sizes(out / "data", ".png")) + sum(_sizes(out / "i", ".png"))
    return Built(seconds / cells, data / cells, colored / cells, everything, cells)


def _sizes(folder: Path, ending: str) -> Iterator[int]:
    return (f.stat().st_size for f in folder.rglob(f"*{ending}") if f.is_file())


def rebuild_seconds(folder: Path, models: int = 4, images: int = 50) -> float:
    """A rebuild of 200 small records that changes nothing."""
    run = synthetic_run(folder, models, images)
    record = tiny.record(tiny.layout(rows=14, cols=14), layers=12, heads=6)
    out = folder / "site"

    def read(key: str) -> AttentionRecord:
        return replace(record, key=key)

    build_site(run, read, out, version="benchmark")
    start = time.perf_counter()
    build_site(run, read, out, version="benchmark")
    return time.perf_counter() - start


def help_seconds() -> float:
    """``attention-gallery --help`` in a fresh process, the best of five."""
    command = [sys.executable, "-m", "generator", "--help"]
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return min(times)
