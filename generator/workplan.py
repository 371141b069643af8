"""What a build has to do: which records are there, which are missing, and what they will cost.

Needs no torch. Sizes follow from shapes and are close; time and memory are estimates that say so.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from generator.errors import GalleryError
from generator.extras import EXTRAS, Extra, Intervention, Measuring
from generator.interventions import plan_intervention
from generator.measure.layouts import VisionConfig
from generator.measure.preprocess import Geometry, describe, locate
from generator.measure.resolve import ResolvedModel, resolve_folder, resolve_hub
from generator.present.reductions import Reduction
from generator.prices import Shape
from generator.records import PatchQueries, Preprocessing, TokenLayout
from generator.run import Failure, ImageEntry, ModelEntry
from generator.site_prices import CellPrice, SitePrice, cell_price, fitting, model_price
from generator.slugs import unique_slugs
from generator.spec import GallerySpec, ModelSpec
from generator.store import Store, record_key, weights_key

AUTOMATIC_GRID = 16 * 16
"""Patches of the largest grid whose patch queries are kept automatically."""


@dataclass(frozen=True, slots=True)
class PlannedModel:
    """A model of the gallery: resolved, or with the reason why not.

    Attributes:
        entry: what the run says of it.
        resolved: None for a model that failed.
        preprocessing: likewise.
        weights_cached: whether what is seen of it without an image is in the store.
        intervention: a test-time register; None for the model as it is.
    """

    entry: ModelEntry
    resolved: ResolvedModel | None
    preprocessing: Preprocessing | None
    weights_cached: bool = False
    intervention: Intervention | None = None

    @property
    def vision(self) -> VisionConfig:
        """Geometry of what runs, with the test-time register if there is one."""
        assert self.resolved is not None
        vision = self.resolved.vision
        return vision.with_register() if self.intervention else vision


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
        measuring: what is measured beside attention.
        failure: why there can be no record.
    """

    model: str
    image: ImageEntry
    key: str = ""
    cached: bool = False
    geometry: Geometry | None = None
    layout: TokenLayout | None = None
    patch_queries: PatchQueries = "off"
    measuring: Measuring = field(default_factory=Measuring)
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

    def weights_missing(self, model: PlannedModel) -> bool:
        """Whether a model that can be measured must be loaded to see its weights."""
        usable = any(cell.model == model.entry.slug and cell.key for cell in self.cells)
        return usable and not model.weights_cached


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
        models.append(_plan_model(spec, store, model, label, slug, dtype, images))
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
        "test-time-register" if model.test_time_registers else "",
    )
    return " ".join(part for part in parts if part)


def _plan_model(
    spec: GallerySpec,
    store: Store,
    model: ModelSpec,
    label: str,
    slug: str,
    dtype: str,
    images: Sequence[ImageEntry],
) -> PlannedModel:
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
        intervention = plan_intervention(model, resolved, images)
    except GalleryError as error:
        if spec.strict:
            raise
        return PlannedModel(replace(entry, failure=failure_of(error)), None, None)
    weights = weights_key(model=resolved.id, version=resolved.version, dtype=dtype)
    entry = replace(entry, commit=resolved.commit, weights=weights, gated=resolved.gated)
    return PlannedModel(entry, resolved, preprocessing, store.has_weights(weights), intervention)


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
    layout = model.vision.layout(view.input_height, view.input_width)
    patch_queries = _patch_queries(spec, layout)
    measuring = spec.measuring
    key = record_key(
        model=model.resolved.id,
        version=model.resolved.version,
        image_sha256=image.sha256,
        preprocessing=model.preprocessing,
        patch_queries=patch_queries,
        measuring=measuring,
        dtype=dtype,
        intervention=model.intervention,
    )
    return PlannedCell(
        model=slug,
        image=image,
        key=key,
        cached=store.has(key),
        geometry=geometry,
        layout=layout,
        patch_queries=patch_queries,
        measuring=measuring,
    )


def _patch_queries(spec: GallerySpec, layout: TokenLayout) -> PatchQueries:
    if spec.patch_queries == "auto":
        return "mean" if layout.patches <= AUTOMATIC_GRID else "off"
    return spec.patch_queries


@dataclass(frozen=True, slots=True)
class ExtraPrice:
    """What a part beside attention costs, on or off.

    Attributes:
        name: of the part.
        share: of the time of the models' forward passes, added to it.
        store: bytes in the store, for all cells.
        models: labels of the models that have it.
    """

    name: Extra
    share: float
    store: int
    models: tuple[str, ...]


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
        site: bytes of all its cells and its page in the site, estimated.
        weights: whether it must be loaded to see its weights.
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
    weights: bool
    failure: str


