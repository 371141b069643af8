"""Pair page: section on norms and outliers."""

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


def norms_section(pair: PairContext, sentences: tuple[str, ...]) -> Section:
    """Section on norms and outliers, by layer and by cutoff.

    Args:
        sentences: what the numbers say.
    """
    return Section(
        id="norms",
        title="Norms and outliers",
        text=sentences,
        charts=(_ratio(pair), _shares_by_cutoff(pair)),
        more_title="Norms of registers, histograms, outliers by layer",
        more=(
            _onset_norms(pair),
            _shares_by_layer(pair),
            *_densities(pair),
            _histogram(pair, peak_layers(pair)),
        ),
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
        "Histogram of norms, where the largest stands out most",
        f"{quantity('norm').unit}, logarithmic",
        "patches, logarithmic",
        f"{totals} patches of {counted(pair.count, 'image')}. Norms of two models have no common "
        "unit: compare the tails.",
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
            "Stronger color: more of the layer's patches. Both models have the same axes.",
        )
        held = context.digest.norms.histogram.astype(float)
        chart = pair.planner.defined(density(words, EDGES, held, bins=bins), "norm")
        return replace(chart, table=norm_table(context))

    return pair.each(chart)


def _shares_by_cutoff(pair: PairContext) -> Chart:
    """Share of outliers by cutoff, each model at its own peak."""
    words = Words(
        "outlier-share",
        "Share of patches above any cutoff",
        f"cutoff ({quantity('norm-ratio').unit})",
        quantity("outlier-share-layer").unit,
        "Layer of each model where its largest norm stands out most. "
        f"This page calls patches above {given(OUTLIER)} × the median outliers.",
        "percent",
    )
    series = [
        Series(
            f"{context.model.label}, {stream_layer(context.digest.norms.peak)}",
            np.array(CUTOFFS, dtype=float),
            context.digest.norms.above[context.digest.norms.peak],
        )
        for context in pair.models
    ]
    return pair.planner.defined(line_chart(words, series, zero=True), "outlier-share-layer")


def _shares_by_layer(pair: PairContext) -> Chart:
    words = Words(
        "outlier-share-layers",
        f"Share of patches above {given(OUTLIER)} × the median, by layer",
        LAYERS,
        quantity("outlier-share-layer").unit,
        f"Mean over {counted(pair.count, 'image')}." if pair.count > 1 else "",
        "percent",
    )
    column = CUTOFFS.index(int(OUTLIER))
    series = [
        Series(context.model.label, context.stream_layers, context.digest.norms.above[:, column])
        for context in pair.models
    ]
    return pair.planner.defined(line_chart(words, series, zero=True), "outlier-share")


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
        "Largest patch norm and largest register norm",
        LAYERS,
        "times the median patch, logarithmic",
        "Mean over images." if pair.count > 1 else "",
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


def attention_peaks(pair: PairContext) -> Chart | None:
    """Largest attention of CLS on a patch and on a register; None if no model has CLS."""
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
