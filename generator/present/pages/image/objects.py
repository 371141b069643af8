"""Image page: analyses of found objects, principal components and marked objects."""

from __future__ import annotations

from generator.analysis.absent import NotApplicable
from generator.analysis.cells.digest import FoundObject
from generator.analysis.cells.maps import ComponentMap, LostMaps, TokenCutMaps
from generator.analysis.features.truth import FOUND, MapScores
from generator.present.cells.analysis_maps import place_name
from generator.present.cells.truth import MAPS, UNIFORM, CellTruth
from generator.present.charts.chart import NumberTable
from generator.present.content.feature_colors import ColoredFeatures
from generator.present.pages.image.analyses_views import Analysis, Mark, ModelPanels, Panel
from generator.present.pages.image.panels import (
    AnalyzedCell,
    ImageContext,
    box_mark,
    outlined,
    place_text,
    seed_mark,
    shown,
)
from generator.records.record import TokenLayout
from generator.text.numbers import MISSING, number, percent
from generator.text.phrases import counted, patches_text, upper_first


def mass_mask(context: ImageContext) -> Analysis:
    """The smallest set of patches that holds 60 % of the attention."""

    def of(cell: AnalyzedCell) -> ModelPanels:
        facts = cell.digest.mask
        text = f"{percent(facts.area)} of the patches, in {counted(facts.parts, 'part')}"
        picture = context.photo(
            cell, f"{percent(facts.share)} of the mass", text, (outlined(cell.maps.mask),)
        )
        lines = () if picture else (text + ".",)
        return context.panels(cell, *shown(picture), lines=lines)

    return context.analysis(
        "mass-mask", "Attention-mass mask", ("mass-mask-area", "mass-mask-parts"), (), of
    )


def lost(context: ImageContext) -> Analysis:
    """LOST on each kind of vectors that was kept, as a row of Darcet 2024, Fig. 13."""

    def of(cell: AnalyzedCell) -> ModelPanels:
        several = (cell.maps.lost, *cell.maps.further_lost)
        found = (cell.digest.lost, *(more.lost for more in cell.digest.further))
        panels: list[Panel] = []
        lines = []
        for place, (maps, one) in enumerate(zip(several, found, strict=True)):
            if isinstance(maps, LostMaps) and isinstance(one, FoundObject):
                panels += _lost_row(context, cell, maps, one, place)
                lines.append(
                    f"Found in the {maps.vectors} of the last layer. Seed at "
                    f"{place_text(one.seed)}; the largest dot product with it has the magnitude "
                    f"{number(maps.largest)}.{_tied(one, cell.content.facts.layout)}"
                )
            elif isinstance(one, NotApplicable):
                lines.append(_nothing(cell, place, one))
        if not panels:
            return context.panels(cell, absent=_why(*several, *found))
        return context.panels(cell, *panels, lines=tuple(lines))

    bars = context.bar("degree", "inverse degree") + context.bar(
        "signed", "dot product or score, over its largest magnitude in the picture"
    )
    return context.analysis(
        "lost", "Object discovery: LOST", ("lost-degree", "lost-score"), bars, of
    )


def _tied(found: FoundObject, layout: TokenLayout) -> str:
    """Sentence on how the box depends on the choice among tied seeds."""
    if found.ties.count == 1:
        return ""
    if found.method == "LOST" and found.ties.count == layout.patches:
        return (
            " All patches have the same degree: the seed is the first of them, and finds no object."
        )
    same = "lowest degree" if found.method == "LOST" else "largest entry"
    tied = f" {patches_text(found.ties.count)} tie for the {same}; the first of them is the seed."
    if found.ties.overlap == 1:
        return f"{tied} The others give the same box."
    return (
        f"{tied} The box depends on it: others give boxes whose IoU with this one is as low as "
        f"{number(found.ties.overlap)}."
    )


def _nothing(cell: AnalyzedCell, place: int, why: NotApplicable) -> str:
    """Sentence on why one kind of vectors has no panels."""
    digest = cell.digest
    known = (digest.lost, digest.tokencut) if place == 0 else (digest.further[place - 1],)
    names = [one.vectors for one in known if not isinstance(one, NotApplicable)]
    return f"Nothing found in the {(*names, 'vectors')[0]} of the last layer: {why.reason}."


