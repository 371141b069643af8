"""Maps of a cell's analyses: files of their values, and pictures on shared scales.

The values are read from the record once. The pictures are drawn from these files when the values of
all models are known, since models share one scale in each row of pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.analysis.cells.maps import CellMaps, ComponentMap, cell_maps, first_of
from generator.analysis.features.objects import Objects
from generator.analysis.features.pca import WHITENED_RANGE
from generator.present.cells.chunks.chunk import read_header
from generator.present.cells.chunks.gray_png import read_png_text
from generator.present.cells.chunks.norm_codes import decode_norms
from generator.present.cells.fitted import keep_fitted
from generator.present.drawing.heatmap import map_png, wall_png
from generator.present.drawing.ramps import Ramp, chances, degrees, octaves, of_scale
from generator.present.drawing.scale import Scale
from generator.present.files.cache import SiteCache
from generator.present.files.manifest import FileEntry
from generator.present.files.packed import CellFiles, PackedFiles
from generator.present.files.settings import Settings
from generator.records.record import AttentionRecord, FloatArray
from generator.records.run import Cell, Run

MAPS_VERSION = 8
"""Cache version. Raise it when the maps of an unchanged record change."""

MAPS = PackedFiles("maps", CellMaps)

MapFiles = CellFiles[CellMaps]
"""Map files of all cells. A cell whose analyses are not drawn has none."""

MOST_IMAGES = 200
"""Default limit: galleries with more images draw no maps, since each cell needs a dozen files."""

NORM_LAYERS = "norm-layers"
TILES = 7
"""Norm maps in a row: the embedding and 12 layers fill two rows."""

NORM_FLOOR = -2
"""Lowest power of two on the scale of norms: a quarter of the median."""

CHANCE_FLOOR = -10
"""Lowest power of two on the scale of probabilities: about 1/1,000, one of ImageNet's classes."""

Family = Literal[
    "norms",
    "attention",
    "rollout",
    "degree",
    "signed",
    "cosine",
    "deviations",
    "relevance",
    "lens",
]
"""Maps of one family share a scale."""


@dataclass(frozen=True, slots=True)
class DrawnMap:
    """A map to draw: values ``[row, col]``, its name, and the family that sets its scale."""

    name: str
    family: Family
    values: FloatArray


@dataclass(frozen=True, slots=True)
class AnalysisMap:
    """A drawn map and the range of its values.

    Attributes:
        file: the picture, one pixel for each patch; several maps have gaps between them.
        clipped: share of the patches beyond the ends of the scale.
    """

    file: FileEntry
    family: Family
    least: float
    most: float
    clipped: float


@dataclass(frozen=True, slots=True)
class AnalysisMaps:
    """Drawn maps of one image.

    Attributes:
        ramps: the scale of each family that has a map.
        drawn: (model, name) -> the picture.
    """

    ramps: Mapping[Family, Ramp]
    drawn: Mapping[tuple[str, str], AnalysisMap]


def drawn_at_all(run: Run, settings: Settings) -> bool:
    """Whether the image pages of a run show analyses."""
    return drawn_for(len(run.images), settings)


def drawn_for(images: int, settings: Settings) -> bool:
    """Whether image pages show analyses in a gallery of this many images."""
    return settings.analyses == "all" or (settings.analyses == "auto" and images <= MOST_IMAGES)


def query_name(token: str) -> str:
    """Name of the map of a query."""
    return f"query-{token.lower()}"


def place_name(name: str, place: int) -> str:
    """Name of a map that is drawn once for each kind of vectors (keys, queries, values)."""
    return f"{name}-{place + 1}" if place else name


def drawings(maps: CellMaps) -> Iterator[DrawnMap]:
    """All maps of a cell that are drawn."""
    yield DrawnMap("norms-peak", "norms", maps.norms.peak)
    yield DrawnMap("norms-last", "norms", maps.norms.last)
    for query in maps.queries:
        yield DrawnMap(query_name(query.token), "attention", query.values)
    yield DrawnMap("rollout", "rollout", maps.rollout)
    yield from (
        DrawnMap(f"rollout-{other.name}", "rollout", other.values) for other in maps.rollouts
    )
    for n, lost in enumerate((maps.lost, *maps.further_lost)):
        if not isinstance(lost, NotApplicable):
            yield DrawnMap(place_name("lost-degree", n), "degree", lost.inverse_degree)
            yield DrawnMap(place_name("lost-seed", n), "signed", lost.similarity)
            yield DrawnMap(place_name("lost-score", n), "signed", lost.score)
    for n, cut in enumerate((maps.tokencut, *maps.further_tokencut)):
        if not isinstance(cut, NotApplicable):
            yield DrawnMap(place_name("tokencut", n), "signed", cut.vector)
    for name, part in (("component", maps.component), ("without", maps.component_without)):
        if isinstance(part, ComponentMap):
            yield DrawnMap(name, "deviations", part.scores)
    if not isinstance(maps.alike, NotApplicable):
        for one in maps.alike:
            yield DrawnMap(f"alike-{one.name}", "cosine", one.values)
    if not isinstance(maps.contribution, NotApplicable):
        yield DrawnMap("contribution", "attention", maps.contribution.values)
    if not isinstance(maps.relevance, NotApplicable):
        yield DrawnMap("relevance", "relevance", maps.relevance)
    if not isinstance(maps.lens, NotApplicable):
        yield DrawnMap("lens", "lens", maps.lens.probability)


