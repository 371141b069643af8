"""The part of a picture that a model saw, as a file: what its maps lie over exactly."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image

from generator.present.drawing.pictures import Size, published_size, webp
from generator.present.files.cache import SiteCache
from generator.present.files.manifest import FileEntry
from generator.records.record import View
from generator.records.run import ImageEntry

LARGE, SMALL = 640, 320
"""Longest sides, in pixels: beside large maps, and in the contact sheet."""


def crop_size(view: View, side: int = LARGE) -> Size:
    """Size of the published part of a picture, never larger than the original's pixels."""
    return published_size(
        max(1, round(view.right - view.left)), max(1, round(view.bottom - view.top)), side
    )


def put_crop(
    cache: SiteCache,
    image: ImageEntry,
    opened: Callable[[], Image.Image],
    view: View,
    side: int = LARGE,
) -> FileEntry:
    """Write the part of a picture that a model saw.

    Args:
        opened: gives the picture; called only if the previous site lacks the file.
        side: longest side, in pixels.

    Raises:
        ImageError: whatever ``opened`` raises for a picture that cannot be opened.
    """
    return cache.put(
        "crop",
        f"i/{image.slug}/crop",
        {"image": image.sha256, "box": str(view.box), "side": side},
        lambda: webp(cropped(opened(), view, crop_size(view, side))),
        suffix=".webp",
    )


def cropped(picture: Image.Image, view: View, size: Size) -> Image.Image:
    """The part of a picture that a model saw, from its pixels alone."""
    right, bottom = min(view.right, picture.width), min(view.bottom, picture.height)  # rounding
    box = (max(view.left, 0.0), max(view.top, 0.0), right, bottom)
    return picture.resize((size.width, size.height), Image.Resampling.LANCZOS, box=box)
