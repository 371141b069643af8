"""Features with an object in a known place."""

from __future__ import annotations

import numpy as np

from generator.records.record import TokenLayout, View


def view_of(layout: TokenLayout, pixels: int = 10) -> View:
    width, height = layout.cols * pixels, layout.rows * pixels
    return View(width, height, 0, 0, width, height, width, height)


def planted(
    layout: TokenLayout,
    box: tuple[int, int, int, int],
    *,
    seed: int = 0,
    channels: int = 32,
    noise: float = 0.05,
) -> np.ndarray:
    """Features of a background and of an object (left, top, right, bottom in patches).

    The two directions are at right angles, and a little of a third, shared by neither, makes
    background and object unlike: their dot products are negative.
    """
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(channels, 2)))[0].T
    inside = np.zeros((layout.rows, layout.cols), dtype=bool)
    inside[box[1] : box[3], box[0] : box[2]] = True
    flat = inside.ravel()
    features = np.where(flat[:, None], axes[0] - 0.3 * axes[1], axes[1] - 0.3 * axes[0])
    return features + noise * rng.normal(size=features.shape) / np.sqrt(channels)
