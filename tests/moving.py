"""Small clips, made at test time: a red square that walks over noise."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH, HEIGHT = 96, 64
SIDE, STEP, TOP = 16, 3, 20
TICKS = 1000


def pictures(count: int, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Iterator[NDArray[np.uint8]]:
    """RGB pictures, [height, width, 3]; the square starts at x = 4 and walks to the right."""
    width, height = size
    ground = np.random.default_rng(0).integers(60, 120, (height, width, 3)).astype(np.uint8)
    for n in range(count):
        picture = ground.copy()
        left = 4 + n * STEP
        picture[TOP : TOP + SIDE, left : left + SIDE] = (230, 60, 30)
        yield picture


def square_at(picture: Image.Image) -> int:
    """Where the square's left edge is, in pixels; to within what compression blurs."""
    pixels = np.asarray(picture).astype(int)
    red = (pixels[..., 0] > 180) & (pixels[..., 1] < 100)
    columns = np.flatnonzero(red.sum(axis=0) >= SIDE - 4)
    return int(columns[0])


def video(
    path: Path,
    count: int = 20,
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    times: Sequence[int] = (),
    size: tuple[int, int] = (WIDTH, HEIGHT),
    metadata: dict[str, str] | None = None,
) -> Path:
    """A video of 10 frames a second, or with frames at some times in thousandths of a second."""
    import av

    with av.open(path, "w") as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        stream.codec_context.time_base = Fraction(1, TICKS)
        stream.bit_rate = 2_000_000
        stream.options = {"tune": "zerolatency"} if codec == "libx264" else {}
        for n, picture in enumerate(pictures(count, size)):
            frame = av.VideoFrame.from_ndarray(picture)
            frame.pts = times[n] if times else n * 100
            frame.time_base = Fraction(1, TICKS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def sound(path: Path) -> Path:
    """A file that holds sound alone."""
    import av

    with av.open(path, "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def turned(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """An MP4 whose track says, in its header, how to turn it: a, b, c, d."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # behind version, flags, times, id, duration, layer, volume
    a, b, c, d = (n << 16 for n in matrix)
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def animation(
    path: Path,
    count: int = 6,
    milliseconds: Sequence[int] | int = 100,
    size: tuple[int, int] = (WIDTH, HEIGHT),
) -> Path:
    """A GIF or WebP."""
    first, *rest = [Image.fromarray(picture) for picture in pictures(count, size)]
    first.save(path, save_all=True, append_images=rest, duration=milliseconds, loop=0)
    return path


def folder(path: Path, names: Sequence[str]) -> Path:
    """Numbered pictures."""
    path.mkdir(parents=True)
    for name, picture in zip(names, pictures(len(names)), strict=True):
        Image.fromarray(picture).save(path / name)
    return path
