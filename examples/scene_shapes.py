"""The outlines of the things in drawn scenes.

Signed distance to the outline of a shape of radius 1, negative inside. y points down, x to the
right. After Inigo Quilez, https://iquilezles.org/articles/distfunctions2d/ (MIT).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


def _disc(y: Floats, x: Floats) -> Floats:
    return np.hypot(y, x) - np.float32(0.90)


def _square(y: Floats, x: Floats) -> Floats:
    over_y, over_x = np.abs(y) - 0.66, np.abs(x) - 0.66
    outside = np.hypot(np.maximum(over_y, 0), np.maximum(over_x, 0))
    return outside + np.minimum(np.maximum(over_y, over_x), 0) - 0.10


def _triangle(y: Floats, x: Floats) -> Floats:
    root3, half = 3**0.5, 0.80
    x = np.abs(x) - half
    y = 0.15 - y + half / root3
    flip = x + root3 * y > 0
    x, y = np.where(flip, (x - root3 * y) / 2, x), np.where(flip, (-root3 * x - y) / 2, y)
    x = x - np.clip(x, -2 * half, 0)
    return -np.hypot(x, y) * np.sign(y) - 0.10


def _star(y: Floats, x: Floats) -> Floats:
    outer, inner = 0.98, 0.46
    k1x, k1y, k2x, k2y = 0.809016994, -0.587785252, -0.809016994, -0.587785252
    x, y = np.abs(x), -y
    reflect = 2 * np.maximum(k1x * x + k1y * y, 0)
    x, y = x - reflect * k1x, y - reflect * k1y
    reflect = 2 * np.maximum(k2x * x + k2y * y, 0)
    x, y = np.abs(x - reflect * k2x), y - reflect * k2y
    y = y - outer
    edge_x, edge_y = inner * 0.587785252, inner * 0.809016994 - outer
    along = np.clip((x * edge_x + y * edge_y) / (edge_x**2 + edge_y**2), 0, 1)
    distance = np.hypot(x - edge_x * along, y - edge_y * along)
    return distance * np.sign(y * edge_x - x * edge_y) - 0.03


def _ring(y: Floats, x: Floats) -> Floats:
    return np.abs(np.hypot(y, x) - 0.66) - np.float32(0.25)


def _cross(y: Floats, x: Floats) -> Floats:
    long_arm, arm = 0.84, 0.24
    y, x = np.abs(y), np.abs(x)
    y, x = np.minimum(y, x), np.maximum(y, x)
    over_x, over_y = x - long_arm, y - arm
    deepest = np.maximum(over_x, over_y)
    inner_x, inner_y = arm - x, -deepest
    away_x = np.where(deepest > 0, over_x, inner_x)
    away_y = np.where(deepest > 0, over_y, inner_y)
    distance = np.hypot(np.maximum(away_x, 0), np.maximum(away_y, 0))
    return np.asarray(np.sign(deepest) * distance - 0.07, np.float32)


def _heart(y: Floats, x: Floats) -> Floats:
    x, y = np.abs(x) / 1.55, (0.88 - y) / 1.55
    above = np.hypot(x - 0.25, y - 0.75) - 2**0.5 / 4
    along = 0.5 * np.maximum(x + y, 0)
    below = np.minimum(np.hypot(x, y - 1), np.hypot(x - along, y - along)) * np.sign(x - y)
    return np.where(x + y > 1, above, below) * 1.55


def _crescent(y: Floats, x: Floats) -> Floats:
    outer, bite, shift = 0.95, 0.78, 0.44
    y = np.abs(y)
    # The horns, where both circles meet, are the nearest points of the mouth.
    horn_x = (outer**2 - bite**2 + shift**2) / (2 * shift)
    horn_y = (outer**2 - horn_x**2) ** 0.5
    to_horn = np.hypot(x - horn_x, y - horn_y)
    to_edge = np.maximum(np.hypot(y, x) - outer, bite - np.hypot(y, x - shift))
    in_mouth = x * horn_y - y * horn_x > shift * np.maximum(horn_y - y, 0)
    return np.asarray(np.where(in_mouth, to_horn, to_edge), np.float32)


def _pebble(y: Floats, x: Floats) -> Floats:
    return np.asarray((np.hypot(y / 0.68, x / 0.95) - 1) * np.float32(0.75), np.float32)


def _leaf(y: Floats, x: Floats) -> Floats:
    return np.hypot(np.abs(y) + 0.95, x) - np.float32(1.33)


def _twig(y: Floats, x: Floats) -> Floats:
    bent = y - 0.10 * np.sin(2.2 * x)
    return np.asarray(
        np.hypot(bent, np.maximum(np.abs(x) - 0.9, 0)) - np.float32(0.055), np.float32
    )


DISTANCES: dict[str, Callable[[Floats, Floats], Floats]] = {
    "disc": _disc,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "ring": _ring,
    "cross": _cross,
    "heart": _heart,
    "crescent": _crescent,
    "pebble": _pebble,
    "leaf": _leaf,
    "twig": _twig,
}
