"""How fast this machine is: measured once in a moment, then corrected by what pages took.

The result is kept in the user's cache folder, so that the same plan has the same time twice.
"""

from __future__ import annotations

import math
import platform
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from generator.cores import usable_cores
from generator.records.packing import PackingError, canonical, revive
from generator.temporary import beside, cache_folder

FILE = "speed.json"
SPEED_VERSION = 2
"""Raise it when the constants of the cost model change: former corrections no longer fit."""

WORTH_LEARNING = 5.0
"""Seconds of a step from which its real time says more than the short measurement."""

REFERENCE = 0.0185
"""Seconds of :func:`_page_work` on the machine that the cost of pages was fitted on."""

ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Speed:
    """Speed of this machine.

    Attributes:
        machine: what it was measured on and with; another one is measured anew.
        multiplications: of a float32 matrix product, per second.
        pages: time of making pages over that of the machine of the cost model.
    """

    machine: str
    multiplications: float
    pages: float = 1.0


def speed_here() -> Speed:
    """The speed of this machine, from the cache or measured now."""
    with suppress(OSError, PackingError):
        known = revive(Speed, (cache_folder() / FILE).read_bytes())
        if known.machine == _machine():
            return known
    size = 512
    matrix = np.ones((size, size), dtype=np.float32)
    with threadpool_limits(1):
        product = _best(lambda: matrix @ matrix) / usable_cores()
    speed = Speed(_machine(), size**3 / product, pages=_best(_page_work) / REFERENCE)
    _keep(speed)
    return speed


def learn(seconds: float, planned: float) -> None:
    """Correct the speed of pages by a build, for the next plan.

    Args:
        seconds: that its pages took.
        planned: seconds that they were planned to take.
    """
    if min(seconds, planned) >= WORTH_LEARNING:
        speed = speed_here()
        _keep(replace(speed, pages=speed.pages * seconds / planned))


def _machine() -> str:
    facts = (SPEED_VERSION, platform.node(), platform.machine(), usable_cores(), np.__version__)
    return " ".join(map(str, facts))


def _best(work: Callable[[], object]) -> float:
    """Least seconds of this process, which other programs do not lengthen."""
    best = math.inf
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return max(best, 1e-9)


def _page_work() -> int:
    """What making pages is made of: sorting, quantizing and compressing of maps."""
    maps = np.random.default_rng(0).random((400, 37 * 37), dtype=np.float32)
    codes = np.sqrt(maps / maps.max(axis=1, keepdims=True) * 255 * 255).astype(np.uint8)
    ranks = np.argsort(maps, axis=1)
    return len(zlib.compress(codes.tobytes(), 6)) + int(ranks[0, 0])


def _keep(speed: Speed) -> None:
    path: Path = cache_folder() / FILE
    with suppress(OSError), beside(path) as temporary:  # a read-only cache is measured each time
        temporary.write_text(canonical(asdict(speed)), encoding="utf-8")
        temporary.replace(path)
