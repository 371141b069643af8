"""The paper of a run from the spec's paper: the teaser's models and images become slugs."""

from __future__ import annotations

from dataclasses import replace

from generator.errors import SpecError
from generator.pipeline.plan import PlannedCell, WorkPlan
from generator.records.paper import Paper, Patch, TeaserCell
from generator.spec.gallery import GallerySpec
from generator.spec.toml import did_you_mean


def paper_of(spec: GallerySpec, plan: WorkPlan) -> Paper | None:
    """The paper of a gallery, with the models and images of its teaser resolved; None without one.

    Raises:
        SpecError: the teaser names an unknown model, image, layer, head or query.
    """
    if spec.paper is None:
        return None
    cells = enumerate(spec.paper.teaser, 1)
    return replace(spec.paper, teaser=tuple(_cell(number, cell, plan) for number, cell in cells))


def _cell(number: int, cell: TeaserCell, plan: WorkPlan) -> TeaserCell:
    place = f"teaser {number} of [paper]"
    model = next((m for m in plan.models if cell.model in (m.entry.label, m.entry.id)), None)
    if model is None:
        labels = [known.entry.label for known in plan.models]
        raise _unknown(f"{place}: no model is called {cell.model}.", cell.model, labels)
    image = next((i for i in plan.images if cell.image in (i.name, i.title, i.slug)), None)
    if image is None:
        names = [known.name for known in plan.images]
        raise _unknown(f"{place}: no picture is called {cell.image}.", cell.image, names)
    vision = model.resolved.vision if model.resolved else None
    for word, asked, most in (
        ("layer", cell.layer, vision.layers if vision else None),
        ("head", cell.head, vision.heads if vision else None),
    ):
        if isinstance(asked, int) and most is not None and asked > most:
            label = model.entry.label
            raise SpecError(
                f"{place}: {label} has no {word} {asked}.", f"Its {word}s are 1 to {most}."
            )
    found = replace(cell, model=model.entry.slug, image=image.slug)
    planned = (c for c in plan.cells if (c.model, c.image.slug) == (found.model, found.image))
    for known in planned:
        _check_query(f"{place}: {model.entry.label}", found, known, mixed=plan.mixed)
    return found


def _check_query(place: str, cell: TeaserCell, planned: PlannedCell, *, mixed: bool) -> None:
    """Check that pages will have the query for the model."""
    layout = planned.layout
    if layout is None:
        return
    query = cell.query
    if not isinstance(query, Patch):
        received = ["received"] if mixed or not layout.cls else []
        tokens = [*received, *layout.prefix]
        if query != "CLS" and query not in tokens:
            raise _unknown(f"{place} has no query {query}.", query, tokens)
        return
    if query.row > layout.rows or query.col > layout.cols:
        raise SpecError(
            f"{place} has no patch in row {query.row}, column {query.col}.",
            f"Its grid has {layout.rows} rows and {layout.cols} columns.",
        )
    if planned.patch_queries == "off":
        raise SpecError(
            f"{place} keeps no attention of patches.", 'Set patch_queries = "mean" or "heads".'
        )
    if planned.patch_queries == "mean" and cell.head != "mean":
        raise SpecError(
            f"{place} keeps the attention of patches as a mean over heads only.",
            'Leave out the head, or set patch_queries = "heads".',
        )


def _unknown(message: str, word: str, known: list[str]) -> SpecError:
    shown = ", ".join(known[:10]) + (", ..." if len(known) > 10 else "")
    return SpecError(message, did_you_mean(word, known) or f"There are: {shown}.")
