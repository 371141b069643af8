"""Building a gallery: from a spec to a site.

::

    spec -> plan -> per model: load once, stream images, extract -> store -> pages

Slow results are stored as soon as they are known, so an interrupted run resumes where it stopped.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from generator.errors import (
    GalleryError,
    NoModelLeftError,
    NothingLeftError,
    StoreError,
)
from generator.export.anonymous import Anonymous, anonymized, identity_of
from generator.images.annotations import annotate
from generator.images.find import FoundFrame, load_images
from generator.images.given import places_of
from generator.images.groups import read_groups, with_groups
from generator.images.sequences import find_frames, of_one_size
from generator.pipeline.checked import CheckedFiles
from generator.pipeline.described import describe_run, expect_something
from generator.pipeline.measuring import measure_missing
from generator.pipeline.paper import paper_of
from generator.pipeline.plan import WorkPlan, work_plan
from generator.pipeline.unchanged import remember_site, site_made_of, unchanged_site
from generator.pipeline.workers.cluster import Cluster, connected
from generator.present.files.manifest_file import is_site
from generator.present.files.settings import Settings
from generator.present.files.templates import template_folders
from generator.present.pages.register_text import register_warning
from generator.present.site.result import SiteResult
from generator.present.site.staging import alone, check_replaceable
from generator.present.site.workers import EarlyPool
from generator.progress import Reporter, Silent
from generator.records.file_hashes import Sha256Of, sha256_of
from generator.records.run import (
    Failure,
    ImageEntry,
    Run,
    sequences_of,
)
from generator.records.store import Store
from generator.spec.gallery import GallerySpec
from generator.text.phrases import counted
from generator.uninterrupted import uninterrupted

logger = logging.getLogger(__name__)

if TYPE_CHECKING:
    from generator.export.figures.make import PlannedFigure


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of a build.

    Attributes:
        run: the run of the site.
        measured: number of records measured.
        reused: number of records found in the store.
        notes: warnings about numbers, then what an anonymous site leaves out and keeps, one line
            each.
        failures: failures of measuring and drawing, with all names even for an anonymous site.
    """

    run: Run
    measured: int
    reused: int
    site: SiteResult
    notes: tuple[str, ...]
    failures: tuple[Failure, ...]


def build_gallery(
    spec: GallerySpec, *, command: str, reporter: Reporter, records_only: bool = False
) -> Outcome:
    """Measure the missing records and write the site.

    Args:
        command: command line that repeats the build, shown on pages.
        reporter: receiver of progress.
        records_only: measure nothing; a missing record is an error.

    Raises:
        GalleryError: nothing can be built or measured, or the first failure when the spec is
            strict.
        StoreError: a record is missing and must not be measured.
    """
    figures = check_before_work(spec)
    with connected(spec.ray) if spec.ray else nullcontext() as cluster:
        return _built(spec, figures, cluster, command, reporter, records_only=records_only)


def _built(
    spec: GallerySpec,
    figures: tuple[PlannedFigure, ...],
    cluster: Cluster | None,
    command: str,
    reporter: Reporter,
    *,
    records_only: bool,
) -> Outcome:
    """Build until no record is found damaged."""
    store = Store(spec.store)
    measured = 0
    with ExitStack() as at_the_end:
        with uninterrupted():
            early = EarlyPool(1 if cluster else spec.processes, _expected_cells(spec, store))
            workers = at_the_end.enter_context(early)
        for is_last in (False, False, True):
            checked = CheckedFiles(store)
            plan = planned_gallery(spec, store, reporter, checked)
            checked.keep()
            if records_only:
                expect_complete(plan, store)
            before = _damage(plan, store)
            try:
                with alone(spec.out):  # another build of it is told before it measures
                    outcome = _build(
                        spec, plan, store, figures, cluster, workers, command, reporter
                    )
            except StoreError:
                if records_only or is_last or _damage(plan, store) <= before:
                    raise
            else:
                if records_only or is_last or _damage(plan, store) <= before:
                    break
                measured += outcome.measured
            # damage after a record's header is found only when the pages need its arrays
            reporter.note("measuring again what is damaged")
    return replace(outcome, measured=measured + outcome.measured, reused=outcome.reused - measured)


def _expected_cells(spec: GallerySpec, store: Store) -> int:
    """Most cells that may be made from records at once; 0 for a site that is there already."""
    return 0 if spec.out.exists() else len(store.keys())


def _damage(plan: WorkPlan, store: Store) -> frozenset[str]:
    """Keys of damaged files that were set aside, by this process or by its workers."""
    found = {path.stem for path in store.damaged}
    return frozenset(found | {cell.key for cell in plan.cells if store.was_damaged(cell.key)})