def estimate(plan: WorkPlan) -> tuple[ModelCost, ...]:
    """The cost of a plan, model by model.

    Time assumes that the network's multiplications run at the speed of a matrix product on this
    machine's CPU, measured now; an accelerator is many times faster.
    """
    missing = any(plan.missing(model) for model in plan.models)
    speed = _multiplications_per_second() if missing else math.inf
    return tuple(_cost(plan, model, speed) for model in plan.models)


def extra_prices(plan: WorkPlan) -> tuple[ExtraPrice, ...]:
    """What each part costs over all cells of a plan, whether it is measured or not."""
    shapes = [
        (model.entry.label, shape)
        for model in plan.models
        for cell in plan.cells
        if cell.model == model.entry.slug and (shape := _shape(model, cell)) is not None
    ]
    vectors = max((len(cell.measuring.objects) for cell in plan.cells), default=1)
    forward = sum(shape.forward for _, shape in shapes)
    prices = []
    for extra in EXTRAS:
        with_it = [(label, shape) for label, shape in shapes if shape.applies(extra)]
        # Only the models that have it count: a part costs nothing where there is none.
        base = sum(shape.forward for _, shape in with_it) or forward or 1.0
        prices.append(
            ExtraPrice(
                name=extra,
                share=sum(shape.multiplications(extra) for _, shape in with_it) / base,
                store=sum(shape.bytes(extra, vectors) for _, shape in with_it),
                models=tuple(dict.fromkeys(label for label, _ in with_it)),
            )
        )
    return tuple(prices)


def _shape(model: PlannedModel, cell: PlannedCell) -> Shape | None:
    """What the cost of a cell depends on; None when it cannot be measured."""
    if model.resolved is None or cell.layout is None:
        return None
    return Shape(model.resolved.vision, cell.layout, model.resolved.classes)


def _cost(plan: WorkPlan, model: PlannedModel, speed: float) -> ModelCost:
    cells = [c for c in plan.cells if c.model == model.entry.slug and c.layout is not None]
    to_do = [(c, shape) for c in cells if not c.cached and (shape := _shape(model, c))]
    layouts = [c.layout for c in cells if c.layout is not None]
    grids = [f"{layout.rows}x{layout.cols}" for layout in layouts]
    return ModelCost(
        label=model.entry.label,
        grids=tuple(sorted(set(grids), key=lambda grid: (-grids.count(grid), grid))),
        tokens=max((layout.tokens for layout in layouts), default=0),
        cached=len(cells) - len(to_do),
        missing=len(to_do),
        seconds=sum(_multiplications(cell, shape) for cell, shape in to_do) / speed,
        memory=max((shape.memory(c.measuring, plan.dtype) for c, shape in to_do), default=0),
        store=sum(shape.record_bytes(c.patch_queries, c.measuring) for c, shape in to_do),
        site=_site_bytes(plan, model),
        weights=plan.weights_missing(model),
        failure=model.entry.failure.message if model.entry.failure else "",
    )


def _multiplications(cell: PlannedCell, shape: Shape) -> float:
    """Of measuring a cell."""
    return shape.measured + sum(shape.multiplications(extra) for extra in cell.measuring.extras)


def _site_bytes(plan: WorkPlan, model: PlannedModel) -> int:
    """Of a model's numbers and walls, and of its page."""
    if model.resolved is None:
        return 0
    cells = cell_prices(plan, model, drawn=False)
    return model_price(model.vision) + sum(cell.bytes(Reduction()) for cell in cells)


def cell_prices(plan: WorkPlan, model: PlannedModel, *, drawn: bool) -> list[CellPrice]:
    """What each cell of a model takes in the site."""
    return [
        cell_price(
            cell.image.slug,
            model.vision,
            cell.layout,
            cell.patch_queries,
            queries=max(len(cell.layout.prefix), 1) + plan.mixed,
            drawn=drawn,
        )
        for cell in plan.cells
        if cell.model == model.entry.slug and cell.layout is not None
    ]


def site_price(plan: WorkPlan, *, drawn: bool, limit: int | None) -> SitePrice:
    """What the site takes, and what has to be left out of it.

    Args:
        plan: of the gallery.
        drawn: whether the analyses of images are drawn.
        limit: bytes that the site may take; None for any.
    """
    usable = [model for model in plan.models if model.resolved is not None]
    cells = [price for model in usable for price in cell_prices(plan, model, drawn=drawn)]
    pages = sum(model_price(model.vision) for model in usable)
    return fitting(shared_site_bytes(plan) + pages, cells, limit)


def shared_site_bytes(plan: WorkPlan) -> int:
    """Bytes of the site that belong to no model: pictures, pages, styles and scripts."""
    good = [image for image in plan.images if image.failure is None]
    pixels = 0.0
    for image in good:
        for side in (1280, 480):  # the picture and its thumbnail, never enlarged
            scale = min(side / max(image.width, image.height), 1)
            pixels += image.width * image.height * scale**2
    compared = 200_000 if len(plan.models) > 1 else 0
    return int(0.16 * pixels) + 20_000 * len(good) + 350_000 + compared


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
