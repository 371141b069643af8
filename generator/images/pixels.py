"""From picture files to upright 8-bit RGB pixels without metadata, and what is known of them.

Whatever is measured and whatever is published comes out of :func:`open_picture`, so the model and
the reader see the same pixels, and no EXIF, GPS position, comment or profile can reach a page. What
it does with each kind of file:

* rotated by EXIF (or XMP): turned upright;
* several frames or pages: the first one;
* transparent, in whatever way: laid on white;
* 16-bit gray: divided by 257, so that 65535 becomes 255 and nothing is clipped; floating point
  gray: multiplied by 255 where all values are in [0, 1]; other ranges have no agreed white, so they
  are refused;
* with an embedded color profile: converted to sRGB (a damaged profile is ignored, as browsers do);
  without one, CMYK is converted with Pillow's plain formula.
"""

from __future__ import annotations

import io
import re
import threading
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from generator.errors import GalleryError, ImageError

PIXEL_LIMIT = 170_000_000
"""Pixels of the largest picture that is decoded: 0.5 GB of RGB. Just below Pillow's own limit."""

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = frozenset({5, 6, 7, 8})

# Pillow hands these to an interpreter (Ghostscript, Windows) whatever the file is called.
_PROGRAMS = frozenset({"EPS", "WMF"})

# Pillow warns about odd metadata, which is none of the user's business, and Python's filters are
# shared by all threads: without the lock, one thread could restore what another has changed.
_quiet = threading.Lock()


def open_picture(path: Path) -> Image.Image:
    """A picture as the program sees it: upright, RGB, 8 bits a channel, without any metadata.

    Raises:
        ImageError: the file is missing, empty, damaged, too large or not a picture.
    """
    with decoding(path) as image:
        image.load()
        # After loading: Pillow itself turns a TIFF upright while it loads.
        turn = _UPRIGHT.get(_orientation(image))
        picture = _to_rgb(image, readable(path.name))
        if turn is not None:
            picture = picture.transpose(turn)
    picture.info = {}
    return picture


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels of the upright picture, from the file's header alone.

    Raises:
        ImageError: as :func:`open_picture`, except for damage behind the header.
    """
    with decoding(path) as image:
        width, height = image.size
        # Pillow gives the size of a TIFF already turned.
        sideways = image.format != "TIFF" and _orientation(image) in _SIDEWAYS
        return (height, width) if sideways else (width, height)


def readable(name: str) -> str:
    """A file name that can be shown and encoded.

    Composed, and without control characters or bytes that are no text in the system's encoding.
    """
    composed = unicodedata.normalize("NFC", name)
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in ("Cc", "Cs") else c
        for c in composed
    )


# --- reading -------------------------------------------------------------------------------------


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what the system says about a file into an ImageError.

    Only the name is shown: failures are published, and folders may be private.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise ImageError(f"There is no file {name}.", "Check the path.") from error
    except OSError as error:
        if error.errno is None:
            raise
        raise ImageError(
            f"{name} cannot be read: {error.strerror}.", "Check the file and its permissions."
        ) from error


@contextmanager
def decoding(path: Path) -> Iterator[Image.Image]:
    """Open a picture as it is stored.

    Everything that goes wrong until the end of the block is an ImageError. The size is checked
    first, and the block has Pillow to itself, so it should be short.
    """
    name = readable(path.name)
    with _quiet, warnings.catch_warnings(), reading(name):
        warnings.simplefilter("ignore")
        with path.open("rb") as file:
            if not file.read(1):
                raise ImageError(f"{name} is empty (0 bytes).", "Copy the file again.")
            file.seek(0)
            try:
                with Image.open(file) as image:
                    if image.format in _PROGRAMS:
                        raise _not_a_picture(file, name)
                    check_size(image.width * image.height, name)
                    yield image
            except (GalleryError, MemoryError):
                raise
            except UnidentifiedImageError as error:
                raise _not_a_picture(file, name) from error
            except Image.DecompressionBombError as error:
                pixels = re.search(r"\d+", str(error))
                check_size(int(pixels[0]) if pixels else 0, name)
                raise ImageError(  # somebody has lowered Pillow's limit below ours
                    f"{name} is too large for this Python ({_reason(error)}).",
                    "Raise PIL.Image.MAX_IMAGE_PIXELS.",
                ) from error
            except Exception as error:  # decoders raise anything at all on damaged bytes
                raise ImageError(
                    f"{name} is damaged or cut short ({_reason(error)}).",
                    "Copy the file again, or leave it out.",
                ) from error


def check_size(pixels: int, name: str) -> None:
    """Refuse a picture that would fill the memory.

    Raises:
        ImageError: it has more pixels than are opened.
    """
    if pixels > PIXEL_LIMIT:
        raise ImageError(
            f"{name} is too large: {pixels / 1e6:.0f} megapixels, where at most "
            f"{PIXEL_LIMIT / 1e6:.0f} are opened.",
            "Make it smaller first.",
        )


def _not_a_picture(file: io.BufferedReader, name: str) -> ImageError:
    file.seek(0)
    if file.read(40).startswith(b"version https://git-lfs.github.com/"):
        return ImageError(
            f"{name} is a Git LFS pointer, not the picture itself.", "Run git lfs pull."
        )
    return ImageError(
        f"{name} is not a picture in a format that can be read.",
        "Convert it to PNG or JPEG, or leave it out.",
    )


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    return text or type(error).__name__


# --- pixels --------------------------------------------------------------------------------------


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where EXIF is missing or damaged."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # damaged EXIF raises anything; the pixels are still good
        return 1


def _to_rgb(image: Image.Image, name: str) -> Image.Image:
    """Any mode to RGB on white, in sRGB."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _gray_to_8_bits(image, name).convert("RGB")
    profile = image.info.get("icc_profile")
    if not image.has_transparency_data:
        return _to_srgb(image, profile)
    layered = image.convert("RGBA")
    opaque = layered.convert("RGB") if image.mode not in ("LA", "La") else layered.getchannel(0)
    return on_white(_to_srgb(opaque, profile), layered.getchannel("A"))