def _build(
    spec: GallerySpec,
    plan: WorkPlan,
    store: Store,
    figures: tuple[PlannedFigure, ...],
    cluster: Cluster | None,
    workers: EarlyPool,
    command: str,
    reporter: Reporter,
) -> Outcome:
    """Measure the missing records of a plan, and write the site."""
    if not all(cell.cached for cell in plan.cells):
        workers.end()  # measuring takes long, and the memory may be needed
    problems = measure_missing(spec, plan, store, reporter, cluster)
    run = describe_run(spec, plan, store, problems, command)
    expect_something(run, problems)
    undrawn: list[Failure] = []
    shown = _shown(spec, run)
    settings = settings_of(spec)
    made_of = "" if figures else site_made_of(shown.run, settings, spec.templates)
    site = made_of and unchanged_site(store.root, spec.out, shown.run, settings, made_of)
    if not site:
        with uninterrupted():
            # late: a site of which nothing changed needs none of what makes pages
            from generator.pipeline.site import write_site  # noqa: PLC0415

        site = write_site(
            spec,
            plan,
            run,
            shown,
            settings,
            store,
            figures,
            cluster,
            workers,
            reporter,
            undrawn,
        )
        if made_of:
            remember_site(store.root, site, shown.run, made_of)
    missing = {cell.key for model in plan.models for cell in plan.missing(model)}
    return Outcome(
        run=run,
        measured=len(missing - problems.keys()),
        reused=sum(cell.cached for cell in plan.cells),
        site=site,
        notes=(
            *_warnings(run),
            *_impossible(spec, run, store),
            *shown.notes,
            *_note_on_templates(spec),
        ),
        failures=tuple(dict.fromkeys((*run.failures, *_new(site.failures, shown.run), *undrawn))),
    )


def check_before_work(spec: GallerySpec) -> tuple[PlannedFigure, ...]:
    """Check everything that can be checked before measuring.

    Returns:
        The planned figures of the gallery's file.

    Raises:
        StoreError: the site would replace other files, the templates do not exist, or the store
            is no folder.
        SpecError: a figure is invalid.
    """
    check_replaceable(spec.out)
    Store(spec.store).check_place()
    template_folders(spec.templates)
    return planned_figures(spec)


def settings_of(spec: GallerySpec) -> Settings:
    """Drawing settings of a spec."""
    analyses: Literal["auto", "all", "none"] = "auto"
    if spec.analyses is not None:
        analyses = "all" if spec.analyses else "none"
    return Settings(analyses=analyses, max_bytes=spec.max_site_size)


def _shown(spec: GallerySpec, run: Run) -> Anonymous:
    """The run as the site shows it."""
    if not spec.anonymous:
        return Anonymous(run, {}, ())
    folders = {
        entry.slug for entry, model in zip(run.models, spec.models, strict=True) if model.is_local
    }
    return anonymized(run, frozenset(folders), identity_of(run))


def _warnings(run: Run) -> tuple[str, ...]:
    """Warnings on numbers: test-time registers that do not replace the outliers."""
    said = (register_warning(m.label, m.register) for m in run.models if m.register)
    return tuple(text for text in said if text)


def _impossible(spec: GallerySpec, run: Run, store: Store) -> tuple[str, ...]:
    """Requested extras that a model cannot have, with the reason."""
    explained = [name for name in ("relevance", "lens") if name in spec.extras]
    found = []
    for model in run.models if explained else ():
        keys = (cell.record for cell in run.cells if cell.model == model.slug and cell.record)
        header = store.header(next(keys, ""))
        if header is not None and header.model.headless:
            lacks = " and no ".join(explained)
            found.append(f"{model.label} has no {lacks}: {header.model.headless}.")
    return tuple(found)


def _note_on_templates(spec: GallerySpec) -> tuple[str, ...]:
    """Note on the user's own templates in an anonymous site."""
    if not spec.anonymous or spec.templates is None:
        return ()
    return ("Kept: what your templates say; make sure that they name nobody.",)


def _new(failures: tuple[Failure, ...], run: Run) -> tuple[Failure, ...]:
    """Failures found while pages were written."""
    return tuple(failure for failure in failures if failure not in run.failures)


def planned_figures(spec: GallerySpec) -> tuple[PlannedFigure, ...]:
    """Plan the figures of a gallery's file.

    Raises:
        SpecError: a figure names an unknown preset, venue or axis.
    """
    if not spec.figure:
        return ()
    from generator.export.figures.built import planned  # noqa: PLC0415 - imports matplotlib

    return planned(spec.figure)


