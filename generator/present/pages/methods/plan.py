"""Plan of the methods page: definitions of quantities, and conventions."""

from __future__ import annotations

from collections.abc import Iterator

from generator.analysis.quantities.agreement import AGREEMENT
from generator.analysis.quantities.attention import ATTENTION, WEIGHTS
from generator.analysis.quantities.contribution import CONTRIBUTIONS
from generator.analysis.quantities.objects import OBJECTS
from generator.analysis.quantities.stream import STREAM
from generator.present.bibliography import bibtex, program_entry
from generator.present.cells.digests import DIGEST_VERSION, vectors_of
from generator.present.cells.files import CellContent
from generator.present.cells.image_statistics import STATISTICS
from generator.present.drawing.scale import power_label
from generator.present.files.manifest import QuantizationEntry
from generator.present.files.reductions import ORDER
from generator.present.files.settings import RENDER_VERSION
from generator.present.pages.methods.text import citations, methods_text, read_aloud
from generator.present.pages.methods.views import Citing, MethodsPage, QuantityGroup
from generator.present.pages.paths import METHODS
from generator.present.pages.planner import Planner
from generator.present.pages.views import Fact, Link
from generator.present.pages.wording import OUTLIERS_RULE, RECEIVED_NOTE, scale_note
from generator.records.arrays import ARRAYS, PATCH_ROWS
from generator.text.amounts import size_in_words
from generator.text.latex import written

GROUPS = (
    QuantityGroup(
        "attention-weights", "Attention", "Computed from rows of attention matrices.", WEIGHTS
    ),
    QuantityGroup(
        "carried",
        "What attention carries",
        "Attention combined through layers, with values, or with gradients of a class.",
        CONTRIBUTIONS,
    ),
    QuantityGroup(
        "residual-stream",
        "The residual stream",
        "Computed from token vectors between the blocks, and from means over images.",
        STREAM,
    ),
    QuantityGroup(
        "two-maps",
        "Two maps, two models",
        "Two maps on one grid, or two models on the same images.",
        AGREEMENT,
    ),
    QuantityGroup(
        "objects",
        "Features, objects and weights",
        "Computed from patch features, masks of maps, marked objects and weights.",
        OBJECTS,
    ),
)
"""The table of quantities, by group."""

SORTING = QuantityGroup(
    "sorting",
    "Sort orders of the index",
    "One number for each image.",
    tuple(statistic.quantity for statistic in STATISTICS),
    prefix="sort-",
)


def methods_page(planner: Planner) -> MethodsPage:
    """Plan the methods page."""
    here = planner.on(METHODS)
    groups = (*GROUPS, SORTING)
    citing = _citing(planner)
    parts = (
        *((("citing", "In a paper"),) if citing else ()),
        ("conventions", "Conventions"),
        ("terms", "Terms"),
        ("storage", "Storage and drawing"),
    )
    titles = (*parts, *((group.id, group.title) for group in groups), ("versions", "Versions"))
    return MethodsPage(
        path=here.page,
        frame=here.frame(
            f"Methods · {planner.run.title}",
            "Every number of this gallery: unit, definition, source, how to read it.",
            "methods",
            scripts=citing is not None,
        ),
        citing=citing,
        conventions=tuple(_conventions()),
        storage=tuple(_storage(here)),
        versions=tuple(_versions(here)),
        groups=groups,
        contents=tuple(Link(f"#{id_}", title) for id_, title in titles),
    )


def _citing(planner: Planner) -> Citing | None:
    pieces = methods_text(planner)
    if not pieces:
        return None
    models = [
        (cell.facts.model, model.register is not None)
        for model in planner.run.models
        for cell in planner.measured(model.slug)[:1]
    ]
    return Citing(
        text=read_aloud(pieces),
        latex=written(pieces),
        bibtex=f"{program_entry(planner.version)}\n{bibtex(models, citations(pieces))}",
    )


def _indexed(name: str) -> str:
    """An array with its axes: ``attention[query, layer, head, key]``."""
    axes = next(array.axes for array in ARRAYS if array.name == name)
    return f"{name}[{', '.join(axes)}]"