def on_white(picture: Image.Image, alpha: Image.Image) -> Image.Image:
    """An RGB picture laid on white, where alpha says that white shines through."""
    white = Image.new("RGB", picture.size, "white")
    return Image.composite(picture, white, alpha)


def _gray_to_8_bits(image: Image.Image, name: str) -> Image.Image:
    """16-bit, 32-bit and floating point gray to 8 bits, by a fixed factor: no picture is stretched.

    Raises:
        ImageError: the values are outside 16 bits, or for floats outside [0, 1].
    """
    values = np.asarray(image).astype(np.float32)
    white = 1.0 if image.mode == "F" else 65535.0
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= white):  # also true of NaN
        expected = "between 0 and 1" if image.mode == "F" else "16 bits"
        raise ImageError(
            f"{name} holds gray values from {low:g} to {high:g}; {expected} were expected, so it "
            "is not known which of them is white.",
            "Convert it to an 8-bit or 16-bit picture.",
        )
    return Image.fromarray(np.rint(values * np.float32(255 / white)).astype(np.uint8))


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """An opaque picture in sRGB; with the profile it came with, where that fits and is sound."""
    plain = image.convert("RGB") if image.mode not in ("RGB", "L", "CMYK") else image
    spaces = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile or b""))
        if source.profile.xcolor_space.strip() == spaces[plain.mode] and not _is_srgb(source):
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(plain, source, target, outputMode="RGB")
            if converted is not None:
                return converted
    except (ImageCms.PyCMSError, ImportError, OSError, TypeError, ValueError):
        pass  # no profile, a damaged one, or a Pillow built without color management
    return plain.convert("RGB")


def _is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    """Whether converting would only add rounding errors. ``c2`` is what photo sites embed."""
    description = (profile.profile.profile_description or "").strip().lower()
    return "srgb" in description or description == "c2"
