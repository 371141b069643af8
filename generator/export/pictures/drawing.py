"""Drawing of maps: colored on the gallery's scale, alone or over the picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generator.errors import StoreError
from generator.present.drawing.colors import color_table
from generator.present.drawing.scale import Scale
from generator.records.record import FloatArray, View

Pixels = NDArray[np.uint8]


def colored(values: FloatArray, scale: Scale, colors: str) -> Pixels:
    """Colors of a map: uint8 ``[row, col, channel]`` of ``[row, col]`` in times uniform."""
    position = np.nan_to_num(scale.position(values), nan=0.0, neginf=0.0, posinf=1.0)
    steps = np.clip(position * 256, 0, 255).astype(np.uint8)
    found: Pixels = color_table(colors)[steps]
    return found


def size_of(view: View, width: int) -> tuple[int, int]:
    """Width and height of the box that the patches cover, in pixels."""
    return width, max(1, round(width * (view.bottom - view.top) / (view.right - view.left)))


def enlarged(pixels: Pixels, size: tuple[int, int]) -> Image.Image:
    """Enlarge a map; every patch has one color."""
    return Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST)


def input_picture(path: Path, view: View, size: tuple[int, int]) -> Image.Image:
    """The box of a model's patches, cropped from the published picture, without metadata.

    Raises:
        StoreError: the site's copy of the picture is missing or damaged.
    """
    if not path.is_file():
        raise StoreError(
            f"The site has no copy of the picture {path.name}."
            if path.suffix
            else "The site has no copy of a picture.",
            "Build the gallery again.",
        )
    try:
        with Image.open(path) as file:
            picture = file.convert("RGB")
    except OSError as error:
        raise StoreError(
            f"The picture {path} is damaged or cut short.", "Build the gallery again."
        ) from error
    across = picture.width / view.image_width
    down = picture.height / view.image_height
    box = (
        max(0.0, view.left * across),
        max(0.0, view.top * down),
        min(float(picture.width), view.right * across),
        min(float(picture.height), view.bottom * down),
    )
    part = picture.resize(size, Image.Resampling.LANCZOS, box=box)
    return Image.fromarray(np.asarray(part))


def overlaid(photo: Image.Image, colors: Image.Image, strength: int) -> Image.Image:
    """A colored map over the picture.

    Args:
        photo: the part of the picture in the model's input.
        colors: the map, of the same size.
        strength: opacity of the map, in percent.
    """
    return Image.blend(photo, colors, strength / 100)
