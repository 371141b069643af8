"""``python -m tests.benchmarks``: print the table of the README, write ``benchmarks.json``.

Whole processes where it matters, seconds of the processor, and ratios to what is measured beside.
``--quick`` takes 224 px and few pictures. ``--only`` runs one part alone; several may be named:

- ``whole``: a build of pictures never seen, and its parts;
- ``measuring``: measuring over a bare forward pass, its peak memory, and the tutorial's way;
- ``pages``: pages from records, alone, on all cores and beside other work; the site's weight;
- ``rebuilds``: one more picture, nothing new, a plan of thousands, start-up;
- ``browsing``: pages in Chromium;
- ``extras``: what each part beside attention adds, relevance and the logit lens among them;
- ``scale``: the pages of ten models on many pictures (``--cells``);
- ``cluster``: a build on a Ray cluster of one and of two nodes;
- ``device``: the same models on a GPU.

The last four run only when they are named.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import torch

from tests.benchmarks import tables
from tests.benchmarks.tables import Choice, Line

PARTS: dict[str, Callable[[Choice], Iterator[Line]]] = {
    "whole": tables.whole_lines,
    "measuring": tables.measuring_lines,
    "pages": tables.pages_lines,
    "rebuilds": tables.rebuild_lines,
    "browsing": tables.browsing_lines,
    "extras": tables.extras_lines,
    "scale": tables.scale_lines,
    "cluster": tables.cluster_lines,
    "device": tables.device_lines,
}
USUAL = ("whole", "measuring", "pages", "rebuilds", "browsing")


def main() -> None:
    """Run everything, or a part."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", choices=tuple(PARTS), default=USUAL, metavar="PART")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cells", nargs="+", type=int, default=[100, 1000])
    parser.add_argument("--device", default="cuda", help="for the part of this name")
    parser.add_argument("--json", type=Path, default=Path("benchmarks.json"))
    chosen = parser.parse_args()
    lines: list[Line] = []
    print(f"{_processor()}; torch {torch.__version__}, {torch.get_num_threads()} threads\n")
    print("| what | measured | goal |\n| --- | --- | --- |")
    for part in chosen.only:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as name:
            choice = Choice(
                Path(name), chosen.quick, chosen.rounds, tuple(chosen.cells), chosen.device
            )
            for line in PARTS[part](choice):
                print(line, flush=True)
                lines.append(line)
        print(f"<!-- {part}: {time.perf_counter() - start:.0f} s -->", flush=True)
    chosen.json.write_text(json.dumps([asdict(line) for line in lines], indent=1) + "\n")


def _processor() -> str:
    """The processor's name, as Linux tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


if __name__ == "__main__":
    main()
