"""Decoding of pictures to upright 8-bit RGB pixels without metadata.

Models and pages both use :func:`open_picture`, so they show the same pixels, and no EXIF, GPS
position, comment or profile can reach a page. It converts:

* rotated by EXIF (or XMP): turned upright;
* several frames or pages: the first one;
* transparent, in whatever way: laid on white;
* 16-bit gray: divided by 257, so that 65535 becomes 255 and nothing is clipped; floating point
  gray: multiplied by 255 where all values are in [0, 1]; other ranges have no agreed white, so they
  are refused; TIFF files that count down from white are turned over, whatever their depth;
* with an embedded color profile: converted to sRGB (a damaged profile is ignored, as browsers do);
  without one, CMYK is converted with Pillow's plain formula.
"""

from __future__ import annotations

import errno
import functools
import io
import os
import re
import threading
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from generator.errors import GalleryError, ImageError
from generator.images.depth import (
    gray_to_8_bits,
    is_deep,
    is_gray,
    keyed_alpha,
    mend_palette,
    unused_bits,
)
from generator.records.file_hashes import sha256_of
from generator.records.run import ImageEntry
from generator.text.amounts import size_in_words

PIXEL_LIMIT = 170_000_000
"""Most pixels of a picture. Just below Pillow's own limit."""

BYTES_A_PIXEL = 18
"""Most bytes of memory for each pixel during conversion."""

_ALWAYS_FITS = 10_000_000  # pictures below this many pixels are not checked against free memory

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = frozenset({5, 6, 7, 8})
"""EXIF orientations that swap width and height."""

TIFFS = frozenset({b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"})
"""Beginnings of TIFF files."""

HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
"""Kinds of HEIF containers; AVIF, which Pillow reads, has others."""

STDERR = 2
"""Number of the standard error in the system."""

# Pillow hands these to an interpreter (Ghostscript, Windows) whatever the file is called.
_PROGRAMS = frozenset({"EPS", "WMF"})

# Pillow warns about odd metadata, which does not concern the user, and Python's filters are
# shared by all threads: without the lock, one thread could restore what another has changed.
_quiet = threading.Lock()


def open_picture(path: Path) -> Image.Image:
    """Open a picture as upright RGB, 8 bits a channel, without metadata.

    Raises:
        ImageError: the file is missing, empty, damaged, too large or no picture.
    """
    return open_noted(path)[0]


def open_checked(image: ImageEntry) -> Image.Image:
    """Open the picture of an entry as :func:`open_picture` does, if it is the one that was hashed.

    Raises:
        ImageError: as :func:`open_picture`; or it has another size than its header said, or other
            bytes than when it was hashed.
    """
    picture = open_picture(image.path)
    if picture.size != (image.width, image.height):
        raise ImageError(
            f"{image.name} is damaged, or was changed: it has {picture.width} × {picture.height} "
            f"pixels, and {image.width} × {image.height} were announced.",
            "Copy the file again, or build again.",
        )
    with reading(image.name):
        if sha256_of(image.path) != image.sha256:
            raise ImageError(f"{image.name} was changed after it was hashed.", "Build again.")
    return picture


def open_noted(path: Path) -> tuple[Image.Image, str]:
    """Open a picture as :func:`open_picture` does, with a note for its owner; mostly empty.

    Raises:
        ImageError: as :func:`open_picture`.
    """
    with decoding(path) as image:
        deep = is_deep(image)
        alpha = keyed_alpha(image, path)
        image.load()
        mend_palette(image)
        note = unused_bits(image) if deep else ""
        # After loading: Pillow itself turns a TIFF upright while it loads.
        orientation = orientation_of(image)
        picture = _to_rgb(image, readable(path.name))
        if alpha is not None:
            picture = on_white(picture, alpha)
        picture = upright(picture, orientation)
    picture.info = {}
    return picture, note


def readable(name: str) -> str:
    """A file name that can be displayed and encoded.

    The name is in NFC, without control characters or undecodable bytes.
    """
    composed = unicodedata.normalize("NFC", name)
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in ("Cc", "Cs") else c
        for c in composed
    )


# --- reading -------------------------------------------------------------------------------------


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Context manager: turn an OSError about a file into an ImageError.

    Only the name is shown: failures are published, and folders may be private.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise ImageError(f"There is no file {name}.", "Check the path.", usage=True) from error
    except IsADirectoryError as error:
        raise ImageError(f"{name} is a folder.", "Name a file in it.", usage=True) from error
    except OSError as error:
        if error.errno is None:
            raise
        raise ImageError(
            f"{name} cannot be read: {error.strerror}.",
            "Check the file and its permissions.",
            usage=error.errno == errno.ENAMETOOLONG,
        ) from error


@contextmanager
def decoding(path: Path) -> Iterator[Image.Image]:
    """Context manager: open a picture with its stored pixels.

    Errors inside the block become ImageErrors. The size is checked first. The block holds a global
    lock on Pillow, so it should be short.
    """
    name = readable(path.name)
    with _quiet, warnings.catch_warnings(), reading(name):
        warnings.simplefilter("ignore")
        with path.open("rb") as file:
            if not file.read(1):
                raise ImageError(f"{name} is empty (0 bytes).", "Copy the file again.")
            file.seek(0)
            try:
                _know_heic(file)
                with _without_lines_of_libtiff(file), Image.open(file) as image:
                    if image.format in _PROGRAMS:
                        raise _not_a_picture(file, name)
                    check_size(image.width * image.height, name)
                    yield image
            except GalleryError:
                raise
            except MemoryError as error:  # also what decoders say to impossible sizes
                raise ImageError(
                    f"{name} is damaged, or needs more memory than there is.",
                    "Copy the file again, or make the picture smaller.",
                ) from error
            except UnidentifiedImageError as error:
                raise _not_a_picture(file, name) from error
            except Image.DecompressionBombError as error:
                pixels = re.search(r"\d+", str(error))
                check_size(int(pixels[0]) if pixels else 0, name)
                raise ImageError(  # Pillow's own limit was set below ours
                    f"{name} is too large for this Python ({_reason(error)}).",
                    "Raise PIL.Image.MAX_IMAGE_PIXELS.",
                ) from error
            except Exception as error:  # decoders raise anything at all on damaged bytes
                raise ImageError(
                    f"{name} is damaged or cut short ({_reason(error)}).",
                    "Copy the file again, or leave it out.",
                ) from error


@contextmanager
def _without_lines_of_libtiff(file: BinaryIO) -> Iterator[None]:
    """Context manager: keep what a library written in C says of a TIFF off the terminal.

    libtiff writes warnings to the standard error of the process, and Python can't stop it. What is
    damaged is said in our words.
    """
    is_tiff = file.read(4) in TIFFS
    file.seek(0)
    try:
        kept = os.dup(STDERR) if is_tiff else None
    except OSError:  # closed: nothing is shown anyway
        kept = None
    if kept is None:
        yield
        return
    try:
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), STDERR)
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)


