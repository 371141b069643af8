"""Measuring missing records: each model is loaded once and its images are streamed through it.

Torch is imported inside functions, only when something must be measured. Each record is stored as
soon as it is measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from generator.capture.checkpoint.preprocess import locate, pixels
from generator.errors import GalleryError, ImageError, ModelError, StoreError
from generator.images.find import open_picture
from generator.pipeline.plan import PlannedCell, PlannedModel, WorkPlan, failure_of
from generator.progress import Job, Reporter
from generator.records.run import Failure
from generator.records.store import Store
from generator.spec.gallery import GallerySpec

if TYPE_CHECKING:
    from generator.capture.extract import Prepared

AHEAD = 4
"""Pictures to decode ahead, so that an accelerator does not wait for the disk."""


def measure_missing(
    spec: GallerySpec, plan: WorkPlan, store: Store, reporter: Reporter
) -> dict[str, Failure]:
    """Measure missing records and weights.

    Returns:
        The reason of each record that could not be measured, by key.

    Raises:
        GalleryError: the first failure when the spec is strict.
        StoreError: the store cannot be written; earlier records are kept.
    """
    failures: dict[str, Failure] = {}
    for model in plan.models:
        # another revision may be the same commit, and have been measured just now
        cells = [cell for cell in plan.missing(model) if not store.has(cell.key)]
        lacks_weights = plan.weights_missing(model) and not store.has_weights(model.entry.weights)
        if not cells and not lacks_weights:
            continue
        reporter.note(f"loading {model.entry.label}")
        try:
            failures |= _measure_model(spec, plan, model, cells, store, reporter)
        except StoreError:
            raise
        except Exception as error:
            if spec.strict:
                raise
            problem = error if isinstance(error, GalleryError) else _crash(model, error)
            reporter.note(f"failed: {problem}")
            failures |= {cell.key: failure_of(problem) for cell in cells if not store.has(cell.key)}
    return failures


def _crash(model: PlannedModel, error: Exception) -> ModelError:
    """Turn an unexpected error inside a network into a failure of this model only."""
    assert model.resolved is not None
    reason = str(error).strip().split("\n", maxsplit=1)[0].rstrip(".")
    reason = reason.replace(
        model.resolved.location, model.entry.id
    )  # the message will be published
    return ModelError(
        f"{model.entry.id} cannot be measured: {type(error).__name__}: {reason}.",
        "Run again with --strict to see where it happens.",
    )


def _measure_model(
    spec: GallerySpec,
    plan: WorkPlan,
    model: PlannedModel,
    cells: Sequence[PlannedCell],
    store: Store,
    reporter: Reporter,
) -> dict[str, Failure]:
    """Load one model, read its weights, and stream its images through it."""
    from generator.capture import extract  # noqa: PLC0415 - imports torch
    from generator.capture.models.device import choose_device, torch_dtype  # noqa: PLC0415
    from generator.capture.models.load import load  # noqa: PLC0415
    from generator.capture.models.registers import calibrate  # noqa: PLC0415
    from generator.capture.models.weights import reduce_weights  # noqa: PLC0415

    assert model.resolved is not None
    failures: dict[str, Failure] = {}
    device, dtype = choose_device(spec.device), torch_dtype(plan.dtype)
    if model.opened is not None:
        network = model.opened.load(model.resolved, device, dtype)
    else:
        network = load(model.resolved, device=device, dtype=dtype)
    if not store.has_weights(model.entry.weights):
        store.put_weights(reduce_weights(network, model.entry.weights))
    if model.register is not None:
        reporter.note(f"looking for the register neurons of {model.entry.id}")
        network = calibrate(network, _calibration(model), model.register.asked)
    with reporter.job(model.entry.label, len(cells)) as job:
        prepared = _prepare(spec, model, cells, failures, job)
        for batch in extract.batches(prepared, network, spec.batch_size):
            for result in extract.extract(network, batch):
                if isinstance(result, extract.Broken):
                    if spec.strict:
                        raise result.error
                    failures[result.key] = failure_of(result.error)
                else:
                    store.put(result)
                job.advance()
    return failures


def _calibration(model: PlannedModel) -> list[NDArray[np.float32]]:
    """Model inputs of the readable calibration pictures."""
    assert model.register is not None and model.resolved is not None
    assert model.preprocessing is not None
    found = []
    for picture in model.register.pictures:
        with suppress(GalleryError):  # shown where the image itself is
            geometry = locate(
                picture.width,
                picture.height,
                processor=model.resolved.processor,
                vision=model.resolved.vision,
                preprocessing=model.preprocessing,
                model=model.resolved.id,
            )
            found.append(pixels(open_picture(picture.path), geometry, model.preprocessing))
    return found


def _prepare(
    spec: GallerySpec,
    model: PlannedModel,
    cells: Sequence[PlannedCell],
    failures: dict[str, Failure],
    job: Job,
) -> Iterator[Prepared]:
    """Decode and resize pictures ahead of the model; failed ones are skipped."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting: list[tuple[PlannedCell, Future[Prepared]]] = []
        for cell in [*cells, *[None] * AHEAD]:
            if cell is not None:
                waiting.append((cell, pool.submit(_open, model, cell)))
            if cell is not None and len(waiting) <= AHEAD:
                continue
            if not waiting:
                break
            ready, future = waiting.pop(0)
            try:
                yield future.result()
            except GalleryError as error:
                if spec.strict:
                    raise
                failures[ready.key] = failure_of(error)
                job.advance()


def _open(model: PlannedModel, cell: PlannedCell) -> Prepared:
    from generator.capture.extract import Prepared  # noqa: PLC0415 - imports torch

    assert cell.geometry is not None and model.preprocessing is not None
    try:
        found = pixels(open_picture(cell.image.path), cell.geometry, model.preprocessing)
    except MemoryError as error:
        raise ImageError(
            f"{cell.image.name} needs more memory than there is.",
            "Make the picture smaller, or lower --resolution.",
        ) from error
    return Prepared(
        key=cell.key,
        name=cell.image.name,
        image_sha256=cell.image.sha256,
        pixels=found,
        geometry=cell.geometry,
        preprocessing=model.preprocessing,
        patch_queries=cell.patch_queries,
        measuring=cell.measuring,
    )
