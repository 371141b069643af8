"""The hero of the front page: the picture that tells most about the models, chosen by a rule.

With several models it is the picture on which their last layers' maps differ most, shown at the
depth at which they differ most there. One model has the picture on which it looks most narrowly.
A paper's teaser is one, too, if its maps are of one picture, at one depth, and means over heads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np

from generator.analysis.compare.agreement import divergence
from generator.analysis.grids import PlacedMap, on_common_grid
from generator.errors import GalleryError
from generator.images.pixels import open_picture
from generator.present.cells.chunks.chunk import read_chunk
from generator.present.cells.chunks.maps import PRIMARY
from generator.present.cells.files import CellContent
from generator.present.content.crop import put_crop
from generator.present.content.teaser import layer_of, query_of
from generator.present.drawing.heatmap import smooth_png
from generator.present.drawing.quantize import Quantized, decode
from generator.present.files.cache import SiteCache
from generator.present.files.manifest import FileEntry
from generator.records.paper import TeaserCell
from generator.records.record import FloatArray
from generator.records.run import Failure, ImageEntry, Run

MOST = 6
"""Most models of the hero, the first of the gallery."""

STRONGEST = 0.1
"""Share of the patches whose attention is stated."""

RULE = (
    "The picture on which the models' last layers differ most (mean Jensen-Shannon divergence over "
    "pairs of models), at the depth at which they differ most on it. Models of different depth are "
    "shown at the same relative depth."
)
RULE_OF_ONE = (
    "The picture on which the last layer looks most narrowly (lowest entropy, mean over heads), in "
    "that layer."
)
RULE_OF_PAPER = (
    "The authors chose this picture, its models and the layer. Models of different depth are shown "
    "at the same relative depth."
)

Cells = Mapping[tuple[str, str], CellContent | Failure]


@dataclass(frozen=True, slots=True)
class HeroMap:
    """One model's map of the hero, mean over heads.

    Attributes:
        model: slug of the model.
        layer: layer of the map, from 1.
        file: the map, smooth, on its own scale.
        crop: the part of the picture that the model saw; None when it cannot be opened.
        strongest: share of the query's attention on the strongest tenth of the patches.
    """

    model: str
    layer: int
    file: FileEntry
    crop: FileEntry | None
    strongest: float


@dataclass(frozen=True, slots=True)
class Hero:
    """The picture that opens the front page, and each model's map of it.

    Attributes:
        image: slug of the image.
        depth: the depth that is shown, in layers of the deepest model, from 1.
        maps: one map for each model, in the order of the gallery.
        apart: mean divergence of the maps at each depth, in bits; empty for one model or for maps
            that share no place.
        rule: how picture and depth were chosen.
    """

    image: str
    depth: int
    maps: tuple[HeroMap, ...]
    apart: tuple[float, ...]
    rule: str


def same_depth(depth: int, of: int, layers: int) -> int:
    """Layer at the relative depth of layer ``depth`` of ``of``, from 1, as in ``pairing.js``."""
    return max(1, int(depth / of * layers + 0.5))


def put_hero(
    run: Run, cells: Cells, differ: Mapping[str, float | None], cache: SiteCache
) -> Hero | None:
    """Choose the hero and write its files; None without a measured cell.

    Args:
        differ: image -> mean divergence of its last-layer maps over pairs of models, in bits.
    """
    image = _chosen(run, cells, differ)
    if image is None:
        return None
    held = _held(run, cells, image)
    return _put(run, image, held, None, RULE if len(held) > 1 else RULE_OF_ONE, cache)


def put_teaser(
    run: Run, cells: Cells, teaser: Sequence[TeaserCell], cache: SiteCache
) -> Hero | None:
    """Write the files of a teaser that one slider can move through the layers.

    Returns:
        None for other teasers: of several pictures or one map, of single heads or other queries,
        of layers that are not at the same relative depth.
    """
    held: dict[str, CellContent] = {}
    layers: dict[str, int] = {}
    for cell in teaser:
        content = cells.get((cell.model, cell.image))
        if cell.model in held or cell.image != teaser[0].image or cell.head != "mean":
            return None
        if not isinstance(content, CellContent) or query_of(cell, content) != PRIMARY:
            return None
        held[cell.model], layers[cell.model] = content, layer_of(cell, content)
    if not 1 < len(held) <= MOST:
        return None
    deepest = max(content.facts.model.layers for content in held.values())
    depth = max(n for slug, n in layers.items() if held[slug].facts.model.layers == deepest)
    for slug, layer in layers.items():
        if layer != same_depth(depth, deepest, held[slug].facts.model.layers):
            return None
    return _put(run, teaser[0].image, held, depth, RULE_OF_PAPER, cache)


def _put(
    run: Run,
    image: str,
    held: Mapping[str, CellContent],
    depth: int | None,
    rule: str,
    cache: SiteCache,
) -> Hero:
    """Write the files of a hero; without a depth, at the one at which the maps differ most."""
    stacks = {slug: _means(content, cache.root) for slug, content in held.items()}
    deepest = max(len(stack) for stack in stacks.values())
    apart = tuple(_apart(held, stacks, deepest))
    # the deepest of equals
    most = max(range(1, len(apart) + 1), key=lambda d: (apart[d - 1], d), default=deepest)
    depth = depth or most
    entry = next(each for each in run.images if each.slug == image)
    maps = []
    for slug, stack in stacks.items():
        layer = same_depth(depth, deepest, len(stack))
        maps.append(_hero_map(cache, entry, slug, held[slug], stack[layer - 1], layer))
    return Hero(image, depth, tuple(maps), apart, rule)


def _chosen(run: Run, cells: Cells, differ: Mapping[str, float | None]) -> str | None:
    """The image that the rule chooses, among those that most models have; the first of equals."""
    counts = {image.slug: len(_held(run, cells, image.slug)) for image in run.images}
    most = max(counts.values(), default=0)
    if not most:
        return None
    candidates = [slug for slug, count in counts.items() if count == most]
    if most > 1:
        return max(candidates, key=lambda slug: differ.get(slug) or 0.0)

    def spread(image: str) -> float:
        (content,) = _held(run, cells, image).values()
        return float(content.entropy[-1].mean())

    return min(candidates, key=spread)


def _held(run: Run, cells: Cells, image: str) -> dict[str, CellContent]:
    """The models' contents on an image, at most ``MOST``."""
    found = ((model.slug, cells.get((model.slug, image))) for model in run.listed)
    held = [(slug, content) for slug, content in found if isinstance(content, CellContent)]
    return dict(held[:MOST])


