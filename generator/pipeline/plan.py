"""Plan of a build: resolved models, cached and missing records.

Torch is not needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from generator.capture.checkpoint.layouts import VisionConfig
from generator.capture.checkpoint.preprocess import Geometry, describe, locate
from generator.capture.checkpoint.resolved import ResolvedModel
from generator.capture.loaders.resolve import resolve_folder, resolve_hub
from generator.capture.loaders.state_dict import resolve_file
from generator.errors import GalleryError
from generator.pipeline.checked import CheckedFiles
from generator.pipeline.interventions import PlannedRegister, requested_register
from generator.records.extras import Measuring
from generator.records.file_hashes import Sha256Of, sha256_of
from generator.records.record import PatchQueries, Preprocessing, TokenLayout
from generator.records.run import Failure, ImageEntry, ModelEntry
from generator.records.store import Store, record_key, weights_key
from generator.spec.gallery import GallerySpec, ModelSpec
from generator.spec.models import Opened
from generator.text.slugs import unique_slugs

AUTOMATIC_GRID = 16 * 16
"""Most patches of a grid for which ``auto`` keeps patch queries."""


@dataclass(frozen=True, slots=True)
class PlannedModel:
    """A model of the gallery, resolved or failed.

    Attributes:
        entry: its entry in the run.
        resolved: None for a model that failed.
        weights_cached: whether the arrays from its weights are in the store.
        register: a test-time register; None for the unmodified model.
        opened: what holds the model, where it is open already.
        asked: the model as the spec has it.
        misnamed: whether it cannot be used because of how it was named.
    """

    entry: ModelEntry
    resolved: ResolvedModel | None
    preprocessing: Preprocessing | None
    weights_cached: bool = False
    register: PlannedRegister | None = None
    opened: Opened | None = None
    asked: ModelSpec | None = None
    misnamed: bool = False

    @property
    def vision(self) -> VisionConfig:
        """Geometry of the model, including a test-time register."""
        assert self.resolved is not None
        vision = self.resolved.vision
        return vision.with_register() if self.register else vision


@dataclass(frozen=True, slots=True)
class PlannedCell:
    """One model on one image.

    Attributes:
        key: key of the record; empty if it cannot be measured.
        cached: whether the record is in the store.
        geometry: resizing and cropping of the image; None if it cannot be measured.
        layout: tokens of the input; None if it cannot be measured.
        patch_queries: rows of patch queries to keep.
        measuring: optional parts to measure.
        failure: reason why it cannot be measured.
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
    """The plan of a build, before measuring.

    Attributes:
        models: models in the order of the spec.
        cells: cells in order of images, then models.
    """

    models: tuple[PlannedModel, ...]
    images: tuple[ImageEntry, ...]
    cells: tuple[PlannedCell, ...]
    dtype: str

    @property
    def mixed(self) -> bool:
        """Whether models with and without a class token are compared."""
        return len({bool(cell.layout.cls) for cell in self.cells if cell.layout}) == 2

    @property
    def impossible(self) -> tuple[Failure, ...]:
        """Why valid models cannot be measured on valid pictures, each reason once."""
        known = {each.failure for each in self.images} | {m.entry.failure for m in self.models}
        found = (cell.failure for cell in self.cells if cell.failure not in known)
        return tuple(failure for failure in dict.fromkeys(found) if failure)

    def missing(self, model: PlannedModel) -> tuple[PlannedCell, ...]:
        """The cells of a model to measure; equal pictures are measured once."""
        found = {
            cell.key: cell
            for cell in reversed(self.cells)
            if cell.model == model.entry.slug and cell.key and not cell.cached
        }
        return tuple(reversed(found.values()))

    def weights_missing(self, model: PlannedModel) -> bool:
        """Whether a valid model must be loaded to read its weights."""
        usable = any(cell.model == model.entry.slug and cell.key for cell in self.cells)
        return usable and not model.weights_cached


