"""Conversion of pictures with more than 8 bits a channel, and of transparent key colors.

Pillow leaves three cases to its callers: the white level of a deep TIFF, a transparent color in the
PNG's own depth, and sensors of 10, 12 or 14 bits in 16-bit files.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin, TiffImagePlugin

from generator.errors import ImageError
from generator.text.numbers import machine

_PHOTOMETRIC, _BITS, _COLORS = 262, 258, 320
_WHITE_IS_ZERO = 0

# Kinds of deep TIFF that Pillow can unpack but does not list.
TiffImagePlugin.OPEN_INFO.update(
    {
        (b"MM", 0, (1,), 1, (16,), ()): ("I;16B", "I;16B"),
        (b"II", 0, (1,), 2, (16,), ()): ("I;16", "I;16R"),
        (b"II", 0, (1,), 1, (12,), ()): ("I;16", "I;12"),
        (b"MM", 0, (1,), 1, (12,), ()): ("I;16", "I;12"),
        (b"MM", 1, (1,), 1, (12,), ()): ("I;16", "I;12"),
    }
)


def is_deep(image: Image.Image) -> bool:
    """Whether an opened picture, not yet loaded, has 16 bits a channel."""
    return image.mode == "I" or image.mode.startswith("I;16") or ";16" in _raw_mode(image)


def is_gray(image: Image.Image) -> bool:
    """Whether a picture is gray of more than 8 bits."""
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def gray_to_8_bits(image: Image.Image, name: str) -> Image.Image:
    """Convert deep gray to 8 bits by a fixed factor, without contrast stretching.

    White is the largest value of the file's depth, or 0 if the file says so.

    Args:
        image: loaded picture of 16 or 32 bits or floats.
        name: file name, for errors.

    Raises:
        ImageError: values exceed that depth, or floats are outside [0, 1].
    """
    values = np.asarray(image).astype(np.float32)
    white = 1.0 if image.mode == "F" else float((1 << _bits(image)) - 1)
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= white):  # also true of NaN
        expected = "between 0 and 1" if image.mode == "F" else f"{_bits(image)} bits"
        raise ImageError(
            f"{name} holds gray values from {machine(low)} to {machine(high)}; {expected} were "
            "expected, so it is not known which of them is white.",
            "Convert it to an 8-bit or 16-bit picture.",
        )
    if _white_is_zero(image):
        values = white - values
    values *= np.float32(255 / white)
    return Image.fromarray(np.rint(values, out=values).astype(np.uint8))


def unused_bits(image: Image.Image) -> str:
    """Note on a picture whose sensor had fewer bits than its file; empty if they agree.

    Args:
        image: loaded deep picture (see :func:`is_deep`).
    """
    if is_gray(image):
        depth, bits = _bits(image), int(np.asarray(image).max()).bit_length()
    else:
        # Pillow keeps the upper 8 of 16 bits of a color.
        depth = 16
        bits = 8 + max(int(np.asarray(band).max()) for band in image.split()[:3]).bit_length()
    if bits == 0 or bits > depth - 2:
        return ""
    tone = "white" if _white_is_zero(image) else "black"
    return (
        f"Nearly {tone}: the values use {bits} of {depth} bits. If the camera has {bits} bits, "
        f"multiply them by {2 ** (depth - bits)} and save the picture again."
    )


def mend_palette(image: Image.Image) -> None:
    """Repair a TIFF palette with values from 0 to 255 instead of 0 to 65535.

    Unrepaired, all colors would be black. libtiff repairs them in the same way.
    """
    if image.mode != "P" or not isinstance(image, TiffImagePlugin.TiffImageFile):
        return
    colors = image.tag_v2.get(_COLORS, ())
    if colors and max(colors) < 256:
        each = len(colors) // 3
        bands = (colors[:each], colors[each : 2 * each], colors[2 * each :])
        image.putpalette([value for color in zip(*bands, strict=True) for value in color])


def keyed_alpha(image: Image.Image, path: Path) -> Image.Image | None:
    """Alpha channel of a transparent key color in the file's own depth; None without one.

    The color is removed from ``image.info`` where Pillow would compare it with 8-bit values.

    Args:
        image: opened picture; it gets loaded.
        path: path of the file, read again for the lower byte of 16-bit colors.

    Returns:
        Alpha in mode L: 0 where the color is the key, 255 elsewhere.
    """
    key, raw = image.info.get("transparency"), _raw_mode(image)
    if not isinstance(image, PngImagePlugin.PngImageFile) or key is None:
        return None
    if raw in ("L;2", "L;4"):  # Pillow widens the samples and not the key
        image.info["transparency"] = key * (85 if raw == "L;2" else 17)
        return None
    if raw not in ("I;16B", "RGB;16B"):
        return None
    del image.info["transparency"]
    image.load()
    values = np.asarray(image).astype(np.uint16)
    if raw == "RGB;16B":
        with Image.open(path, formats=("PNG",)) as lower:
            lower.tile = [each._replace(args="RGB;16L") for each in lower.tile]
            values = (values << 8) | np.asarray(lower)
    opaque = values != np.asarray(key, dtype=np.uint16)
    opaque = opaque.any(axis=-1) if raw == "RGB;16B" else opaque
    return Image.fromarray(np.where(opaque, np.uint8(255), np.uint8(0)))


def _raw_mode(image: Image.Image) -> str:
    """Pillow's raw mode of the file; empty for decoders that do not state it."""
    tiles = getattr(image, "tile", None) or []
    args = tiles[0].args if tiles else ""
    return str(args[0]) if isinstance(args, tuple) and args else str(args)


def _white_is_zero(image: Image.Image) -> bool:
    if not isinstance(image, TiffImagePlugin.TiffImageFile) or not is_gray(image):
        return False
    return bool(image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO)


def _bits(image: Image.Image) -> int:
    """Bit depth of integer gray: 12 or 16."""
    if isinstance(image, TiffImagePlugin.TiffImageFile) and image.mode != "I":
        return int(image.tag_v2.get(_BITS, (16,))[0])
    return 16
