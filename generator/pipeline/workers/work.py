"""What measuring is dealt out as: batches go to workers, outcomes come back.

A batch depends on the plan alone, never on the number of workers. So the records have the same
bytes however many measure them.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from generator.errors import GalleryError, ModelError
from generator.pipeline.plan import PlannedCell, PlannedModel
from generator.records.extras import ModelWeights
from generator.records.record import AttentionRecord

CPU_TOKENS = 2048
"""Tokens in an automatic batch on the CPU. Larger batches are no faster and need more memory."""

ACCELERATOR_TOKENS = 32768
"""Tokens in an automatic batch on a GPU."""

SPLIT_AFTER = 2
"""Workers that may be lost over a batch before its pictures are measured one by one."""

FAILED_AFTER = 3
"""Workers that may be lost over a picture before it fails."""


@dataclass(frozen=True, slots=True)
class How:
    """How networks run.

    Attributes:
        device: such as ``auto``, ``cpu`` or ``cuda:1``.
        dtype: dtype of weights and activations, resolved.
    """

    device: str
    dtype: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures that run through a model together.

    Attributes:
        model: the model.
        cells: cells of one input size; none when only the weights are missing.
        weights: whether the arrays from the model's weights are missing.
        lost: number of workers that were lost over it.
    """

    model: PlannedModel
    cells: tuple[PlannedCell, ...]
    weights: bool = False
    lost: int = 0

    @property
    def keys(self) -> frozenset[str]:
        """Keys of what is to be measured: records, and the weights."""
        own = {self.model.entry.weights} if self.weights else set()
        return frozenset(own | {cell.key for cell in self.cells})


