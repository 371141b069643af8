"""Procedural still lifes: bold shapes on a table among pebbles, leaves and twigs.

The demo models of this folder are trained on these scenes, and the drawn images in ``images/`` are
some of them. A scene is a list of floats and has no resolution: the same scene is drawn at 112 px
for a model and at 448 px for a reader. Needs numpy and pillow only.

Units. The *canvas unit* is the short side of the picture, so a square picture spans 0..1 in both
directions. ``row`` and ``col`` are positions in canvas units, down and to the right. ``scale`` is
in pixels per canvas unit. Colours are sRGB in 0..1 while drawing, and uint8 when done.

Regenerate the example images::

    python examples/scenes.py --out examples/images
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.floating[Any]]
Color = tuple[float, float, float]

SHAPES = ("disc", "square", "triangle", "star", "ring", "cross", "heart", "crescent")
MATERIALS = ("plain", "striped", "checkered", "dotted", "glossy", "grainy")
GROUNDS = ("linen", "wood", "sand", "marble", "tiles", "felt")
CLUTTER = ("pebble", "leaf", "twig")

# First entry of a scene's seed. Scenes of different streams never share a random sequence.
TRAIN, HELD_OUT, EXAMPLE = 0, 1, 2

# The light comes from the upper left, towards the viewer: (right, down, out of the picture).
LIGHT = np.array([-0.48, -0.60, 0.64], dtype=np.float32)


def _color(code: str) -> Color:
    return (int(code[0:2], 16) / 255, int(code[2:4], 16) / 255, int(code[4:6], 16) / 255)


# Each palette: two tones of the ground, then the inks of the objects. Inks contrast with their
# ground by choice.
PALETTES: dict[str, tuple[tuple[Color, ...], tuple[Color, ...]]] = {
    name: (
        tuple(_color(code) for code in ground.split()),
        tuple(_color(code) for code in inks.split()),
    )
    for name, ground, inks in (
        ("harbour", "dfe7e4 b3c6c6", "d1495b edae49 00798c 30638e 12344d"),
        ("orchard", "e9dfc7 cbb88f", "bc4749 386641 6a994e f08a3c 7b3f61"),
        ("dusk", "565b7a 353a5b", "f2e9e4 e0b1a8 ff9f68 f4d35e 7fd0c8"),
        ("clay", "c9a58a a67c5f", "264653 1f8a7d f2d06b f6f2df 8c2f39"),
        ("fjord", "93abb8 66828f", "f7f3e3 f0804f 2d3142 f6c453 a23b52"),
        ("meadow", "95a574 6b7d52", "f8ead0 d1495b f7b733 3d2c5a 66bcd6"),
        ("night", "3a4049 262b33", "e8825f 86bfa2 f4cf92 f6f2e0 70a5d2"),
        ("blossom", "f0ded8 d9b9b2", "6d597a b04f66 2f4d6e e07b45 35796a"),
    )
}


@dataclass(frozen=True)
class Piece:
    """A thing that lies on the ground. Lengths are in canvas units, the angle in radians.

    ``kind`` is one of SHAPES for an object, one of CLUTTER for clutter. ``radius`` is half the size
    of the box that holds the piece in any rotation. ``pitch`` is the period of the material's
    pattern.
    """

    kind: str
    material: str
    row: float
    col: float
    radius: float
    angle: float
    ink: Color
    accent: Color
    pitch: float
    phase: float


@dataclass(frozen=True)
class Scene:
    """A still life without a resolution: ground, clutter below, objects on top."""

    height: float
    width: float
    ground: str
    palette: str
    clutter: tuple[Piece, ...]
    objects: tuple[Piece, ...]
    texture_seed: int

    @property
    def shapes(self) -> tuple[str, ...]:
        """The shapes that are present, in the order of SHAPES."""
        return tuple(name for name in SHAPES if any(o.kind == name for o in self.objects))

    @property
    def materials(self) -> tuple[str, ...]:
        """The materials that are present, in the order of MATERIALS."""
        return tuple(name for name in MATERIALS if any(o.material == name for o in self.objects))


@dataclass(frozen=True)
class Box:
    """A rectangle of the canvas in canvas units."""

    top: float
    left: float
    height: float
    width: float


@dataclass(frozen=True)
class Drawing:
    """``pixels[row, col, 3]`` uint8 sRGB; ``mask[row, col]``, the share on objects."""

    pixels: NDArray[np.uint8]
    mask: Floats


# ---------------------------------------------------------------------------------------- composing


def compose(
    stream: int,
    seed: int,
    index: int,
    height: float = 1.0,
    width: float = 1.0,
    count: int | None = None,
) -> Scene:
    """Make up the scene (stream, seed, index), ``height`` by ``width`` canvas units.

    ``count`` fixes the number of objects; without it there are 1 to 3.
    """
    rng = np.random.default_rng([stream, seed, index])
    palette = str(rng.choice(list(PALETTES)))
    ground_tones, inks = PALETTES[palette]
    objects = _place_objects(rng, inks, height, width, count or int(rng.integers(1, 4)))
    return Scene(
        height=height,
        width=width,
        ground=str(rng.choice(GROUNDS)),
        palette=palette,
        clutter=_scatter_clutter(rng, ground_tones, inks, height, width),
        objects=objects,
        texture_seed=int(rng.integers(2**31)),
    )


def _place_objects(
    rng: np.random.Generator, inks: tuple[Color, ...], height: float, width: float, count: int
) -> tuple[Piece, ...]:
    placed: list[Piece] = []
    # A crowded draw may find no room for the last object; then the scene has fewer.
    for _ in range(60 * count):
        if len(placed) == count:
            break
        radius = float(rng.uniform(0.085, 0.165))
        # One sixteenth is cut off on each side when a picture is resized to 128 and cropped to 112.
        low = 0.07 + radius
        row, col = float(rng.uniform(low, height - low)), float(rng.uniform(low, width - low))
        if any(np.hypot(row - o.row, col - o.col) < radius + o.radius for o in placed):
            continue
        ink, accent = rng.permutation(len(inks))[:2]
        placed.append(
            Piece(
                kind=str(rng.choice(SHAPES)),
                material=str(rng.choice(MATERIALS)),
                row=row,
                col=col,
                radius=radius,
                angle=float(rng.uniform(-0.45, 0.45)),
                ink=_jitter(rng, inks[ink], 0.03),
                accent=_jitter(rng, inks[accent], 0.03),
                pitch=float(rng.uniform(0.050, 0.066)),
                phase=float(rng.uniform(0, 1)),
            )
        )
    return tuple(placed)


def _scatter_clutter(
    rng: np.random.Generator,
    ground: tuple[Color, ...],
    inks: tuple[Color, ...],
    height: float,
    width: float,
) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    for _ in range(int(rng.integers(2, 6) * height * width + 0.5)):
        # Fallen things lie in loose heaps of their kind, not evenly.
        kind = str(rng.choice(CLUTTER))
        row, col = rng.uniform(0, height), rng.uniform(0, width)
        spread = rng.uniform(0.05, 0.20)
        tint = inks[int(rng.integers(len(inks)))]
        for _ in range(int(rng.integers(2, 7))):
            base = ground[int(rng.integers(2))]
            toward = float(rng.uniform(0.10, 0.45))
            lift = float(rng.uniform(0.80, 1.18))
            low, high = {"pebble": (0.016, 0.042), "leaf": (0.030, 0.062), "twig": (0.05, 0.11)}[
                kind
            ]
            mixed = [lift * (b + toward * (t - b)) for b, t in zip(base, tint, strict=True)]
            pieces.append(
                Piece(
                    kind=kind,
                    material="plain",
                    row=float(row + rng.normal() * spread),
                    col=float(col + rng.normal() * spread),
                    radius=float(rng.uniform(low, high)),
                    angle=float(rng.uniform(0, 2 * np.pi)),
                    ink=(mixed[0], mixed[1], mixed[2]),
                    accent=base,
                    pitch=0.02,
                    phase=float(rng.uniform(0, 1)),
                )
            )
    return tuple(pieces)


def _jitter(rng: np.random.Generator, color: Color, amount: float) -> Color:
    red, green, blue = np.clip(np.array(color) + rng.normal(0, amount, 3), 0, 1)
    return (float(red), float(green), float(blue))


# ------------------------------------------------------------------------------------------ drawing


def draw(scene: Scene, scale: float, box: Box | None = None, supersample: int = 1) -> Drawing:
    """Draw the scene, or the part of it in ``box``, at ``scale`` pixels per canvas unit.

    Edges are anti-aliased from their distance functions, and textures finer than a pixel fade out,
    so that ``supersample=1`` is good enough to train on; the example images use 2.
    """
    box = box or Box(0.0, 0.0, scene.height, scene.width)
    rows = round(box.height * scale) * supersample
    cols = round(box.width * scale) * supersample
    pitch = np.float32(1 / (scale * supersample))
    row = (box.top + (np.arange(rows, dtype=np.float32) + 0.5) * pitch).astype(np.float32)
    col = (box.left + (np.arange(cols, dtype=np.float32) + 0.5) * pitch).astype(np.float32)
    rng = np.random.default_rng(scene.texture_seed)
    tone = _GROUND_TONES[scene.ground](rng, row, col, scene, float(pitch))
    (light, dark), _ = PALETTES[scene.palette]
    canvas = _mix(np.array(dark, np.float32), np.array(light, np.float32), tone)
    mask = np.zeros((rows, cols), np.float32)
    for piece in scene.clutter:
        _lay(canvas, None, piece, row, col, rng)
    for piece in scene.objects:
        _lay(canvas, mask, piece, row, col, rng)
    canvas *= _lamp(row, col, scene)[..., None]
    if supersample > 1:
        blocks = (rows // supersample, supersample, cols // supersample, supersample)
        canvas = canvas.reshape(*blocks, 3).mean(axis=(1, 3))
        mask = mask.reshape(*blocks).mean(axis=(1, 3))
    pixels = (np.clip(canvas, 0, 1) * 255 + 0.5).astype(np.uint8)
    return Drawing(pixels=pixels, mask=mask)


def _mix(a: Floats, b: Floats, share: Floats) -> Floats:
    return a + (b - a) * share[..., None]


def _lamp(row: Floats, col: Floats, scene: Scene) -> Floats:
    """Brightness [row, col] of a lamp at the upper left, with a light vignette."""
    down = (row / scene.height)[:, None]
    right = (col / scene.width)[None, :]
    lamp = 1.07 - 0.10 * (0.55 * down + 0.45 * right)
    vignette = 1 - 0.28 * np.clip((down - 0.5) ** 2 + (right - 0.5) ** 2 - 0.08, 0, 1)
    return np.asarray(lamp * vignette, np.float32)


def _lay(
    canvas: Floats,
    mask: Floats | None,
    piece: Piece,
    row: Floats,
    col: Floats,
    rng: np.random.Generator,
) -> None:
    """Draw one piece with its shadow, touching only the part of the canvas it can reach."""
    grain_seed = int(rng.integers(2**31))
    reach = 1.35 * piece.radius + 0.02
    top, bottom = np.searchsorted(row, (piece.row - reach, piece.row + reach))
    left, right = np.searchsorted(col, (piece.col - reach, piece.col + reach))
    if bottom - top < 2 or right - left < 2:
        return
    part = canvas[top:bottom, left:right]
    down, across = row[top:bottom, None] - piece.row, col[None, left:right] - piece.col
    pitch = float(row[1] - row[0])
    cos, sin = np.cos(piece.angle), np.sin(piece.angle)

    def distance_at(down: Floats, across: Floats) -> Floats:
        y = (cos * down - sin * across) / piece.radius
        x = (sin * down + cos * across) / piece.radius
        return _DISTANCES[piece.kind](y.astype(np.float32), x.astype(np.float32)) * piece.radius

    is_object = mask is not None
    height = 0.030 if is_object else 0.010
    fallen = distance_at(down - 0.8 * height, across - 0.6 * height)
    part *= (1 - (0.42 if is_object else 0.30) * _smooth(0.5 - fallen / (1.6 * height)))[..., None]

    distance = distance_at(down, across)
    cover = np.clip(0.5 - distance / pitch, 0, 1)
    y = cos * down - sin * across
    x = sin * down + cos * across
    share = _MATERIALS[piece.material](y, x, piece, pitch, grain_seed)
    surface = _mix(np.array(piece.ink, np.float32), np.array(piece.accent, np.float32), share)
    surface = _shade(surface, distance, piece, pitch)
    part += (surface - part) * cover[..., None]
    if mask is not None:
        seen = mask[top:bottom, left:right]
        np.maximum(seen, cover, out=seen)


def _shade(surface: Floats, distance: Floats, piece: Piece, pitch: float) -> Floats:
    """Round the edge of a piece off, under LIGHT. A glossy piece is a dome with a highlight."""
    glossy = piece.material == "glossy"
    rim = (0.75 if glossy else 0.24) * piece.radius
    depth = np.clip(-distance / rim, 0, 1)
    slope = (1 - depth) ** (1.0 if glossy else 1.5) * (0.95 if glossy else 0.75)
    by_row, by_col = np.gradient(distance, pitch)
    normal_out = np.sqrt(np.clip(1 - slope**2, 0.05, 1))
    lit = LIGHT[0] * slope * by_col + LIGHT[1] * slope * by_row + LIGHT[2] * normal_out
    surface = surface * (0.62 + 0.60 * np.clip(lit, 0, 1.2))[..., None]
    if glossy:
        shine = np.clip(lit, 0, 1) ** 14 * 0.75
        surface = surface + (1 - surface) * shine[..., None]
    return surface


def _smooth(t: Floats) -> Floats:
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)


# -------------------------------------------------------------------------------------------- noise


def _noise(
    rng: np.random.Generator,
    row: Floats,
    col: Floats,
    cell: tuple[float, float],
    span: tuple[float, float],
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

GroundTone = Callable[[np.random.Generator, Floats, Floats, Scene, float], Floats]


def _cloudy(rng: np.random.Generator, row: Floats, col: Floats, scene: Scene) -> Floats:
    span = (scene.height, scene.width)
    large = _noise(rng, row, col, (0.30, 0.30), span)
    return 0.5 + 0.16 * large + 0.08 * _noise(rng, row, col, (0.09, 0.09), span)


def _grain(
    rng: np.random.Generator,
    row: Floats,
    col: Floats,
    scene: Scene,
    pitch: float,
    cell: tuple[float, float],
) -> Floats:
    """Fine noise, left out where pixels cannot show it; the random draw is made all the same."""
    return _noise(rng, row, col, cell, (scene.height, scene.width)) * _fade(2 * min(cell), pitch)


def _linen(
    rng: np.random.Generator, row: Floats, col: Floats, scene: Scene, pitch: float
) -> Floats:
    period = float(rng.uniform(0.022, 0.032))
    weft = np.sin(2 * np.pi * row / period)[:, None]
    warp = np.sin(2 * np.pi * col / period)[None, :]
    threads = _grain(rng, row, col, scene, pitch, (0.012, 0.20))
    threads = threads + _grain(rng, row, col, scene, pitch, (0.20, 0.012))
    weave = 0.13 * (weft * warp) + 0.05 * (weft + warp)
    return np.asarray(
        _cloudy(rng, row, col, scene) + _fade(period, pitch) * weave + 0.09 * threads, np.float32
    )


def _wood(rng: np.random.Generator, row: Floats, col: Floats, scene: Scene, pitch: float) -> Floats:
    plank = float(rng.uniform(0.16, 0.30))
    number = (row / plank).astype(np.int64)
    tone = rng.normal(0, 0.13, 32)[number][:, None]
    drift = 6 * rng.uniform(0, 1, 32)[number][:, None]
    bend = _noise(rng, row, col, (0.12, 0.50), (scene.height, scene.width))
    rings = np.sin(2 * np.pi * (row[:, None] / 0.075 + 0.55 * bend + drift))
    fibre = _grain(rng, row, col, scene, pitch, (0.008, 0.16))
    seam = np.abs(row / plank - np.round(row / plank))[:, None] * plank
    gap = np.clip(1 - seam / max(0.004, pitch), 0, 1)
    return np.asarray(
        0.55 + tone + 0.14 * rings + 0.12 * fibre - 0.6 * gap + 0.0 * col[None, :], np.float32
    )


def _sand(rng: np.random.Generator, row: Floats, col: Floats, scene: Scene, pitch: float) -> Floats:
    bend = _noise(rng, row, col, (0.22, 0.30), (scene.height, scene.width))
    turn = float(rng.uniform(-0.6, 0.6))
    wave = (row[:, None] + turn * col[None, :]) / 0.085 + 0.75 * bend
    ripple = np.sin(2 * np.pi * wave) + 0.35 * np.sin(4 * np.pi * wave + 0.9)
    grains = _grain(rng, row, col, scene, pitch, (0.008, 0.008))
    grains = grains + _grain(rng, row, col, scene, pitch, (0.004, 0.004))
    return 0.52 + 0.17 * ripple + 0.08 * bend + 0.09 * grains


def _marble(
    rng: np.random.Generator, row: Floats, col: Floats, scene: Scene, pitch: float
) -> Floats:
    span = (scene.height, scene.width)
    bend = _noise(rng, row, col, (0.16, 0.16), span) + 0.4 * _noise(
        rng, row, col, (0.05, 0.05), span
    )
    slant = float(rng.uniform(0.4, 1.6))
    vein = np.abs(np.sin(np.pi * (2.2 * col[None, :] + slant * 2.2 * row[:, None] + 0.55 * bend)))
    speck = _grain(rng, row, col, scene, pitch, (0.006, 0.006))
    return np.asarray(0.78 - 0.75 * np.exp(-vein * 7) + 0.08 * bend + 0.03 * speck, np.float32)


def _tiles(
    rng: np.random.Generator, row: Floats, col: Floats, scene: Scene, pitch: float
) -> Floats:
    size = float(rng.uniform(0.13, 0.22))
    shift_row, shift_col = rng.uniform(0, size, 2)
    at_row, at_col = (row + shift_row) / size, (col + shift_col) / size
    tones = rng.normal(0, 0.15, (32, 32))
    tone = tones[at_row.astype(np.int64)[:, None], at_col.astype(np.int64)[None, :]]
    to_row = np.abs(at_row - np.round(at_row))[:, None] * size
    to_col = np.abs(at_col - np.round(at_col))[None, :] * size
    grout = np.clip(1.5 - np.minimum(to_row, to_col) / max(0.005, pitch), 0, 1)
    speck = _grain(rng, row, col, scene, pitch, (0.006, 0.006))
    return np.asarray(
        0.5 * _cloudy(rng, row, col, scene) + 0.32 + tone - 0.45 * grout + 0.05 * speck, np.float32
    )


def _felt(rng: np.random.Generator, row: Floats, col: Floats, scene: Scene, pitch: float) -> Floats:
    tufts = _noise(rng, row, col, (0.022, 0.022), (scene.height, scene.width))
    fuzz = _grain(rng, row, col, scene, pitch, (0.006, 0.006))
    return np.asarray(_cloudy(rng, row, col, scene) + 0.12 * tufts + 0.10 * fuzz, np.float32)


_GROUND_TONES: dict[str, GroundTone] = {
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
Material = Callable[[Floats, Floats, Piece, float, int], Floats]


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
    return _smooth(0.42 + 0.55 * mottle)


_MATERIALS: dict[str, Material] = {
    "plain": _plain,
    "striped": _striped,
    "checkered": _checkered,
    "dotted": _dotted,
    "glossy": _plain,
    "grainy": _grainy,
}


# ------------------------------------------------------------------------------------------- shapes

# Signed distance to the outline of a shape of radius 1, negative inside. y points down, x to the
# right. After Inigo Quilez, https://iquilezles.org/articles/distfunctions2d/ (MIT).


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


_DISTANCES: dict[str, Callable[[Floats, Floats], Floats]] = {
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


# ----------------------------------------------------------------------------------------- examples


@dataclass(frozen=True)
class Example:
    """A scene picked for ``images/``: its index in the EXAMPLE stream, and how it is composed."""

    file: str
    index: int
    count: int
    width: float = 1.0


# Picked by eye with seed 0: one of each ground, one to four objects.
EXAMPLES = (
    Example("scene-planks.png", index=5, count=4),
    Example("scene-felt.png", index=3, count=3),
    Example("scene-marble.png", index=2, count=3),
    Example("scene-tiles.png", index=16, count=2),
    Example("scene-sand.png", index=6, count=1),
    Example("scene-linen-wide.png", index=102, count=4, width=1.4),
)


def example_picture(example: Example, seed: int = 0, size: int = 448) -> Image.Image:
    """The picture of an example, ``size`` pixels high."""
    scene = compose(EXAMPLE, seed, example.index, width=example.width, count=example.count)
    pixels = draw(scene, size, supersample=2).pixels
    # Steps of 3 of 255 cannot be seen on textured ground, and make the PNG a third smaller.
    return Image.fromarray((pixels.astype(np.uint16) + 1).clip(0, 255).astype(np.uint8) // 3 * 3)


def main() -> None:
    """Draw the example images."""
    parser = argparse.ArgumentParser(description="Draw the scenes of examples/images.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "images")
    parser.add_argument("--seed", type=int, default=0, help="the shipped scenes have seed 0")
    parser.add_argument("--size", type=int, default=448, help="height in pixels")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for example in EXAMPLES:
        example_picture(example, args.seed, args.size).save(args.out / example.file, optimize=True)


if __name__ == "__main__":
    main()
