"""8-bit codes as gray PNG.

Pillow writes such files too, but takes twice as long and some more bytes: a site has millions of
codes, and they are nearly noise to a compressor.
"""

from __future__ import annotations

import base64
import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Codes = NDArray[np.uint8]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GRAY = (8, 0, 0, 0, 0)
"""Bits of a pixel, gray, and the only compression, filters and order that are not interlaced."""


def gray_png(codes: Codes) -> bytes:
    """Encode codes ``[y, x]`` as a gray PNG without metadata."""
    rows, cols = codes.shape
    # runs and Huffman codes are as small as a search for repeats, and twice as fast
    packer = zlib.compressobj(6, zlib.DEFLATED, 15, 9, zlib.Z_RLE)
    data = packer.compress(_filtered(codes).tobytes()) + packer.flush()
    return b"".join(
        (
            _SIGNATURE,
            _part(b"IHDR", struct.pack(">II5B", cols, rows, *_GRAY)),
            _part(b"IDAT", data),
            _part(b"IEND", b""),
        )
    )


def read_gray_png(data: bytes) -> Codes:
    """Decode a gray PNG to codes ``[y, x]``."""
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture)


def read_png_text(text: str) -> Codes:
    """Decode a gray PNG in base64 to codes ``[y, x]``."""
    return read_gray_png(base64.b64decode(text))


def _part(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _filtered(codes: Codes) -> Codes:
    """The lines of a PNG: each the number of its filter, then differences from what it guesses.

    Of the five filters, a line takes the one with the smallest sum of differences: the rule that
    the PNG specification recommends.

    Returns:
        uint8 ``[y, 1 + x]``.
    """
    rows, cols = codes.shape
    framed = np.zeros((rows + 1, cols + 1), dtype=np.uint8)
    framed[1:, 1:] = codes
    left, up, corner = framed[1:, :-1], framed[:-1, 1:], framed[:-1, :-1]
    mean = (left & up) + ((left ^ up) >> 1)
    lines = np.pad(codes, ((0, 0), (1, 0)))
    least = _sums(codes)
    for number, guess in enumerate((left, up, mean, _paeth(left, up, corner)), 1):
        found = codes - guess
        sums = _sums(found)
        better = sums < least
        least[better] = sums[better]
        lines[better, 0] = number
        lines[better, 1:] = found[better]
    return lines


def _sums(differences: Codes) -> NDArray[np.uint32]:
    """Sum of the magnitudes of each line; differences wrap, so 255 counts as 1."""
    sizes = np.abs(differences.view(np.int8)).view(np.uint8)
    found: NDArray[np.uint32] = sizes.sum(axis=1, dtype=np.uint32)
    return found


def _paeth(left: Codes, up: Codes, corner: Codes) -> Codes:
    """Whichever of three neighbors is nearest to ``left + up - corner``; of equals the first."""
    of_left, of_up = _apart(up, corner), _apart(left, corner)
    # on one side of the corner both move away from it, and the corner is farthest
    one_side = (up < corner) == (left < corner)
    of_corner = _apart(of_left, of_up)
    first = (of_left <= of_up) & (one_side | (of_left <= of_corner))
    return _where(first, left, _where(one_side | (of_up <= of_corner), up, corner))


def _apart(one: Codes, two: Codes) -> Codes:
    return np.maximum(one, two) - np.minimum(one, two)


def _where(chosen: NDArray[np.bool_], one: Codes, two: Codes) -> Codes:
    """``np.where`` by masks: it takes ten times as long where a choice cannot be predicted."""
    mask = np.negative(chosen.view(np.uint8))
    return two ^ ((one ^ two) & mask)
