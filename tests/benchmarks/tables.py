"""The lines of each part of the table."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from generator.records.extras import DEFAULT_EXTRAS
from tests.benchmarks import browsing, cluster, device, measuring, presenting, turning, whole
from tests.benchmarks.parts import PARTS


@dataclass(frozen=True)
class Choice:
    """What the command line chose.

    Attributes:
        folder: an empty one, removed afterwards.
        quick: 224 px and few pictures.
        rounds: how often to measure what takes turns.
        cells: sizes of the sites of ``scale``.
        device: of the part of this name.
    """

    folder: Path
    quick: bool
    rounds: int
    cells: tuple[int, ...]
    device: str

    @property
    def side(self) -> int:
        """Side of the models' input in pixels."""
        return 224 if self.quick else 518


@dataclass(frozen=True)
class Line:
    """One line of the table: what, how much, and what was hoped for."""

    name: str
    value: float
    unit: str
    goal: str = ""

    def __str__(self) -> str:
        value = f"{self.value:.2f}" if self.value < 100 else f"{self.value:,.0f}"
        return f"| {self.name} | {value} {self.unit} | {self.goal} |"


def whole_lines(choice: Choice) -> Iterator[Line]:
    """Builds of a DINOv2-B and a DINOv2-L with registers, over their forward passes, in parts."""
    side = choice.side
    for size, pictures, goal in (("B", 16, "<= 1.6"), ("L", 8, "<= 1.35")):
        count = 4 if choice.quick else pictures
        model = measuring.dinov2(size, registers=4)
        run = {"bare": partial(measuring.bare, model, side)}
        bare = min(measuring.taking_turns(run, choice.rounds, time.process_time)["bare"])
        del model
        folder = choice.folder / f"whole-{size}"
        folder.mkdir()
        found = whole.whole_build(folder, size, count, side)
        cpu = found.usage.cpu / count
        what = f"DINOv2-{size} with registers at {side} px, {count} pictures"
        yield Line(f"{what}: forward pass alone", bare, "CPU s a picture")
        yield Line(f"{what}: whole build", cpu, "CPU s a picture")
        yield Line(f"{what}: whole build", cpu / bare, "x forward pass", goal)
        yield Line(f"{what}: whole build, by the clock", found.usage.wall / count, "s a picture")
        yield Line(f"{what}: peak memory", found.usage.peak_bytes / 1e9, "GB")
        for part in PARTS:
            yield Line(f"of it: {part}", found.parts[part], "CPU s a picture")


def measuring_lines(choice: Choice) -> Iterator[Line]:
    """Time of measuring over a bare forward pass, memory, and the tutorial's way."""
    side = choice.side
    for size, goal in (("B", "<= 1.35"), ("L", "<= 1.25")):
        model = measuring.dinov2(size)
        run = {
            "bare": partial(measuring.bare, model, side),
            "rows": partial(measuring.rows_only, model, side),
            "record": partial(measuring.record, model, side),
        }
        seconds = measuring.taking_turns(run, choice.rounds, time.process_time)
        what = f"measuring DINOv2-{size} at {side} px"
        rows = measuring.ratio(seconds, "rows", "bare")
        value = measuring.ratio(seconds, "record", "bare")
        yield Line(f"{what}, rows of the prefix tokens only", rows, "x forward pass", "<= 1.05")
        yield Line(f"{what}, everything", value, "x forward pass", "" if choice.quick else goal)
        ours = min(seconds["record"])
        del model, run
    base = measuring.peak_bytes("bare", side)
    memory = {"record": "<= 0.40", "eager": ""}
    for name, goal in memory.items():
        words = "everything" if name == "record" else "eager attention, all matrices"
        peak = (measuring.peak_bytes(name, side) - base) / 1e9
        yield Line(f"DINOv2-L, peak memory above the forward pass, {words}", peak, "GB", goal)
    eager = measuring.dinov2_large("eager")
    tutorial = {"tutorial": partial(measuring.tutorial, eager, side, choice.folder)}
    took = min(measuring.taking_turns(tutorial, 1, time.process_time)["tutorial"])
    words = "the tutorial's way: eager, one 4 x 4 figure a layer"
    yield Line(f"{words}, DINOv2-L at {side} px", took / ours, "x measuring")


