"""Pairs of models: which are compared, on which images, and their paired numbers.

Comparing two maps takes a second, so the comparison of each image is cached in a small file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.analysis.cells.model_digest import ModelDigest, model_digest
from generator.analysis.compare.agreement import Agreement, shuffled
from generator.analysis.compare.pair import (
    Baselines,
    MapComparison,
    PairCell,
    compare_maps,
    measure_values,
    pair_measures,
)
from generator.analysis.compare.paired import Paired
from generator.errors import StoreError
from generator.present.cells.chunks.chunk import read_chunk
from generator.present.cells.digests import DIGEST_VERSION, Digests
from generator.present.cells.files import CellContent
from generator.present.content.layers_alike import PooledFeatures
from generator.present.content.pair_similarity import PairSimilarity, put_pair_similarity
from generator.present.content.sampling import evenly
from generator.present.content.similarity import Similarities
from generator.present.drawing.heatmap import map_png
from generator.present.drawing.quantize import Quantized, decode
from generator.present.drawing.scale import Scale
from generator.present.files.cache import SiteCache
from generator.present.files.manifest import FileEntry
from generator.records.run import Failure, Run

COMPARISON_VERSION = 1
"""Cache version. Raise it when comparisons of unchanged records change."""

MOST_BASELINES = 100
"""Most images whose maps are also compared with baselines, which is five times the work."""

SHOWN = 6
"""Most images whose maps are shown on the page of a pair: those whose maps differ most."""

Cells = Mapping[tuple[str, str], CellContent | Failure]

FeaturesOf = Callable[[str], PooledFeatures | NotApplicable]
"""Slug of a model -> its features, which may be read from records."""


@dataclass(frozen=True, slots=True)
class ComparedPair:
    """Two models over the images that both have.

    Attributes:
        one: slug of the first model; the one without registers in automatic pairs.
        two: slug of the second.
        images: slugs of the images that both have, in order.
        digests: numbers of the two models over these images; None without images.
        measures: measures paired by image; empty without images.
        comparisons: image -> comparison of its two maps, where they overlap.
        shown: slugs of the images whose maps are shown, those with the largest divergence first.
        registers: (model, image, register) -> last-layer map with the register as query, mean over
            heads, for the images that are shown.
        similarity: similarity of their heads and layers.
        files: all files made for the pair.
    """

    one: str
    two: str
    images: tuple[str, ...]
    digests: tuple[ModelDigest, ModelDigest] | None
    measures: Mapping[str, Paired]
    comparisons: Mapping[str, MapComparison]
    shown: tuple[str, ...]
    registers: Mapping[tuple[str, str, str], FileEntry]
    similarity: PairSimilarity
    files: tuple[FileEntry, ...]


def pair_name(one: str, two: str) -> str:
    """Name of a pair in addresses and files."""
    return f"{one}--{two}"


def pairs_of(run: Run, cells: Cells) -> tuple[tuple[str, str], ...]:
    """Pairs of models by slug: those that the run names, else automatic ones.

    Automatic pairs use only the last checkpoint of a sweep.
    """
    if run.pairs is not None:
        return run.pairs
    found = {}
    for model in run.listed:
        own = (cells.get((model.slug, image.slug)) for image in run.images)
        content = next((each for each in own if isinstance(each, CellContent)), None)
        if content is not None:
            found[model.slug] = content
    return tuple(_automatic(found))


def _automatic(models: Mapping[str, CellContent]) -> Iterator[tuple[str, str]]:
    """Pair every model with registers with one of the same size without."""
    for slug, content in models.items():
        if not content.facts.layout.registers:
            continue
        alike = [
            other
            for other, candidate in models.items()
            if not candidate.facts.layout.registers and _size(candidate) == _size(content)
        ]
        if alike:
            yield max(alike, key=lambda other: _likeness(models[other], content)), slug


def _size(content: CellContent) -> tuple[int | bool, ...]:
    model = content.facts.model
    patch = (model.patch_height, model.patch_width)
    return (model.layers, model.heads, model.width, *patch, content.facts.layout.cls is None)


def _likeness(one: CellContent, two: CellContent) -> tuple[float, bool]:
    """Similarity of two ids, then whether both models have the same grid."""
    ratio = SequenceMatcher(None, one.facts.model.id, two.facts.model.id).ratio()
    grids = [(each.facts.layout.rows, each.facts.layout.cols) for each in (one, two)]
    return ratio, grids[0] == grids[1]


def put_pairs(
    run: Run,
    cells: Cells,
    digests: Digests,
    models: Mapping[str, ModelDigest],
    cache: SiteCache,
    scale: Scale,
    similarity: Similarities,
    features: FeaturesOf,
) -> tuple[ComparedPair, ...]:
    """Write the comparisons of all pairs to the site."""
    return tuple(
        _Pair(run, cells, digests, cache, one, two).compared(models, scale, similarity, features)
        for one, two in pairs_of(run, cells)
    )


class _Pair:
    """Two models and the images that both have."""

    def __init__(
        self, run: Run, cells: Cells, digests: Digests, cache: SiteCache, one: str, two: str
    ) -> None:
        self.one, self.two, self.digests, self.cache = one, two, digests, cache
        self.contents = {
            key: content for key, content in cells.items() if isinstance(content, CellContent)
        }
        self.images = tuple(
            image.slug
            for image in run.images
            if (one, image.slug) in self.contents and (two, image.slug) in self.contents
        )
        self.files: list[FileEntry] = []

    def compared(
        self,
        models: Mapping[str, ModelDigest],
        scale: Scale,
        similarity: Similarities,
        features: FeaturesOf,
    ) -> ComparedPair:
        values: dict[str, list[dict[str, float | None]]] = {self.one: [], self.two: []}
        for image in self.images:
            for model, found in values.items():
                found.append(measure_values(self.cell(model, image)))
        measures = pair_measures(self.images, values[self.one], values[self.two])
        alike = put_pair_similarity(
            self.cache,
            f"r/{pair_name(self.one, self.two)}",
            [
                (self.contents[self.one, each], self.contents[self.two, each])
                for each in self.images
            ],
            (similarity[self.one], similarity[self.two]),
            lambda: (features(self.one), features(self.two)),
        )
        self.files += alike.files
        comparisons = self.comparisons()
        shown = self.most_different(comparisons)
        return ComparedPair(
            one=self.one,
            two=self.two,
            images=self.images,
            digests=self.together(models),
            measures=measures if self.images else {},
            comparisons=comparisons,
            shown=shown,
            registers=self.register_maps(shown, scale),
            similarity=alike,
            files=tuple(self.files),
        )

    def cell(self, model: str, image: str) -> PairCell:
        digest = self.digests.of(model, image)
        assert digest is not None, "every cell with content has a digest"
        facts = self.contents[model, image].facts
        return PairCell(digest, facts.layout, facts.view)

    def together(self, models: Mapping[str, ModelDigest]) -> tuple[ModelDigest, ModelDigest] | None:
        """Digests of both models over the common images; reused if these are all their images."""
        if not self.images:
            return None
        return self.over(self.one, models), self.over(self.two, models)

    def over(self, model: str, models: Mapping[str, ModelDigest]) -> ModelDigest:
        if models[model].images == len(self.images):
            return models[model]
        return model_digest(self.cell(model, image).digest for image in self.images)

    def comparisons(self) -> dict[str, MapComparison]:
        count = len(self.images)
        chosen = set(evenly(count, MOST_BASELINES))
        others = shuffled(count)
        found = {}
        for place, image in enumerate(self.images):
            other = self.images[others[place]] if others and place in chosen else ""
            file = self.put(image, other, baselines=place in chosen)
            comparison = read_comparison(self.cache.root / file.path)
            if comparison is not None:
                found[image] = comparison
        return found

    def put(self, image: str, other: str, *, baselines: bool) -> FileEntry:
        """Write the comparison of one image's maps to the site."""
        parts: dict[str, str | int | bool] = {
            "version": COMPARISON_VERSION,
            "digest": DIGEST_VERSION,
            "baselines": baselines,
            "one": self.record(self.one, image),
            "two": self.record(self.two, image),
            "other one": self.record(self.one, other),
            "other two": self.record(self.two, other),
        }

        def make() -> bytes:
            cells = self.cell(self.one, image), self.cell(self.two, image)
            others = (self.cell(self.one, other), self.cell(self.two, other)) if other else None
            return comparison_bytes(compare_maps(*cells, others, baselines=baselines))

        stem = f"r/{pair_name(self.one, self.two)}/{image}.agreement"
        file = self.cache.put("agreement", stem, parts, make, suffix=".json")
        self.files.append(file)
        return file

    def record(self, model: str, image: str) -> str:
        return self.contents[model, image].facts.record if image else ""

    def most_different(self, comparisons: Mapping[str, MapComparison]) -> tuple[str, ...]:
        """Images by the divergence of their two maps; in their own order where it is equal."""

        def alike(image: str) -> float:
            comparison = comparisons.get(image)
            return 0.0 if comparison is None else -comparison.between.divergence

        return tuple(sorted(self.images, key=alike)[:SHOWN])

    def register_maps(
        self, shown: tuple[str, ...], scale: Scale
    ) -> dict[tuple[str, str, str], FileEntry]:
        found = {}
        for image in shown:
            for model in (self.one, self.two):
                content = self.contents[model, image]
                for register in content.facts.layout.registers:
                    file = self.register_map(model, image, register, scale)
                    if file is not None:
                        found[model, image, register] = file
                        self.files.append(file)
        return found

    def register_map(self, model: str, image: str, register: str, scale: Scale) -> FileEntry | None:
        content, colors = self.contents[model, image], self.cache.settings.colors
        chunk = next((each for each in content.chunks if each.query == register), None)
        if chunk is None:
            return None
        layer = content.facts.model.layers - 1

        def make() -> bytes:
            codes = read_chunk(self.cache.root / chunk.path)[1]
            one = np.s_[layer : layer + 1, -1:]
            values = decode(Quantized(codes=codes.codes[one], maxima=codes.maxima[one]))
            return map_png(values[0, 0], scale, colors)

        return self.cache.put(
            "map",
            f"data/{model}/{image}.last-{register}",
            {
                "record": content.facts.record,
                "query": register,
                "colors": colors,
                "low": scale.low,
                "high": scale.high,
            },
            make,
            suffix=".png",
            query=register,
        )


def comparison_bytes(comparison: MapComparison | None) -> bytes:
    """Encode a comparison as JSON, with ``null`` for none and for undefined correlations."""
    fields = None if comparison is None else _without_nan(asdict(comparison))
    return (json.dumps(fields, indent=1) + "\n").encode()


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value


def read_comparison(path: Path) -> MapComparison | None:
    """Read a comparison from the site.

    Raises:
        StoreError: the file is not a comparison.
    """
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        if fields is None:
            return None
        return MapComparison(
            between=_agreement(fields["between"]),
            one=_baselines(fields["one"]),
            two=_baselines(fields["two"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"The comparison {path.name} cannot be read: {error}.",
            "Remove the site's folder and build again.",
        ) from error


def _agreement(fields: Mapping[str, float | None]) -> Agreement:
    return Agreement(**{k: math.nan if v is None else v for k, v in fields.items()})


def _baselines(fields: Mapping[str, Any] | None) -> Baselines | None:
    if fields is None:
        return None
    shuffled = fields["shuffled"]
    return Baselines(
        uniform=_agreement(fields["uniform"]),
        center=_agreement(fields["center"]),
        shuffled=None if shuffled is None else _agreement(shuffled),
    )
