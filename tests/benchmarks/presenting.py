"""Cost of everything after measuring: pages, rebuilds, start-up, and bytes of the site."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors import safe_open

from generator.present.site.write import build_site
from generator.records.extras import DEFAULT_EXTRAS
from generator.records.file import assemble, pack_record, read_header
from generator.records.record import AttentionRecord
from generator.records.run import Cell, ImageEntry, ModelEntry, Run
from tests.benchmarks.processes import module


@cache
def large_record() -> AttentionRecord:
    """24 x 16 heads on 37 x 37 patches, with features and outliers: a seeded DINOv2-L on noise."""
    from tests.benchmarks import measuring

    model = measuring.dinov2_large()
    return next(measuring.records(model, 518, DEFAULT_EXTRAS, 1))


@cache
def small_record() -> AttentionRecord:
    """12 x 6 heads on 16 x 16 patches, with four registers: a seeded DINOv2-S on noise."""
    from tests.benchmarks import measuring

    return next(measuring.records(measuring.dinov2("S", 4), 224, DEFAULT_EXTRAS, 1))


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


@dataclass(frozen=True)
class Scale:
    """A site of very many cells.

    Attributes:
        cpu: seconds of the processor for each cell.
        peak_bytes: memory of the largest process.
        files: files for each cell.
        bytes: size of the site for each cell.
    """

    cpu: float
    peak_bytes: int
    files: float
    bytes: float


def scale(folder: Path, cells: int, models: int = 10) -> Scale:
    """Build a site of ten small models in a process of its own, from records in memory."""
    folder.mkdir(parents=True)
    template = folder / "record.safetensors"
    template.write_bytes(pack_record(small_record()))
    usage = module(
        "presenting", str(folder), str(models), str(cells // models), log=folder / "build.log"
    )
    files = [file for file in (folder / "site").rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    return Scale(usage.cpu / cells, usage.peak_bytes, len(files) / cells, size / cells)


@dataclass(frozen=True)
class Copies:
    """Gives the same record for every key. It can be sent to workers.

    Attributes:
        path: file of the record.
    """

    path: Path

    def __call__(self, key: str) -> AttentionRecord:
        """A copy of the record."""
        return replace(_record_of(self.path), key=key)


@cache
def _record_of(path: Path) -> AttentionRecord:
    with safe_open(path, framework="numpy") as file:
        header, _ = read_header(file, "0" * 64)
        return assemble(header, {name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118


def help_seconds() -> float:
    """``attention-gallery --help`` in a fresh process, the best of five."""
    command = [sys.executable, "-m", "generator", "--help"]
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Build a site: folder, number of models, number of images."""
    folder, models, images = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    run = synthetic_run(folder, models, images)
    read = Copies(folder / "record.safetensors")
    build_site(run, read, folder / "site", version="benchmark", jobs=None, kept=folder / "kept")


if __name__ == "__main__":
    main()
