"""Model page: sections on averages by position and on weights."""

from __future__ import annotations

from generator.analysis.absent import NotApplicable
from generator.analysis.quantities.table import quantity
from generator.present.cells.labels import query_label
from generator.present.content.averages import LocationPictures
from generator.present.drawing.heatmap import GAP
from generator.present.drawing.scale import Tick
from generator.present.pages.model_context import ModelContext, absent_section, reading
from generator.present.pages.planner import Planner
from generator.present.pages.sections import Mosaic, Section
from generator.present.pages.views import Picture
from generator.present.pages.wording import withheld
from generator.records.run import Failure, ModelEntry
from generator.text.numbers import given, percent
from generator.text.phrases import counted

RECEIVED_ROW = "received"
WALL_WIDTH = 560
WALL_HEIGHT = 640


def averages_section(context: ModelContext) -> Section:
    """Section on averages by position over images, if there are enough images."""
    found = context.planner.contents.averages[context.model.slug]
    section_id, title = "averages", "Averages by place"
    if isinstance(found, NotApplicable):
        return absent_section(section_id, title, withheld(found))
    return Section(
        id=section_id,
        title=title,
        text=(f"{quantity('location-average').definition} Over {counted(found.images, 'image')}.",),
        mosaics=(_maps(context, found), _rates(context, found)),
    )


def _maps(context: ModelContext, found: LocationPictures) -> Mosaic:
    rows = (*found.queries, RECEIVED_ROW)
    named = ", ".join(query_label(name, True) for name in found.queries)
    return Mosaic(
        title="Mean attention by place, query (down) and layer (across)",
        picture=enlarged(
            context.planner.url(found.maps.path),
            _side(found.layers, found.grid[1]),
            _side(len(rows), found.grid[0]),
            f"Maps of {found.grid[0]} × {found.grid[1]} places for {len(rows)} queries and "
            f"{found.layers} layers, means over {found.images} images.",
        ),
        columns=tuple(str(layer + 1) for layer in range(found.layers)),
        rows=rows,
        bar=context.planner.shared_bar(),
        note=(f"Queries from the top: {named}; then " if named else "")
        + "what patches receive from patches. "
        + reading("location-average"),
        definitions=(context.planner.definition("location-average"),),
    )


def _rates(context: ModelContext, found: LocationPictures) -> Mosaic:
    ticks = tuple(Tick(n / 4, percent(found.highest_rate * n / 4)) for n in range(5))
    return Mosaic(
        title="How often each place is an outlier",
        picture=enlarged(
            context.planner.url(found.rates.path),
            found.grid[1],
            found.grid[0],
            f"Share of {found.images} images in which each of {found.grid[0]} × {found.grid[1]} "
            "places is an outlier.",
        ),
        columns=(),
        rows=(),
        bar=context.planner.bar(ticks, "of the images", extends=False),
        note=reading("outlier-rate"),
        definitions=(context.planner.definition("outlier-rate"),),
    )


def _side(tiles: int, places: int) -> int:
    return tiles * (places + GAP) - GAP


def enlarged(url: str, width: int, height: int, alt: str) -> Picture:
    """A picture enlarged by an integer factor to fit a page."""
    factor = max(1, min(WALL_WIDTH // width, WALL_HEIGHT // height))
    return Picture(url, width * factor, height * factor, alt)


def weights_section(planner: Planner, model: ModelEntry) -> Section:
    """Section on position embeddings and patch filters."""
    found = planner.contents.weights[model.slug]
    title = "Weights"
    if isinstance(found, Failure):
        said = f"{found.message} {found.hint}".rstrip()
        return Section("weights", title, (), absent=(said,))
    mosaics = []
    absent = []
    ticks = tuple(Tick(n / 4, given(-1 + n / 2)) for n in range(5))
    for tiles, file, identifier in (
        (found.facts.position, found.position, "position-similarity"),
        (found.facts.filters, found.filters, "patch-filters"),
    ):
        if isinstance(tiles, NotApplicable) or file is None:
            name = quantity(identifier).name.capitalize()
            reason = tiles.reason if isinstance(tiles, NotApplicable) else "there is no picture"
            absent.append(f"{name}: not applicable, {reason.rstrip('.')}.")
            continue
        bar = planner.bar(ticks, "cosine", extends=False)
        mosaics.append(
            Mosaic(
                title=_TITLES[identifier],
                picture=enlarged(
                    planner.url(file.path),
                    tiles.width,
                    tiles.height,
                    f"{_TITLES[identifier]}. {tiles.said}",
                ),
                columns=(),
                rows=(),
                bar=bar if identifier == "position-similarity" else None,
                note=f"Largest first. {tiles.said}"
                if identifier == "patch-filters"
                else "Each tile: cosine of one place's embedding with all others.",
                definitions=(planner.definition(identifier),),
            )
        )
    return Section(
        id="weights",
        title=title,
        text=()
        if isinstance(found.facts.position, NotApplicable)
        else (found.facts.position.said,),
        mosaics=tuple(mosaics),
        absent=tuple(absent),
    )


_TITLES = {
    "position-similarity": "Similarity of position embeddings",
    "patch-filters": "Principal components of the patch filters",
}
