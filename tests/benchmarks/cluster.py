"""A build on a Ray cluster of one and of two nodes of one core, over a build in one process.

The nodes are started here, in a network namespace of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import seeded
from tests.benchmarks.galleries import Gallery

MEMORY = 200 * 2**20
"""Bytes of a node's object store."""


@dataclass(frozen=True)
class Clustered:
    """Seconds by the clock, of whole processes.

    Attributes:
        plain: one process, one thread.
        halves: two such processes at once, each with half of the pictures and a site of its own:
            what two cores of this machine give without a cluster.
        one: a node of one core.
        two: two such nodes.
    """

    plain: float
    halves: float
    one: float
    two: float


def clustered(folder: Path, pictures: int, resolution: int) -> Clustered:
    """Build a gallery of a DINOv2-S in these four ways, each from nothing.

    Raises:
        RuntimeError: a build failed.
    """
    checkpoint = seeded.checkpoint(folder / "model", "S")
    shown = seeded.photographs(folder / "pictures", pictures)
    half = seeded.photographs(folder / "half", pictures // 2)
    words = [str(folder), str(checkpoint), str(shown), str(half), str(resolution)]
    script = [sys.executable, "-m", "tests.benchmarks.cluster", *words]
    done = subprocess.run(["unshare", "-rn", *script], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return Clustered(**json.loads((folder / "seconds.json").read_text()))


def main() -> None:
    """Time the four builds: a folder, a checkpoint, all pictures, half of them, pixels."""
    folder, checkpoint, shown, half = (Path(word) for word in sys.argv[1:5])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    os.environ |= {"OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}
    from ray.cluster_utils import Cluster

    def seconds(name: str, *more: str, pictures: Path = shown) -> float:
        (folder / name).mkdir()
        return Gallery(folder / name, (checkpoint,), pictures, int(sys.argv[5])).build(*more).wall

    node = {"num_cpus": 1, "object_store_memory": MEMORY}
    found = {"plain": seconds("plain", "--jobs", "1")}
    with ThreadPoolExecutor() as both:
        halves = both.map(lambda n: seconds(f"half-{n}", "--jobs", "1", pictures=half), range(2))
        found["halves"] = max(halves)
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    try:
        for name in ("one", "two"):
            found[name] = seconds(name, "--ray", cluster.address)
            if name == "one":
                cluster.add_node(**node)
                time.sleep(5)  # until it has joined
    finally:
        cluster.shutdown()
    (folder / "seconds.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
