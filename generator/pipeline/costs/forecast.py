"""What a build will cost, from its plan: time, memory, downloads, store and site."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from generator.capture.checkpoint.download_size import bytes_to_download
from generator.cores import usable_cores
from generator.errors import ModelError
from generator.images.pixels import free_memory
from generator.pipeline.costs.models import (
    ExtraPrice,
    ModelCost,
    estimate,
    extra_prices,
    site_price,
)
from generator.pipeline.costs.site_prices import PAIR_SECONDS, SitePrice
from generator.pipeline.costs.speed import WORTH_LEARNING, Speed, learn, speed_here
from generator.pipeline.plan import WorkPlan
from generator.present.cells.analysis_maps import drawn_for
from generator.present.files.manifest_file import is_site
from generator.present.files.settings import Settings
from generator.spec.gallery import GallerySpec

STARTUP_SECONDS = 4.0
"""Seconds to import torch and transformers, where something is measured."""

PROGRAM_BYTES = 600_000_000
"""Memory of the program with torch and transformers, without a model."""

PAGES_BYTES, CELL_BYTES = 160_000_000, 40_000
"""Memory of the largest process that makes pages, and what each cell adds to it."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Cost of a build.

    Attributes:
        models: cost of each model.
        extras: price of each optional part, measured or not.
        images: pictures and frames.
        usable: how many of them can be opened.
        measuring: seconds to measure what is missing, on the CPU.
        pages: seconds to make the pages.
        download: bytes of weights to download; None if the hub does not say.
        memory: bytes of memory of the largest process, while it measures or makes pages.
        store: bytes that the record store grows by.
        site: bytes of the site and what is left out to keep its limit.
        free_memory: bytes; None if the system does not say.
        free_disk: bytes where the site is written; None if unknown.
        device: why nothing can be measured on the device that was asked for; empty if it can.
    """

    models: tuple[ModelCost, ...]
    extras: tuple[ExtraPrice, ...]
    images: int
    usable: int
    measuring: float
    pages: float
    download: int | None
    memory: int
    store: int
    site: SitePrice
    free_memory: int | None
    free_disk: int | None
    device: str = ""

    @property
    def seconds(self) -> float:
        """Seconds in all, without downloads."""
        return self.measuring + self.pages

    @property
    def obstacle(self) -> str:
        """Why the build would fail, as a key of its own; empty if it would not."""
        if not self.site.fits:
            return "site size"
        if self.free_disk is not None and self.store + self.site.bytes > self.free_disk:
            return "disk"
        if self.free_memory is not None and self.memory > self.free_memory:
            return "memory"
        return "device" if self.device else ""


def forecast(
    plan: WorkPlan, spec: GallerySpec, settings: Settings, speed: Speed | None = None
) -> Forecast:
    """Estimate the cost of a plan; asks the hub for the sizes of weights that are not here.

    Args:
        speed: of this machine; None to look it up, or to measure it.
    """
    drawn = drawn_for(len(plan.images), settings)
    speed = speed or speed_here()
    models = estimate(
        plan,
        speed,
        drawn=drawn,
        rebuilt=is_site(spec.out),
        processes=processes(spec),
        download=bytes_to_download,
    )
    measures = any(model.missing or model.weights for model in models)
    downloads = [model.download for model in models]
    known = [size for size in downloads if size is not None]
    return Forecast(
        models=models,
        extras=extra_prices(plan),
        images=len(plan.images),
        usable=sum(image.failure is None for image in plan.images),
        measuring=sum(model.seconds for model in models) + STARTUP_SECONDS * measures,
        pages=sum(model.pages for model in models) + _pair_seconds(plan, spec, speed),
        download=sum(known) if len(known) == len(downloads) else None,
        memory=max(
            max((model.memory for model in models), default=0) + PROGRAM_BYTES * measures,
            PAGES_BYTES + CELL_BYTES * len(plan.cells),
        ),
        store=sum(model.store for model in models),
        site=site_price(plan, drawn=drawn, limit=spec.max_site_size),
        free_memory=free_memory(),
        free_disk=_free_disk(spec.out),
        device=_device_problem(spec) if measures else "",
    )


def _device_problem(spec: GallerySpec) -> str:
    """Why this machine does not have the device of a gallery; empty if it has, or a cluster may."""
    if spec.ray or spec.device in ("auto", "cpu"):
        return ""
    try:
        from generator.capture.models.device import choose_devices  # noqa: PLC0415 - imports torch

        choose_devices(spec.device)
    except ImportError:  # records from elsewhere are shown here
        return ""
    except ModelError as error:
        return error.message
    return ""


def learn_from(plan: WorkPlan, spec: GallerySpec, settings: Settings, seconds: float) -> None:
    """Correct the speed of this machine by the pages of a build of a new site."""
    if seconds >= WORTH_LEARNING:
        drawn = drawn_for(len(plan.images), settings)
        speed = speed_here()
        costs = estimate(plan, speed, drawn=drawn, processes=processes(spec))
        learn(seconds, sum(cost.pages for cost in costs) + _pair_seconds(plan, spec, speed))


def _pair_seconds(plan: WorkPlan, spec: GallerySpec, speed: Speed) -> float:
    """Seconds of all pages about two models: of asked pairs, else of those built by themselves."""
    pairs = len(spec.pairs) if spec.pairs is not None else _automatic_pairs(plan)
    usable = sum(image.failure is None for image in plan.images)
    return PAIR_SECONDS * pairs * usable * speed.pages / processes(spec)


def _automatic_pairs(plan: WorkPlan) -> int:
    """Models of one size, of which one has registers and the other has none."""
    layouts = {cell.model: cell.layout for cell in plan.cells if cell.layout is not None}
    models = [model for model in plan.models if model.entry.slug in layouts]
    shapes = [
        (m.vision.layers, m.vision.heads, m.vision.width, bool(layouts[m.entry.slug].registers))
        for m in models
    ]
    return sum(shapes.count((*shape[:3], True)) for shape in shapes if not shape[3])


def processes(spec: GallerySpec) -> int:
    """Processes that make pages: ``auto`` is one for each core."""
    return usable_cores() if spec.jobs == "auto" else spec.jobs or 1


def _free_disk(out: Path) -> int | None:
    """Free bytes where a folder is or will be."""
    with suppress(OSError):
        there = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
        return shutil.disk_usage(there).free
    return None
