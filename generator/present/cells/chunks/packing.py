"""Bytes as a classic script, which a page opened from disk may load where it must not fetch.

A script is text. Base64 adds a third to the bytes; here each character of UTF-16 carries 15 bits,
which adds a fifteenth. The byte order mark decides the encoding in every browser, whatever a server
says. All characters are of one range without quotes, line ends or surrogates::

    galleryChunk("RECORD/QUERY","...");

The bytes are the length of the header (4 bytes, little-endian), the header as JSON, compressed with
zlib, and a gray PNG.
"""

from __future__ import annotations

import codecs
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BITS = 15
FIRST = 0x3000
"""The character that stands for 0; ``decode.js`` has the same number."""

_START, _END = 'galleryChunk("{}","', '");\n'
_LENGTH = 4


def packed(fields: dict[str, Any], png: bytes) -> bytes:
    """A header and a PNG as bytes."""
    text = json.dumps(fields, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    header = zlib.compress(text.encode("ascii"), 6)  # 9: three times as long for 1 % less
    return len(header).to_bytes(_LENGTH, "little") + header + png


def unpacked(data: bytes) -> tuple[bytes, bytes]:
    """The header as JSON, and the PNG."""
    end = _LENGTH + int.from_bytes(data[:_LENGTH], "little")
    return zlib.decompress(data[_LENGTH:end]), data[end:]


def script_bytes(fields: dict[str, Any], png: bytes) -> bytes:
    """Encode a header, which names its record and query, and a PNG as a classic script."""
    start = _START.format(f"{fields['record']}/{fields['query']}")
    groups = _regrouped(np.frombuffer(packed(fields, png), dtype=np.uint8), 8, BITS)
    body = (groups + FIRST).astype("<u2").tobytes()
    return codecs.BOM_UTF16_LE + _utf16(start) + body + _utf16(_END)


def read_packed(path: Path) -> bytes:
    """The bytes of a script."""
    return _bytes_of(_characters(path.read_bytes()))


def read_json(path: Path) -> bytes:
    """The header of a script as JSON, without a look at the rest."""
    characters = _characters(path.read_bytes())
    length = int.from_bytes(_bytes_of(characters[:3])[:_LENGTH], "little")
    return unpacked(_bytes_of(characters[: (_LENGTH + length) * 8 // BITS + 1]))[0]


def _characters(script: bytes) -> NDArray[np.uint16]:
    """The characters that carry bits."""
    start = script.index(_utf16('","')) + len(_utf16('","'))
    return np.frombuffer(script[start : -len(_utf16(_END))], dtype="<u2")


def _bytes_of(characters: NDArray[np.uint16]) -> bytes:
    """Characters as bytes; bits that fill no byte are dropped."""
    found = _regrouped(characters - np.uint16(FIRST), BITS, 8)
    return found[: len(characters) * BITS // 8].astype(np.uint8).tobytes()


def _regrouped(values: NDArray[Any], wide: int, narrow: int) -> NDArray[np.uint32]:
    """The same bits, the highest first, in groups of another width; zeros fill the last group.

    Args:
        values: unsigned integers of ``wide`` bits.
        wide: 8 or 15.
        narrow: 15 or 8.
    """
    # as many bits in a line of either, and zeros after the last
    count = -(-len(values) * wide // narrow)
    lines = np.pad(values, (0, -len(values) % narrow)).reshape(-1, narrow).T.astype(np.uint32)
    lines = np.concatenate([lines, np.zeros_like(lines[:2])])
    found = np.empty((wide, lines.shape[1]), dtype=np.uint32)
    for place, own in enumerate(found):
        first, skipped = divmod(place * narrow, wide)
        held = lines[first]
        for each in range(1, -(-(skipped + narrow) // wide)):
            held = held << np.uint32(wide) | lines[first + each]
        np.right_shift(held, np.uint32(-(skipped + narrow) % wide), out=own)
    found &= np.uint32((1 << narrow) - 1)
    return found.T.ravel()[:count]


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le")
