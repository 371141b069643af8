"""Cores of this machine."""

import os


def usable_cores() -> int:
    """Cores that this process may run on, which a scheduler or container may have limited."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
