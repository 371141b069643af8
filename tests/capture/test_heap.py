"""Memory of the C library: what is freed between lasting blocks is given back."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

GAPS = """
import sys
import numpy as np
from generator.capture.heap import give_back_large_blocks

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

if sys.argv[1] == "given back":
    give_back_large_blocks()
np.ones(12 << 20, dtype=np.uint8)  # freed, it makes the heap take blocks up to its size
before = resident()
blocks = [np.ones(6 << 20, dtype=np.uint8) for _ in range(20)]
del blocks[::2]
print((resident() - before) / (60 << 20))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries differ")
def test_gaps_between_lasting_blocks_take_no_memory() -> None:
    held = {}
    for how in ("by default", "given back"):
        command = [sys.executable, "-c", GAPS, how]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        held[how] = float(done.stdout)
    assert held["given back"] == pytest.approx(1, abs=0.1)
    assert held["by default"] > 1.8
