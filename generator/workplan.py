"""What a build has to do: which records are there, which are missing, and what they will cost.

Needs no torch. Sizes follow from shapes and are close; time and memory are estimates that say so.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from generator.errors import GalleryError
from generator.measure.preprocess import Geometry, describe, locate
from generator.measure.resolve import ResolvedModel, resolve_folder, resolve_hub
from generator.records import PatchQueries, Preprocessing, TokenLayout
from generator.run import Failure, ImageEntry, ModelEntry
from generator.slugs import unique_slugs
from generator.spec import GallerySpec, ModelSpec
from generator.store import Store, record_key

AUTOMATIC_GRID = 16 * 16
"""Patches of the largest grid whose patch queries are kept automatically."""

DTYPE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


@dataclass(frozen=True, slots=True)
class PlannedModel:
    """A model of the gallery: resolved, or with the reason why not."""

    entry: ModelEntry
    resolved: ResolvedModel | None
    preprocessing: Preprocessing | None


@dataclass(frozen=True, slots=True)
class PlannedCell:
    """One model on one image.

    Attributes:
        model: the model's slug.
        image: the image.
        key: of its record; empty when there can be none.
        cached: whether the record is in the store.
        geometry: how the image becomes the input; None when there can be no record.
        layout: tokens of the input; None when there can be no record.
        patch_queries: rows of the patches to keep.
        failure: why there can be no record.
    """

    model: str
    image: ImageEntry
    key: str = ""
    cached: bool = False
    geometry: Geometry | None = None
    layout: TokenLayout | None = None
    patch_queries: PatchQueries = "off"
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class WorkPlan:
    """Everything known before anything is measured.

    Attributes:
        models: in the order of the spec.
        images: in order.
        cells: images slowest, models fastest.
        dtype: resolved.
    """

    models: tuple[PlannedModel, ...]
    images: tuple[ImageEntry, ...]
    cells: tuple[PlannedCell, ...]
    dtype: str

    @property
    def mixed(self) -> bool:
        """Whether models with and without a class token are compared."""
        return len({bool(cell.layout.cls) for cell in self.cells if cell.layout}) == 2

    def missing(self, model: PlannedModel) -> tuple[PlannedCell, ...]:
        """The cells of a model that must be measured; of equal pictures the first."""
        found = {
            cell.key: cell
            for cell in reversed(self.cells)
            if cell.model == model.entry.slug and cell.key and not cell.cached
        }
        return tuple(reversed(found.values()))


def plan_work(
    spec: GallerySpec,
    store: Store,
    images: Sequence[ImageEntry],
    *,
    on_model: Callable[[str], None] = lambda name: None,
) -> WorkPlan:
    """Resolve the models and see what the store already holds.

    Args:
        spec: of the gallery.
        store: where records are.
        images: as :func:`generator.images.load_images` found them.
        on_model: called with each model's label before it is resolved.
    """
    dtype = "float32" if spec.dtype == "auto" else spec.dtype
    models = []
    slugs = unique_slugs([_slug_source(spec, m) for m in spec.models], list(spec.labels))
    for model, label, slug in zip(spec.models, spec.labels, slugs, strict=True):
        on_model(label)
        models.append(_plan_model(spec, model, label, slug))
    cells = tuple(
        _plan_cell(spec, store, model, image, dtype) for image in images for model in models
    )
    return WorkPlan(tuple(models), tuple(images), cells, dtype)


def resolve(model: ModelSpec, *, trust_remote_code: bool) -> ResolvedModel:
    """The commit and geometry of a model, from its folder or from the hub.

    Raises:
        ModelError: it does not exist, cannot be reached, or is of a kind that is refused.
    """
    if model.folder is not None:
        return resolve_folder(model.folder, trust_remote_code=trust_remote_code)
    return resolve_hub(model.id, model.revision or "main", trust_remote_code=trust_remote_code)


def failure_of(error: GalleryError) -> Failure:
    """An error as a page shows it."""
    return Failure(error.message, error.hint)


def _slug_source(spec: GallerySpec, model: ModelSpec) -> str:
    resolution = spec.resolution_of(model)
    parts = (
        model.id,
        "" if model.revision in ("", "main") else model.revision[:12],
        f"{resolution}px" if resolution else "",
    )
    return " ".join(part for part in parts if part)


def _plan_model(spec: GallerySpec, model: ModelSpec, label: str, slug: str) -> PlannedModel:
    entry = ModelEntry(slug=slug, label=label, id=model.id, revision=model.revision)
    try:
        resolved = resolve(model, trust_remote_code=spec.trust_remote_code)
        preprocessing = describe(
            resolved.processor,
            resolved.vision,
            field_of_view=spec.field_of_view,
            resolution=spec.resolution_of(model),
            model=resolved.id,
        )
    except GalleryError as error:
        if spec.strict:
            raise
        failed = ModelEntry(
            slug=slug,
            label=label,
            id=model.id,
            revision=model.revision,
            failure=failure_of(error),
        )
        return PlannedModel(failed, None, None)
    entry = ModelEntry(
        slug=slug, label=label, id=model.id, revision=model.revision, commit=resolved.commit
    )
    return PlannedModel(entry, resolved, preprocessing)


def _plan_cell(
    spec: GallerySpec, store: Store, model: PlannedModel, image: ImageEntry, dtype: str
) -> PlannedCell:
    slug = model.entry.slug
    failure = model.entry.failure or image.failure
    if failure is not None or model.resolved is None or model.preprocessing is None:
        return PlannedCell(slug, image, failure=failure)
    try:
        geometry = locate(
            image.width,
            image.height,
            processor=model.resolved.processor,
            vision=model.resolved.vision,
            preprocessing=model.preprocessing,
            model=model.resolved.id,
        )
    except GalleryError as error:
        if spec.strict:
            raise
        return PlannedCell(slug, image, failure=failure_of(error))
    view = geometry.view
    layout = model.resolved.vision.layout(view.input_height, view.input_width)
    patch_queries = _patch_queries(spec, layout)
    key = record_key(
        model=model.resolved.id,
        version=model.resolved.version,
        image_sha256=image.sha256,
        preprocessing=model.preprocessing,
        patch_queries=patch_queries,
        dtype=dtype,
    )
    return PlannedCell(
        model=slug,
        image=image,
        key=key,
        cached=store.has(key),
        geometry=geometry,
        layout=layout,
        patch_queries=patch_queries,
    )


def _patch_queries(spec: GallerySpec, layout: TokenLayout) -> PatchQueries:
    if spec.patch_queries == "auto":
        return "mean" if layout.patches <= AUTOMATIC_GRID else "off"
    return spec.patch_queries


@dataclass(frozen=True, slots=True)
class ModelCost:
    """What one model of a plan costs.

    Attributes:
        label: of the model.
        grids: patch grids that its inputs have, as ``16x16``, most frequent first.
        tokens: of the longest input.
        cached: cells that are in the store.
        missing: cells to measure.
        seconds: to measure them, estimated.
        memory: bytes above the interpreter while measuring one picture, estimated.
        store: bytes that the missing records add to the store.
        site: bytes of all its cells in the site, estimated.
        failure: why it cannot be measured; empty when it can.
    """

    label: str
    grids: tuple[str, ...]
    tokens: int
    cached: int
    missing: int
    seconds: float
    memory: int
    store: int
    site: int
    failure: str


def estimate(plan: WorkPlan) -> tuple[ModelCost, ...]:
    """The cost of a plan, model by model.

    Time assumes that the network's multiplications run at the speed of a matrix product on this
    machine's CPU, measured now; an accelerator is many times faster.
    """
    missing = any(plan.missing(model) for model in plan.models)
    speed = _multiplications_per_second() if missing else math.inf
    return tuple(_cost(plan, model, speed) for model in plan.models)


def _cost(plan: WorkPlan, model: PlannedModel, speed: float) -> ModelCost:
    cells = [c for c in plan.cells if c.model == model.entry.slug and c.layout is not None]
    to_do = [c for c in cells if not c.cached]
    layouts = [c.layout for c in cells if c.layout is not None]
    grids = [f"{layout.rows}x{layout.cols}" for layout in layouts]
    longest = max((layout.tokens for layout in layouts), default=0)
    return ModelCost(
        label=model.entry.label,
        grids=tuple(sorted(set(grids), key=lambda grid: (-grids.count(grid), grid))),
        tokens=longest,
        cached=len(cells) - len(to_do),
        missing=len(to_do),
        seconds=sum(_multiplications(model, cell) for cell in to_do) / speed,
        memory=_memory(model, longest, plan.dtype) if to_do else 0,
        store=sum(_record_bytes(model, cell) for cell in to_do),
        site=sum(_site_bytes(model, cell, mixed=plan.mixed) for cell in cells),
        failure=model.entry.failure.message if model.entry.failure else "",
    )


def _multiplications(model: PlannedModel, cell: PlannedCell) -> float:
    """Of a forward pass (projections, MLP of four times the width, attention twice) on one image.

    Attention is counted twice because its logits are made again for the statistics.
    """
    assert model.resolved is not None and cell.layout is not None
    vision, tokens = model.resolved.vision, cell.layout.tokens
    projections = 12 * vision.width**2 * tokens
    attention = 2 * vision.width * tokens**2
    return float(vision.layers * (projections + 2 * attention))


def _memory(model: PlannedModel, tokens: int, dtype: str) -> int:
    """Weights, the widest activations, and head means of all layers for the rollout."""
    assert model.resolved is not None
    vision = model.resolved.vision
    size = DTYPE_BYTES[dtype]
    weights = 12 * vision.layers * vision.width**2 * size
    activations = 12 * tokens * vision.width * size
    return weights + activations + 4 * vision.layers * tokens**2


def _record_bytes(model: PlannedModel, cell: PlannedCell) -> int:
    assert model.resolved is not None and cell.layout is not None
    vision, layout = model.resolved.vision, cell.layout
    maps = vision.layers * vision.heads
    rows = 2 * maps * layout.tokens * (len(layout.prefix) + 1)
    patch_rows = {"off": 0, "mean": vision.layers, "heads": maps}[cell.patch_queries]
    return rows + 2 * patch_rows * layout.patches * layout.tokens + 4096


def _site_bytes(model: PlannedModel, cell: PlannedCell, *, mixed: bool) -> int:
    """Chunks of a byte a value in base64, with norms and a header, and one coloured wall."""
    assert model.resolved is not None and cell.layout is not None
    vision, layout = model.resolved.vision, cell.layout
    values = vision.layers * (vision.heads + 1) * layout.patches  # and the mean over heads
    queries = max(len(layout.prefix), 1) + mixed
    norms = 0.6 * (vision.layers + 1) * layout.patches
    kept = {"off": 0, "mean": 1, "heads": vision.heads + 1}[cell.patch_queries]
    patch_rows = vision.layers * kept * layout.patches**2
    return int(queries * (values * 4 / 3 + norms + 3000) + values * 0.65 + 1000 + patch_rows * 1.07)


def shared_site_bytes(plan: WorkPlan) -> int:
    """Bytes of the site that belong to no model: pictures, pages, styles and scripts."""
    good = [image for image in plan.images if image.failure is None]
    pixels = 0.0
    for image in good:
        for side in (1280, 480):  # the picture and its thumbnail, never enlarged
            scale = min(side / max(image.width, image.height), 1)
            pixels += image.width * image.height * scale**2
    pages = len(good) + len(plan.models)
    return int(0.16 * pixels) + 12_000 * pages + 170_000


def _multiplications_per_second() -> float:
    """Of a float32 matrix product here, the best of three."""
    size = 512
    matrix = np.ones((size, size), dtype=np.float32)
    best = math.inf
    for _ in range(3):
        start = time.perf_counter()
        matrix @ matrix
        best = min(best, time.perf_counter() - start)
    return size**3 / best
