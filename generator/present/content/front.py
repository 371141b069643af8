"""Pictures of the front page: teaser maps, model views, and a card for link previews."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from PIL import Image, ImageDraw

from generator.errors import GalleryError
from generator.images.pixels import open_checked
from generator.present.cells.files import CellContent
from generator.present.content.crop import crop_size, cropped, put_crop
from generator.present.content.hero import Hero, put_hero, put_teaser
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
SOCIAL_TILES = 4
"""Pictures on the card for link previews: maps, and before them the picture if there is room."""

OVER = 0.72
"""Opacity of the hero's maps over the picture, as in hero.css."""

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
        tiles: the maps that a paper chose, where they stand still.
        hero: the picture that a rule chose, or a paper whose maps share a slider; else None.
        social: the card for link previews.
        carded: slugs of the models on it.
    """

    tiles: tuple[Tile, ...] = ()
    hero: Hero | None = None
    social: FileEntry | None = None
    carded: tuple[str, ...] = ()

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
    answered = [
        (cell, content)
        for cell in (run.paper.teaser if run.paper else ())
        if isinstance(content := cells.get((cell.model, cell.image)), CellContent)
        and is_answered(cell, content)
    ]
    hero, tiles = put_teaser(run, cells, [cell for cell, _ in answered], cache), []
    if hero is None:
        tiles = [_tile(cache, *each, images[each[0].image], scale) for each in answered]
        hero = None if tiles else put_hero(run, cells, differ, cache)
    card = _hero_card(run, cells, hero, cache) if hero else _teaser_card(run, cells, cache, scale)
    if card is None or not run.site_url:
        return Front(tuple(tiles), hero)
    return Front(tuple(tiles), hero, _put_card(run, card, cache), card.models)


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
        crop = put_crop(cache, image, partial(open_checked, image), content.facts.view)
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


@dataclass(frozen=True, slots=True)
class _Card:
    """What is on the card.

    Attributes:
        models: slugs of the models.
        parts: inputs of the maps.
        maps: draws the maps as PNG.
        over: opacity of the maps over the picture; 1 for maps alone.
    """

    image: ImageEntry
    view: View
    models: tuple[str, ...]
    parts: dict[str, Part]
    maps: Callable[[], list[bytes]]
    over: float


def _hero_card(run: Run, cells: Cells, hero: Hero, cache: SiteCache) -> _Card | None:
    """The hero's picture with its maps."""
    shown = hero.maps[:SOCIAL_TILES]
    first = cells[shown[0].model, hero.image]
    if not isinstance(first, CellContent):
        return None
    return _Card(
        image=next(image for image in run.images if image.slug == hero.image),
        view=first.facts.view,
        models=tuple(each.model for each in shown),
        parts={"maps": str([each.file.path for each in shown])},
        maps=lambda: [(cache.root / each.file.path).read_bytes() for each in shown],
        over=OVER,
    )


def _teaser_card(run: Run, cells: Cells, cache: SiteCache, scale: Scale) -> _Card | None:
    """The maps of the first image that a paper chose."""
    chosen = run.paper.teaser if run.paper else ()
    held = [
        (cell, content)
        for cell in chosen
        if isinstance(content := cells.get((cell.model, cell.image)), CellContent)
        and is_answered(cell, content)
    ]
    shown = [pair for pair in held if pair[0].image == held[0][0].image][:SOCIAL_TILES]
    if not shown:
        return None
    colors = cache.settings.colors
    return _Card(
        image=next(image for image in run.images if image.slug == shown[0][0].image),
        view=shown[0][1].facts.view,
        models=tuple(cell.model for cell, _ in shown),
        parts={
            "maps": str([_parts(*pair) for pair in shown]),
            "low": scale.low,
            "high": scale.high,
        },
        maps=lambda: [map_png(values_of(*pair, cache.root), scale, colors) for pair in shown],
        over=1.0,
    )


def _put_card(run: Run, card: _Card, cache: SiteCache) -> FileEntry | None:
    """Draw the card; None where the picture cannot be opened."""
    labels = {model.slug: model.label for model in run.models}
    captions = [labels[slug] for slug in card.models]
    parts: dict[str, Part] = {
        "layout": 2,
        "title": run.title,
        "image": card.image.sha256,
        "font": FONT,
        "labels": str(captions),
        "colors": cache.settings.colors,
        **card.parts,
    }

    def make() -> bytes:
        maps = card.maps()
        return social_card(run.title, card.image, card.view, maps, captions, over=card.over)

    try:
        return cache.put("social", "assets/social", parts, make, suffix=".png")
    except GalleryError:
        return None


def social_card(
    title: str,
    image: ImageEntry,
    view: View,
    maps: Sequence[bytes],
    captions: Sequence[str],
    *,
    over: float = 1.0,
) -> bytes:
    """Draw the card of 1200 x 630 pixels: the title, and below it the picture and maps.

    Args:
        over: opacity of the maps over the picture; 1 for maps alone.
    """
    card = Image.new("RGB", SOCIAL, _PAPER)
    draw = ImageDraw.Draw(card)
    margin, gap, top = 48, 16, 176
    photo = len(maps) < SOCIAL_TILES
    tiles = len(maps) + photo
    side = (SOCIAL[0] - 2 * margin - (tiles - 1) * gap) // tiles
    whole = crop_size(view)
    factor = min(side / whole.width, (SOCIAL[1] - top - 90) / whole.height)
    size = Size(max(1, round(whole.width * factor)), max(1, round(whole.height * factor)))
    crop = cropped(open_checked(image), view, size)
    pictures = [_over(crop, data, over) for data in maps]
    draw_lines(draw, title, (margin, 44), 48, SOCIAL[0] - 2 * margin, _INK)
    if photo:
        pictures.insert(0, crop)
        captions = ["", *captions]
    # in the middle of the room
    top += (SOCIAL[1] - top - 90 - size.height) // 2
    left = (SOCIAL[0] - tiles * size.width - (tiles - 1) * gap) // 2
    for picture, caption in zip(pictures, captions, strict=True):
        card.paste(picture, (left, top))
        draw_lines(draw, caption, (left, top + size.height + 12), 22, size.width, _SOFT)
        left += size.width + gap
    file = io.BytesIO()
    card.save(file, format="PNG", compress_level=9)
    return file.getvalue()


def _over(crop: Image.Image, data: bytes, opacity: float) -> Image.Image:
    """A map over the gray picture: smooth where it shines through, else one square a patch."""
    smooth = opacity < 1
    way = Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST
    with Image.open(io.BytesIO(data)) as png:
        colors = png.convert("RGB").resize(crop.size, way)
    return Image.blend(crop.convert("L").convert("RGB"), colors, opacity) if smooth else colors
