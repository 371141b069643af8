"""A real Ray cluster of two nodes, of which one is killed.

test_cluster.py runs ``python -m tests.pipeline.workers.ray_cluster FOLDER`` in a network namespace
of its own, so every byte stays on this machine. FOLDER has ``gallery.toml``,
the records and the site of a build in one process in ``plain``, and receives ``ray``.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

import ray
from ray.cluster_utils import Cluster
from rich.console import Console

from generator.commands.dry_run import print_plan
from generator.pipeline.build import build_gallery
from generator.pipeline.workers import cluster as ours
from generator.progress import Silent
from generator.spec.gallery import GallerySpec
from generator.spec.options import load_spec, merge

MEMORY = 80 * 2**20


sees = ours._sees


class Measuring(Silent):
    """Does something when the first record has been measured.

    Attributes:
        texts: notes so far.
        makers: most workers for pages that ran at once, while pages were made.
    """

    def __init__(self, first: Callable[[], None]) -> None:
        self.texts: list[str] = []
        self.makers = 0
        self._first: Callable[[], None] | None = first
        self._title = ""

    def note(self, text: str) -> None:
        self.texts.append(text)

    def job(self, title: str, total: int, *, brief: bool = False) -> Any:
        self._title = title
        return super().job(title, total, brief=brief)

    def advance(self) -> None:
        first = self._first
        if self._title.startswith("measuring") and first is not None:
            self._first = None
            first()
        if self._title.startswith("pages"):
            self.makers = max(self.makers, sum("PageMaker" in line for line in running()))


def ctrl_c() -> None:
    assert running(), "workers run"
    raise KeyboardInterrupt


def kill(cluster: Any, node: Any) -> None:
    """Kill a node, and wait until it is known to be dead: the rest would be done before."""
    cluster.remove_node(node, allow_graceful=False)
    until = time.monotonic() + 30.0
    while sum(each["Alive"] for each in ray.nodes()) > 1 and time.monotonic() < until:
        time.sleep(0.1)


def left() -> list[str]:
    """Workers of ours that still run, after some seconds to end."""
    until = time.monotonic() + 20.0
    while (found := running()) and time.monotonic() < until:
        time.sleep(0.2)
    return found


def running() -> list[str]:
    """Workers of ours that run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in found if "NodeMeasurer" in line or "PageMaker" in line]


def plan_of(spec: GallerySpec) -> list[str]:
    """What a dry run prints."""
    console = Console(file=io.StringIO(), width=200)
    print_plan(spec, console, Silent())
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def main(folder: Path) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    options = {"num_cpus": 1, "object_store_memory": MEMORY}
    head = {"num_cpus": 2, "object_store_memory": MEMORY, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    second = cluster.add_node(**options)
    os.chdir(folder)  # not the current folder of the nodes
    ours.RESCAN = 0.5
    # records of the first node come back through the object store, as if it shared no folder
    ours._sees = lambda worker, token: worker.name != "1" and sees(worker, token)
    try:
        spec = load_spec(
            Path("gallery.toml"),
            out=Path("ray", "site"),
            store=Path("ray", "store"),
            ray=cluster.address,
        )
        plan = plan_of(spec)
        reporter = Measuring(lambda: kill(cluster, second))
        begun = time.monotonic()
        outcome = build_gallery(spec, command="attention-gallery build", reporter=reporter)
        told = {
            "measured": outcome.measured,
            "failures": [failure.message for failure in outcome.failures],
            "notes": reporter.texts,
            "makers": reporter.makers,
            "seconds": time.monotonic() - begun,
            "plan": [line.replace(cluster.address, "HEAD") for line in plan],
            "left": left(),
        }
        again = merge(spec, store=folder / "again" / "store", out=folder / "again" / "site")
        with suppress(KeyboardInterrupt):
            build_gallery(again, command="", reporter=Measuring(ctrl_c))
            told["left"].append("It was not interrupted.")
        told["left"] += left()
    finally:
        cluster.shutdown()
    (folder / "told.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
