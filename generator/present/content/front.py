"""Pictures of the front page: teaser maps, model views, and a card for link previews."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from generator.errors import GalleryError
from generator.present.cells.files import CellContent
from generator.present.content.crop import crop_size, cropped, put_crop
from generator.present.content.hero import Hero, put_hero
from generator.present.content.teaser import file_stem, is_answered, layer_of, query_of, values_of
from generator.present.drawing.heatmap import map_png
from generator.present.drawing.lettering import FONT, draw_lines
from generator.present.drawing.pictures import Size
from generator.present.drawing.scale import Scale
from generator.present.files.cache import Part, SiteCache
from generator.present.files.manifest import FileEntry
from generator.records.paper import TeaserCell
from generator.records.record import View
from generator.records.run import Failure, ImageEntry, Run

Cells = Mapping[tuple[str, str], CellContent | Failure]

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
        tiles: the maps that a paper chose.
        hero: the picture that a rule chose; None where a paper chose.
        social: the card for link previews.
    """

    tiles: tuple[Tile, ...] = ()
    hero: Hero | None = None
    social: FileEntry | None = None

    @property
    def files(self) -> tuple[FileEntry, ...]:
        """Every file, each once."""
        maps = self.hero.maps if self.hero else ()
        chosen = [file for tile in self.tiles for file in (tile.map, tile.crop)]
        found = [*chosen, *(file for each in maps for file in (each.file, each.crop)), self.social]
        return tuple(dict.fromkeys(file for file in found if file is not None))


def put_front(
    run: Run,
    cells: Cells,
    differ: Mapping[str, float | None],
    cache: SiteCache,
    scale: Scale,
) -> Front:
    """Write the pictures of the front page to the site.

    Args:
        differ: image -> mean divergence of its last-layer maps over pairs of models, in bits.
    """
    images = {image.slug: image for image in run.images}
    tiles = []
    for cell in run.paper.teaser if run.paper else ():
        content = cells.get((cell.model, cell.image))
        if isinstance(content, CellContent) and is_answered(cell, content):
            tiles.append(_tile(cache, cell, content, images[cell.image], scale))
    hero = None if tiles else put_hero(run, cells, differ, cache)
    return Front(tuple(tiles), hero, _put_social(run, cells, cache, scale))


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
    try:
        crop = put_crop(cache, image, content.facts.view)
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
    whole = crop_size(view)
    factor = min(side / whole.width, 290 / whole.height)
    size = Size(max(1, round(whole.width * factor)), max(1, round(whole.height * factor)))
    pictures = [cropped(image, view, size)]
    for data in maps:
        with Image.open(io.BytesIO(data)) as png:
            same = (size.width, size.height)
            pictures.append(png.convert("RGB").resize(same, Image.Resampling.NEAREST))
    draw_lines(draw, title, (margin, 56), 54, SOCIAL[0] - 2 * margin, _INK)
    for number, (picture, caption) in enumerate(zip(pictures, ["", *captions], strict=True)):
        left = margin + number * (side + gap)
        card.paste(picture, (left, top))
        draw_lines(draw, caption, (left, top + size.height + 12), 19, side, _SOFT)
    file = io.BytesIO()
    card.save(file, format="PNG", compress_level=9)
    return file.getvalue()