def _means(content: CellContent, site: Path) -> FloatArray:
    """Means over heads of all layers: ``[layer, grid row, grid col]``, times uniform."""
    _, quantized = read_chunk(site / content.chunks[0].path)
    layers, column = (
        slice(content.facts.model.layers),
        slice(content.header.heads, content.header.heads + 1),
    )
    at = (layers, column)
    return decode(Quantized(quantized.codes[at], quantized.maxima[at]))[:, 0]


def _apart(
    held: Mapping[str, CellContent], stacks: Mapping[str, FloatArray], deepest: int
) -> Sequence[float]:
    """Mean divergence over pairs at each depth, in bits; empty where maps share no place."""
    found = []
    for depth in range(1, deepest + 1):
        placed = on_common_grid(
            [
                PlacedMap(stack[same_depth(depth, deepest, len(stack)) - 1], held[slug].facts.view)
                for slug, stack in stacks.items()
            ]
        )
        if placed is None or len(placed) < 2:
            return []
        bits = [divergence(one, two) for one, two in combinations(placed, 2)]
        found.append(round(float(np.mean(bits)), 5))
    return found


def _hero_map(
    cache: SiteCache,
    image: ImageEntry,
    model: str,
    content: CellContent,
    values: FloatArray,
    layer: int,
) -> HeroMap:
    colors = cache.settings.colors
    file = cache.put(
        "teaser",
        f"data/{model}/{image.slug}.{layer}-mean-smooth",
        {"record": content.facts.record, "layer": layer, "smooth": True, "colors": colors},
        lambda: smooth_png(values, colors),
        suffix=".png",
        query=PRIMARY,
    )
    try:
        crop = put_crop(cache, image, partial(open_picture, image.path), content.facts.view)
    except GalleryError:
        crop = None
    flat = np.sort(values.ravel().astype(np.float64))[::-1]
    share = flat[: max(1, round(STRONGEST * flat.size))].sum() / content.facts.layout.tokens
    return HeroMap(model, layer, file, crop, float(share))
