"""Image page: similarity of patches, the cosine of each patch's features with those of one."""

from __future__ import annotations

from generator.analysis.absent import NotApplicable
from generator.analysis.features.alike import AlikeMap
from generator.present.pages.image.analyses_views import Analysis, ModelPanels, Panel
from generator.present.pages.image.panels import AnalyzedCell, ImageContext, place_text, seed_mark
from generator.text.numbers import between

LABELS = {
    "seed": "the seed of LOST",
    "outlier": "the patch of the largest norm",
    "center": "the patch in the middle",
}
FEATURES = "Features of the last layer, before the final LayerNorm."
NO_OUTLIER = "There are no outlier patches to compare with."


def alike(context: ImageContext) -> Analysis:
    """Cosine maps of a few patches; a script shows the map of any other patch."""

    def of(cell: AnalyzedCell) -> ModelPanels:
        maps = cell.maps.alike
        if isinstance(maps, NotApplicable):
            return context.panels(cell, absent=f"Not measured: {maps.reason}.")
        lines = [FEATURES]
        if not any(each.name == "outlier" for each in maps):
            lines.append(NO_OUTLIER)
        return context.panels(
            cell, *(_panel(context, cell, each) for each in maps), lines=(" ".join(lines),)
        )

    return context.analysis(
        "alike",
        "Patch similarity",
        ("patch-cosine",),
        context.bar("cosine", "cosine of two patches' features"),
        of,
    )


def _panel(context: ImageContext, cell: AnalyzedCell, found: AlikeMap) -> Panel:
    return context.map(
        cell,
        f"alike-{found.name}",
        LABELS[found.name],
        "",
        text=f"at {place_text(found.place)}; {_others(found)}",
        marks=(seed_mark(found.place),),
    )


def _others(found: AlikeMap) -> str:
    """Range over the other patches, since the patch itself is always 1."""
    row, col = found.place
    own = row * found.values.shape[1] + col
    rest = [float(v) for n, v in enumerate(found.values.ravel()) if n != own]
    return f"others {between(min(rest, default=1), max(rest, default=1))}"
