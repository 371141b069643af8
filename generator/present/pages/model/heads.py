"""Model page: sections on single heads and their attention distance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from generator.analysis.cells.model_digest import ModelDigest
from generator.analysis.quantities.table import quantity
from generator.present.cells.labels import query_label
from generator.present.charts.chart import Chart, Words
from generator.present.charts.heat_grid import heat_grid
from generator.present.charts.lines import Reference, Series, line_chart, scatter
from generator.present.pages.model.attention import head_columns
from generator.present.pages.model_context import ModelContext, reading
from generator.present.pages.sections import Section, Table, TableRow
from generator.records.record import FloatArray
from generator.text.numbers import Notation, number, percent, value_text

SORTED_LAYERS = 2
"""Layers at each end whose heads are sorted by distance, as in Raghu 2021, Fig. 3."""


SMALL = 12
"""Most heads of a small heat map."""


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
            f"A square for each layer, downwards, and head, across. {context.over} A color is "
            "the same number on the pages of all models of this gallery. Choose a square to see "
            f"that head on {context.image.title}; the table below has the same links.",
        ),
        grids=tuple(_grid(context, number) for number in numbers),
        small=context.heads <= SMALL,
        charts=(_entropy_lines(context), _sink_line(context)),
        more_title="Each register" if each else "",
        more=tuple(_grid(context, number) for number in each),
        tables=(_table(context, (*numbers, *each)),),
        absent=tuple(absent),
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
        [
            [context.head_url(layer, head) for head in range(context.heads)]
            for layer in range(context.layers)
        ],
        number.limits,
        colors=context.planner.contents.settings.colors,
    )
    return replace(context.planner.defined(chart, number.quantity), table=None, stops=False)


def _table(context: ModelContext, numbers: tuple[HeadNumber, ...]) -> Table:
    """Table of all quantities of every head."""
    distance = context.digest.distance_share.mean
    budget = head_columns(context)
    columns = [*(each.column for each in numbers), *(name for name, _ in budget)]
    rows = []
    for layer in range(context.layers):
        for head in range(context.heads):
            cells = [value_text(float(each.values[layer, head]), each.notation) for each in numbers]
            cells += [percent(float(values[layer, head])) for _, values in budget]
            rows.append(
                TableRow(
                    heads=(str(layer + 1), str(head + 1)),
                    url=context.head_url(layer, head),
                    cells=(*cells, number(float(distance[layer, head]))),
                )
            )
    return Table(
        title="Numbers of every head",
        heads=("layer", "head"),
        columns=(*columns, f"distance, prefix counted 0 ({quantity('distance-share').unit})"),
        rows=tuple(rows),
    )


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
        "Mean over heads; the band is one standard deviation over heads to either side. Where the "
        "lines part, tokens outside the patches gather attention.",
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
        reading("sink-rate")
        + (" The band is one standard deviation over images to either side." if several else ""),
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
            f"How far heads look: a dot for each head above its layer. {context.over} "
            "Distances are shares of the input's short side, so that resolutions compare. Uniform "
            f"attention would give {number(uniform)} over the patches.",
        ),
        charts=(
            _scatter(
                context,
                "distance-patches",
                "Over patches, renormalized",
                context.digest.distance_patches_share.mean,
                uniform,
            ),
            _scatter(
                context,
                "distance",
                "Without renormalizing: attention to the prefix counts 0",
                context.digest.distance_share.mean,
                uniform * float(on_patches),
            ),
            _sorted(context),
        ),
        absent=("The numbers of all dots are in the table of heads above.",),
    )


def _scatter(
    context: ModelContext, identifier: str, title: str, values: FloatArray, uniform: float
) -> Chart:
    layers, heads = np.indices(values.shape)
    series = Series(
        "heads",
        layers.ravel() + 1.0,
        values.ravel(),
        urls=tuple(
            context.head_url(layer, head)
            for layer, head in zip(layers.ravel().tolist(), heads.ravel().tolist(), strict=True)
        ),
        notes=tuple(f"head {head + 1}" for head in heads.ravel().tolist()),
    )
    words = Words(
        f"{identifier}-by-layer",
        title,
        "layer",
        quantity(f"{identifier}-share").unit,
        reading(identifier),
    )
    chart = scatter(words, [series], references=(Reference(uniform, "uniform"),))
    return replace(context.planner.defined(chart, identifier), stops=False)


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
        "As in Raghu 2021, Fig. 3: layers with both near and far heads rise from left to right.",
    )
    chart = line_chart(
        words,
        [Series(f"layer {layer + 1}", place, values[layer]) for layer in ends],
        references=(Reference(context.digest.uniform_distance, "uniform"),),
        zero=True,
    )
    return context.planner.defined(chart, "distance-patches")
