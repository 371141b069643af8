"""Cost estimates of a plan by model: time, memory, bytes in the store and the site.

Torch is not needed. Sizes follow from shapes and are close; time and memory are rough estimates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from generator.capture.checkpoint.resolved import ResolvedModel
from generator.pipeline.costs.prices import Shape
from generator.pipeline.costs.site_prices import (
    CellPrice,
    SitePrice,
    cell_price,
    cell_seconds,
    fitting,
    model_price,
    model_seconds,
)
from generator.pipeline.costs.speed import Speed
from generator.pipeline.plan import PlannedCell, PlannedModel, WorkPlan
from generator.present.files.reductions import Reduction
from generator.records.extras import EXTRAS, Extra

PIXEL_SECONDS = 15e-9
"""Seconds to decode and resize a pixel of a picture."""

LOADING_SECONDS = 0.5
"""Seconds to build a network and to read its weights, without a download."""

REUSED = 0.1
"""Time of a cell whose files are taken from the former site, as a share of making them."""

CELL_SECONDS = 0.12
"""Seconds of a measured cell beside its multiplications."""


@dataclass(frozen=True, slots=True)
class ExtraPrice:
    """Cost of an optional part, enabled or not.

    Attributes:
        share: additional time as a share of the models' forward passes.
        store: bytes in the store, for all cells.
        models: labels of the models that support it.
    """

    name: Extra
    share: float
    store: int
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelCost:
    """Cost of one model of a plan.

    Attributes:
        grids: patch grids of its inputs, such as ``16x16``, most frequent first.
        tokens: tokens of the longest input.
        cached: number of cells in the store.
        seconds: estimated time to measure the missing cells on the CPU.
        pages: estimated time of its pages and its part of others, on all processes.
        download: bytes of its weights to download; None if the hub does not say.
        memory: estimated bytes while measuring one picture, without the interpreter.
        store: bytes of the missing records.
        site: estimated bytes of its cells and its page in the site.
        weights: whether it must be loaded to read its weights.
        failure: reason why it cannot be measured; else empty.
    """

    label: str
    grids: tuple[str, ...]
    tokens: int
    cached: int
    missing: int
    seconds: float
    pages: float
    download: int | None
    memory: int
    store: int
    site: int
    weights: bool
    failure: str


def estimate(
    plan: WorkPlan,
    speed: Speed,
    *,
    drawn: bool,
    rebuilt: bool = False,
    processes: int = 1,
    download: Callable[[ResolvedModel], int | None] = lambda resolved: 0,
) -> tuple[ModelCost, ...]:
    """Estimate the cost of a plan by model.

    Time assumes a CPU; an accelerator measures many times faster.

    Args:
        speed: of this machine.
        drawn: whether analyses of images are drawn.
        rebuilt: whether a former site has the files of cells that are in the store.
        processes: that make pages.
        download: says how many bytes of a model's weights are not here yet.
    """
    return tuple(
        _cost(
            plan,
            model,
            speed,
            pages=_page_seconds(plan, model, drawn=drawn, rebuilt=rebuilt)
            * speed.pages
            / processes,
            download=download,
        )
        for model in plan.models
    )


def _page_seconds(plan: WorkPlan, model: PlannedModel, *, drawn: bool, rebuilt: bool) -> float:
    """Seconds of a process for the pages of a model, on the machine of the constants."""
    if model.resolved is None:
        return 0.0
    cells = [cell for cell in plan.cells if cell.model == model.entry.slug]
    each = sum(
        cell_seconds(model.vision, cell.layout, drawn=drawn)
        * (REUSED if rebuilt and cell.cached else 1)
        for cell in cells
        if cell.layout is not None
    )
    return each + model_seconds(model.vision, len(cells))


def extra_prices(plan: WorkPlan) -> tuple[ExtraPrice, ...]:
    """Estimate the cost of each optional part over all cells of a plan."""
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
        # only models that have the part count
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
    """Shape of a cell for its cost; None when it cannot be measured."""
    if model.resolved is None or cell.layout is None:
        return None
    return Shape(model.resolved.vision, cell.layout, model.resolved.classes)


def _cost(
    plan: WorkPlan,
    model: PlannedModel,
    speed: Speed,
    *,
    pages: float,
    download: Callable[[ResolvedModel], int | None],
) -> ModelCost:
    cells = [c for c in plan.cells if c.model == model.entry.slug and c.layout is not None]
    to_do = [(c, shape) for c in cells if not c.cached and (shape := _shape(model, c))]
    layouts = [c.layout for c in cells if c.layout is not None]
    grids = [f"{layout.rows}x{layout.cols}" for layout in layouts]
    unread = plan.weights_missing(model)
    return ModelCost(
        label=model.entry.label,
        grids=tuple(sorted(set(grids), key=lambda grid: (-grids.count(grid), grid))),
        tokens=max((layout.tokens for layout in layouts), default=0),
        cached=len(cells) - len(to_do),
        missing=len(to_do),
        seconds=_measuring_seconds(plan, model, to_do, speed),
        pages=pages,
        download=download(model.resolved) if model.resolved and (to_do or unread) else 0,
        memory=max((shape.memory(c.measuring, plan.dtype) for c, shape in to_do), default=0),
        store=sum(shape.record_bytes(c.patch_queries, c.measuring) for c, shape in to_do),
        site=_site_bytes(plan, model),
        weights=unread,
        failure=model.entry.failure.message if model.entry.failure else "",
    )


def _measuring_seconds(
    plan: WorkPlan, model: PlannedModel, cells: Sequence[tuple[PlannedCell, Shape]], speed: Speed
) -> float:
    """Seconds to load a model and to measure cells with it; 0 if neither is needed."""
    if not cells and not plan.weights_missing(model):
        return 0.0
    decoded = sum(cell.image.width * cell.image.height for cell, _ in cells) * PIXEL_SECONDS
    multiplied = sum(_multiplications(cell, shape) for cell, shape in cells)
    overhead = LOADING_SECONDS + CELL_SECONDS * len(cells)
    return overhead + decoded + multiplied / speed.multiplications


def _multiplications(cell: PlannedCell, shape: Shape) -> float:
    """Multiplications for one cell."""
    return shape.measured + sum(shape.multiplications(extra) for extra in cell.measuring.extras)


def _site_bytes(plan: WorkPlan, model: PlannedModel) -> int:
    """Bytes of a model's cells and its page in the site."""
    if model.resolved is None:
        return 0
    cells = cell_prices(plan, model, drawn=False)
    return model_price(model.vision) + sum(cell.bytes(Reduction()) for cell in cells)


