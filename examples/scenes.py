"""Procedural still lifes: bold shapes on a table among pebbles, leaves and twigs.

The demo models of this folder are trained on these scenes, and the drawn images in ``images/`` are
some of them. A scene is a list of floats and has no resolution: the same scene is drawn at 112 px
for a model and at 448 px for a reader. Needs numpy and pillow only. What shapes and surfaces look
like is in ``scene_shapes.py`` and ``scene_surfaces.py``.

Units. The *canvas unit* is the short side of the picture, so a square picture spans 0..1 in both
directions. ``row`` and ``col`` are positions in canvas units, down and to the right. ``scale`` is
in pixels per canvas unit. Colors are sRGB in 0..1 while drawing, and uint8 when done.

Regenerate the example images::

    python examples/scenes.py --out examples/images
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scene_shapes import DISTANCES, Floats
from scene_surfaces import GROUND_TONES, MATERIAL_SHARES, smooth

Color = tuple[float, float, float]

SHAPES = ("disc", "square", "triangle", "star", "ring", "cross", "heart", "crescent")
MATERIALS = ("plain", "striped", "checkered", "dotted", "glossy", "grainy")
GROUNDS = ("linen", "wood", "sand", "marble", "tiles", "felt")
CLUTTER = ("pebble", "leaf", "twig")

# First entry of a scene's seed. Scenes of different streams never share a random sequence.
TRAIN, HELD_OUT, EXAMPLE, CALIBRATION = 0, 1, 2, 3

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
    tone = GROUND_TONES[scene.ground](rng, row, col, (scene.height, scene.width), float(pitch))
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
        return DISTANCES[piece.kind](y.astype(np.float32), x.astype(np.float32)) * piece.radius

    is_object = mask is not None
    height = 0.030 if is_object else 0.010
    fallen = distance_at(down - 0.8 * height, across - 0.6 * height)
    part *= (1 - (0.42 if is_object else 0.30) * smooth(0.5 - fallen / (1.6 * height)))[..., None]

    distance = distance_at(down, across)
    cover = np.clip(0.5 - distance / pitch, 0, 1)
    y = cos * down - sin * across
    x = sin * down + cos * across
    share = MATERIAL_SHARES[piece.material](y, x, piece, pitch, grain_seed)
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
