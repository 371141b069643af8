"""Model page: sections on single heads and their attention distance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from generator.analysis.attention.heads import short_side, uniform_distance
from generator.analysis.cells.model_digest import ModelDigest
from generator.analysis.quantities.table import quantity
from generator.present.cells.labels import query_label
from generator.present.charts.chart import Chart, NumberTable, Words
from generator.present.charts.heat_grid import heat_grid
from generator.present.charts.lines import Reference, Series, line_chart, scatter
from generator.present.pages.model.attention import head_columns
from generator.present.pages.model_context import ModelContext, reading
from generator.present.pages.sections import HeadTable, Section
from generator.records.record import FloatArray
from generator.text.numbers import Notation, column, number
from generator.text.phrases import upper_first

SORTED_LAYERS = 2
"""Layers at each end whose heads are sorted by distance, as in Raghu 2021, Fig. 3."""


SMALL = 12
"""Most heads of a small heat map."""

SHOWN = 2
"""Heat maps that are shown without being asked for."""


@dataclass(frozen=True, slots=True)
class HeadNumber:
    """A quantity of every head, for a heat map and the table.

    Attributes:
        id: id of its chart, unique on the page.
        column: column title in the table, with the unit.
        quantity: id of the quantity.
        values: float32 ``[layer, head]``, mean over images.
        limits: numbers at the ends of the color map, the same for all models of the gallery.
    """

    id: str
    title: str
    column: str
    quantity: str
    values: FloatArray
    limits: tuple[float, float]

    @property
    def notation(self) -> Notation:
        """How its values are written."""
        return quantity(self.quantity).notation


def heads_section(context: ModelContext) -> Section:
    """Section on heads: heat maps of each quantity, and entropy and sinks by layer."""
    numbers = tuple(_numbers(context))
    each = tuple(_registers(context))
    absent = []
    if context.layout.cls is None:
        absent.append("Attention of CLS: not applicable, because this model has no class token.")
    elif not context.layout.registers:
        absent.append("Attention of CLS to registers: not applicable, this model has none.")
    return Section(
        id="heads",
        title="Heads",
        text=(
            _extremes(context),
            *_entropy_in_windows(context),
            "Rows: layers. Columns: heads. Same scale for every model. Click a cell to open that "
            f"head on {context.image.title}.",
        ),
        grids=tuple(_grid(context, number) for number in numbers[:SHOWN]),
        small=context.heads <= SMALL,
        more_title=f"{len(numbers) - SHOWN + len(each)} more heat maps; entropy and sinks by layer",
        more=(
            *(_grid(context, number) for number in (*numbers[SHOWN:], *each)),
            *(_entropy_lines(context), _sink_line(context)),
        ),
        head_table=_table(context, (*numbers, *each)),
        absent=tuple(absent),
    )


def _extremes(context: ModelContext) -> str:
    """Sentence on the heads whose attention over patches is the most and the least spread."""
    values = context.digest.entropy_patches.mean
    ends = [int(np.nanargmin(values)), int(np.nanargmax(values))]
    texts = column([float(values.flat[end]) for end in ends])
    said = [
        f"{text} (layer {layer + 1}, head {head + 1})"
        for text, (layer, head) in zip(
            texts, (divmod(end, context.heads) for end in ends), strict=True
        )
    ]
    return f"Entropy over patches ranges from {said[0]} to {said[1]}."


def _entropy_in_windows(context: ModelContext) -> Iterator[str]:
    """Sentence on the largest entropy that layers with windows can have."""
    if not context.windowed:
        return
    patches = np.mean([math.log(c.facts.layout.patches) for c in context.cells])
    largest = math.log(context.window.patches) / float(patches)
    yield (
        f"{upper_first(context.windows)}: their entropy is at most {number(largest)}, that of an "
        "even spread over a window."
    )


def _numbers(context: ModelContext) -> Iterator[HeadNumber]:
    digest = context.digest
    yield HeadNumber("head-entropy", "Entropy", "entropy", "entropy", digest.entropy.mean, (0, 1))
    yield HeadNumber(
        "head-entropy-patches",
        "Entropy over patches",
        "entropy over patches",
        "entropy-patches",
        digest.entropy_patches.mean,
        (0, 1),
    )
    yield HeadNumber(
        "head-distance-patches",
        "Attention distance over patches",
        f"distance over patches ({quantity('distance-patches-share').unit})",
        "distance-patches",
        digest.distance_patches_share.mean,
        (0, context.limit(lambda each: each.distance_patches_share.mean)),
    )
    registers = _register_sum(digest)
    if registers is not None:
        yield HeadNumber(
            "head-registers",
            "Attention of CLS to all registers",
            "CLS to registers",
            "cls-mass",
            registers,
            (0, context.limit(_register_sum)),
        )
    if digest.max_attention is not None:
        yield HeadNumber(
            "head-max-attention",
            "Largest attention of CLS",
            "largest of CLS",
            "max-attention",
            digest.max_attention.mean,
            (0, context.limit(_max_attention)),
        )
    yield HeadNumber(
        "head-sink",
        "Largest attention received",
        "largest received",
        "sink",
        digest.sink.mean,
        (0, context.limit(lambda each: each.sink.mean)),
    )


def _registers(context: ModelContext) -> Iterator[HeadNumber]:
    """Attention of CLS to each register, on the scale of their sum."""
    digest = context.digest
    if digest.mass is None:
        return
    for group, values in zip(digest.groups, digest.mass.mean, strict=True):
        if group in context.layout.registers:
            yield HeadNumber(
                f"head-{group}",
                f"Attention of CLS to {query_label(group, True)}",
                f"CLS to {group}",
                "cls-mass",
                values,
                (0, context.limit(_register_sum)),
            )


def _register_sum(digest: ModelDigest) -> FloatArray | None:
    if digest.mass is None:
        return None
    chosen = [n for n, group in enumerate(digest.groups) if group.startswith("reg")]
    found: FloatArray | None = digest.mass.mean[chosen].sum(axis=0) if chosen else None
    return found


def _max_attention(digest: ModelDigest) -> FloatArray | None:
    return None if digest.max_attention is None else digest.max_attention.mean


def _grid(context: ModelContext, number: HeadNumber) -> Chart:
    """A heat map of heads. Its numbers and keyboard links are in the section's table."""
    chart = heat_grid(
        Words(number.id, number.title, "head", "layer", reading(number.quantity), number.notation),
        number.values,
        number.column,
        number.limits,
        colors=context.planner.contents.settings.colors,
    )
    return context.planner.defined(chart, number.quantity)