def work_plan(
    spec: GallerySpec,
    store: Store,
    images: Sequence[ImageEntry],
    checked: CheckedFiles,
    *,
    on_model: Callable[[str], None] = lambda name: None,
) -> WorkPlan:
    """Resolve the models and look records up in the store.

    Args:
        images: result of :func:`generator.images.find.load_images`.
        checked: says which records the store has, and remembers hashes of files.
        on_model: called with each model's label before it is resolved.
    """
    dtype = "float32" if spec.dtype == "auto" else spec.dtype
    models = []
    slugs = unique_slugs([_slug_source(spec, m) for m in spec.models], list(spec.labels))
    for model, label, slug in zip(spec.models, spec.labels, slugs, strict=True):
        on_model(label)
        models.append(
            _planned_model(spec, store, model, label, slug, dtype, images, checked.sha256_of)
        )
    cells = tuple(
        _planned_cell(spec, checked, model, image, dtype) for image in images for model in models
    )
    return WorkPlan(tuple(models), tuple(images), cells, dtype)


def resolve(
    model: ModelSpec, *, trust_remote_code: bool, sha256_of: Sha256Of = sha256_of
) -> ResolvedModel:
    """Resolve the commit and geometry of a model, from its folder or from the hub.

    Args:
        sha256_of: gives the hash of a file; it may remember it.

    Raises:
        ModelError: it does not exist, cannot be reached, or is not supported.
    """
    if model.opened is not None:
        found: ResolvedModel = model.opened.resolved()
        return found
    if model.file is not None:
        return resolve_file(model.file, model.state_dict, sha256_of)
    if model.folder is not None:
        return resolve_folder(
            model.folder, trust_remote_code=trust_remote_code, sha256_of=sha256_of
        )
    return resolve_hub(
        model.id,
        model.revision or "main",
        trust_remote_code=trust_remote_code,
        sha256_of=sha256_of,
    )


def failure_of(error: GalleryError) -> Failure:
    """Turn an error into a failure for pages."""
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


def _planned_model(
    spec: GallerySpec,
    store: Store,
    model: ModelSpec,
    label: str,
    slug: str,
    dtype: str,
    images: Sequence[ImageEntry],
    sha256_of: Sha256Of,
) -> PlannedModel:
    entry = ModelEntry(slug=slug, label=label, id=model.id, revision=model.revision)
    try:
        resolved = resolve(model, trust_remote_code=spec.trust_remote_code, sha256_of=sha256_of)
        preprocessing = describe(
            resolved.processor,
            resolved.vision,
            field_of_view=spec.field_of_view,
            resolution=spec.resolution_of(model),
            model=resolved.id,
        )
        register = requested_register(model, resolved, images, store)
    except GalleryError as error:
        if spec.strict:
            raise
        failed = replace(entry, failure=failure_of(error))
        return PlannedModel(failed, None, None, misnamed=error.usage)
    dtype = resolved.dtype or dtype
    weights = weights_key(model=resolved.id, version=resolved.version, dtype=dtype)
    entry = replace(entry, commit=resolved.commit, weights=weights, gated=resolved.gated)
    return PlannedModel(
        entry,
        resolved,
        preprocessing,
        store.has_weights(weights),
        register,
        model.opened,
        model,
    )


def _planned_cell(
    spec: GallerySpec, checked: CheckedFiles, model: PlannedModel, image: ImageEntry, dtype: str
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
        dtype=model.resolved.dtype or dtype,
        intervention=model.register.asked if model.register else None,
    )
    return PlannedCell(
        model=slug,
        image=image,
        key=key,
        cached=checked.has(key),
        geometry=geometry,
        layout=layout,
        patch_queries=patch_queries,
        measuring=measuring,
    )


def _patch_queries(spec: GallerySpec, layout: TokenLayout) -> PatchQueries:
    if spec.patch_queries == "auto":
        return "mean" if layout.patches <= AUTOMATIC_GRID else "off"
    return spec.patch_queries
