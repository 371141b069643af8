"""Pictures of the front page: teaser maps, model views, and a card for link previews."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image, ImageDraw

from generator.errors import GalleryError
from generator.images.find import open_picture
from generator.present.cells.files import CellContent
from generator.present.content.teaser import file_stem, is_answered, layer_of, query_of, values_of
from generator.present.drawing.heatmap import map_png
from generator.present.drawing.lettering import FONT, draw_lines
from generator.present.drawing.pictures import QUALITY
from generator.present.drawing.scale import Scale
from generator.present.files.cache import Part, SiteCache
from generator.present.files.manifest import FileEntry
from generator.records.paper import TeaserCell
from generator.records.record import View
from generator.records.run import Failure, ImageEntry, Run

Cells = Mapping[tuple[str, str], CellContent | Failure]

CROP_SIDE = 640
SOCIAL = (1200, 630)
SOCIAL_MAPS = 3
"""Maps on the card for link previews, beside the picture."""

_PAPER, _INK, _SOFT = "#fcfcfb", "#1b1b1a", "#5b5b58"


@dataclass(frozen=True, slots=True)
class Tile:
    """A teaser map and the picture beside it.

    Attributes:
        cell: the teaser of the gallery's file.
        map: file of the map.
        crop: picture cropped to the model's input; None if it cannot be opened.
    """

    cell: TeaserCell
    map: FileEntry
    crop: FileEntry | None


@dataclass(frozen=True, slots=True)
class Front:
    """Pictures of the front page besides the index.

    Attributes:
        social: the card for link previews.
    """

    tiles: tuple[Tile, ...] = ()
    social: FileEntry | None = None

    @property
    def files(self) -> tuple[FileEntry, ...]:
        """Every file, each once."""
        crops = (tile.crop for tile in self.tiles)
        found = [*(tile.map for tile in self.tiles), *crops, self.social]
        return tuple(dict.fromkeys(file for file in found if file is not None))


def put_front(run: Run, cells: Cells, cache: SiteCache, scale: Scale) -> Front:
    """Write the pictures of the front page to the site."""
    images = {image.slug: image for image in run.images}
    tiles = []
    for cell in run.paper.teaser if run.paper else ():
        content = cells.get((cell.model, cell.image))
        if isinstance(content, CellContent) and is_answered(cell, content):
            tiles.append(_tile(cache, cell, content, images[cell.image], scale))
    return Front(tuple(tiles), _put_social(run, cells, cache, scale))


def _tile(
    cache: SiteCache, cell: TeaserCell, content: CellContent, image: ImageEntry, scale: Scale
) -> Tile:
    colors = cache.settings.colors
    drawn = cache.put(
        "teaser",
        file_stem(cell, content),
        {**_parts(cell, content), "colors": colors, "low": scale.low, "high": scale.high},
        lambda: map_png(values_of(cell, content, cache.root), scale, colors),
        suffix=".png",
        query=query_of(cell, content),
    )
    view = content.facts.view
    try:
        crop = cache.put(
            "seen",
            f"i/{cell.image}/seen",
            {"image": image.sha256, "box": str(view.box), "side": CROP_SIDE},
            partial(_crop_bytes, image, view),
            suffix=".webp",
        )
    except GalleryError:
        return Tile(cell, drawn, None)
    return Tile(cell, drawn, crop)


def _parts(cell: TeaserCell, content: CellContent) -> dict[str, Part]:
    """Inputs of a teaser map."""
    return {
        "record": content.facts.record,
        "layer": layer_of(cell, content),
        "head": cell.head,
        "query": str(cell.query),
    }


def crop_size(view: View) -> tuple[int, int]:
    """Width and height of a published crop, in pixels."""
    width, height = view.right - view.left, view.bottom - view.top
    factor = min(1.0, CROP_SIDE / max(width, height))
    return max(1, round(width * factor)), max(1, round(height * factor))


def _crop(image: ImageEntry, view: View, size: tuple[int, int]) -> Image.Image:
    """A picture cropped to a model's input, from its pixels alone."""
    picture = open_picture(image.path).convert("RGB")
    part = picture.resize(size, Image.Resampling.LANCZOS, box=view.box)
    return Image.fromarray(np.asarray(part))


