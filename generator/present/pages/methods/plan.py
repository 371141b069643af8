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
from generator.present.content.hero import RULE, RULE_OF_ONE
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
        "attention-weights", "Attention", "From the rows of the attention matrices.", WEIGHTS
    ),
    QuantityGroup(
        "carried",
        "What attention carries",
        "From attention multiplied through layers, with values, and with gradients of a class.",
        CONTRIBUTIONS,
    ),
    QuantityGroup(
        "residual-stream",
        "The residual stream",
        "From the vectors of tokens between the blocks, and from means over images.",
        STREAM,
    ),
    QuantityGroup(
        "two-maps",
        "Two maps, two models",
        "From two maps on one grid, and from the same images seen by two models.",
        AGREEMENT,
    ),
    QuantityGroup(
        "objects",
        "Features, objects and weights",
        "From features of patches, from masks of maps, from marked objects, and from weights.",
        OBJECTS,
    ),
)
"""The table of quantities, by group."""

SORTING = QuantityGroup(
    "sorting",
    "What images are sorted by",
    "One number for each image, on the index.",
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
        ("storage", "How numbers are kept and drawn"),
    )
    titles = (*parts, *((group.id, group.title) for group in groups), ("versions", "Versions"))
    return MethodsPage(
        path=here.page,
        frame=here.frame(
            f"Methods · {planner.run.title}",
            "What every number of this gallery is: unit, definition, source, how to read it.",
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
        "The weights after the softmax, computed in float32. For one layer, head and query they "
        "sum to 1 over all keys, prefix tokens included; nothing is cut off silently. "
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
        "Counted from 1 wherever they are read, in text, labels and addresses. Layer 0 of norms "
        "is the embedding, before the first block. Channels and classes have their numbers in the "
        "checkpoint, which start at 0.",
    )
    yield Fact(
        "Tokens",
        "The prefix comes first, CLS, then a distillation token or registers where the model has "
        "them, then the patches row by row. How many there are is checked against the model's "
        "config. A model without a class token shows " + RECEIVED_NOTE.split(" (")[0] + " instead.",
    )
    yield Fact(
        "Times uniform",
        "Attention times the number of keys: 1 is what every token would get if attention were "
        "spread evenly. So models with different numbers of tokens compare.",
    )
    yield Fact(
        "Norms",
        "Of the residual stream after a block and before the final LayerNorm. After it, all norms "
        "are alike and outliers cannot be seen.",
    )
    yield Fact("Outlier patches", f"{OUTLIERS_RULE[0].upper()}{OUTLIERS_RULE[1:]}.")
    yield Fact(
        "Means",
        "Over queries first, then over heads where a number is not of one head, then over images; "
        "each image counts alike. What a band of a chart is over stands below "
        "the chart; standard deviations have no correction for small numbers.",
    )
    yield Fact(
        "Not applicable, not measured, zero",
        "They look different: a sentence with the reason, a sentence with what to do, and a 0.",
    )


def _storage(planner: Planner) -> Iterator[Fact]:
    contents, stored = planner.contents, QuantizationEntry()
    patches = None if "patches" in contents.reduction else contents.patch_scale
    yield Fact("Shared scale", scale_note(contents.scale, patches))
    hero = contents.front.hero
    if hero is not None:
        rule = RULE if len(hero.maps) > 1 else RULE_OF_ONE
        yield Fact(
            "What opens the index",
            f"{rule} Its maps are means over heads, interpolated between patches, each on a "
            "logarithmic scale of its own from the 0.5 to the 99.5 percentile. So colors compare "
            "within a map, not between maps.",
        )
    yield Fact(
        "Ends of the scale",
        f"{power_label(contents.scale.low)} to {power_label(contents.scale.high)} times uniform, "
        f"drawn by its logarithm in the colors of {contents.settings.colors}, which are even in "
        "lightness and readable without color vision.",
    )
    yield Fact(
        "Quantization",
        f"Maps are shipped as {stored.bits}-bit codes: {stored.formula}, with the maximum of "
        f"{stored.maximum}. Codes go from 0 to {stored.steps}. A decoded value is off by at most "
        f"{stored.error_bound}, which is 0.4 % of the map's maximum at the top and less below. The "
        "maximum and the minimum over heads are found in the page from decoded heads and coded "
        "once more: such a value may be off by the same for the largest maximum of its heads, and "
        "by its own, which is said beside it. Norms beside a map are kept to within 2.2 %; which "
        "patches are outliers is exact.",
    )
    if contents.reduction.steps and contents.settings.max_bytes is not None:
        yield Fact(
            "Left out",
            f"To keep the site within {size_in_words(contents.settings.max_bytes)}: "
            f"{'; '.join(contents.reduction.words)}. The order in which things go: {ORDER}.",
        )
    yield Fact(
        "Interpolation",
        "None, unless a reader asks for it: one value fills one patch.",
    )
    yield Fact(
        "Charts",
        "Drawn from unrounded numbers; what a mark says under the pointer, and tables, are rounded "
        "for reading. Heat maps of heads have the same scale on the pages of all models.",
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
        yield Fact("Objects looked for in", "; ".join(said) + ", of the last layer")
    yield Fact("Files", f"drawing {RENDER_VERSION}, analyses {DIGEST_VERSION}")