def pages_lines(choice: Choice) -> Iterator[Line]:
    """Pages from records of a DINOv2-L, and what they weigh."""
    pictures = 4 if choice.quick else 32
    grid = choice.side // 14
    what = f"pages of 24 x 16 heads at {grid} x {grid}, {pictures} pictures"
    choice.folder.joinpath("cls").mkdir()
    plain = whole.pages(
        choice.folder / "cls", pictures, registers=0, resolution=choice.side, load=True
    )
    yield Line(what, plain.cpu, "CPU s a cell", "<= 0.40")
    yield Line(f"{what}, beside five busy processes", plain.loaded, "x that", "<= 1.5")
    yield Line(f"{what}, on all cores", plain.speedup, "x as fast", ">= 1.8")
    yield Line(f"{what}, two builds of half of them at once", plain.halves, "x as fast")
    yield Line(f"{what}, memory of the largest process", plain.peak_bytes / 1e9, "GB")
    choice.folder.joinpath("registers").mkdir()
    registers = whole.pages(
        choice.folder / "registers", 4, registers=4, resolution=choice.side, load=False
    )
    for name, found, goal in (
        ("CLS", plain, "<= 500"),
        ("CLS and four registers", registers, "<= 1200"),
    ):
        words = f"site for each cell, {name}"
        yield Line(f"{words}: everything", found.site / 1e3, "kB", goal)
        yield Line(f"{words}: scripts with numbers", found.numbers / 1e3, "kB")
        yield Line(f"{words}: pictures of maps", found.colored / 1e3, "kB")


def rebuild_lines(choice: Choice) -> Iterator[Line]:
    """What waits again and again: rebuilds, plans, start-up."""
    few, many = (20, 50) if choice.quick else (400, 1000)
    choice.folder.joinpath("growing").mkdir()
    found = whole.rebuilds(choice.folder / "growing", few, many)
    yield Line(f"first build of {few} records of a small model", found.first, "CPU s a cell")
    yield Line(f"one more picture in {few}", found.one_more, "CPU s", "<= 1 and its cell")
    yield Line(f"rebuild of {many:,} records, nothing changed", found.unchanged, "CPU s", "<= 3")
    pictures = 30 if choice.quick else 300
    plan = whole.planning(choice.folder / "plan", pictures)
    goal = f"<= {60 * pictures / 3000:g}"
    yield Line(f"plan of {pictures} photographs of 12 megapixels", plan.wall, "s", goal)
    yield Line("attention-gallery --help", presenting.help_seconds(), "s", "<= 0.30")


def extras_lines(choice: Choice) -> Iterator[Line]:
    """What each part beside attention adds, over the forward pass: a DINOv2-B, one thread."""
    side, model, threads = choice.side, measuring.dinov2_base(), torch.get_num_threads()
    torch.set_num_threads(1)
    run = {
        "bare": partial(measuring.bare, model, side),
        "no extras": partial(measuring.record, model, side, ()),
        "default extras": partial(measuring.record, model, side),
    } | {name: partial(measuring.record, model, side, (name,)) for name in DEFAULT_EXTRAS}
    seconds = measuring.taking_turns(run, choice.rounds, time.process_time)
    base = measuring.fastest_ratio(seconds, "no extras", "bare")
    for name in run:
        value = measuring.fastest_ratio(seconds, name, "bare")
        if name in DEFAULT_EXTRAS:
            words = f"DINOv2-B at {side} px, {name} add"
            yield Line(words, value - base, "x forward pass", "<= 0.25")
        elif name != "bare":
            yield Line(f"DINOv2-B at {side} px, {name}", value, "x forward pass")
    yield from _head_lines(choice)
    torch.set_num_threads(threads)


def _head_lines(choice: Choice) -> Iterator[Line]:
    """Relevance and the logit lens: a DINOv2-B with a class head, one thread.

    Each takes a pass of its own, that of relevance with gradients, and memory for the attention of
    all layers.
    """
    side, model = choice.side, measuring.dinov2_base_classifier()
    parts = {"relevance": measuring.relevance_record, "lens": measuring.lens_record}
    run = {
        "bare": partial(measuring.bare, model, side),
        "plain": partial(measuring.plain_record, model, side),
    } | {name: partial(part, model, side) for name, part in parts.items()}
    seconds = measuring.taking_turns(run, choice.rounds, time.process_time)
    base = measuring.fastest_ratio(seconds, "plain", "bare")
    peak = measuring.peak_bytes("bare classifier", side)
    for name in parts:
        words = f"DINOv2-B with a class head at {side} px"
        added = measuring.fastest_ratio(seconds, name, "bare") - base
        yield Line(f"{words}, {name} adds", added, "x forward pass")
        memory = (measuring.peak_bytes(name, side) - peak) / 1e9
        yield Line(f"{words}, peak memory above the forward pass, {name}", memory, "GB")


