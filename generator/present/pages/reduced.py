"""Notices on size reductions: what a site leaves out."""

from __future__ import annotations

from collections.abc import Sequence

from generator.present.cells.files import CellContent
from generator.present.files.reductions import KEPT_LAYERS, WORDS
from generator.present.pages.planner import Planner
from generator.present.pages.views import Notice
from generator.present.pages.wording import grid_text
from generator.text.amounts import size_in_words
from generator.text.numbers import count
from generator.text.phrases import counted

HEADS_GONE = "Not in this site, to keep it small: single heads{where}; their mean is there."


def site_notice(planner: Planner) -> Notice | None:
    """Notice of the front page; None if nothing was left out."""
    reduction, limit = planner.contents.reduction, planner.contents.settings.max_bytes
    if not reduction.steps or limit is None:
        return None
    kept = (
        " Heads stay on the images of the teaser and on those whose models' maps lie farthest "
        "apart."
        if reduction.whole
        else ""
    )
    return Notice(
        f"Not everything is in this site, to keep it within {size_in_words(limit)}. Left out: "
        f"{'; '.join(reduction.words)}.{kept}",
        "Numbers, charts and scales are of everything that was measured.",
    )


def image_notice(planner: Planner, image: str) -> Notice | None:
    """Notice of an image page; None if nothing of the image was left out."""
    reduction = planner.contents.reduction
    cells = _cells(planner, image)
    if not reduction.steps or not cells:
        return None
    means = reduction.detail(image) == "mean"
    words = []
    for step in reduction.stated:
        if step == "grid":
            continue  # mentioned below, with the grids
        if step == "heads" and not means:
            continue
        if step == "low-heads" and means:
            continue
        words.append(WORDS[step])
    coarse = [cell for cell in cells if cell.is_coarse]
    lines = [f"Left out to keep this site small: {'; '.join(words)}."] if words else []
    if coarse:
        measured = grid_text((c.facts.layout.rows, c.facts.layout.cols) for c in coarse)
        lines.append(
            f"Maps of layers and heads that were measured on {measured} patches are shown as area "
            f"means on {grid_text(cell.grid for cell in coarse)} cells: a value is the mean of the "
            "patches in its cell, so it stays in times uniform."
        )
    return Notice(" ".join(lines), "") if lines else None


def sequence_notice(planner: Planner, frames: Sequence[str]) -> Notice | None:
    """Notice of a sequence page; None if nothing of its frames was left out."""
    found = {planner.contents.reduction.detail(frame): frame for frame in frames}
    if "mean" not in found or len(found) == 1:
        return image_notice(planner, frames[0])
    fewer = sum(planner.contents.reduction.detail(frame) == "mean" for frame in frames)
    common = image_notice(
        planner, next(frame for detail, frame in found.items() if detail != "mean")
    )
    have = "has" if fewer == 1 else "have"
    of = counted(len(frames), "frame")
    text = f"{count(fewer)} of {of} {have} no single heads, only their mean."
    return Notice(f"{common.message} {text}" if common else text, "")


def _cells(planner: Planner, image: str) -> list[CellContent]:
    found = (planner.cell(model.slug, image) for model in planner.run.models)
    return [cell for cell in found if isinstance(cell, CellContent)]


def square_text(planner: Planner, image: str) -> str:
    """Description of a square over the picture: a patch or a cell of the coarse grid."""
    coarse = [cell.is_coarse for cell in _cells(planner, image)]
    if not any(coarse):
        return "patch"
    return "cell of several patches" if all(coarse) else "patch, or a cell of several"


def without_walls(planner: Planner) -> str:
    """Why there are no walls; empty if there are."""
    instead = "Below are the means over heads of the last layer."
    if "walls" in planner.contents.reduction:
        return f"Pictures of all layers and heads were left out to keep this site small. {instead}"
    return "" if planner.contents.settings.walls else instead


def missing_heads(content: CellContent) -> str:
    """Why an image page lacks single heads; empty if it has all."""
    layers = content.facts.model.layers
    if content.detail == "mean":
        return HEADS_GONE.format(where="")
    if content.detail == "last" and layers > KEPT_LAYERS:
        last = layers - KEPT_LAYERS
        where = " of layer 1" if last == 1 else f" of layers 1 to {last}"
        return HEADS_GONE.format(where=where)
    return ""


def shown_text(content: CellContent) -> str:
    """Coarse grid of the maps, after a comma; empty for the patch grid."""
    return f", shown on {grid_text([content.grid])}" if content.is_coarse else ""
