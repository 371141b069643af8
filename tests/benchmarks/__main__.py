"""``python -m tests.benchmarks``: print a table, write ``benchmarks.json``.

Everything that is compared is measured in one run. On a busy machine trust the ratios, not the
seconds. ``--quick`` leaves out 518 px and the peak memory of eager attention, and builds a smaller
gallery where there should be 1,000 images. ``--only`` runs one part alone; several may be named:

- ``measuring``: a DINOv2-L over a bare forward pass, its peak memory, and the tutorial's way;
- ``extras``: what each part beside attention adds, relevance and the logit lens among them;
- ``presenting``: pages, rebuilds, start-up and bytes;
- ``browsing``: pages in Chromium.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch

from generator.records.extras import DEFAULT_EXTRAS
from tests.benchmarks import browsing, measuring, presenting, turning


@dataclass(frozen=True)
class Line:
    """One line of the table: what, how much, and what was hoped for."""

    name: str
    value: float
    unit: str
    goal: str = ""

    def __str__(self) -> str:
        value = f"{self.value:.2f}" if self.value < 100 else f"{self.value:.0f}"
        return f"| {self.name} | {value} {self.unit} | {self.goal} |"


def measuring_lines(sides: list[int], rounds: int) -> list[Line]:
    """Time of measuring over a bare forward pass."""
    model = measuring.dinov2_large()
    lines = []
    for side in sides:
        run = {
            "bare": partial(measuring.bare, model, side),
            "rows": partial(measuring.rows_only, model, side),
            "record": partial(measuring.record, model, side),
        }
        seconds = measuring.taking_turns(run, rounds)
        for name, words, goal in (
            ("rows", "rows only", "<= 1.05"),
            ("record", "all statistics", "<= 1.20" if side == 518 else ""),
        ):
            value = measuring.ratio(seconds, name, "bare")
            lines.append(Line(f"measuring at {side} px, {words}", value, "x forward pass", goal))
    return lines


def extras_lines(sides: list[int], rounds: int) -> list[Line]:
    """What each part beside attention adds, over the forward pass: a DINOv2-B, one thread.

    The time is that of the processor, so that the ratios hold on a busy machine.
    """
    model, threads = measuring.dinov2_base(), torch.get_num_threads()
    torch.set_num_threads(1)
    lines = []
    for side in sides:
        run = {
            "bare": partial(measuring.bare, model, side),
            "rows only": partial(measuring.rows_only, model, side),
            "no extras": partial(measuring.record, model, side, ()),
            "default extras": partial(measuring.record, model, side),
        } | {name: partial(measuring.record, model, side, (name,)) for name in DEFAULT_EXTRAS}
        seconds = measuring.taking_turns(run, rounds, time.process_time)
        base = measuring.fastest_ratio(seconds, "no extras", "bare")
        for name in run:
            value = measuring.fastest_ratio(seconds, name, "bare")
            if name in DEFAULT_EXTRAS:
                words = f"DINOv2-B at {side} px, {name} add"
                lines.append(Line(words, value - base, "x forward pass", "<= 0.25"))
            elif name != "bare":
                lines.append(Line(f"DINOv2-B at {side} px, {name}", value, "x forward pass"))
    torch.set_num_threads(threads)
    return lines


def head_lines(sides: list[int], rounds: int) -> list[Line]:
    """Relevance and the logit lens: a DINOv2-B with a class head, one thread, processor's time.

    Each takes a pass of its own, that of relevance with gradients, and memory for the attention of
    all layers.
    """
    model, threads = measuring.dinov2_base_classifier(), torch.get_num_threads()
    torch.set_num_threads(1)
    parts = {"relevance": measuring.relevance_record, "lens": measuring.lens_record}
    lines = []
    for side in sides:
        run = {
            "bare": partial(measuring.bare, model, side),
            "plain": partial(measuring.plain_record, model, side),
        } | {name: partial(part, model, side) for name, part in parts.items()}
        seconds = measuring.taking_turns(run, rounds, time.process_time)
        base = measuring.fastest_ratio(seconds, "plain", "bare")
        peak = measuring.peak_bytes("bare classifier", side)
        for name in parts:
            words = f"DINOv2-B with a class head at {side} px"
            added = measuring.fastest_ratio(seconds, name, "bare") - base
            lines.append(Line(f"{words}, {name} adds", added, "x forward pass"))
            memory = (measuring.peak_bytes(name, side) - peak) / 1e9
            lines.append(Line(f"{words}, peak memory above the forward pass, {name}", memory, "GB"))
    torch.set_num_threads(threads)
    return lines


def memory_lines(side: int, *, eager: bool) -> list[Line]:
    """Peak memory above a process that runs the bare forward pass."""
    base = measuring.peak_bytes("bare", side)
    variants = {"plain": "", "record": "<= 0.40"} | ({"eager": ""} if eager else {})
    return [
        Line(
            f"peak memory at {side} px above the forward pass, {name}",
            (measuring.peak_bytes(name, side) - base) / 1e9,
            "GB",
            goal,
        )
        for name, goal in variants.items()
    ]


def tutorial_lines(side: int, folder: Path, present_seconds: float) -> list[Line]:
    """The tutorial's way against a record and its share of the site."""
    model, eager = measuring.dinov2_large(), measuring.dinov2_large("eager")
    seconds = measuring.taking_turns(
        {
            "ours": partial(measuring.record, model, side),
            "tutorial": partial(measuring.tutorial, eager, side, folder),
        },
        1,
    )
    ratio = seconds["tutorial"][0] / (seconds["ours"][0] + present_seconds)
    return [Line(f"the tutorial's way at {side} px", ratio, "x record and pages")]