def _lost_row(
    context: ImageContext, cell: AnalyzedCell, maps: LostMaps, found: FoundObject, place: int
) -> tuple[Panel, ...]:
    """Panels of LOST's steps on one kind of vectors."""
    seed, of = seed_mark(found.seed), _of_vectors(cell, maps.vectors)
    return shown(
        context.map(
            cell, place_name("lost-degree", place), f"inverse degree{of}", "", marks=(seed,)
        ),
        context.map(
            cell,
            place_name("lost-seed", place),
            f"dot product with the seed{of}",
            " of the largest",
            marks=(seed,),
        ),
        context.map(
            cell,
            place_name("lost-score", place),
            f"seed expansion{of}",
            " of the largest",
            text=f"{patches_text(int(maps.expansion.sum()))} of {maps.k} joined, outlined",
            marks=(outlined(maps.expansion),),
        ),
        _found(context, cell, found, outlined(maps.mask)),
    )


def _of_vectors(cell: AnalyzedCell, vectors: str) -> str:
    """Suffix of a label that names the vectors; empty if there is one kind."""
    return f", {vectors}" if cell.digest.further else ""


def tokencut(context: ImageContext) -> Analysis:
    """TokenCut: the eigenvector and its box, for each kind of vectors that was kept."""

    def of(cell: AnalyzedCell) -> ModelPanels:
        several = (cell.maps.tokencut, *cell.maps.further_tokencut)
        found = (cell.digest.tokencut, *(more.tokencut for more in cell.digest.further))
        panels: list[Panel] = []
        lines = []
        for place, (maps, one) in enumerate(zip(several, found, strict=True)):
            if isinstance(maps, TokenCutMaps) and isinstance(one, FoundObject):
                label = f"eigenvector{_of_vectors(cell, maps.vectors)}"
                seed = (seed_mark(one.seed),)
                name = place_name("tokencut", place)
                panels += shown(
                    context.map(cell, name, label, " of the largest", marks=seed),
                    _found(context, cell, one, outlined(maps.mask)),
                )
                lines.append(
                    f"Found in the {maps.vectors} of the last layer. Eigenvalue "
                    f"{number(maps.eigenvalue)}, {number(maps.gap)} below the next; "
                    f"the largest entry is at {place_text(one.seed)}."
                    f"{_tied(one, cell.content.facts.layout)}"
                )
            elif isinstance(one, NotApplicable):
                lines.append(_nothing(cell, place, one))
        if not panels:
            return context.panels(cell, absent=_why(*several, *found))
        return context.panels(cell, *panels, lines=tuple(lines))

    bars = context.bar("signed", "entry of the eigenvector, over its largest magnitude")
    return context.analysis(
        "tokencut", "Object discovery: TokenCut", ("tokencut-vector",), bars, of
    )


def components(context: ImageContext) -> Analysis:
    """The first principal component, with and without outliers."""

    def of(cell: AnalyzedCell) -> ModelPanels:
        whole, without = cell.maps.component, cell.maps.component_without
        if not isinstance(whole, ComponentMap):
            return context.panels(cell, absent=_why(whole))
        panels = [context.map(cell, "component", "fitted to all patches", " SD")]
        lines = [f"It holds {percent(whole.explained)} of the variance."]
        if isinstance(without, ComponentMap):
            panels.append(context.map(cell, "without", "fitted without outliers", " SD"))
            left_out = "1 outlier" if without.left_out == 1 else f"{without.left_out} outliers"
            lines.append(f"Fitted without {left_out} it holds {percent(without.explained)}.")
        else:
            lines.append(f"There are {without.reason}.")
        colored = context.planner.contents.features.get((cell.model.slug, context.image.slug))
        if isinstance(colored, ColoredFeatures):
            panels.append(context.colors(cell, colored))
            return context.panels(
                cell, *panels, lines=(" ".join(lines), _color_line(context, cell, colored))
            )
        return context.panels(cell, *panels, lines=(" ".join(lines),))

    return context.analysis(
        "components",
        "Principal components of the patches",
        ("leading-component", "feature-colors", "alignment-residual"),
        context.bar(
            "deviations", "standard deviations; the sign is set by a rule, not by the model"
        ),
        of,
    )


