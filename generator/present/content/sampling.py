"""Evenly spaced samples of a list."""

from __future__ import annotations

import numpy as np


def evenly(count: int, most: int) -> tuple[int, ...]:
    """At most ``most`` indices below ``count``, evenly spaced, with the first and the last."""
    if count <= most:
        return tuple(range(count))
    return tuple(int(place) for place in np.linspace(0, count - 1, most).round())