def check_size(pixels: int, name: str) -> None:
    """Check that a picture fits into memory.

    Raises:
        ImageError: it has more pixels than allowed, or than fit into free memory.
    """
    if pixels > PIXEL_LIMIT:
        raise ImageError(
            f"{name} is too large: {round(pixels / 1e6)} megapixels, where at most "
            f"{round(PIXEL_LIMIT / 1e6)} are opened.",
            "Make it smaller first.",
        )
    needed = pixels * BYTES_A_PIXEL
    if pixels > _ALWAYS_FITS and (free := free_memory()) is not None and needed > free:
        raise ImageError(
            f"{name} is too large: {round(pixels / 1e6)} megapixels need {size_in_words(needed)} "
            f"of memory, and {size_in_words(int(free))} are free.",
            "Close other programs, or make the picture smaller.",
        )


def free_memory() -> int | None:
    """Free memory in bytes; None if the system does not report it."""
    found = []
    with suppress(OSError, ValueError, IndexError):
        text = Path("/proc/meminfo").read_text()
        found.append(int(text.partition("MemAvailable:")[2].split()[0]) * 1024)
    with suppress(OSError, ValueError):  # of a container; "max" for none
        found.append(int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return min(found, default=None)


def _is_heic(file: BinaryIO) -> bool:
    """Whether a file begins as HEIC, the format of phones."""
    file.seek(0)
    start = file.read(12)
    file.seek(0)
    return start[4:8] == b"ftyp" and start[8:12] in HEIC


@functools.cache
def _heif_opener() -> bool:
    """Have Pillow read HEIC, if the extra is installed."""
    try:
        import pillow_heif  # noqa: PLC0415 - an extra
    except ImportError:
        return False
    pillow_heif.register_heif_opener(thumbnails=False)
    return True


def _know_heic(file: BinaryIO) -> None:
    if _is_heic(file):
        _heif_opener()


def _not_a_picture(file: io.BufferedReader, name: str) -> ImageError:
    if _is_heic(file) and not _heif_opener():
        return ImageError(
            f"{name} is HEIC, which needs the extra heif.", "Install it: pip install pillow-heif."
        )
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


def orientation_of(image: Image.Image, *, decoded: bool = True) -> int:
    """The EXIF orientation, 1 to 8; 1 where EXIF is missing or damaged.

    Args:
        decoded: whether a PNG may be decoded to find what stands after its pixels.
    """
    try:
        exif = image.getexif() if decoded else Image.Image.getexif(image)
        return int(exif.get(ExifTags.Base.Orientation, 1))
    except Exception:  # damaged EXIF raises anything; the pixels are still good
        return 1


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Apply the EXIF orientation to stored pixels."""
    turn = _UPRIGHT.get(orientation)
    return image if turn is None else image.transpose(turn)


def _to_rgb(image: Image.Image, name: str) -> Image.Image:
    """Convert any mode to RGB on white, in sRGB."""
    if is_gray(image):
        return gray_to_8_bits(image, name).convert("RGB")
    profile = image.info.get("icc_profile")
    if not image.has_transparency_data:
        return _to_srgb(image, profile)
    layered = image.convert("RGBA")
    opaque = layered.convert("RGB") if image.mode not in ("LA", "La") else layered.getchannel(0)
    return on_white(_to_srgb(opaque, profile), layered.getchannel("A"))


def on_white(picture: Image.Image, alpha: Image.Image) -> Image.Image:
    """Blend an RGB picture with white by its alpha channel."""
    white = Image.new("RGB", picture.size, "white")
    return Image.composite(picture, white, alpha)


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert an opaque picture to sRGB, with its embedded profile if that is valid."""
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
    """Whether a profile is sRGB already; ``c2`` is the compact sRGB of photo sites."""
    description = (profile.profile.profile_description or "").strip().lower()
    return "srgb" in description or description == "c2"
