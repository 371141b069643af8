"""Measuring missing records: batches are dealt out, and each record is stored once measured."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import groupby

from generator.errors import GalleryError
from generator.pipeline.plan import PlannedModel, WorkPlan
from generator.pipeline.workers.cluster import Cluster, RayCrew
from generator.pipeline.workers.crews import crew_of, places_of
from generator.pipeline.workers.measurer import crash
from generator.pipeline.workers.work import (
    Batch,
    Crew,
    Loaded,
    ModelLost,
    Note,
    Outcome,
    Recorded,
    Unmeasured,
    Warned,
    WeightsRead,
    Work,
    cut,
)
from generator.progress import Reporter
from generator.records.store import Store
from generator.spec.gallery import GallerySpec

logger = logging.getLogger(__name__)

GIVEN_UP_AFTER = 3
"""Batches of a model that fail, with nothing measured before, after which it is given up."""


def measure_missing(
    spec: GallerySpec,
    plan: WorkPlan,
    store: Store,
    reporter: Reporter,
    cluster: Cluster | None = None,
) -> dict[str, GalleryError]:
    """Measure missing records and weights.

    Args:
        cluster: where to measure; None for this machine.

    Returns:
        The reason of each record that could not be measured, by key: an ImageError where the
        picture cannot be decoded.

    Raises:
        GalleryError: the first failure when the spec is strict.
        StoreError: the store cannot be written; earlier records are kept.
    """
    if not any(plan.missing(model) or plan.weights_missing(model) for model in plan.models):
        return {}
    crew: Crew
    if cluster is not None and not any(model.opened for model in plan.models):
        crew = far = RayCrew(cluster, spec.device, plan.dtype, store)
        batches = _batches(spec, plan, accelerated=far.accelerated)
    else:
        places = places_of(spec)
        batches = _batches(spec, plan, accelerated=places.accelerated)
        crew = crew_of(places, plan.dtype, store, batches=len(batches))
    problems: dict[str, GalleryError] = {}
    for title, part in _stages(batches, crew):
        problems |= _Stage(spec, store, reporter, part).run(crew, title)
    return problems


def _batches(spec: GallerySpec, plan: WorkPlan, *, accelerated: bool) -> list[Batch]:
    """Everything that is missing. What two models share is measured once."""
    found: list[Batch] = []
    known: set[str] = set()
    for model in plan.models:
        # another revision may be the same commit
        cells = [cell for cell in plan.missing(model) if cell.key not in known]
        weights = plan.weights_missing(model) and model.entry.weights not in known
        known |= {cell.key for cell in cells} | ({model.entry.weights} if weights else set())
        found += cut(model, cells, weights=weights, size=spec.batch_size, accelerated=accelerated)
    return found


def _stages(batches: Sequence[Batch], crew: Crew) -> Iterator[tuple[str, list[Batch]]]:
    """What has a progress bar of its own: a model, or everything for several workers."""
    if crew.size > 1:
        yield f"measuring on {crew.place}", list(batches)
        return
    for _, part in groupby(batches, lambda batch: batch.model.entry.slug):
        own = list(part)
        yield own[0].model.entry.label, own


class _Stage:
    """Batches that are measured together, and what becomes of them."""

    def __init__(
        self, spec: GallerySpec, store: Store, reporter: Reporter, batches: Sequence[Batch]
    ) -> None:
        self._strict = spec.strict
        self._store = store
        self._reporter = reporter
        self._batches = batches
        self._work = Work(batches)
        self._models = {batch.model.entry.slug: batch.model for batch in batches}
        self._model_of = {cell.key: cell.model for batch in batches for cell in batch.cells}
        self._measured: set[str] = set()
        self._warned: set[str] = set()
        self._problems: dict[str, Unmeasured] = {}
        self._lost: dict[str, GalleryError] = {}

    def run(self, crew: Crew, title: str) -> dict[str, GalleryError]:
        """Measure the batches.

        Returns:
            The reason of each record that could not be measured, by key.
        """
        with closing(crew.measure(self._work)) as outcomes:
            for outcome in outcomes:  # loading is no part of the rate
                self._take(outcome)
                if isinstance(outcome, Loaded):
                    break
            with self._reporter.job(title, len(self._model_of)) as job:
                for outcome in outcomes:
                    self._take(outcome)
                    if isinstance(outcome, Recorded | Unmeasured):
                        job.advance()
        return self._reasons()

    def _take(self, outcome: Outcome) -> None:
        """Act on an outcome.

        Raises:
            GalleryError: it is a failure and the spec is strict, or the store cannot be written.
        """
        match outcome:
            case Note(text):
                self._reporter.note(text)
            case Warned(text) if text not in self._warned:
                self._warned.add(text)
                logger.warning("%s", text)
            case WeightsRead(weights=weights) if weights is not None:
                self._store.put_weights(weights)
            case Recorded(key, record):
                if record is not None:
                    self._store.put(record)
                self._measured.add(key)
            case Unmeasured(key, problem, raised):
                if self._strict:
                    raise raised or problem
                self._problems[key] = outcome
                self._give_up(self._models[self._model_of[key]])
            case ModelLost(model, problem, raised):
                logger.debug("%s failed", model, exc_info=raised)
                if self._strict:
                    raise raised
                self._lose(model, problem)

    def _lose(self, model: str, problem: GalleryError) -> None:
        """Fail what is left of a model."""
        if model not in self._lost:
            self._reporter.failure(str(problem))
            self._lost[model] = problem
            self._work.drop(model)

    def _give_up(self, model: PlannedModel) -> None:
        """Fail a model whose network raises an error for every picture."""
        slug = model.entry.slug
        own = [batch for batch in self._batches if batch.model.entry.slug == slug]
        tried = [cell.key for batch in own[:GIVEN_UP_AFTER] for cell in batch.cells]
        problems = [self._problems[key] for key in tried if key in self._problems]
        raised = [found.raised for found in problems if found.raised is not None]
        if len(raised) == len(tried):
            first = raised[0]
            self._lose(slug, first if isinstance(first, GalleryError) else crash(model, first))

    def _reasons(self) -> dict[str, GalleryError]:
        """The reason of each record that could not be measured, by key."""
        found = {key: each.problem for key, each in self._problems.items()}
        for key, model in self._model_of.items():
            if model in self._lost and key not in self._measured:
                found[key] = self._lost[model]
        return found
