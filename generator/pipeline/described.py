"""The run of a build: what was measured, and why the rest is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from generator.errors import GalleryError, ImageError, NothingLeftError
from generator.pipeline.paper import paper_of
from generator.pipeline.plan import PlannedModel, WorkPlan, failure_of
from generator.records.run import (
    AddedRegister,
    Cell,
    Failure,
    ImageEntry,
    ModelEntry,
    Run,
    Sweep,
    SweepStep,
)
from generator.records.store import Store
from generator.spec.gallery import GallerySpec
from generator.text.slugs import unique_slugs


def describe_run(
    spec: GallerySpec,
    plan: WorkPlan,
    store: Store,
    problems: Mapping[str, GalleryError],
    command: str,
) -> Run:
    """Make the run: entries, and a record or a reason for each cell.

    Args:
        problems: why records could not be measured, by key.
    """
    failures = {key: failure_of(problem) for key, problem in problems.items()}
    cells = tuple(
        Cell(
            model=cell.model,
            image=cell.image.slug,
            record="" if cell.key in failures else cell.key,
            failure=failures.get(cell.key) or cell.failure,
        )
        for cell in plan.cells
    )
    images = _with_damage(plan, problems)
    return Run(
        title=spec.title,
        description=spec.description,
        command=command,
        field_of_view=spec.field_of_view,
        models=tuple(_entry(model, store, images, cells) for model in plan.models),
        images=images,
        cells=cells,
        paper=paper_of(spec, plan),
        site_url=_folder_url(spec.site_url or ""),
        mixed=plan.mixed,
        pairs=_pairs(spec, plan),
        sweeps=_sweeps(spec, plan),
    )


def _with_damage(plan: WorkPlan, problems: Mapping[str, GalleryError]) -> tuple[ImageEntry, ...]:
    """The images of a plan; those that cannot be decoded have failed themselves."""
    reasons: dict[str, set[Failure | None]] = {}
    for cell in plan.cells:
        if cell.key:
            problem = problems.get(cell.key)
            undecoded = failure_of(problem) if isinstance(problem, ImageError) else None
            reasons.setdefault(cell.image.slug, set()).add(undecoded)
    found = {slug: each.pop() for slug, each in reasons.items() if len(each) == 1}
    return tuple(
        replace(image, failure=image.failure or found.get(image.slug)) for image in plan.images
    )


def expect_something(run: Run, problems: Mapping[str, GalleryError]) -> None:
    """Check that at least one map exists, so that a good site is not replaced by an empty one.

    Raises:
        GalleryError: nothing could be measured.
    """
    if problems and not any(cell.record for cell in run.cells):
        first = next(iter(problems.values()))
        raise NothingLeftError("Nothing could be measured.", first.message, first.hint)


def _sweeps(spec: GallerySpec, plan: WorkPlan) -> tuple[Sweep, ...]:
    """The spec's sweeps, with the slugs of their checkpoints."""
    slugs = unique_slugs([sweep.label for sweep in spec.sweeps])
    planned = [*zip(spec.models, plan.models, strict=True)]
    return tuple(
        Sweep(
            slug=slug,
            label=sweep.label,
            named=sweep.named,
            steps=tuple(
                SweepStep(model.step, found.entry.slug)
                for model, found in planned
                if model.sweep == sweep.label and model.step is not None
            ),
        )
        for slug, sweep in zip(slugs, spec.sweeps, strict=True)
    )


def _pairs(spec: GallerySpec, plan: WorkPlan) -> tuple[tuple[str, str], ...] | None:
    """The spec's pairs of models, by slug."""
    if spec.pairs is None:
        return None
    slugs = [model.entry.slug for model in plan.models]
    return tuple((slugs[one], slugs[two]) for one, two in spec.pairs)


def _folder_url(url: str) -> str:
    """A URL with a final slash."""
    return url.removesuffix("index.html").rstrip("/") + "/" if url else ""


def _entry(
    model: PlannedModel, store: Store, images: Sequence[ImageEntry], cells: Sequence[Cell]
) -> ModelEntry:
    """A model's entry; it fails if no valid image could be measured."""
    entry = replace(model.entry, register=_register(model, store, cells))
    if not store.has_weights(entry.weights):
        entry = replace(entry, weights="")
    good = {image.slug for image in images if image.failure is None}
    own = [cell for cell in cells if cell.model == entry.slug and cell.image in good]
    if entry.failure is None and own and not any(cell.record for cell in own):
        return replace(entry, failure=next(c.failure for c in own if c.failure))
    return entry


def _register(model: PlannedModel, store: Store, cells: Sequence[Cell]) -> AddedRegister | None:
    """The test-time register of a model's records."""
    own = (cell.record for cell in cells if cell.model == model.entry.slug and cell.record)
    header = store.header(next(own, "")) if model.register else None
    if model.register is None or header is None or header.intervention is None:
        return None
    return model.register.described(header.intervention)
