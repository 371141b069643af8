"""Links to the pages of pairs and of sweeps."""

from __future__ import annotations

from generator.present.pages.paths import pair_path, sweep_path
from generator.present.pages.planner import Planner
from generator.present.pages.views import Link
from generator.records.run import ModelEntry


def pair_links(planner: Planner, model: str = "") -> tuple[Link, ...]:
    """Links to the pages of all pairs, or of the pairs with a given model."""
    labels = {entry.slug: entry.label for entry in planner.run.models}
    return tuple(
        Link(
            planner.url(pair_path(pair.one, pair.two)),
            f"{labels[pair.one]} vs {labels[pair.two]}",
        )
        for pair in planner.contents.pairs
        if not model or model in (pair.one, pair.two)
    )


def step_text(step: int) -> str:
    """Label of a training step."""
    return f"step {step}"


def sweep_link(planner: Planner, model: ModelEntry) -> Link | None:
    """Link to the page of a model's sweep; None for a model without one."""
    sweep = planner.run.sweep_of(model.slug)
    return Link(planner.url(sweep_path(sweep.slug)), sweep.label) if sweep else None