def _table(context: ModelContext, numbers: tuple[HeadNumber, ...]) -> HeadTable:
    """All quantities of every head."""
    distance = context.digest.distance_share.mean
    budget = head_columns(context)
    columns = [column(_flat(each.values), each.notation) for each in numbers]
    columns += [column(_flat(values), "percent") for _, values in budget]
    heads = [
        (str(layer + 1), str(head + 1)) for layer, head in np.ndindex(context.layers, context.heads)
    ]
    cells = zip(*columns, column(_flat(distance)), strict=True)
    return HeadTable(
        id="numbers-of-heads",
        title="Numbers of every head",
        numbers=NumberTable(
            (
                *("layer", "head"),
                *(each.column for each in numbers),
                *(name for name, _ in budget),
                f"distance, prefix counted 0 ({quantity('distance-share').unit})",
            ),
            tuple((*head, *each) for head, each in zip(heads, cells, strict=True)),
        ),
        target=context.target,
        heads=context.heads,
    )


def _flat(values: FloatArray) -> list[float]:
    """Values of all heads, by layer."""
    return [float(value) for value in values.ravel()]


def _entropy_lines(context: ModelContext) -> Chart:
    """Entropy by layer: mean and spread over heads."""
    series = [
        Series(name, context.numbers, values.mean(axis=1), values.std(axis=1))
        for name, values in (
            ("over all keys", context.digest.entropy.mean),
            ("over patches", context.digest.entropy_patches.mean),
        )
    ]
    words = Words(
        "entropy-by-layer",
        "Entropy by layer",
        "layer",
        quantity("entropy").unit,
        "Mean and standard deviation over heads. Where the lines part, tokens outside the patches "
        "gather attention.",
    )
    return context.planner.defined(line_chart(words, series), "entropy", "entropy-patches")


