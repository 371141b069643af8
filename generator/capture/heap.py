"""Memory of the C library, in which networks keep their numbers."""

from __future__ import annotations

import ctypes
import platform
from contextlib import suppress

MMAP_THRESHOLD = -3
"""The C library's number for the size from which a block is memory of its own."""

LARGE = 4 << 20
"""Bytes. Streams and matrices of large networks are larger."""


def give_back_large_blocks() -> None:
    """Give each large block back to the system when it is freed, not to the heap (glibc alone).

    In the heap, what is measured lies between temporaries of the network and leaves gaps that few
    others fit into: 0.2 GB for a ViT-L at 518 px. It holds for the whole process.
    """
    if platform.libc_ver()[0] == "glibc":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, LARGE)