def ramp_of(family: Family, maps: Sequence[FloatArray], scale: Scale) -> Ramp:
    """The scale that all models of an image share for a family of maps."""
    rules: Mapping[Family, Callable[[], Ramp]] = {
        "norms": lambda: octaves(maps, floor=NORM_FLOOR),
        "attention": lambda: of_scale(scale),
        "rollout": lambda: octaves(maps),
        "degree": lambda: degrees(maps),
        "signed": lambda: Ramp(-1, 1, signed=True),
        "cosine": lambda: Ramp(-1, 1, signed=True),
        "deviations": lambda: Ramp(-WHITENED_RANGE, WHITENED_RANGE, signed=True),
        "relevance": lambda: octaves(maps),
        "lens": lambda: chances(maps, floor=CHANCE_FLOOR),
    }
    return rules[family]()


def put_maps(
    cache: SiteCache,
    cell: Cell,
    read: Callable[[str], AttentionRecord],
    objects: Callable[[], Objects],
    *,
    alone: bool,
) -> FileEntry:
    """Write the values of a cell's maps to the site.

    Args:
        alone: whether feature colors are fitted to each image alone. They start from the same fit
            as two of the maps, so they are fitted here and kept.

    Raises:
        GalleryError: whatever ``read`` raises for a record that is missing or damaged.
    """

    def made() -> CellMaps:
        record = read(cell.record)
        first = first_of(record)
        if alone and cache.kept is not None:
            keep_fitted(cache.kept, cell.record, read, first)
        return cell_maps(record, objects(), first)

    return MAPS.put(
        cache,
        f"data/{cell.model}/{cell.image}.maps",
        {"record": cell.record, "figures": MAPS_VERSION},
        made,
    )


def put_analysis_maps(
    cache: SiteCache,
    image: str,
    files: Mapping[str, FileEntry],
    chunks: Mapping[str, FileEntry],
    scale: Scale,
) -> AnalysisMaps:
    """Draw the maps of one image into the site.

    Args:
        files: slug of a model -> its maps.
        chunks: slug of a model -> a chunk, which holds the norms of all layers.
        scale: of the gallery's attention.
    """
    every = {
        model: tuple(drawings(MAPS.read(cache.root / file.path))) for model, file in files.items()
    }
    families = dict.fromkeys(one.family for own in every.values() for one in own)
    ramps = {
        family: ramp_of(
            family, [d.values for own in every.values() for d in own if d.family == family], scale
        )
        for family in families
    }
    drawn = {
        (model, one.name): _figure(cache, model, image, one, ramps[one.family], files[model])
        for model, own in every.items()
        for one in own
    }
    for model, chunk in chunks.items():
        norms = DrawnMap(NORM_LAYERS, "norms", norm_layers(cache.root / chunk.path))
        drawn[model, NORM_LAYERS] = _figure(cache, model, image, norms, ramps["norms"], chunk)
    return AnalysisMaps(ramps, drawn)


def norm_layers(chunk: Path) -> FloatArray:
    """Norms of the patches in all layers, as multiples of the layer's median, in tiles.

    Returns:
        float64 ``[tile row, tile col, row, col]``: the embedding, then the layers in order, in
        rows of ``TILES`` at most; NaN after the last.
    """
    header = read_header(chunk)
    norms = decode_norms(read_png_text(header.statistics.norms))
    across = min(TILES, len(norms))
    down = -(-len(norms) // across)
    tiles = np.full((down * across, *header.grid), np.nan)
    tiles[: len(norms)] = norms.reshape(-1, *header.grid)
    return tiles.reshape(down, across, *header.grid)


def _figure(
    cache: SiteCache, model: str, image: str, drawing: DrawnMap, ramp: Ramp, source: FileEntry
) -> AnalysisMap:
    colors = cache.settings.colors
    draw = map_png if drawing.values.ndim == 2 else wall_png
    file = cache.put(
        "figure",
        f"data/{model}/{image}.{drawing.name}",
        {
            "maps": source.made_of,
            "name": drawing.name,
            "low": ramp.low,
            "high": ramp.high,
            "log": ramp.log,
            "signed": ramp.signed,
            "colors": colors,
        },
        lambda: draw(drawing.values, ramp, colors),
        suffix=".png",
    )
    return AnalysisMap(
        file=file,
        family=drawing.family,
        least=float(np.nanmin(drawing.values)),
        most=float(np.nanmax(drawing.values)),
        clipped=ramp.clipped(drawing.values[np.isfinite(drawing.values)]),
    )