def _sink_line(context: ModelContext) -> Chart:
    rate = context.digest.sink_rate
    several = context.digest.images > 1
    words = Words(
        "sink-rate",
        "Sink rate by layer",
        "layer",
        quantity("sink-rate").unit,
        reading("sink-rate") + (" Band: standard deviation over images." if several else ""),
        quantity("sink-rate").notation,
    )
    series = Series("sink rate", context.numbers, rate.mean, rate.deviation if several else None)
    return context.planner.defined(line_chart(words, [series], zero=True), "sink-rate")


def distance_section(context: ModelContext) -> Section:
    """Section on mean attention distance: a dot for each head, as in ViT's Figure 11."""
    uniform = context.digest.uniform_distance
    on_patches = np.mean([c.facts.layout.patches / c.facts.layout.tokens for c in context.cells])
    return Section(
        id="distance",
        title="Distance",
        text=(
            f"{_mean_distances(context)} Uniform attention would give "
            f"{number(uniform)} over the patches.",
            *_distance_in_windows(context),
        ),
        charts=(
            _scatter(
                context,
                "distance-patches",
                "Over patches, renormalized",
                context.digest.distance_patches_share.mean,
                uniform,
            ),
        ),
        more_title="Two more charts",
        more=(
            _scatter(
                context,
                "distance",
                "Attention to prefix tokens counted as 0",
                context.digest.distance_share.mean,
                uniform * float(on_patches),
            ),
            _sorted(context),
        ),
    )


def _distance_in_windows(context: ModelContext) -> Iterator[str]:
    """Sentence on what an even spread gives in layers with windows."""
    if not context.windowed:
        return
    facts = context.cells[0].facts.model
    patch = (facts.patch_height, facts.patch_width)
    sides = np.mean([short_side(c.facts.layout, patch) for c in context.cells])
    even = uniform_distance(context.window, patch) / float(sides)
    yield (
        f"{upper_first(context.windows)}: an even spread over a whole window would give "
        f"{number(even)}."
    )


def _mean_distances(context: ModelContext) -> str:
    """Sentence on the mean distance of the first and the last layer."""
    means = context.digest.distance_patches_share.mean.mean(axis=1)
    first, last = column((float(means[0]), float(means[-1])))
    return (
        f"The mean attention distance is {first} of the input's short side in "
        f"layer 1{context.within(0)} and {last} in layer {context.layers}"
        f"{context.within(context.layers - 1)}."
    )


def _scatter(
    context: ModelContext, identifier: str, title: str, values: FloatArray, uniform: float
) -> Chart:
    layers = np.indices(values.shape)[0]
    series = Series("heads", layers.ravel() + 1.0, values.ravel())
    words = Words(
        f"{identifier}-by-layer",
        title,
        "layer",
        quantity(f"{identifier}-share").unit,
        reading(identifier),
    )
    chart = scatter(words, series, references=(Reference(uniform, "uniform"),))
    return context.planner.defined(chart, identifier)


def _sorted(context: ModelContext) -> Chart:
    """Heads sorted by distance, for the first and the last layers (Raghu 2021, Fig. 3)."""
    values = np.sort(context.digest.distance_patches_share.mean, axis=1)
    ends = sorted({*range(context.layers)[:SORTED_LAYERS], *range(context.layers)[-SORTED_LAYERS:]})
    place = np.arange(1.0, context.heads + 1)
    words = Words(
        "distance-sorted",
        "Heads in order of distance, first and last layers",
        "head, sorted",
        quantity("distance-patches-share").unit,
        "Layers with both local and global heads rise from left to right (Raghu 2021, Fig. 3).",
    )
    chart = line_chart(
        words,
        [Series(f"layer {layer + 1}", place, values[layer]) for layer in ends],
        references=(Reference(context.digest.uniform_distance, "uniform"),),
        zero=True,
    )
    return context.planner.defined(chart, "distance-patches")
