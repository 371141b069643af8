"""Whole builds of seeded models, as processes, and what comes after measuring."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from generator.present.files.kept import clear_kept
from tests.benchmarks import seeded
from tests.benchmarks.galleries import Gallery
from tests.benchmarks.parts import PARTS
from tests.benchmarks.processes import Usage, busy, module


@dataclass(frozen=True)
class Whole:
    """A build of pictures that were never measured.

    Attributes:
        usage: of the whole process, with one for pages on each core.
        parts: part -> seconds of the processor for each picture, in one process.
        pictures: how many.
    """

    usage: Usage
    parts: Mapping[str, float]
    pictures: int


def whole_build(folder: Path, size: str, pictures: int, resolution: int) -> Whole:
    """Build the gallery of a model with four registers twice: with all cores, and part by part."""
    checkpoint = seeded.checkpoint(folder / "model", size)
    shown = seeded.photographs(folder / "pictures", pictures)
    (folder / "all").mkdir()
    (folder / "one").mkdir()
    usage = Gallery(folder / "all", (checkpoint,), shown, resolution).build()
    alone = Gallery(folder / "one", (checkpoint,), shown, resolution)
    found = folder / "parts.json"
    module("parts", str(found), "build", *alone.options, "--jobs", "1", log=folder / "parts.log")
    seconds = json.loads(found.read_text())
    return Whole(usage, {part: seconds[part] / pictures for part in PARTS}, pictures)


@dataclass(frozen=True)
class Pages:
    """Pages from records of 24 x 16 heads on 37 x 37 patches, features and all analyses included.

    Attributes:
        cpu: seconds of the processor for each cell, one process, whole.
        speedup: time by the clock with one process over that with one on each core.
        halves: the same for two such processes at once, each with half of the pictures and a site
            of its own: what two cores of this machine give to programs that share nothing.
        loaded: ``cpu`` while five other processes work, over ``cpu``.
        peak_bytes: memory of the largest process.
        site: bytes for each cell.
        numbers: bytes of scripts with numbers for each cell.
        colored: bytes of pictures of maps for each cell.
    """

    cpu: float
    speedup: float
    halves: float
    loaded: float
    peak_bytes: int
    site: float
    numbers: float
    colored: float


def pages(folder: Path, pictures: int, *, registers: int, resolution: int, load: bool) -> Pages:
    """Build pages of one DINOv2-L from its records.

    Args:
        load: measure with one process on each core and beside other work, too.
    """
    checkpoint = seeded.checkpoint(folder / "model", "L", registers)
    shown = seeded.photographs(folder / "pictures", pictures)

    def filled(folder: Path, pictures: Path) -> tuple[Gallery, int]:
        gallery = Gallery(folder, (checkpoint,), pictures, resolution, patch_queries="off")
        return gallery, gallery.fill()

    gallery, cells = filled(folder, shown)

    def fresh(*more: str) -> Usage:
        shutil.rmtree(gallery.site, ignore_errors=True)
        clear_kept(gallery.folder / "store")  # numbers of the build before
        return gallery.build("--records-only", *more)

    def at_once() -> float:
        """Seconds by the clock of two builds at once, with half of the pictures each."""
        half = seeded.photographs(folder / "half", pictures // 2)
        folders = [folder / "half-0", folder / "half-1"]
        for own in folders:
            own.mkdir()
        two = [filled(own, half)[0] for own in folders]
        with ThreadPoolExecutor() as both:
            usages = both.map(lambda one: one.build("--records-only", "--jobs", "1"), two)
            return max(usage.wall for usage in usages)

    one = fresh("--jobs", "1")
    many = fresh("--jobs", "auto") if load else one
    halves = at_once() if load else one.wall
    with busy(5 if load else 0):
        loaded = fresh("--jobs", "1") if load else one
    sizes = {path: path.stat().st_size for path in gallery.site.rglob("*") if path.is_file()}
    data = {path: size for path, size in sizes.items() if path.parent != gallery.site}
    scripts = sum(size for path, size in data.items() if path.suffix == ".js" and _of_cell(path))
    drawn = sum(size for path, size in data.items() if path.suffix == ".png" and _of_cell(path))
    return Pages(
        cpu=one.cpu / cells,
        speedup=one.wall / many.wall,
        halves=one.wall / halves,
        loaded=loaded.cpu / one.cpu,
        peak_bytes=one.peak_bytes,
        site=sum(sizes.values()) / cells,
        numbers=scripts / cells,
        colored=drawn / cells,
    )


@dataclass(frozen=True)
class Rebuilds:
    """A gallery of small records that grows.

    Attributes:
        first: processor seconds for each of 400 cells, built at once.
        one_more: seconds of the processor for a gallery of 400 pictures with one more.
        unchanged: seconds of the processor for 1,000 pictures, none of them new.
    """

    first: float
    one_more: float
    unchanged: float


def rebuilds(folder: Path, few: int = 400, many: int = 1000) -> Rebuilds:
    """Build a gallery of one small model on 16 x 16 patches, then with more pictures."""
    gallery = Gallery(
        folder,
        (seeded.checkpoint(folder / "model", "S"),),
        folder / "pictures",
        resolution=224,
        patch_queries="off",
    )
    seconds = []
    for pictures in (few, few + 1, many, many):
        seeded.photographs(folder / "pictures", pictures, (320, 240))
        gallery.fill()
        seconds.append(gallery.build("--records-only").cpu)
    return Rebuilds(seconds[0] / few, seconds[1], seconds[3])


def planning(folder: Path, pictures: int) -> Usage:
    """Plan a gallery of photographs of 12 megapixels."""
    folder.mkdir(parents=True)
    checkpoint = seeded.checkpoint(folder / "model", "S")
    shown = seeded.photographs(folder / "pictures", pictures, (4032, 3024))
    return Gallery(folder, (checkpoint,), shown, 224).dry_run()


def _of_cell(path: Path) -> bool:
    return "data" in path.parts
