"""Image page: analyses of attention and the residual stream."""

from __future__ import annotations

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.analysis.attention.rollout import DISCARDED
from generator.analysis.cells.maps import RECEIVED, RolloutMap
from generator.analysis.stream.massive import NOTABLE, MassiveSummary
from generator.present.cells.analysis_maps import MOST_IMAGES, NORM_LAYERS, TILES, query_name
from generator.present.cells.files import CellContent
from generator.present.cells.labels import query_label
from generator.present.charts.chart import NumberTable
from generator.present.pages.image.alike import alike
from generator.present.pages.image.analyses_views import Analyses, Analysis, ModelPanels
from generator.present.pages.image.class_head import class_head
from generator.present.pages.image.objects import components, lost, marked, mass_mask, tokencut
from generator.present.pages.image.panels import (
    AnalyzedCell,
    ImageContext,
    layer_text,
    outlined,
    place_text,
    shown,
)
from generator.present.pages.planner import Planner
from generator.present.pages.wording import outliers_text
from generator.records.run import Failure, ImageEntry, ModelEntry
from generator.text.numbers import column, number, percent
from generator.text.phrases import counted, listed, patches_text, upper_first

MANY = (
    f"Galleries of more than {MOST_IMAGES} images have no analyses of each image. Add them with "
    "--analyses."
)
LEFT_OUT = "Pictures of the analyses of each image were left out to keep this site small."
MOST_MASSIVE = 6


def analyses(planner: Planner, image: ImageEntry) -> Analyses:
    """Plan the analyses of an image.

    Args:
        planner: planner of the image's page.
    """
    figures = planner.contents.analyses.get(image.slug)
    if figures is None:
        if not any(
            isinstance(planner.cell(m.slug, image.slug), CellContent) for m in planner.run.models
        ):
            return Analyses((), "No model was measured on this image.")
        if "analyses" in planner.contents.reduction:
            return Analyses((), LEFT_OUT)
        return Analyses((), "" if planner.contents.settings.analyses == "none" else MANY)
    found = tuple((model, _cell(planner, model, image)) for model in planner.run.models)
    context = ImageContext(planner, image, figures, found)
    items = (
        _norms(context),
        _queries(context),
        _values(context),
        _rollout(context),
        _massive(context),
        mass_mask(context),
        lost(context),
        tokencut(context),
        components(context),
        alike(context),
        class_head(context),
        marked(context),
    )
    held = tuple(item for item in items if item is not None)
    terms = dict.fromkeys(term for item in held for term in item.terms)
    return Analyses(held, terms=tuple(sorted(terms, key=lambda term: term.name)))


def _cell(planner: Planner, model: ModelEntry, image: ImageEntry) -> AnalyzedCell | Failure:
    content = planner.cell(model.slug, image.slug)
    if not isinstance(content, CellContent):
        return content
    contents = planner.contents
    digest = contents.digests.of(model.slug, image.slug)
    maps = contents.maps.of(model.slug, image.slug)
    assert digest is not None and maps is not None, "both were published with the chunks"
    return AnalyzedCell(
        model, content, digest, maps, contents.scored.truth.get((model.slug, image.slug))
    )