def browsing_lines(choice: Choice) -> Iterator[Line]:
    """Image pages of few and of many models, and a gallery of very many images."""
    rounds, folder = choice.rounds, choice.folder
    for models, goals in ((4, ("<= 300", "<= 1", "<= 50")), (10, ("<= 500", "", ""))):
        found = browsing.image_page(folder / f"page-{models}", models, rounds)
        what = f"a page of {models} models, 24 x 16 heads, 37 x 37"
        yield Line(f"{what}: first paint", found.paint_bytes / 1e3, "kB", goals[0])
        yield Line(f"{what}: the same, compressed", found.paint_wire_bytes / 1e3, "kB")
        yield Line(f"{what}: all maps", found.map_bytes / 1e6, "MB")
        yield Line(f"{what}: first map", found.first_map, "s", goals[1])
        yield Line(f"{what}: another layer", found.layer_change * 1e3, "ms", goals[2])
    single = turning.turning(folder / "single", 4, 4 if choice.quick else 15, rounds)
    what = "a single file of 15 images x 4 models"
    yield Line(f"{what}: size", single.file_bytes / 1e6, "MB")
    yield Line(f"{what}: opened", single.opened, "s")
    yield Line(f"{what}: a page turned", single.turned * 1e3, "ms", "<= 300")
    images = 200 if choice.quick else 1000
    gallery = browsing.many_images(folder / "images", images, 10, rounds)
    what = f"{images:,} images x 10 small models"
    yield Line(f"{what}: site", gallery.site_bytes / 1e6, "MB")
    yield Line(f"{what}: pages and numbers, by the clock", gallery.seconds, "s")
    yield Line(f"{what}: manifest", gallery.manifest_bytes / 1e6, "MB")
    yield Line(f"{what}: heaviest page, {gallery.heaviest}", gallery.heaviest_bytes / 1e3, "kB")
    yield Line(f"{what}: first paint of the index", gallery.paint_bytes / 1e3, "kB", "<= 300")
    yield Line(f"{what}: index ready", gallery.interactive, "s", "<= 1")
    yield Line(f"{what}: first search", gallery.first_search * 1e3, "ms", "<= 150")


def scale_lines(choice: Choice) -> Iterator[Line]:
    """Ten models of 12 x 6 heads at 16 x 16, on ever more pictures."""
    for cells in choice.cells:
        found = presenting.scale(choice.folder / f"cells-{cells}", cells)
        what = f"10 models, {cells:,} cells"
        yield Line(f"{what}: pages", found.cpu, "CPU s a cell")
        yield Line(f"{what}: memory of the largest process", found.peak_bytes / 1e9, "GB")
        yield Line(f"{what}: files", found.files, "a cell")
        yield Line(f"{what}: site", found.bytes / 1e3, "kB a cell")


def cluster_lines(choice: Choice) -> Iterator[Line]:
    """A build on Ray, over one in one process."""
    pictures = 6 if choice.quick else 32
    found = cluster.clustered(choice.folder, pictures, choice.side)
    what = f"DINOv2-S at {choice.side} px, {pictures} pictures"
    yield Line(f"{what}: one process of one thread, by the clock", found.plain, "s")
    halves, two = found.plain / found.halves, found.plain / found.two
    yield Line(f"{what}: two such processes, half of the pictures each", halves, "x as fast")
    yield Line(f"{what}: on a Ray node of one core", found.one / found.plain, "x that", "<= 1.10")
    yield Line(f"{what}: on two Ray nodes of one core", two, "x as fast", ">= 1.8")


def device_lines(choice: Choice) -> Iterator[Line]:
    """DINOv2 with registers on an accelerator."""
    name = choice.device
    if name.startswith("cuda") and not torch.cuda.is_available():
        print("| on a GPU | has not run: torch sees none on this machine | |")
        return
    card = torch.cuda.get_device_name(name) if name.startswith("cuda") else name
    sizes, sides = ("S",) if choice.quick else ("S", "B", "L", "g"), (224, 518, 1022)
    for size in sizes:
        for side in sides[:1] if choice.quick else sides:
            for dtype in ("float32", "bfloat16"):
                found = device.timed(choice.folder, size, side, dtype, name)
                what = f"{card}, DINOv2-{size} at {side} px, {dtype}"
                yield Line(what, found.cells, "cells a second")
                yield Line(f"{what}: measuring", found.ratio, "x forward pass")
                yield Line(f"{what}: peak memory", found.peak_bytes / 1e9, "GB")
                if not math.isnan(found.apart):
                    yield Line(f"{what}: largest difference from the CPU", found.apart, "x maximum")