def planned_gallery(
    spec: GallerySpec, store: Store, reporter: Reporter, checked: CheckedFiles | None = None
) -> WorkPlan:
    """Find the images, resolve the models, and look records up in the store.

    Args:
        checked: says which records the store has, and remembers hashes of files; None for one
            that is not kept.

    Raises:
        GalleryError: there are no images, no model can be resolved, or a failure in a strict spec.
    """
    checked = checked or CheckedFiles(store)
    images = find_images(spec, store, reporter, checked.sha256_of)
    for sequence in sequences_of(images):
        reporter.note(f"{sequence.source}: {sequence.taken}")
        if sequence.damage:
            reporter.failure(sequence.damage)
    for image in images:
        if image.failure is not None and spec.strict:
            raise GalleryError(image.failure.message, image.failure.hint)
    logger.info("%s found", counted(len(images), "image"))
    plan = work_plan(
        spec,
        store,
        images,
        checked,
        on_model=lambda name: reporter.note(f"resolving {name}"),
    )
    for model in plan.models:
        if model.resolved is not None:
            size = f"{model.vision.layers} layers of {model.vision.heads} heads"
            logger.info("%s is %s, %s", model.entry.label, model.resolved.version[:12], size)
        if model.preprocessing is not None and model.preprocessing.assumed:
            reporter.note(f"{model.entry.label}: {model.preprocessing.assumed}")
    for change in _changed_resolutions(spec, plan):
        reporter.note(change)
    paper_of(spec, plan)  # raise errors before measuring, not after
    _expect_something_left(plan, reporter)
    return plan


def _expect_something_left(plan: WorkPlan, reporter: Reporter) -> None:
    """Report what cannot be measured, and check that something can.

    Raises:
        NothingLeftError: nothing can, so that a good site is not replaced by an empty one.
    """
    broken = [model.entry.failure for model in plan.models if model.entry.failure]
    unusable = [image.failure for image in plan.images if image.failure]
    for failure in dict.fromkeys((*broken, *unusable)):
        reporter.failure(failure.text)
    if len(broken) == len(plan.models):
        raise NoModelLeftError(
            "No model is left to measure.",
            broken[0].message,
            broken[0].hint,
            usage=all(model.misnamed for model in plan.models),
        )
    if len(unusable) == len(plan.images):
        raise NothingLeftError(
            "No image is left to measure.", unusable[0].message, unusable[0].hint
        )
    impossible = plan.impossible
    if all(cell.failure for cell in plan.cells):
        for failure in impossible:
            reporter.failure(failure.text)
        raise NothingLeftError(
            "Nothing is left to measure.", impossible[0].message, impossible[0].hint
        )


def _changed_resolutions(spec: GallerySpec, plan: WorkPlan) -> Iterator[str]:
    """Lines on models whose input is not as large as asked, because patches are whole."""
    for asked, model in zip(spec.models, plan.models, strict=True):
        wanted = spec.resolution_of(asked)
        cells = (cell for cell in plan.cells if cell.model == model.entry.slug)
        view = next((cell.geometry.view for cell in cells if cell.geometry), None)
        short = min(view.input_height, view.input_width) if view else wanted
        if wanted and short != wanted:
            yield f"{model.entry.label} gets {short} px, not {wanted} px: its patches stay whole"


def find_images(
    spec: GallerySpec,
    store: Store,
    reporter: Reporter | None = None,
    sha256_of: Sha256Of = sha256_of,
) -> tuple[ImageEntry, ...]:
    """The pictures of a gallery with groups and annotations; those at addresses are fetched.

    Args:
        sha256_of: gives the hash of a file; it may remember it.

    Raises:
        GalleryError: there are no pictures, or a table, mask or box does not fit them.
    """
    groups = read_groups(spec.groups) if spec.groups else {}
    skip = [spec.out, spec.store, *([spec.masks] if spec.masks else [])]
    reporter = reporter or Silent()
    inputs = find_frames(_fetched(spec, store, reporter), spec.sequences, store.root, sha256_of)
    images = of_one_size(
        load_images(
            inputs.stills,
            skip=skip,
            frames=inputs.frames,
            is_site=is_site,
            reporter=reporter,
            jobs=spec.processes,
            sha256_of=sha256_of,
        )
    )
    if spec.groups:
        images = with_groups(images, groups, spec.groups)
    return annotate(images, masks=spec.masks, boxes=spec.boxes)


def _fetched(spec: GallerySpec, store: Store, reporter: Reporter) -> tuple[Path | FoundFrame, ...]:
    """The places of a gallery's pictures, all on this machine."""
    places = places_of(spec.images)
    here = tuple(place for place in places if isinstance(place, Path))
    if len(here) == len(places) and spec.dataset is None:
        return here
    # late: they import clients for the web, which pictures on this machine do without
    from generator.images.dataset_rows import dataset_pictures  # noqa: PLC0415
    from generator.images.remote import fetch_all  # noqa: PLC0415

    found = fetch_all(places, store.root, reporter)
    return found + (dataset_pictures(spec.dataset, store.root, reporter) if spec.dataset else ())


def expect_complete(plan: WorkPlan, store: Store) -> None:
    """Check that no record is missing.

    Raises:
        StoreError: records are missing.
    """
    missing = [
        f"{model.entry.label} on {cell.image.name}"
        for model in plan.models
        for cell in plan.missing(model)
    ]
    missing = missing or [
        f"{model.entry.label} (its weights)" for model in plan.models if plan.weights_missing(model)
    ]
    if missing:
        records = "1 record is" if len(missing) == 1 else f"{len(missing)} records are"
        raise StoreError(
            f"{records} not in {store.root}, the first of {missing[0]}, and --records-only "
            "measures nothing.",
            "Measure where the models run, with the same options and the same --store.",
        )