def _conventions() -> Iterator[Fact]:
    yield Fact(
        "Attention",
        "Softmax weights, computed in float32. For one layer, head and query they sum to 1 over "
        "all keys, prefix tokens included. "
        f"{ATTENTION.caveat.partition('. ')[0]}.",
    )
    yield Fact(
        "Axes",
        f"Exported records hold {_indexed('attention')} for prefix tokens as queries, and "
        f"{_indexed(PATCH_ROWS)} for patches as queries. An axis called layer + 1 starts with the "
        "embedding.",
    )
    yield Fact(
        "Layers, heads, rows, columns",
        "Counted from 1 in text, labels and addresses. Layer 0 of norms is the embedding, before "
        "the first block. Channels and classes keep the checkpoint's numbers, from 0.",
    )
    yield Fact(
        "Tokens",
        "The prefix comes first: CLS, then a distillation token or registers, if any. Patches "
        "follow row by row. Their number is checked against the model's config. Models without a "
        "class token show " + RECEIVED_NOTE.split(" (")[0] + " instead.",
    )
    yield Fact(
        "Times uniform",
        "Attention times the number of keys. 1 is an even share. It is comparable between models "
        "with different numbers of tokens.",
    )
    yield Fact(
        "Norms",
        "L2 norms of the residual stream after a block and before the final LayerNorm. That "
        "LayerNorm makes all norms equal.",
    )
    yield Fact("Outlier patches", OUTLIERS_RULE)
    yield Fact(
        "Means",
        "Over queries first, then heads, then images. Every image has the same weight. Charts say "
        "what their bands show. Standard deviations divide by n.",
    )
    yield Fact(
        "Not applicable, not measured, zero",
        "“Not applicable” and “not measured” come with a reason. 0 is a measured zero.",
    )


def _storage(planner: Planner) -> Iterator[Fact]:
    contents, stored = planner.contents, QuantizationEntry()
    patches = None if "patches" in contents.reduction else contents.patch_scale
    yield Fact("Shared scale", scale_note(contents.scale, patches))
    hero = contents.front.hero
    if hero is not None:
        yield Fact(
            "First figure of the index",
            f"{hero.rule} Maps are means over heads, interpolated between patches. Each has its "
            "own logarithmic scale, from its 0.5 to its 99.5 percentile, so colors are comparable "
            "within a map only.",
        )
    yield Fact(
        "Ends of the scale",
        f"{power_label(contents.scale.low)} to {power_label(contents.scale.high)} times uniform, "
        f"logarithmic. The color map {contents.settings.colors} is perceptually uniform and "
        "color-blind safe.",
    )
    yield Fact(
        "Quantization",
        f"Maps are stored as {stored.bits}-bit codes: {stored.formula}, with the maximum of "
        f"{stored.maximum}. Codes go from 0 to {stored.steps}. The error of a value is at most "
        f"{stored.error_bound}: 0.4 % of the map's maximum at the top, less below. Maximum and "
        "minimum over heads are computed from decoded values and coded again, so the errors add "
        "up; the page states them. Norms beside a map are within 2.2 %. Outlier patches are exact.",
    )
    if contents.reduction.steps and contents.settings.max_bytes is not None:
        yield Fact(
            "Left out",
            f"To keep the site within {size_in_words(contents.settings.max_bytes)}: "
            f"{'; '.join(contents.reduction.words)}. Order of removal: {ORDER}.",
        )
    yield Fact(
        "Interpolation",
        "None by default: one value fills one patch.",
    )
    yield Fact(
        "Charts",
        "Drawn from unrounded numbers. Tables and tooltips round. Heat maps of heads share one "
        "scale across all models.",
    )


def _versions(planner: Planner) -> Iterator[Fact]:
    yield Fact("attention-gallery", planner.version)
    contents = planner.contents
    cells = [c for c in contents.cells.values() if isinstance(c, CellContent)]
    names: dict[str, list[str]] = {}
    for cell in cells:
        for name, version in cell.facts.environment.versions:
            if version not in names.setdefault(name, []):
                names[name].append(version)
    for name, versions in names.items():
        yield Fact(name, ", ".join(versions))
    environments = dict.fromkeys(
        f"{e.device}, {e.dtype}, {e.attention}" for e in (cell.facts.environment for cell in cells)
    )
    if environments:
        yield Fact("Measured on", "; ".join(environments))
    vectors: dict[str, list[str]] = {}
    for model in planner.run.models:
        for name in vectors_of(contents.digests, model.slug):
            vectors.setdefault(name, []).append(model.label)
    if vectors:
        said = (f"{name} ({', '.join(labels)})" for name, labels in vectors.items())
        yield Fact("Object discovery uses", "; ".join(said) + ", of the last layer")
    yield Fact("Files", f"drawing {RENDER_VERSION}, analyses {DIGEST_VERSION}")
