"""Measuring in one process: a model is loaded once, and batches run through it.

Torch is imported inside functions, only when something must be measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from generator.capture.checkpoint.preprocess import locate, pixels
from generator.errors import GalleryError, ImageError, ModelError, StoreError
from generator.images.pixels import free_memory, open_checked
from generator.pipeline.plan import PlannedCell, PlannedModel
from generator.pipeline.workers.work import (
    Batch,
    Deal,
    How,
    Loaded,
    ModelLost,
    Note,
    Outcome,
    Outcomes,
    Recorded,
    Unmeasured,
    WeightsRead,
    Work,
)
from generator.records.record import AttentionRecord
from generator.records.store import Store

if TYPE_CHECKING:
    from generator.capture.extract import Prepared
    from generator.capture.models.load import LoadedModel

OPENERS = 4
"""Threads that open pictures for an accelerator, which is faster than one of them."""


LITTLE = 8 << 30
"""Bytes of free memory; with less, memory is worth a few percent of the time."""

AGAIN = "Run again with --strict to see where it happens."
"""Next step after an error of a network, for those who build."""


class Measurer:
    """Measures batches, one after the other.

    While a batch runs, the pictures of the next are opened, and the records of the one before are
    written.

    Args:
        how: device and dtype.
        store: receives records; None to return them.
    """

    def __init__(self, how: How, store: Store | None) -> None:
        self._how = how
        self._store = store
        self._model = ""
        self._network: LoadedModel | None = None
        self._opener: ThreadPoolExecutor | None = None
        self._writer = ThreadPoolExecutor(max_workers=1)
        self._opened: dict[str, Future[Prepared]] = {}
        self._written: list[tuple[str, Future[None]]] = []

    def __enter__(self) -> Self:
        """Use the measurer; its threads end with the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the threads. What they have not begun is dropped."""
        for pool in (self._opener, self._writer):
            if pool is not None:
                pool.shutdown(cancel_futures=True)

    def measure(self, deal: Deal) -> Iterator[Outcome]:
        """Measure a batch. Its records are perhaps told with the next one, or by :meth:`flush`.

        Raises:
            StoreError: the store cannot be written.
        """
        batch = deal.batch
        model = batch.model
        try:
            if self._model != model.entry.slug:
                yield from self._load(model)
            if batch.weights:
                yield self._weights(model)
        except StoreError:
            raise
        except Exception as error:
            self._model, self._network = "", None
            yield ModelLost(model.entry.slug, _problem(model, error), error)
            return
        self._open(batch)
        if deal.following is not None:
            self._open(deal.following)
        found = [*self._results(batch)]
        yield from self.flush()  # written while this batch ran
        for result in found:
            if isinstance(result, Unmeasured):
                yield result
            elif self._store is None:
                yield Recorded(result.key, result)
            else:
                self._written.append((result.key, self._writer.submit(self._store.put, result)))

    def flush(self) -> Iterator[Outcome]:
        """Wait until all records are written.

        Raises:
            StoreError: the store cannot be written.
        """
        waiting, self._written = self._written, []
        for key, written in waiting:
            written.result()
            yield Recorded(key)

    def _load(self, model: PlannedModel) -> Iterator[Outcome]:
        """Load a model in place of the former one."""
        from generator.capture.heap import give_back_large_blocks  # noqa: PLC0415
        from generator.capture.models.device import choose_device, torch_dtype  # noqa: PLC0415
        from generator.capture.models.load import load  # noqa: PLC0415
        from generator.capture.models.registers import calibrate  # noqa: PLC0415

        assert model.resolved is not None
        yield Note(f"loading {model.entry.label}")
        free = free_memory()
        if free is not None and free < LITTLE:
            give_back_large_blocks()
        self._model, self._network = "", None
        device, dtype = choose_device(self._how.device), torch_dtype(self._how.dtype)
        if model.opened is not None:
            network = model.opened.load(model.resolved, device, dtype)
        else:
            network = load(model.resolved, device=device, dtype=dtype)
        if self._opener is None:
            self._opener = ThreadPoolExecutor(1 if device.type == "cpu" else OPENERS)
        if model.register is not None:
            yield Note(f"looking for the register neurons of {model.entry.id}")
            network = calibrate(network, _calibration(model), model.register.asked)
        self._model, self._network = model.entry.slug, network
        yield Loaded(model.entry.slug)

    def _weights(self, model: PlannedModel) -> WeightsRead:
        """Reduce the weights of the loaded model."""
        from generator.capture.models.weights import reduce_weights  # noqa: PLC0415

        assert self._network is not None
        weights = reduce_weights(self._network, model.entry.weights)
        if self._store is None:
            return WeightsRead(model.entry.weights, weights)
        self._store.put_weights(weights)
        return WeightsRead(model.entry.weights)

    def _open(self, batch: Batch) -> None:
        """Have the pictures of a batch opened and resized."""
        assert self._opener is not None
        for cell in batch.cells:
            if cell.key not in self._opened:
                self._opened[cell.key] = self._opener.submit(_prepared, batch.model, cell)

    def _results(self, batch: Batch) -> Iterator[AttentionRecord | Unmeasured]:
        """Records of a batch, and the reasons why some are missing."""
        ready = []
        for cell in batch.cells:
            try:
                ready.append(self._opened.pop(cell.key).result())
            except GalleryError as error:
                yield Unmeasured(cell.key, error)
        if ready:
            yield from self._extracted(batch.model, ready)

    def _extracted(
        self, model: PlannedModel, ready: Sequence[Prepared]
    ) -> Iterator[AttentionRecord | Unmeasured]:
        """Run pictures through the network; after an error, one by one."""
        from generator.capture.extract import Broken, extract  # noqa: PLC0415 - imports torch

        assert self._network is not None
        try:
            for result in [*extract(self._network, ready)]:
                if isinstance(result, Broken):
                    yield Unmeasured(result.key, result.error)
                else:
                    yield result
        except Exception as error:
            if len(ready) == 1:
                problem = _problem(model, error, ready[0].name)
                yield Unmeasured(ready[0].key, problem, error)
                return
            for item in ready:
                yield from self._extracted(model, [item])


class Here:
    """A crew of this process alone.

    Args:
        store: receives records.
    """

    size = 1
    place = ""

    def __init__(self, how: How, store: Store) -> None:
        self._how = how
        self._store = store

    def measure(self, work: Work) -> Outcomes:
        """Measure all batches in order.

        Raises:
            StoreError: the store cannot be written.
        """
        with Measurer(self._how, self._store) as measurer:
            while deal := work.deal("here"):
                yield from measurer.measure(deal)
            yield from measurer.flush()


def crash(model: PlannedModel, error: Exception, image: str = "") -> ModelError:
    """Turn an unexpected error inside a network into a failure of this model or picture only.

    Args:
        image: name of the picture; empty for the whole model.
    """
    assert model.resolved is not None
    reason = str(error).strip().split("\n", maxsplit=1)[0].rstrip(".")
    # the message will be published
    reason = reason.replace(model.resolved.location, model.entry.id)
    where = f" on {image}" if image else ""
    return ModelError(
        f"{model.entry.id} cannot be measured{where}: {type(error).__name__}: {reason}.",
        AGAIN,
    )


def _problem(model: PlannedModel, error: Exception, image: str = "") -> GalleryError:
    return error if isinstance(error, GalleryError) else crash(model, error, image)


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
            found.append(pixels(open_checked(picture), geometry, model.preprocessing))
    return found


def _prepared(model: PlannedModel, cell: PlannedCell) -> Prepared:
    """The model's input for a picture.

    Raises:
        ImageError: the picture cannot be opened, or needs too much memory.
    """
    from generator.capture.extract import Prepared  # noqa: PLC0415 - imports torch

    assert cell.geometry is not None and model.preprocessing is not None
    try:
        found = pixels(open_checked(cell.image), cell.geometry, model.preprocessing)
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