def _color_line(context: ImageContext, cell: AnalyzedCell, found: ColoredFeatures) -> str:
    """Sentence on the images that colors are fitted to, and on their alignment between models."""
    over = "this image alone" if found.images == 1 else f"all {found.images} images of this model"
    outliers = f", without {counted(found.left_out, 'outlier')}" if found.left_out else ""
    if cell.model.slug == found.reference:
        compare = "Other models are rotated onto this one."
    elif found.residual is None or found.shuffled is None:
        compare = "They are not aligned with another model, so colors are not comparable."
    else:
        label = next(m.label for m in context.planner.run.models if m.slug == found.reference)
        verdict = "colors are not comparable" if found.residual >= 1 else "lower is better"
        compare = (
            f"Rotated onto those of {label}. Residual: {number(found.residual)} × their squared "
            f"size (patches paired at random: {number(found.shuffled)} ×); {verdict}."
        )
    return (
        f"Colors: components of {over}{outliers}. A first component "
        f"({percent(found.first_explained)} of the variance) selects {percent(found.foreground)} "
        f"of the patches; the three shown hold {percent(found.explained)} of their variance. "
        f"{compare}"
    )


def marked(context: ImageContext) -> Analysis | None:
    """Scores against marked objects; None for an image without marks."""
    found = [cell.truth for cell in context.measured if cell.truth is not None]
    if not found:
        return None

    def of(cell: AnalyzedCell) -> ModelPanels:
        truth = cell.truth
        if not isinstance(truth, CellTruth):
            return context.panels(cell, absent=truth.message if truth else "Not scored.")
        url = context.planner.model_link(cell.model)
        return ModelPanels(
            cell.model.label,
            url,
            panels=shown(_truth_panel(context, cell, truth)),
            lines=_box_lines(truth),
            table=_scores(truth),
        )

    scored = [truth for truth in found if isinstance(truth, CellTruth)]
    against = "boxes" if any(truth.marks == "boxes" for truth in scored) else "mask"
    quantities: tuple[str, ...] = ("mass-inside", "pointing-game", "mask-iou", "average-precision")
    if any(truth.boxed for truth in scored):
        quantities += ("box-iou",)
    return context.analysis(
        "marked", f"Against the marked objects ({against})", quantities, (), of, opened=True
    )


def _truth_panel(context: ImageContext, cell: AnalyzedCell, truth: CellTruth) -> Panel | None:
    marks = [outlined(truth.objects, "truth")] if truth.marks == "mask" else []
    marks += [box_mark(cell, box, "truth") for box in truth.boxes]
    for objects in cell.digest.objects:
        for found in (objects.lost, objects.tokencut):
            if isinstance(found, FoundObject):
                marks.append(box_mark(cell, found.pixels, "found"))
    share = float(truth.objects.mean())
    text = f"marked objects on {percent(share)} of the patches, boxes found dashed"
    return context.photo(cell, "marked and found", text, tuple(marks))


def _scores(truth: CellTruth) -> NumberTable:
    rows = []
    for name, scores in zip(MAPS, truth.maps, strict=True):
        if isinstance(scores, MapScores):
            numbers = (
                percent(scores.mass_inside),
                MISSING if name == UNIFORM else "hit" if scores.hit else "miss",
                percent(scores.iou),
                percent(scores.average_precision),
            )
            rows.append((name, *numbers))
        else:
            rows.append((name, *4 * (MISSING,)))
    columns = ("map", "mass inside", "pointing game", "IoU at 60\u00a0%", "average precision")
    return NumberTable(columns, tuple(rows))


def _box_lines(truth: CellTruth) -> tuple[str, ...]:
    first = truth.maps[0]
    lines = [f"No scores: {first.reason}."] if isinstance(first, NotApplicable) else []
    for overlaps in truth.overlaps:
        for method, iou in (("LOST", overlaps.lost), ("TokenCut", overlaps.tokencut)):
            if isinstance(iou, NotApplicable):
                lines.append(f"{method} in {overlaps.vectors}: {iou.reason}.")
            else:
                verdict = "found" if iou >= FOUND else "not found"
                lines.append(
                    f"{method} in {overlaps.vectors}: box IoU {percent(iou)}, {verdict} at "
                    f"{percent(FOUND)}."
                )
    return tuple(lines)


def _found(
    context: ImageContext, cell: AnalyzedCell, found: FoundObject, mask: Mark
) -> Panel | None:
    text = patches_text(found.patches)
    label = f"object and box{_of_vectors(cell, found.vectors)}"
    return context.photo(cell, label, text, (mask, box_mark(cell, found.pixels, "found")))


def _why(*parts: object) -> str:
    reason = next((part.reason for part in parts if isinstance(part, NotApplicable)), "not found")
    return upper_first(reason) + "."
