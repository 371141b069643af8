"""Pair page: sections on norms, outliers, and the layers where they begin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from generator.analysis.quantities.table import quantity
from generator.analysis.stream.norms import CUTOFFS, EDGES
from generator.present.cells.labels import query_label
from generator.present.charts.chart import Chart, Words
from generator.present.charts.histograms import density, held_bins, histogram
from generator.present.charts.lines import Reference, Series, line_chart
from generator.present.pages.model.stream import norm_table
from generator.present.pages.model_context import ModelContext
from generator.present.pages.pair.pair import PairContext
from generator.present.pages.sections import Section
from generator.records.record import OUTLIER
from generator.text.numbers import count, given
from generator.text.phrases import counted, listed, lower_first, stream_layer

LAYERS = "layer (0: embedding)"
THREE = Reference(OUTLIER, f"{given(OUTLIER)} × the median")


def peak_layers(pair: PairContext) -> tuple[int, int]:
    """Layers at which norms are shown: for both, where the larger ratio of the two peaks.

    A model with fewer layers is shown where its own ratio peaks.
    """
    norms = [context.digest.norms for context in pair.models]
    leader = max(norms, key=lambda each: float(each.ratio.max()))
    shown = [leader.peak if leader.peak < len(each.ratio) else each.peak for each in norms]
    return shown[0], shown[1]


def norms_section(pair: PairContext) -> Section:
    """Section on norms, at the layer where outliers peak and over all layers."""
    layers = peak_layers(pair)
    where = listed(stream_layer(each) for each in dict.fromkeys(layers))
    return Section(
        id="norms",
        title="Norms of patches",
        text=(
            f"{quantity('norm').definition} The histogram shows {where}, where the largest norm "
            "of the two models stands out most over the median. It is looked for in all layers: in "
            "some models outliers come and go inside the network, and the last layer shows none.",
        ),
        charts=(_histogram(pair, layers), _ratio(pair), *_densities(pair)),
    )


def _histogram(pair: PairContext, layers: tuple[int, int]) -> Chart:
    counts = np.stack(
        [
            context.digest.norms.histogram[layer].astype(float)
            for context, layer in zip(pair.models, layers, strict=True)
        ]
    )
    names = [
        f"{label}, {stream_layer(layer)}" for label, layer in zip(pair.labels, layers, strict=True)
    ]
    totals = listed(count(context.digest.norms.patches) for context in pair.models)
    words = Words(
        "norm-histogram",
        "How norms spread",
        f"{quantity('norm').unit}, logarithmic",
        "patches, logarithmic",
        f"{totals} patches of {counted(pair.count, 'image')}. Norms of two models have no common "
        "unit: compare how far the tail lies from the bulk.",
    )
    return pair.planner.defined(histogram(words, names, EDGES, counts), "norm")


def _ratio(pair: PairContext) -> Chart:
    words = Words(
        "norm-ratio",
        "Largest norm over the median, by layer",
        LAYERS,
        f"{quantity('norm-ratio').unit}, logarithmic",
        "Median over images." if pair.count > 1 else "",
    )
    series = [
        Series(context.model.label, context.stream_layers, context.digest.norms.ratio)
        for context in pair.models
    ]
    chart = line_chart(words, series, log=True, references=(THREE,))
    return pair.planner.defined(chart, "norm-ratio")


def _densities(pair: PairContext) -> tuple[Chart, Chart]:
    counts = [context.digest.norms.histogram.astype(float) for context in pair.models]
    bins = held_bins(np.concatenate(counts))

    def chart(context: ModelContext, letter: str) -> Chart:
        words = Words(
            f"norm-density-{letter.lower()}",
            f"{context.model.label}: norms by layer",
            LAYERS,
            f"{quantity('norm').unit}, logarithmic",
            "The stronger the shade, the more of the layer's patches, over three decades. Both "
            "models are on one axis.",
        )
        held = context.digest.norms.histogram.astype(float)
        chart = pair.planner.defined(density(words, EDGES, held, bins=bins), "norm")
        return replace(chart, table=norm_table(context))

    return pair.each(chart)


def cutoffs_section(pair: PairContext) -> Section:
    """Section on the share of outliers by cutoff, each model at its own peak."""
    cutoffs = np.array(CUTOFFS, dtype=float)
    words = Words(
        "outlier-share",
        "Share of patches above a cutoff",
        f"cutoff ({quantity('norm-ratio').unit})",
        quantity("outlier-share-layer").unit,
        f"Each model in the layer where its own largest norm stands out most. Mean over "
        f"{counted(pair.count, 'image')}."
        if pair.count > 1
        else "Each model in the layer where its own largest norm stands out most.",
        "percent",
    )
    series = [
        Series(
            f"{context.model.label}, {stream_layer(context.digest.norms.peak)}",
            cutoffs,
            context.digest.norms.above[context.digest.norms.peak],
        )
        for context in pair.models
    ]
    chart = pair.planner.defined(line_chart(words, series, zero=True), "outlier-share-layer")
    by_layer = Words(
        "outlier-share-layers",
        f"Share of patches above {given(OUTLIER)} × the median, by layer",
        LAYERS,
        quantity("outlier-share-layer").unit,
        f"Mean over {counted(pair.count, 'image')}." if pair.count > 1 else "",
        "percent",
    )
    column = CUTOFFS.index(int(OUTLIER))
    layers = [
        Series(context.model.label, context.stream_layers, context.digest.norms.above[:, column])
        for context in pair.models
    ]
    return Section(
        id="cutoffs",
        title="Share of outliers, whatever the cutoff",
        text=(
            f"No cutoff is right for every model. This page calls a patch an outlier above "
            f"{given(OUTLIER)} times the median; the curve shows what any other cutoff would give.",
        ),
        charts=(
            chart,
            pair.planner.defined(line_chart(by_layer, layers, zero=True), "outlier-share"),
        ),
    )


def onset_section(pair: PairContext) -> Section:
    """Section on the layers where high norms and sinks of CLS begin."""
    charts = [_onset_norms(pair)]
    attention = _onset_attention(pair)
    if attention is not None:
        charts.append(attention)
    absent = tuple(
        f"Largest attention of CLS in {context.model.label}: not applicable, it has no class token."
        for context in pair.models
        if context.layout.cls is None
    )
    definition = quantity("norm-onset").definition
    return Section(
        id="onset",
        title="Where high norms and sinks begin",
        text=(
            " ".join(_begins(context) for context in pair.models),
            f"The onset of high norms is the {definition[0].lower()}{definition[1:]}",
        ),
        charts=tuple(charts),
        absent=absent,
    )


def _begins(context: ModelContext) -> str:
    onset = context.digest.onset
    registers = [
        f"{query_label(token, True)} in {stream_layer(at)}"
        for token, at in zip(onset.tokens, onset.prefix_onsets, strict=True)
        if token in context.layout.registers and at is not None
    ]
    parts = [] if onset.patch_onset is None else [f"patches in {stream_layer(onset.patch_onset)}"]
    found = [*parts, *registers]
    if not found:
        kinds = "patch or register" if context.layout.registers else "patch"
        return f"{context.model.label}: no {kinds} has a high norm in any layer."
    return f"{context.model.label}: high norms begin for {', '.join(found)}."


def _onset_norms(pair: PairContext) -> Chart:
    series = []
    for context in pair.models:
        onset, layers = context.digest.onset, context.stream_layers
        series.append(Series(f"{context.model.label}, patches", layers, onset.patch_ratio))
        strongest = strongest_register(context)
        if strongest is not None:
            name = query_label(onset.tokens[strongest], True)
            ratio = onset.prefix_ratio[:, strongest]
            series.append(Series(f"{context.model.label}, {name}", layers, ratio))
    words = Words(
        "onset-norms",
        "Largest norm by layer",
        LAYERS,
        "times the median patch, logarithmic",
        "Of the patches, the largest; of the registers, the one of the largest norm."
        + (" Mean over images." if pair.count > 1 else ""),
    )
    return pair.planner.defined(
        line_chart(words, series, log=True, references=(THREE,)), "norm-onset"
    )


def strongest_register(context: ModelContext) -> int | None:
    """Index among the prefix tokens of the register with the largest norm."""
    onset = context.digest.onset
    places = [n for n, token in enumerate(onset.tokens) if token in context.layout.registers]
    if not places:
        return None
    return max(places, key=lambda place: float(onset.prefix_ratio[:, place].max()))


def _onset_attention(pair: PairContext) -> Chart | None:
    series = []
    for context in pair.models:
        onset = context.digest.onset
        for what, values in (
            ("to a patch", onset.patch_attention),
            ("to a register", onset.register_attention),
        ):
            if values is not None:
                series.append(Series(f"{context.model.label}, {what}", context.numbers, values))
    if not series:
        return None
    words = Words(
        "onset-attention",
        "Largest attention of CLS by layer",
        "layer",
        "share of 1, mean over heads",
        "Mean over images." if pair.count > 1 else "",
        "percent",
    )
    return pair.planner.defined(line_chart(words, series, zero=True), "largest-cls-attention")


def renamed(chart: Chart, letter: str, label: str) -> Chart:
    """Add a model's letter and label to the id and title of its chart."""
    words = chart.words
    return replace(
        chart,
        words=replace(
            words, id=f"{words.id}-{letter.lower()}", title=f"{label}: {lower_first(words.title)}"
        ),
    )