@dataclass(frozen=True, slots=True)
class Deal:
    """A batch for a worker, and the one that probably follows: its pictures are opened ahead."""

    batch: Batch
    following: Batch | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A message for the user."""

    text: str


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning, which several workers may give."""

    text: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model is loaded; measuring begins."""

    model: str


@dataclass(frozen=True, slots=True)
class WeightsRead:
    """The arrays from a model's weights; None if the worker has put them into the store."""

    key: str
    weights: ModelWeights | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record; None if the worker has put it into the store."""

    key: str
    record: AttentionRecord | None = None


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """A cell that could not be measured.

    Attributes:
        problem: the reason.
        raised: what the network raised; None for a foreseen reason.
    """

    key: str
    problem: GalleryError
    raised: Exception | None = None


@dataclass(frozen=True, slots=True)
class ModelLost:
    """A model that cannot be loaded, with the reason and what was raised."""

    model: str
    problem: GalleryError
    raised: Exception


Outcome = Note | Warned | Loaded | WeightsRead | Recorded | Unmeasured | ModelLost
Outcomes = Generator[Outcome, None, None]


class Crew(Protocol):
    """Workers that measure.

    Attributes:
        size: number of workers.
        place: where they are, in words; empty for this process.
    """

    size: int
    place: str

    def measure(self, work: Work) -> Outcomes:
        """Measure all batches; a closed iterator ends the workers.

        Raises:
            StoreError: the store cannot be written.
            GalleryError: no worker is left, or the workers differ.
        """
        ...


def cut(
    model: PlannedModel,
    cells: Sequence[PlannedCell],
    *,
    weights: bool,
    size: int | None,
    accelerated: bool,
) -> list[Batch]:
    """Cut the cells of a model into batches: neighbors of one input size and one way to measure.

    Args:
        weights: whether the arrays from the model's weights are missing.
        size: pictures in a batch; None for as many as fit.
        accelerated: whether the model runs on an accelerator.
    """
    found: list[list[PlannedCell]] = []
    tokens = ACCELERATOR_TOKENS if accelerated else CPU_TOKENS
    for cell in cells:
        assert cell.layout is not None
        most = size or max(tokens // cell.layout.tokens, 1)
        if model.resolved and model.resolved.vision.inputs == "neighborhoods":
            most = 1  # the network takes the patches of all pictures as one list
        if not found or len(found[-1]) >= most or not _alike(found[-1][0], cell):
            found.append([])
        found[-1].append(cell)
    if not found and weights:
        found.append([])
    return [Batch(model, tuple(each), weights and not n) for n, each in enumerate(found)]


def _alike(one: PlannedCell, other: PlannedCell) -> bool:
    """Whether two cells can run in one batch."""
    assert one.geometry is not None and other.geometry is not None
    views = one.geometry.view, other.geometry.view
    sizes = [(view.input_height, view.input_width) for view in views]
    return (
        sizes[0] == sizes[1]
        and one.patch_queries == other.patch_queries
        and one.measuring == other.measuring
    )


class Work:
    """Batches that wait, and those that workers have.

    A worker keeps its model as long as there are batches of it. A free worker takes the first model
    that nobody has, then helps where most is left.

    Args:
        batches: in order of models.
    """

    def __init__(self, batches: Sequence[Batch]) -> None:
        self._waiting: dict[str, deque[Batch]] = {}
        for batch in batches:
            self._waiting.setdefault(batch.model.entry.slug, deque()).append(batch)
        self._dealt: dict[str, list[Batch]] = {}
        self._following: dict[str, Batch] = {}
        self._has: dict[str, str] = {}
        self._settled: set[str] = set()

    @property
    def done(self) -> bool:
        """Whether every batch has been measured."""
        return not any(self._waiting.values()) and not self._following and not self._dealt

    def deal(self, worker: str) -> Deal | None:
        """The next batch for a worker; None if there is none now."""
        batch = self._following.pop(worker, None) or self._next(worker) or self._taken_over()
        if batch is None:
            return None
        self._has[worker] = batch.model.entry.slug
        self._dealt.setdefault(worker, []).append(batch)
        following = self._next(worker)
        if following is not None:
            self._following[worker] = following
        return Deal(batch, following)

    def settle(self, worker: str, outcome: Outcome) -> None:
        """Note an outcome; a batch is done when everything in it has one."""
        if isinstance(outcome, Recorded | Unmeasured | WeightsRead):
            self._settled.add(outcome.key)
            self._keep(worker, lambda batch: not batch.keys <= self._settled)

    def lose(self, worker: str) -> list[Unmeasured | ModelLost]:
        """Take back what a lost worker had.

        The last batch it got may be the cause: after some losses its pictures are measured one by
        one, and the one that does it fails.
        """
        found: list[Unmeasured | ModelLost] = []
        back = [batch for batch in (self._following.pop(worker, None),) if batch]
        dealt = self._dealt.pop(worker, [])
        self._has.pop(worker, None)
        for batch in reversed(dealt):
            if batch is not dealt[-1]:
                back.append(batch)
                continue
            blamed = replace(batch, lost=batch.lost + 1)
            if len(blamed.cells) > 1 and blamed.lost >= SPLIT_AFTER:
                back += reversed(_singly(blamed))
            elif blamed.lost < FAILED_AFTER:
                back.append(blamed)
            else:
                found.append(_fatal(blamed))
        for batch in back:
            if batch.model.entry.slug in self._waiting:
                self._waiting[batch.model.entry.slug].appendleft(batch)
        return found

    def drop(self, model: str) -> None:
        """Forget what waits of a model that failed."""
        self._waiting.pop(model, None)
        for worker in [*self._dealt]:
            self._keep(worker, lambda batch: batch.model.entry.slug != model)
        kept = self._following.items()
        self._following = {w: batch for w, batch in kept if batch.model.entry.slug != model}

    def _next(self, worker: str) -> Batch | None:
        """Take a batch out of those that wait."""
        own = self._waiting.get(self._has.get(worker, ""))
        if own:
            return own.popleft()
        busy = Counter(model for other, model in self._has.items() if other != worker)
        open_ = [(model, queue) for model, queue in self._waiting.items() if queue]
        if not open_:
            return None
        free = [queue for model, queue in open_ if not busy[model]]
        most = max(open_, key=lambda each: len(each[1]) / max(busy[each[0]], 1))
        return (free[0] if free else most[1]).popleft()

    def _taken_over(self) -> Batch | None:
        """Take a batch that another worker has not begun."""
        return self._following.pop(next(iter(self._following), ""), None)

    def _keep(self, worker: str, wanted: Callable[[Batch], bool]) -> None:
        """Keep some of the batches that a worker has."""
        kept = [batch for batch in self._dealt.pop(worker, []) if wanted(batch)]
        if kept:
            self._dealt[worker] = kept


def _singly(batch: Batch) -> list[Batch]:
    """A batch for each picture."""
    return [
        replace(batch, cells=(cell,), weights=batch.weights and not n)
        for n, cell in enumerate(batch.cells)
    ]


def _fatal(batch: Batch) -> Unmeasured | ModelLost:
    """The outcome of a batch that ends every worker."""
    hint = "Perhaps the memory was full: lower --resolution, or use --dtype bfloat16."
    ended = f"{batch.lost} processes that measured"
    if batch.cells:
        cell = batch.cells[0]
        problem = ModelError(
            f"{ended} {batch.model.entry.id} on {cell.image.name} were killed.", hint
        )
        return Unmeasured(cell.key, problem)
    problem = ModelError(f"{ended} {batch.model.entry.id} were killed.", hint)
    return ModelLost(batch.model.entry.slug, problem, problem)
