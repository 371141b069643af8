"""Some of many, where all would take too long."""

from __future__ import annotations

import numpy as np


def evenly(count: int, most: int) -> tuple[int, ...]:
    """At most ``most`` places of ``count``, evenly spaced, the first and last among them."""
    if count <= most:
        return tuple(range(count))
    return tuple(int(place) for place in np.linspace(0, count - 1, most).round())