def _crop_bytes(image: ImageEntry, view: View) -> bytes:
    file = io.BytesIO()
    _crop(image, view, crop_size(view)).save(file, format="WEBP", quality=QUALITY, method=4)
    return file.getvalue()


# --- the card for link previews -------------------------------------------------------------------


def social_cells(run: Run, cells: Cells) -> tuple[TeaserCell, ...]:
    """Maps on the card: those of the teaser's first image, or the last layers of an image."""
    chosen = run.paper.teaser if run.paper else ()
    candidates = [
        *chosen,
        *(TeaserCell(m.slug, i.slug) for i in run.images for m in run.models),
    ]
    held = [cell for cell in candidates if _is_there(cell, cells.get((cell.model, cell.image)))]
    return tuple(c for c in held if c.image == held[0].image)[:SOCIAL_MAPS]


def _is_there(cell: TeaserCell, content: CellContent | Failure | None) -> bool:
    return isinstance(content, CellContent) and is_answered(cell, content)


def _put_social(run: Run, cells: Cells, cache: SiteCache, scale: Scale) -> FileEntry | None:
    """Draw a card of 1200 x 630 pixels; None without a site URL, since previews need one."""
    chosen = social_cells(run, cells)
    if not run.site_url or not chosen:
        return None
    found = [(cell, cells[cell.model, cell.image]) for cell in chosen]
    contents = [(cell, c) for cell, c in found if isinstance(c, CellContent)]
    image = next(image for image in run.images if image.slug == chosen[0].image)
    labels = {model.slug: model.label for model in run.models}
    parts: dict[str, Part] = {
        "title": run.title,
        "image": image.sha256,
        "maps": str([_parts(*pair) for pair in contents]),
        "font": FONT,
        "labels": str([labels[cell.model] for cell in chosen]),
        "colors": cache.settings.colors,
        "low": scale.low,
        "high": scale.high,
    }
    captions = [labels[cell.model] for cell in chosen]

    def make() -> bytes:
        values = (values_of(*pair, cache.root) for pair in contents)
        maps = [map_png(each, scale, cache.settings.colors) for each in values]
        return social_card(run.title, image, contents[0][1].facts.view, maps, captions)

    try:
        return cache.put("social", "assets/social", parts, make, suffix=".png")
    except GalleryError:
        return None


def social_card(
    title: str, image: ImageEntry, view: View, maps: Sequence[bytes], captions: Sequence[str]
) -> bytes:
    """Draw the card: the title, the picture, and the maps beside it."""
    card = Image.new("RGB", SOCIAL, _PAPER)
    draw = ImageDraw.Draw(card)
    margin, gap, top = 60, 20, 250
    side = (SOCIAL[0] - 2 * margin - SOCIAL_MAPS * gap) // (SOCIAL_MAPS + 1)
    width, height = crop_size(view)
    factor = min(side / width, 290 / height)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    pictures = [_crop(image, view, size)]
    for data in maps:
        with Image.open(io.BytesIO(data)) as png:
            pictures.append(png.convert("RGB").resize(size, Image.Resampling.NEAREST))
    draw_lines(draw, title, (margin, 56), 54, SOCIAL[0] - 2 * margin, _INK)
    for number, (picture, caption) in enumerate(zip(pictures, ["", *captions], strict=True)):
        left = margin + number * (side + gap)
        card.paste(picture, (left, top))
        draw_lines(draw, caption, (left, top + size[1] + 12), 19, side, _SOFT)
    file = io.BytesIO()
    card.save(file, format="PNG", compress_level=9)
    return file.getvalue()
