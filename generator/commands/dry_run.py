"""``build --dry-run``: prints the plan of a build and its cost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from generator.commands.shared.options import say
from generator.pipeline.build import check_before_work, planned_gallery, settings_of
from generator.pipeline.costs.forecast import STARTUP_SECONDS, Forecast, forecast
from generator.pipeline.costs.models import ExtraPrice, ModelCost
from generator.pipeline.costs.site_prices import SitePrice
from generator.pipeline.plan import WorkPlan
from generator.pipeline.workers.cluster import connected, seats_in_words
from generator.progress import Reporter
from generator.records.store import Store
from generator.spec.gallery import GallerySpec
from generator.text.amounts import duration_in_words, size_in_words
from generator.text.numbers import percent, plain
from generator.text.phrases import counted

PLAN_SCHEMA = 1
"""Version of what ``--json`` prints."""

LARGE = 600
"""Tokens above which the estimate of measuring is known to be low: within 5 % at 257 tokens, 1.3
times too low at 1,370."""

HEADINGS = (
    *("model", "grid", "tokens", "in store", "to measure", "measuring", "pages", "download"),
    *("memory", "store", "site"),
)


def print_plan(
    spec: GallerySpec, console: Console, reporter: Reporter, *, as_json: bool = False
) -> bool:
    """Plan a gallery and print what it costs, without measuring or writing anything.

    Args:
        as_json: print JSON in place of a table.

    Returns:
        Whether the gallery would be built without a failure.

    Raises:
        GalleryError: the gallery cannot be built.
    """
    check_before_work(spec)
    place = _place_lines(spec)  # no plan for a cluster that is not there
    plan = planned_gallery(spec, Store(spec.store), reporter)
    for failure in plan.impossible:
        reporter.failure(failure.text)
    found = forecast(plan, spec, settings_of(spec))
    if as_json:
        text = json.dumps(plan_facts(plan, found), indent=2, ensure_ascii=True)
        console.out(text, highlight=False)
    else:
        _print_costs(found.models, console)
        for line in (
            *total_lines(found, spec),
            *place,
            *site_lines(found.site, spec.max_site_size),
            *extra_lines(found.extras, spec),
            *_weights_lines(found.models),
        ):
            console.print(line, markup=False, soft_wrap=True)
    if found.obstacle:
        say(f"Error: {obstacle_text(found)}", err=True)
    return not found.obstacle and not _failures(plan)


def obstacle_text(found: Forecast) -> str:
    """Why a gallery with an obstacle would not be built, and what to do."""
    if found.obstacle == "device":
        needed = found.device.rstrip(".")
        more = "Use --device auto or --device cpu, or measure on another machine."
    elif found.obstacle == "memory":
        free = size_in_words(found.free_memory or 0)
        needed = f"That needs {size_in_words(found.memory)} of memory, and {free} are free"
        more = "Use a smaller --batch-size or --resolution."
    elif found.obstacle == "disk":
        free = size_in_words(found.free_disk or 0)
        needed = f"That is more disk than is free, {free}"
        more = "Free some, or name another place with --store and -o."
    else:
        needed = f"The smallest site would take about {size_in_words(found.site.bytes)}"
        more = "Use fewer images or models, or allow more with --max-site-size."
    return f"{needed}: it would not be built. {more}"


def _print_costs(costs: Sequence[ModelCost], console: Console) -> None:
    """A table where the terminal is wide enough, else lines for each model."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in HEADINGS:
        justify: Any = "left" if heading in ("model", "grid") else "right"
        table.add_column(heading, justify=justify, no_wrap=True)
    for cost in costs:
        table.add_row(*(Text(cell) for cell in _row(cost)))
    if Measurement.get(console, console.options.update(max_width=10_000), table).maximum <= (
        console.width
    ):
        console.print(table)
        return
    for cost in costs:
        console.print(Text(cost.label, style="bold"), soft_wrap=True)
        cells = zip(HEADINGS[1:], _row(cost)[1:], strict=True)
        said = [f"{heading} {cell}" for heading, cell in cells if cell]
        for start in range(0, len(said), 4):
            console.print(f"  {', '.join(said[start : start + 4])}", markup=False, soft_wrap=True)


def _row(cost: ModelCost) -> tuple[str, ...]:
    if cost.failure:
        return (cost.label, "failed", *[""] * (len(HEADINGS) - 2))
    more = f" +{len(cost.grids) - 1}" if len(cost.grids) > 1 else ""
    return (
        cost.label,
        (cost.grids[0] if cost.grids else "") + more,
        str(cost.tokens),
        str(cost.cached),
        str(cost.missing),
        duration_in_words(cost.seconds),
        duration_in_words(cost.pages),
        "unknown" if cost.download is None else size_in_words(cost.download),
        size_in_words(cost.memory),
        size_in_words(cost.store),
        size_in_words(cost.site),
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


def total_lines(found: Forecast, spec: GallerySpec) -> Iterator[str]:
    """Lines on the whole build."""
    start = duration_in_words(STARTUP_SECONDS)
    faster = f" ({start} of it to start; an accelerator is much faster)" if found.measuring else ""
    yield (
        f"{found.usable} of {counted(found.images, 'image')} usable. "
        f"In all: about {duration_in_words(found.seconds)}: measuring "
        f"{duration_in_words(found.measuring)} on this CPU{faster}, pages "
        f"{duration_in_words(found.pages)}."
    )
    if any(cost.missing and cost.tokens > LARGE for cost in found.models):
        yield f"Measuring may take up to 1.4 times as long with inputs of over {LARGE} tokens."
    if found.download is None:
        yield "To download: unknown, since the hub does not say."
    elif found.download:
        yield f"To download: {size_in_words(found.download)} of weights, which takes its own time."
    yield (
        f"Memory: about {size_in_words(found.memory)}. Disk: "
        f"{size_in_words(found.store)} more in {spec.store}, "
        f"about {size_in_words(found.site.bytes)} in {spec.out}."
    )


def site_lines(site: SitePrice, limit: int | None) -> Iterator[str]:
    """Lines on the size of the site and its reduction."""
    if limit is None or not site.reduction.steps:
        return
    within = f"the {size_in_words(limit)} of --max-site-size"
    whole = f"Everything would take about {size_in_words(site.whole)}, more than {within}."
    words = "; ".join(site.reduction.words)
    yield f"{whole} Left out would be: {words}. The records keep everything."


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


def _failures(plan: WorkPlan) -> list[str]:
    """What the plan already knows to fail: each once."""
    found = [model.entry.failure for model in plan.models]
    found += [image.failure for image in plan.images]
    found += [cell.failure for cell in plan.cells]
    return [failure.text for failure in dict.fromkeys(found) if failure]


def plan_facts(plan: WorkPlan, found: Forecast) -> dict[str, Any]:
    """The plan for other programs; times in seconds, sizes in bytes."""
    facts = asdict(found)
    site = facts.pop("site")
    facts["site"] = {
        "bytes": site["bytes"],
        "whole_bytes": site["whole"],
        "left_out": list(found.site.reduction.words),
        "fits": site["fits"],
    }
    failures = _failures(plan)
    return {
        "schema": PLAN_SCHEMA,
        "seconds": round(found.seconds, 1),
        **facts,
        "obstacle": found.obstacle,
        "failures": failures,
        "would_be_built": not found.obstacle,
    }
