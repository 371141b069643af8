"""Whole processes: what they take, and other processes that keep the machine busy."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """What a process took, with those that it started.

    Attributes:
        cpu: seconds of processors, of the program and of the system for it.
        wall: seconds by the clock.
        peak_bytes: largest resident memory of one of its processes.
    """

    cpu: float
    wall: float
    peak_bytes: int


def run(*command: str, log: Path) -> Usage:
    """Run a command to its end.

    Args:
        command: the program and its arguments.
        log: file that receives what it says.

    Raises:
        RuntimeError: it failed.
    """
    start = time.perf_counter()
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{log.read_text()}")
    return Usage(used.ru_utime + used.ru_stime, time.perf_counter() - start, used.ru_maxrss * 1024)


def program(*arguments: str, log: Path) -> Usage:
    """Run ``attention-gallery``."""
    return run(sys.executable, "-m", "generator", *arguments, log=log)


def module(name: str, *arguments: str, log: Path) -> Usage:
    """Run a module of the benchmarks."""
    return run(sys.executable, "-m", f"tests.benchmarks.{name}", *arguments, log=log)


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Keep so many processes busy with products of matrices, as other people's work would."""
    endless = "import numpy as n\na = n.ones((700, 700))\nwhile True: a @ a"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    others = [
        subprocess.Popen([sys.executable, "-c", endless], env=environment) for _ in range(count)
    ]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()