def presenting_lines(built: presenting.Built, folder: Path) -> list[Line]:
    """Pages, rebuilds, start-up and bytes."""
    # what is done for a model once, or for some of its images, weighs less on more images
    larger = presenting.first_build(folder / "larger", images=48).seconds_per_cell
    what = "pages a model and image, 24x16 heads, 37x37"
    return [
        Line(f"{what}: on 4 images", built.seconds_per_cell, "s", "<= 0.30"),
        Line(f"{what}: on 48 images", larger, "s", "<= 0.30"),
        Line("no-op rebuild of 200 records", presenting.rebuild_seconds(folder / "many"), "s"),
        Line("attention-gallery --help", presenting.help_seconds(), "s", "<= 0.30"),
        Line("numbers a model and image", built.data_bytes_per_cell / 1e3, "kB"),
        Line("colored walls a model and image", built.colored_bytes_per_cell / 1e3, "kB"),
    ]


def browsing_lines(folder: Path, images: int, rounds: int) -> list[Line]:
    """Image pages of few and of many models, and a gallery of very many images."""
    lines: list[Line] = []
    for models, goals in ((4, ("<= 300", "<= 1", "<= 50")), (10, ("", "", ""))):
        found = browsing.image_page(folder / f"page-{models}", models, rounds)
        what = f"a page of {models} models, 24x16 heads, 37x37"
        lines += [
            Line(f"{what}: first paint", found.paint_bytes / 1e3, "kB", goals[0]),
            Line(f"{what}: the same, compressed", found.paint_wire_bytes / 1e3, "kB"),
            Line(f"{what}: scripts", found.script_bytes / 1e3, "kB"),
            Line(f"{what}: scripts, compressed", found.script_wire_bytes / 1e3, "kB"),
            Line(f"{what}: all maps", found.map_bytes / 1e6, "MB"),
            Line(f"{what}: first map", found.first_map, "s", goals[1]),
            Line(f"{what}: all maps", found.all_maps, "s"),
            Line(f"{what}: another layer", found.layer_change * 1e3, "ms", goals[2]),
        ]
    single = turning.turning(folder / "single", 4, 15, rounds)
    what = "a single file of 15 images x 4 models"
    lines += [
        Line(f"{what}: size", single.file_bytes / 1e6, "MB"),
        Line(f"{what}: opened", single.opened, "s"),
        Line(f"{what}: a page turned", single.turned * 1e3, "ms", "<= 300"),
        Line(f"{what}: the same, of opening", single.turned / single.opened, "x"),
        Line(f"{what}: all maps of an image", single.all_maps, "s"),
    ]
    gallery = browsing.many_images(folder / "images", images, 4, rounds)
    what = f"{images:,} images x 4 models"
    lines += [
        Line(f"{what}: pages and numbers", gallery.seconds, "s"),
        Line(f"{what}: site", gallery.site_bytes / 1e6, "MB"),
        Line(f"{what}: files", gallery.files, ""),
        Line(f"{what}: manifest", gallery.manifest_bytes / 1e6, "MB"),
        Line(f"{what}: heaviest page, {gallery.heaviest}", gallery.heaviest_bytes / 1e3, "kB"),
        Line(f"{what}: index ready", gallery.interactive, "s", "<= 1"),
        Line(f"{what}: first search", gallery.first_search, "s", "<= 1"),
    ]
    return lines


PARTS = ("presenting", "measuring", "extras", "browsing")


def main() -> None:
    """Run everything, or a part."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, default=Path("benchmarks.json"))
    chosen = parser.parse_args()
    side, sides = (224, [224]) if chosen.quick else (518, [224, 518])
    parts = chosen.only
    lines: list[Line] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "presenting" in parts or "measuring" in parts:
            built = presenting.first_build(folder / "large")
        if "presenting" in parts:
            lines += presenting_lines(built, folder)
        if "measuring" in parts:
            lines += measuring_lines(sides, chosen.rounds)
            lines += memory_lines(side, eager=not chosen.quick)
            lines += tutorial_lines(side, folder, built.seconds_per_cell)
        if "extras" in parts:
            lines += extras_lines(sides, chosen.rounds)
            lines += head_lines(sides, chosen.rounds)
        if "browsing" in parts:
            lines += browsing_lines(folder, 200 if chosen.quick else 1000, chosen.rounds)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads\n")
    print("| what | measured | goal |\n| --- | --- | --- |")
    print("\n".join(map(str, lines)))
    chosen.json.write_text(json.dumps([asdict(line) for line in lines], indent=1) + "\n")


if __name__ == "__main__":
    main()
