"""Whole processes: what they take, and other processes that keep the machine busy."""

from __future__ import annotations

import json
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

    It is started by a small process: on Linux the memory of the process that starts a program
    counts as the program's own.

    Args:
        command: the program and its arguments.
        log: file that receives what it says.

    Raises:
        RuntimeError: it failed.
    """
    start = time.perf_counter()
    launched = [sys.executable, "-S", str(Path(__file__)), str(log), *command]
    done = subprocess.run(launched, check=True, capture_output=True, text=True)
    wall = time.perf_counter() - start
    status, cpu, peak = json.loads(done.stdout)
    if status:
        raise RuntimeError(f"{' '.join(command)} failed:\n{log.read_text()}")
    return Usage(cpu, wall, peak)


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


def _launch(log: str, *command: str) -> None:
    """Run a command, then print its exit code, seconds of processors, and bytes of memory."""
    with Path(log).open("wb") as said:
        # an installed program finds its modules compiled, whatever this environment forbids
        compiled = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=compiled)
        _, status, used = os.wait4(process.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    print(json.dumps([code, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024]))


if __name__ == "__main__":
    _launch(*sys.argv[1:])
