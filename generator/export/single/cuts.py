"""Reduction of a single file to a size limit, in a fixed order."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from generator.images.pixels import open_picture
from generator.present.cells.alike import ALIKE
from generator.present.cells.chunks.chunk import read_gray
from generator.present.cells.chunks.gray_png import gray_png
from generator.present.cells.chunks.maps import PRIMARY
from generator.present.cells.chunks.packing import packed, read_packed
from generator.present.cells.chunks.patches import PATCH
from generator.present.drawing.pictures import published_copy
from generator.present.files.reductions import KEPT_LAYERS, LOW_HEADS, PATCHES
from generator.present.pages.environment import script_json

SMALL_SIDE = 640

HEADS_GONE = (
    "Left out of this file to keep it small: of this layer and query, only the mean over heads."
)


@dataclass(frozen=True, slots=True)
class Cut:
    """The parts that a single file leaves out.

    Attributes:
        patches: attention with patches as queries, and features of patches.
        token_heads: single heads of queries other than the class token; their mean stays.
        low_heads: single heads of all but the last layers; their mean stays.
        pictures: pictures of more than ``SMALL_SIDE`` pixels on the long side.
        images: number of images without a page, from the end.
    """

    patches: bool = False
    token_heads: bool = False
    low_heads: bool = False
    pictures: bool = False
    images: int = 0

    @property
    def words(self) -> tuple[str, ...]:
        """The parts in words, for readers."""
        said = []
        if self.patches:
            said.append(PATCHES)
            said.append("cosines with any chosen patch (those with a few stated patches stay)")
        if self.token_heads:
            said.append("single heads of queries other than CLS (their mean over heads stays)")
        if self.low_heads:
            said.append(LOW_HEADS)
        if self.pictures:
            said.append(f"pictures of more than {SMALL_SIDE} pixels (smaller copies stand in)")
        if self.images:
            plural = "page" if self.images == 1 else "pages"
            said.append(f"the {plural} of the last {self.images} images")
        return tuple(said)


STEPS = (
    Cut(),
    Cut(patches=True),
    Cut(patches=True, token_heads=True),
    Cut(patches=True, token_heads=True, low_heads=True),
    Cut(patches=True, token_heads=True, low_heads=True, pictures=True),
)
"""The order of reduction; after it, images are left out from the end."""

ORDER = (
    f"{PATCHES}; single heads of registers; single heads of all but the "
    f"last {KEPT_LAYERS} layers; pictures above {SMALL_SIDE} pixels; pages of images, from the end"
)


def without_images(count: int) -> Cut:
    """All reductions, and the pages of the last images."""
    return replace(STEPS[-1], images=count)


def chunk_text(path: Path, query: str, cut: Cut) -> str:
    """A chunk's header and PNG, packed, in base64."""
    low = cut.low_heads
    everything = cut.token_heads and query != PRIMARY
    whole = query in (PATCH, ALIKE) or not (low or everything)
    data = read_packed(path) if whole else _thinned(path, all_layers=everything)
    return base64.b64encode(data).decode("ascii")


def _thinned(path: Path, *, all_layers: bool) -> bytes:
    """A chunk with only the mean over heads in the layers that lose single heads."""
    text, flat = read_gray(path)
    header: dict[str, Any] = json.loads(text)
    (rows, cols), columns = header["grid"], header["heads"] + 1
    codes = flat.reshape(len(header["rows"]), rows, columns, cols).copy()
    layers = [n for n, label in enumerate(header["rows"]) if label.isdecimal()]
    for layer in layers if all_layers else layers[:-KEPT_LAYERS]:
        codes[layer, :, :-1] = 0
        header["maxima"][layer][:-1] = [None] * header["heads"]
        empty = [None] * len(header["groups"])
        header["mass"][layer][:-1] = [empty] * header["heads"]
    return packed(header, gray_png(codes.reshape(flat.shape)))


def page_data(text: str, cut: Cut) -> str:
    """The data of an image page, without queries that are left out."""
    if not cut.patches:
        return text
    data: dict[str, Any] = json.loads(text)
    data["queries"] = [choice for choice in data["queries"] if choice["id"] != PATCH]
    for model in data["models"]:
        model["alike"] = ""
    frames = (model for frame in data["frames"] for model in frame["models"])
    for model in (*data["models"], *frames):
        model["chunks"].pop(PATCH, None)
        if cut.token_heads:
            model["cut"] = model["cut"] or HEADS_GONE
    return script_json(data)


def picture_bytes(path: Path, cut: Cut) -> bytes:
    """A published picture, made smaller if large ones are left out."""
    data = path.read_bytes()
    if cut.pictures:
        with Image.open(io.BytesIO(data)) as picture:
            large = max(picture.size) > SMALL_SIDE
        if large:
            return published_copy(open_picture(path), SMALL_SIDE)
    return data