def cell_prices(plan: WorkPlan, model: PlannedModel, *, drawn: bool) -> list[CellPrice]:
    """Size in the site of each cell of a model."""
    return [
        cell_price(
            cell.image.slug,
            model.vision,
            cell.layout,
            cell.patch_queries,
            queries=max(len(cell.layout.prefix), 1)
            + plan.mixed
            + ("values" in cell.measuring.extras),
            drawn=drawn,
        )
        for cell in plan.cells
        if cell.model == model.entry.slug and cell.layout is not None
    ]


def site_price(plan: WorkPlan, *, drawn: bool, limit: int | None) -> SitePrice:
    """Estimate the size of the site and the reduction that keeps it within the limit.

    Args:
        drawn: whether analyses of images are drawn.
        limit: most bytes of the site; None for no limit.
    """
    usable = [model for model in plan.models if model.resolved is not None]
    cells = [price for model in usable for price in cell_prices(plan, model, drawn=drawn)]
    pages = sum(model_price(model.vision) for model in usable)
    return fitting(shared_site_bytes(plan) + pages, cells, limit)


def shared_site_bytes(plan: WorkPlan) -> int:
    """Bytes of the site without models: pictures, pages, styles and scripts."""
    good = [image for image in plan.images if image.failure is None]
    pixels = 0.0
    for image in good:
        for side in (1280, 480, 320):  # the picture and its small copies, never enlarged
            scale = min(side / max(image.width, image.height), 1)
            pixels += image.width * image.height * scale**2
    compared = 200_000 if len(plan.models) > 1 else 0
    return int(0.16 * pixels) + 20_000 * len(good) + 350_000 + compared