def _norms(context: ImageContext) -> Analysis:
    def of(cell: AnalyzedCell) -> ModelPanels:
        norms = cell.maps.norms
        last = cell.content.facts.model.layers
        count = int(norms.outliers.sum())
        picture = context.photo(
            cell,
            "outlier patches",
            f"{patches_text(count)}, outlined" if count else "none",
            (outlined(norms.outliers),),
        )
        maps = [
            context.map(cell, "norms-peak", layer_text(norms.layer), " × the median"),
            context.map(cell, "norms-last", f"layer {last}, the last", " × the median"),
        ]
        if norms.layer == last:
            maps = [context.map(cell, "norms-last", f"layer {last}, the last", " × the median")]
        medians = dict(zip((norms.layer, last), norms.medians, strict=True))
        said = listed(
            f"{number(m)} in {'the ' * (not n)}{layer_text(n)}" for n, m in medians.items()
        )
        tiles = min(TILES, last + 1)
        mosaic = context.mosaic(
            cell,
            NORM_LAYERS,
            "all layers",
            f"Embedding and layers 1 to {last}. Range",
            (-(-(last + 1) // tiles), tiles),
        )
        return context.panels(
            cell,
            *shown(picture, *maps, mosaic),
            lines=(f"{outliers_text(cell.content.facts.outliers)}. Median norm {said}.",),
        )

    return context.analysis(
        "norms",
        "Norms of patches",
        ("norm", "outlier-share"),
        context.bar("norms", "norm, times the median patch of the layer"),
        of,
    )


def _queries(context: ImageContext) -> Analysis:
    def of(cell: AnalyzedCell) -> ModelPanels:
        panels = [
            context.map(
                cell,
                query_name(query.token),
                query_label(query.token, any_class_token=True),
                " × uniform",
                text=f"{percent(query.on_patches)} on patches, at most "
                f"{number(float(query.values.max()))} × uniform",
            )
            for query in cell.maps.queries
        ]
        lines = [] if cell.content.facts.layout.registers else ["This model has no registers."]
        if cell.maps.queries[0].token == RECEIVED:
            lines.insert(0, "This model has no CLS token: the map is received attention.")
        return context.panels(cell, *panels, lines=tuple(lines))

    return context.analysis(
        "queries",
        "CLS and registers as queries",
        ("cls-mass",),
        context.bar("attention", "attention in the last layer, mean over heads, times uniform"),
        of,
    )


def _values(context: ImageContext) -> Analysis:
    def of(cell: AnalyzedCell) -> ModelPanels:
        given = cell.maps.contribution
        if isinstance(given, NotApplicable):
            return context.panels(cell, absent=f"Not measured: {given.reason}.")
        first = cell.maps.queries[0]
        panels = (
            context.map(
                cell,
                query_name(first.token),
                "attention",
                " × uniform",
                text=f"{percent(first.on_patches)} on patches, at most "
                f"{number(float(first.values.max()))} ×",
            ),
            context.map(
                cell,
                "contribution",
                "contribution",
                " × uniform",
                text=f"{percent(given.on_patches)} from patches, at most "
                f"{number(float(given.values.max()))} ×",
            ),
        )
        return context.panels(cell, *panels, lines=_sinks(cell))

    return context.analysis(
        "values",
        "Attention and what it carries",
        ("contribution", "sink-value"),
        context.bar("attention", "last layer, all heads; share of the row's sum, times uniform"),
        of,
    )


def _sinks(cell: AnalyzedCell) -> tuple[str, ...]:
    """Sentences on the value norms of sinks in the last layer."""
    sinks = cell.digest.sinks
    if isinstance(sinks, NotApplicable):
        return ()
    head = int(sinks.received[-1].argmax())
    token = _token_text(cell, int(sinks.token[-1, head]))
    median = float(np.median(sinks.relative[-1]))
    return (
        f"Strongest sink of the last layer: {token}. Head {head + 1} spends "
        f"{percent(float(sinks.received[-1, head]))} of all attention on it. Its value norm is "
        f"{number(float(sinks.relative[-1, head]))} × the median patch's. Median over heads: "
        f"{number(median)} ×.",
    )


def _token_text(cell: AnalyzedCell, token: int) -> str:
    layout = cell.content.facts.layout
    first = len(layout.prefix)
    if token < first:
        return query_label(layout.prefix[token], any_class_token=True)
    return f"the patch at {place_text(divmod(token - first, layout.cols))}"


def _rollout(context: ImageContext) -> Analysis:
    def of(cell: AnalyzedCell) -> ModelPanels:
        found = cell.digest.rollout
        has_prefix = bool(cell.content.facts.layout.prefix)
        own, uniform = column((found.prefix_mass[0], found.uniform_prefix), "percent")
        lost_mass = (
            f"{own} of the rollout is on the prefix (uniform: {uniform}). " if has_prefix else ""
        )
        others = cell.maps.rollouts
        return context.panels(
            cell,
            context.map(cell, "rollout", "all layers", " × uniform"),
            *(
                context.map(cell, f"rollout-{other.name}", _rollout_label(other), " × uniform")
                for other in others
            ),
            lines=(
                f"{lost_mass}Rollouts of different patches have a mean cosine of "
                f"{number(found.cosine[0])}.",
                *(_rollout_line(other, prefix=has_prefix) for other in others),
                *_rollouts_lacking(others),
            ),
        )

    return context.analysis(
        "rollout",
        "Rollout",
        ("rollout", "rollout-prefix", "rollout-cosine"),
        context.bar("rollout", "rollout, times uniform"),
        of,
    )


def _rollout_label(other: RolloutMap) -> str:
    return {
        "late": f"from layer {other.start_layer + 1} on",
        "strong": f"without the smallest {percent(DISCARDED)}",
        "max": "maximum over heads",
        "min": "minimum over heads",
    }[other.name]


def _rollout_line(other: RolloutMap, *, prefix: bool) -> str:
    on_prefix = f"{percent(other.prefix_mass)} on the prefix, " if prefix else ""
    label = _rollout_label(other)
    return f"{upper_first(label)}: {on_prefix}mean cosine {number(other.cosine)}."


def _rollouts_lacking(others: tuple[RolloutMap, ...]) -> tuple[str, ...]:
    """What records must keep for the missing rollouts."""
    names = {other.name for other in others}
    if "strong" not in names:
        return ("Discarding weights, or fusing heads otherwise, needs --patch-queries heads.",)
    return () if "max" in names else ("Maximum and minimum over heads need --patch-queries heads.",)


def _massive(context: ImageContext) -> Analysis:
    def of(cell: AnalyzedCell) -> ModelPanels:
        found = cell.digest.massive
        if isinstance(found, NotApplicable):
            return context.panels(cell, absent=f"Not measured: {found.reason}.")
        url = context.planner.model_link(cell.model)
        return ModelPanels(
            cell.model.label, url, lines=(_largest(found),), table=_massive_table(found)
        )

    return context.analysis("massive", "Massive activations", ("massive-activation",), (), of)


def _largest(found: MassiveSummary) -> str:
    layer = int(found.largest[:, 0].argmax())
    value, median = float(found.largest[layer, 0]), float(found.median[layer])
    ratio = number(value / median) if median > 0 else "\u221e"
    largest = f"The largest value is {number(value)} in {layer_text(layer)}, {ratio} × the median"
    if not found.found:
        far = median > 0 and value / median >= NOTABLE
        return f"No value meets the rule. {largest}{', still far above it' if far else ''}."
    met = len(found.found)
    return f"{counted(met, 'value')} {'meets' if met == 1 else 'meet'} the rule. {largest}."


def _massive_table(found: MassiveSummary) -> NumberTable | None:
    if not found.found:
        return None
    most = sorted(found.found, key=lambda each: (-abs(each.value), each.layer))[:MOST_MASSIVE]
    return NumberTable(
        columns=("layer", "token", "channel", "value", "times the median"),
        rows=tuple(
            (
                layer_text(each.layer).removeprefix("layer "),
                each.name or (place_text(each.place) if each.place else ""),
                str(each.channel),
                number(each.value),
                number(each.ratio),
            )
            for each in sorted(most, key=lambda each: (each.layer, -abs(each.value)))
        ),
    )
