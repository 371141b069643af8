"""The plan of a build, printed: what is there, what is missing, what it will cost."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from generator.amounts import duration_in_words, size_in_words
from generator.pipeline import plan_gallery
from generator.progress import Reporter
from generator.spec import GallerySpec
from generator.store import Store
from generator.workplan import ModelCost, estimate, shared_site_bytes


def print_plan(spec: GallerySpec, console: Console, reporter: Reporter) -> None:
    """Plan a gallery and print it as a table, without measuring or writing anything."""
    plan = plan_gallery(spec, Store(spec.store), reporter)
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
    site = sum(cost.site for cost in costs) + shared_site_bytes(plan)
    usable = sum(image.failure is None for image in plan.images)
    console.print(
        f"{usable} of {len(plan.images)} images usable. "
        f"In all: about {duration_in_words(sum(cost.seconds for cost in costs))} on this CPU "
        "(an accelerator is much faster), "
        f"{size_in_words(sum(cost.store for cost in costs))} more in {spec.store}, "
        f"about {size_in_words(site)} in {spec.out}.",
        markup=False,
        soft_wrap=True,
    )
    for image in plan.images:
        if image.failure is not None:
            console.print(
                f"failed: {image.failure.message} {image.failure.hint}".rstrip(),
                markup=False,
                soft_wrap=True,
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
