"""``build --dry-run``: prints the plan of a build and its cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from generator.pipeline.build import check_before_work, planned_gallery, settings_of
from generator.pipeline.costs import ExtraPrice, ModelCost, estimate, extra_prices, site_price
from generator.pipeline.site_prices import SitePrice
from generator.pipeline.workers.cluster import connected, seats_in_words
from generator.present.cells.analysis_maps import drawn_for
from generator.progress import Reporter
from generator.records.store import Store
from generator.spec.gallery import GallerySpec
from generator.text.amounts import duration_in_words, size_in_words
from generator.text.numbers import percent, plain


def print_plan(spec: GallerySpec, console: Console, reporter: Reporter) -> None:
    """Plan a gallery and print it as a table, without measuring or writing anything.

    Raises:
        GalleryError: the gallery cannot be built.
    """
    check_before_work(spec)
    place = _place_lines(spec)  # no plan for a cluster that is not there
    plan = planned_gallery(spec, Store(spec.store), reporter)
    costs = estimate(plan)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("model", "grid", "tokens", "in store", "to measure", "time", "memory"):
        table.add_column(
            heading,
            justify="left" if heading in ("model", "grid") else "right",
            overflow="fold",
        )
    table.add_column("store", justify="right")
    table.add_column("site", justify="right")
    for cost in costs:
        table.add_row(*_row(cost))
    console.print(table)
    site = site_price(
        plan,
        drawn=drawn_for(len(plan.images), settings_of(spec)),
        limit=spec.max_site_size,
    )
    usable = sum(image.failure is None for image in plan.images)
    console.print(
        f"{usable} of {len(plan.images)} images usable. "
        f"In all: about {duration_in_words(sum(cost.seconds for cost in costs))} on this CPU "
        "(an accelerator is much faster), "
        f"{size_in_words(sum(cost.store for cost in costs))} more in {spec.store}, "
        f"about {size_in_words(site.bytes)} in {spec.out}.",
        markup=False,
        soft_wrap=True,
    )
    for line in (
        *place,
        *site_lines(site, spec.max_site_size),
        *extra_lines(extra_prices(plan), spec),
        *_weights_lines(costs),
    ):
        console.print(line, markup=False, soft_wrap=True)
    for image in plan.images:
        if image.failure is not None:
            console.print(
                f"failed: {image.failure.message} {image.failure.hint}".rstrip(),
                markup=False,
                soft_wrap=True,
            )


def _place_lines(spec: GallerySpec) -> tuple[str, ...]:
    """Lines on where the gallery is measured, if not in one process on this machine.

    Raises:
        GalleryError: there is no such cluster.
    """
    if spec.ray:
        with connected(spec.ray) as cluster:
            seats = cluster.seats(accelerators=spec.device != "cpu")
        return (f"Measured on the Ray cluster {spec.ray}: {seats_in_words(seats)}.",)
    count = spec.device.count(",") + 1
    return (f"Measured by {count} processes, on {spec.device}.",) if count > 1 else ()


def site_lines(site: SitePrice, limit: int | None) -> Iterator[str]:
    """Lines on the size of the site and its reduction."""
    if limit is None or not site.reduction.steps:
        return
    within = f"the {size_in_words(limit)} of --max-site-size"
    whole = f"Everything would take about {size_in_words(site.whole)}, more than {within}."
    words = "; ".join(site.reduction.words)
    yield f"{whole} Left out would be: {words}. The records keep everything."
    if not site.fits:
        yield (
            f"Even so the site would take about {size_in_words(site.bytes)}: it would not be "
            "built. Use fewer images or models, or allow more."
        )


def extra_lines(prices: Sequence[ExtraPrice], spec: GallerySpec) -> Iterator[str]:
    """A line for each optional part: enabled or not, and its cost."""
    for price in prices:
        on = price.name in spec.extras
        if not price.models:
            yield f"{price.name}: {'on' if on else 'off'}; no model has a class head."
            continue
        where = "" if len(price.models) == len(spec.models) else f" for {', '.join(price.models)}"
        cost = f"{_percent(price.share)} of the forward pass, {size_in_words(price.store)}"
        if on:
            yield f"{price.name}: on{where}: {cost}."
        else:
            yield f"{price.name}: off; it would cost {cost}{where}."


def _percent(share: float) -> str:
    return f"about {plain(percent(share, digits=2))}" if share >= 0.01 else "under 1 %"


def _weights_lines(costs: Sequence[ModelCost]) -> Iterator[str]:
    """Lines on models that are loaded only for their weights."""
    for cost in costs:
        if cost.weights and not cost.missing:
            yield (
                f"{cost.label} is loaded once, without an image: its position embeddings and "
                "patch filters are not in the store."
            )


def _row(cost: ModelCost) -> tuple[Text, ...]:
    if cost.failure:
        cells = [cost.label, "failed", *[""] * 7]
    else:
        more = f" +{len(cost.grids) - 1}" if len(cost.grids) > 1 else ""
        cells = [
            cost.label,
            (cost.grids[0] if cost.grids else "") + more,
            str(cost.tokens),
            str(cost.cached),
            str(cost.missing),
            duration_in_words(cost.seconds),
            size_in_words(cost.memory),
            size_in_words(cost.store),
            size_in_words(cost.site),
        ]
    return tuple(Text(cell) for cell in cells)
