"""Writing the site of a run."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from generator.export.anonymous import Anonymous
from generator.export.source import MeasuredGallery, gallery_of
from generator.pipeline.plan import WorkPlan
from generator.pipeline.workers.cluster import Cluster
from generator.pipeline.workers.pages import cluster_pool
from generator.present.files.kept import KEPT
from generator.present.files.manifest import FigureItem
from generator.present.files.settings import Settings
from generator.present.site.result import SiteResult
from generator.present.site.workers import EarlyPool
from generator.present.site.write import STEPS_A_CELL, build_site
from generator.progress import Reporter
from generator.records.run import Failure, Run
from generator.records.store import Store
from generator.spec.gallery import GallerySpec
from generator.version import __version__

if TYPE_CHECKING:
    from generator.export.figures.make import PlannedFigure

logger = logging.getLogger(__name__)


def write_site(
    spec: GallerySpec,
    plan: WorkPlan,
    run: Run,
    shown: Anonymous,
    settings: Settings,
    store: Store,
    figures: tuple[PlannedFigure, ...],
    cluster: Cluster | None,
    workers: EarlyPool,
    reporter: Reporter,
    undrawn: list[Failure],
) -> SiteResult:
    """Write the site of a run.

    Args:
        shown: the run as the site shows it.
        settings: drawing settings of the spec.
        workers: of this machine, for the pages.
        undrawn: receives the reasons for figures that could not be drawn.
    """
    new, start = not spec.out.exists(), time.monotonic()
    with reporter.job("pages", STEPS_A_CELL * len(run.cells)) as job:
        site = build_site(
            shown.run,
            partial(shown.read, store.get),
            spec.out,
            templates=spec.templates,
            version=__version__,
            read_weights=store.get_weights,
            settings=settings,
            jobs=spec.processes,
            pool=cluster_pool(cluster, store.root) if cluster else workers,
            advance=job.advance,
            kept=store.root / KEPT,
            draw=lambda folder, contents: _draw_figures(
                folder, gallery_of(shown, contents, folder, store), spec, figures, run, undrawn
            ),
        )
    logger.info("pages are made in %.1f s", time.monotonic() - start)
    if new:
        # late: it asks the hub, whose client takes as long to load as a new picture
        from generator.pipeline.costs.forecast import learn_from  # noqa: PLC0415

        learn_from(plan, spec, settings, time.monotonic() - start)
    return site


def _draw_figures(
    folder: Path,
    gallery: MeasuredGallery,
    spec: GallerySpec,
    figures: Sequence[PlannedFigure],
    run: Run,
    undrawn: list[Failure],
) -> tuple[FigureItem, ...]:
    """Draw the figures of a gallery's file.

    Args:
        gallery: source of the figures.
        undrawn: receives the reasons for figures that could not be drawn.

    Raises:
        SpecError: a figure cannot be drawn from this gallery, and the spec is strict.
    """
    if not figures:
        return ()
    from generator.export.figures.built import draw_into  # noqa: PLC0415 - imports matplotlib

    found, failures = draw_into(folder, gallery, figures, before=run, strict=spec.strict)
    undrawn += failures
    return found
