"""Published copies of pictures: pixels only, without the original's metadata."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

QUALITY = 85


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int


def published_size(width: int, height: int, side: int) -> Size:
    """Size of a copy whose long side is at most ``side``; never larger than the original."""
    factor = min(1.0, side / max(width, height, 1))
    return Size(width=max(1, round(width * factor)), height=max(1, round(height * factor)))


def published_copy(picture: Image.Image, side: int) -> bytes:
    """Re-encode a picture from its pixels as WebP.

    Args:
        picture: as :func:`generator.images.pixels.open_picture` gives it.
        side: the longest side allowed, in pixels.
    """
    size = published_size(picture.width, picture.height, side)
    if (size.width, size.height) != picture.size:
        picture = picture.resize((size.width, size.height), Image.Resampling.LANCZOS)
    return webp(picture)


def webp(picture: Image.Image) -> bytes:
    """Encode the pixels of a picture, and nothing else."""
    # a new image from the pixels drops EXIF, GPS, ICC profile, comments and thumbnails
    bare = Image.fromarray(np.asarray(picture))
    file = io.BytesIO()
    # method 4 takes twice as long for 3 % less
    bare.save(file, format="WEBP", quality=QUALITY, method=2)
    return file.getvalue()
