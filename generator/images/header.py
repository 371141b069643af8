"""Headers of picture files: size and orientation, without decoding any pixels."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from PIL import PngImagePlugin

from generator.images.depth import is_deep
from generator.images.pixels import SIDEWAYS, decoding, orientation_of

_PNG_START = 8
_PNG_CHUNK = struct.Struct(">I4s")  # length and kind; a sum of 4 bytes ends a chunk
_PNG_TELLING = frozenset({b"eXIf", b"tEXt", b"zTXt", b"iTXt"})
"""Chunks of a PNG that may hold the orientation: EXIF, or XMP in a text."""


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """Header of a picture file.

    Attributes:
        size: width and height of the upright picture, in pixels.
        orientation: EXIF orientation of the stored pixels, 1 to 8; 1 is upright.
        deep: whether a channel has 16 bits.
    """

    size: tuple[int, int]
    orientation: int
    deep: bool


def picture_header(path: Path) -> PictureHeader:
    """Read the header of a picture file.

    Raises:
        ImageError: as :func:`generator.images.pixels.open_picture`, except for damage after the
            header.
    """
    with decoding(path) as image:
        width, height = image.size
        deep = is_deep(image)  # before EXIF is looked for, which may decode a PNG
        png = isinstance(image, PngImagePlugin.PngImageFile)
        orientation = orientation_of(image, decoded=not png or _tells_after_pixels(path))
        # Pillow gives the size of a TIFF already turned.
        sideways = image.format != "TIFF" and orientation in SIDEWAYS
        size = (height, width) if sideways else (width, height)
        return PictureHeader(size, orientation, deep)


def _tells_after_pixels(png: Path) -> bool:
    """Whether chunks after a PNG's pixels may hold the orientation, which is rare."""
    after = False
    with png.open("rb") as file:
        file.seek(_PNG_START)
        while len(start := file.read(_PNG_CHUNK.size)) == _PNG_CHUNK.size:
            length, kind = _PNG_CHUNK.unpack(start)
            if after and kind in _PNG_TELLING:
                return True
            after = after or kind == b"IDAT"
            file.seek(length + 4, 1)
    return False
