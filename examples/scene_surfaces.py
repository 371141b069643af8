"""How the surfaces of drawn scenes look: the ground's tone, and where a material has its accent.

Positions and lengths are in canvas units (``scenes.py``); ``pitch`` is a pixel's width in them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from scene_shapes import Floats

if TYPE_CHECKING:
    from scenes import Piece

Span = tuple[float, float]
"""Height and width of a scene."""


def smooth(t: Floats) -> Floats:
    """From 0 to 1 without a corner at either end."""
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)


def _noise(
    rng: np.random.Generator,
    row: Floats,
    col: Floats,
    cell: tuple[float, float],
    span: Span,
) -> Floats:
    """Smooth noise [row, col] of mean 0 and deviation about 1, from a lattice of ``cell`` units.

    The lattice covers ``span`` and is drawn whole, whatever part is looked at: a crop shows the
    same texture.
    """
    lattice = rng.standard_normal((int(span[0] / cell[0]) + 4, int(span[1] / cell[1]) + 4))
    # A separable cubic B-spline: two thin matrix products instead of a gather per pixel.
    down = _spline_weights(row / cell[0], lattice.shape[0])
    across = _spline_weights(col / cell[1], lattice.shape[1])
    return np.asarray(down @ lattice.astype(np.float32) @ across.T, np.float32) * np.float32(2.1)


def _spline_weights(position: Floats, knots: int) -> Floats:
    """Weights [position, knot] of a uniform cubic B-spline."""
    away = np.abs(position[:, None] + 1 - np.arange(knots, dtype=np.float32)[None, :])
    near = 2 / 3 - away**2 + away**3 / 2
    far = np.clip(2 - away, 0, None) ** 3 / 6
    return np.asarray(np.where(away < 1, near, far).astype(np.float32), np.float32)


def _fade(period: float, pitch: float) -> float:
    """What is left of a texture of that period in pixels of that pitch: 1 all, 0 below Nyquist."""
    return float(np.clip((period / pitch - 2) / 2, 0, 1))


# ------------------------------------------------------------------------------------------ grounds

GroundTone = Callable[[np.random.Generator, Floats, Floats, Span, float], Floats]


def _cloudy(rng: np.random.Generator, row: Floats, col: Floats, span: Span) -> Floats:
    large = _noise(rng, row, col, (0.30, 0.30), span)
    return 0.5 + 0.16 * large + 0.08 * _noise(rng, row, col, (0.09, 0.09), span)


def _grain(
    rng: np.random.Generator,
    row: Floats,
    col: Floats,
    span: Span,
    pitch: float,
    cell: tuple[float, float],
) -> Floats:
    """Fine noise, left out where pixels cannot show it; the random draw is made all the same."""
    return _noise(rng, row, col, cell, span) * _fade(2 * min(cell), pitch)


def _linen(rng: np.random.Generator, row: Floats, col: Floats, span: Span, pitch: float) -> Floats:
    period = float(rng.uniform(0.022, 0.032))
    weft = np.sin(2 * np.pi * row / period)[:, None]
    warp = np.sin(2 * np.pi * col / period)[None, :]
    threads = _grain(rng, row, col, span, pitch, (0.012, 0.20))
    threads = threads + _grain(rng, row, col, span, pitch, (0.20, 0.012))
    weave = 0.13 * (weft * warp) + 0.05 * (weft + warp)
    return np.asarray(
        _cloudy(rng, row, col, span) + _fade(period, pitch) * weave + 0.09 * threads, np.float32
    )


def _wood(rng: np.random.Generator, row: Floats, col: Floats, span: Span, pitch: float) -> Floats:
    plank = float(rng.uniform(0.16, 0.30))
    number = (row / plank).astype(np.int64)
    tone = rng.normal(0, 0.13, 32)[number][:, None]
    drift = 6 * rng.uniform(0, 1, 32)[number][:, None]
    bend = _noise(rng, row, col, (0.12, 0.50), span)
    rings = np.sin(2 * np.pi * (row[:, None] / 0.075 + 0.55 * bend + drift))
    fibre = _grain(rng, row, col, span, pitch, (0.008, 0.16))
    seam = np.abs(row / plank - np.round(row / plank))[:, None] * plank
    gap = np.clip(1 - seam / max(0.004, pitch), 0, 1)
    return np.asarray(
        0.55 + tone + 0.14 * rings + 0.12 * fibre - 0.6 * gap + 0.0 * col[None, :], np.float32
    )


def _sand(rng: np.random.Generator, row: Floats, col: Floats, span: Span, pitch: float) -> Floats:
    bend = _noise(rng, row, col, (0.22, 0.30), span)
    turn = float(rng.uniform(-0.6, 0.6))
    wave = (row[:, None] + turn * col[None, :]) / 0.085 + 0.75 * bend
    ripple = np.sin(2 * np.pi * wave) + 0.35 * np.sin(4 * np.pi * wave + 0.9)
    grains = _grain(rng, row, col, span, pitch, (0.008, 0.008))
    grains = grains + _grain(rng, row, col, span, pitch, (0.004, 0.004))
    return 0.52 + 0.17 * ripple + 0.08 * bend + 0.09 * grains


def _marble(rng: np.random.Generator, row: Floats, col: Floats, span: Span, pitch: float) -> Floats:
    bend = _noise(rng, row, col, (0.16, 0.16), span) + 0.4 * _noise(
        rng, row, col, (0.05, 0.05), span
    )
    slant = float(rng.uniform(0.4, 1.6))
    vein = np.abs(np.sin(np.pi * (2.2 * col[None, :] + slant * 2.2 * row[:, None] + 0.55 * bend)))
    speck = _grain(rng, row, col, span, pitch, (0.006, 0.006))
    return np.asarray(0.78 - 0.75 * np.exp(-vein * 7) + 0.08 * bend + 0.03 * speck, np.float32)


def _tiles(rng: np.random.Generator, row: Floats, col: Floats, span: Span, pitch: float) -> Floats:
    size = float(rng.uniform(0.13, 0.22))
    shift_row, shift_col = rng.uniform(0, size, 2)
    at_row, at_col = (row + shift_row) / size, (col + shift_col) / size
    tones = rng.normal(0, 0.15, (32, 32))
    tone = tones[at_row.astype(np.int64)[:, None], at_col.astype(np.int64)[None, :]]
    to_row = np.abs(at_row - np.round(at_row))[:, None] * size
    to_col = np.abs(at_col - np.round(at_col))[None, :] * size
    grout = np.clip(1.5 - np.minimum(to_row, to_col) / max(0.005, pitch), 0, 1)
    speck = _grain(rng, row, col, span, pitch, (0.006, 0.006))
    return np.asarray(
        0.5 * _cloudy(rng, row, col, span) + 0.32 + tone - 0.45 * grout + 0.05 * speck, np.float32
    )


def _felt(rng: np.random.Generator, row: Floats, col: Floats, span: Span, pitch: float) -> Floats:
    tufts = _noise(rng, row, col, (0.022, 0.022), span)
    fuzz = _grain(rng, row, col, span, pitch, (0.006, 0.006))
    return np.asarray(_cloudy(rng, row, col, span) + 0.12 * tufts + 0.10 * fuzz, np.float32)


GROUND_TONES: dict[str, GroundTone] = {
    "linen": _linen,
    "wood": _wood,
    "sand": _sand,
    "marble": _marble,
    "tiles": _tiles,
    "felt": _felt,
}


# ---------------------------------------------------------------------------------------- materials

# A material says where the accent is: [row, col] in 0..1, from the piece's own axes (y, x) in
# canvas units.
Material = Callable[[Floats, Floats, "Piece", float, int], Floats]


def _wave(position: Floats, pitch: float, period: float) -> Floats:
    """A square wave in -1..1, its edges softened over one pixel."""
    triangle = 2 * np.abs(2 * (position / period - np.floor(position / period)) - 1) - 1
    return np.asarray(np.clip(triangle * period / (2 * pitch), -1, 1), np.float32)


def _plain(y: Floats, x: Floats, piece: Piece, pitch: float, seed: int) -> Floats:
    return np.zeros(np.broadcast_shapes(y.shape, x.shape), np.float32)


def _striped(y: Floats, x: Floats, piece: Piece, pitch: float, seed: int) -> Floats:
    # Slanted to the piece's own axes, or the stripes of a square would hide among its edges.
    slanted = 0.78 * y + 0.62 * x + piece.phase
    return 0.5 + 0.5 * _wave(slanted, pitch, piece.pitch)


def _checkered(y: Floats, x: Floats, piece: Piece, pitch: float, seed: int) -> Floats:
    period = 1.5 * piece.pitch
    product = _wave(y + piece.phase, pitch, period) * _wave(x + piece.phase, pitch, period)
    return 0.5 + 0.5 * product


def _dotted(y: Floats, x: Floats, piece: Piece, pitch: float, seed: int) -> Floats:
    period = 0.95 * piece.pitch
    row, col = (y + piece.phase) / period, (x + piece.phase) / period
    away = np.hypot(row - np.round(row), col - np.round(col)) * period
    return np.asarray(np.clip(0.5 - (away - 0.30 * period) / pitch, 0, 1), np.float32)


def _grainy(y: Floats, x: Floats, piece: Piece, pitch: float, seed: int) -> Floats:
    # The lattice is as large as the piece and lies on the canvas axes, where the noise is
    # separable.
    rng = np.random.default_rng(seed)
    cos, sin = np.cos(piece.angle), np.sin(piece.angle)
    down, across = (cos * y + sin * x)[:, 0], (cos * x - sin * y)[0, :]
    reach = 1.5 * piece.radius + 0.03
    cell = 0.013
    mottle = _noise(rng, down + reach, across + reach, (cell, cell), (2 * reach, 2 * reach))
    return smooth(0.42 + 0.55 * mottle)


MATERIAL_SHARES: dict[str, Material] = {
    "plain": _plain,
    "striped": _striped,
    "checkered": _checkered,
    "dotted": _dotted,
    "glossy": _plain,
    "grainy": _grainy,
}
