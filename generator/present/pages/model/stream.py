"""Model page: sections on norms, their onset, and massive activations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from generator.analysis.cells.model_digest import ModelDigest
from generator.analysis.quantities.table import quantity
from generator.analysis.stream.massive import LEAST, NOTABLE, TIMES
from generator.analysis.stream.norms import CUTOFFS, EDGES, QUANTILES
from generator.present.cells.labels import query_label
from generator.present.charts.chart import Chart, NumberTable, Words
from generator.present.charts.histograms import density, histogram
from generator.present.charts.lines import Reference, Series, line_chart
from generator.present.pages.model.sinks import channel_chart, channel_table, channel_text
from generator.present.pages.model_context import ModelContext, reading
from generator.present.pages.sections import Section, Table, TableRow
from generator.records.record import OUTLIER, FloatArray
from generator.text.numbers import count, given, number, percent
from generator.text.phrases import counted, patches_text, stream_layer

MOST_TOKENS = 6
"""Most prefix tokens that are drawn beside the lines of the patches."""

NORM_UNIT = quantity("norm").unit


def norms_section(context: ModelContext) -> Section:
    """Section on norms of patches and prefix tokens by layer, and outliers."""
    norms = context.digest.norms
    peak = stream_layer(norms.peak)
    over = "the image" if norms.images == 1 else f"{counted(norms.images, 'image')}"
    share = float(norms.above[norms.peak, CUTOFFS.index(int(OUTLIER))])
    exceed = f"{percent(share)} of patches exceed" if share else "no patch exceeds"
    median = " (median over images)" if norms.images > 1 else ""
    return Section(
        id="norms",
        title="Norms",
        text=(
            f"The largest norm stands out most in {peak}: {number(norms.ratio[norms.peak])} × "
            f"the layer's median{median}. There, {exceed} "
            f"{given(OUTLIER)} × the median ({patches_text(norms.patches)} of {over}).",
        ),
        charts=(_ratio(context), _density(context)),
        more_title="Kinds of tokens, histogram, other cutoffs",
        more=(_tokens(context), _histogram(context), _shares(context)),
    )


def _density(context: ModelContext) -> Chart:
    """Density of norms at each layer, with a table of quantiles."""
    norms = context.digest.norms
    words = Words(
        "norm-density",
        "Norms of patches by layer",
        "layer (0: embedding)",
        "norm, logarithmic",
        "Stronger color: more of the layer's patches (logarithmic).",
    )
    chart = density(words, EDGES, norms.histogram.astype(float))
    return replace(context.planner.defined(chart, "norm"), table=norm_table(context))


def norm_table(context: ModelContext) -> NumberTable:
    """Table of quantiles of the patches' norms; row 0 is the embedding."""
    norms = context.digest.norms
    columns = [*(percent(q) for q in QUANTILES), "median", "largest"]
    rows = [
        [*norms.quantiles[n], norms.median[n], norms.maximum[n]] for n in range(context.layers + 1)
    ]
    return NumberTable(
        ("layer", *columns),
        tuple((str(n), *(number(float(value)) for value in row)) for n, row in enumerate(rows)),
    )


def _ratio(context: ModelContext) -> Chart:
    words = Words(
        "norm-ratio",
        "Largest norm over the median, by layer",
        "layer (0: embedding)",
        quantity("norm-ratio").unit,
        reading("norm-ratio"),
    )
    series = Series("ratio", context.stream_layers, context.digest.norms.ratio)
    chart = line_chart(
        words,
        [series],
        log=True,
        references=(Reference(OUTLIER, f"outliers above {given(OUTLIER)} ×"),),
    )
    return context.planner.defined(chart, "norm-ratio")


def _shares(context: ModelContext) -> Chart:
    norms = context.digest.norms
    layers = dict.fromkeys((norms.peak, context.layers))
    words = Words(
        "outlier-share",
        "Patches above a cutoff",
        f"cutoff ({quantity('norm-ratio').unit})",
        quantity("outlier-share-layer").unit,
        reading("outlier-share-layer") + " Shares are means over images.",
        "percent",
    )
    series = [
        Series(stream_layer(layer), np.array(CUTOFFS, dtype=float), norms.above[layer])
        for layer in layers
    ]
    return context.planner.defined(line_chart(words, series, zero=True), "outlier-share-layer")


def _histogram(context: ModelContext) -> Chart:
    norms = context.digest.norms
    words = Words(
        "norm-histogram",
        f"Norms of patches in {stream_layer(norms.peak)}",
        NORM_UNIT,
        "patches, logarithmic",
        "The layer where the largest norm stands out most.",
    )
    counts = norms.histogram[norms.peak][None].astype(float)
    return context.planner.defined(
        histogram(words, ["patches"], EDGES, counts), "norm", "outlier-share"
    )


def _tokens(context: ModelContext) -> Chart:
    """Norms of prefix tokens, and the median and maximum over patches."""
    norms = context.digest.norms
    chosen = _largest(norms.prefix)
    layers = context.stream_layers
    series = [
        Series("patches, median", layers, norms.median),
        Series("patches, largest", layers, norms.maximum),
        *(Series(_name(norms.tokens[n]), layers, norms.prefix[:, n]) for n in chosen),
    ]
    left = len(norms.tokens) - len(chosen)
    words = Words(
        "norm-tokens",
        "Norms by kind of token",
        "layer (0: embedding)",
        f"{NORM_UNIT}, logarithmic",
        f"Without the {left} prefix tokens of smallest norm." if left else "",
    )
    return context.planner.defined(line_chart(words, series, log=True), "norm")


def _largest(prefix: FloatArray) -> list[int]:
    """Columns of the prefix tokens that reach the largest norms, in order of the sequence."""
    if not prefix.size:
        return []
    order = np.argsort(-prefix.max(axis=0), kind="stable")
    return sorted(int(n) for n in order[:MOST_TOKENS])


def _name(token: str) -> str:
    return query_label(token, True) if token.startswith("reg") else token


def onset_section(context: ModelContext) -> Section:
    """Section on the layers where high norms and sinks of CLS begin (Jiang 2025, Fig. 2)."""
    onset = context.digest.onset
    chosen = _largest(onset.prefix_ratio)
    layers = context.stream_layers
    names = [("patches", onset.patch_onset)]
    names += [(_name(t), at) for t, at in zip(onset.tokens, onset.prefix_onsets, strict=True)]
    norms = line_chart(
        Words(
            "onset-norms",
            "Largest norm by layer",
            "layer (0: embedding)",
            "times the median patch",
            reading("norm-onset"),
        ),
        [
            Series("patches, largest", layers, onset.patch_ratio),
            *(Series(_name(onset.tokens[n]), layers, onset.prefix_ratio[:, n]) for n in chosen),
        ],
        log=True,
        references=(Reference(OUTLIER, f"{given(OUTLIER)} ×"),),
    )
    charts = [context.planner.defined(norms, "norm-onset")]
    if onset.patch_attention is not None:
        charts.append(_attention(context, onset.patch_attention, onset.register_attention))
    return Section(
        id="onset",
        title="Onset",
        text=(f"{_begins(names)} {context.over}",),
        more_title="Largest norms and largest CLS attention by layer",
        more=tuple(charts),
        absent=()
        if onset.patch_attention is not None
        else ("Largest attention of CLS: not applicable, this model has no class token.",),
    )


def _begins(names: list[tuple[str, int | None]]) -> str:
    """Sentence on the layers where high norms begin, and tokens without high norms."""
    found = [f"{name} in {stream_layer(at)}" for name, at in names if at is not None]
    never = [name for name, at in names if at is None]
    said = [f"High norms begin: {', '.join(found)}."] if found else []
    if never:
        said.append(
            f"Never above {given(OUTLIER)} × the median: {', '.join(never)}."
            if found
            else f"No norm exceeds {given(OUTLIER)} × the median."
        )
    return " ".join(said)


def _attention(context: ModelContext, patches: FloatArray, registers: FloatArray | None) -> Chart:
    series = [Series("to a patch", context.numbers, patches)]
    if registers is not None:
        series.append(Series("to a register", context.numbers, registers))
    words = Words(
        "onset-attention",
        "Largest attention of CLS by layer",
        "layer",
        "share of 1, mean over heads",
        reading("largest-cls-attention"),
        "percent",
    )
    return context.planner.defined(line_chart(words, series, zero=True), "largest-cls-attention")


def massive_section(context: ModelContext) -> Section:
    """Section on massive activations: the largest value and the median by layer, and channels."""
    digest = context.digest
    title, found = "Massive activations", quantity("massive-activation")
    if digest.massive is None:
        return Section(
            id="massive",
            title=title,
            text=(),
            absent=("Not measured. Build again with --extras massive.",),
        )
    largest, median = digest.massive
    channels = (digest.channels,) if digest.channels else ()
    layers = context.stream_layers
    several = digest.images > 1
    series = [
        Series("largest", layers, largest.mean, largest.deviation if several else None),
        Series("median", layers, median.mean, median.deviation if several else None),
    ]
    words = Words(
        "massive-by-layer",
        "Largest magnitude and median magnitude by layer",
        "layer (0: embedding)",
        "magnitude, logarithmic",
        found.caveat,
    )
    return Section(
        id="massive",
        title=title,
        text=(*map(channel_text, channels), context.over),
        more_title="Magnitudes by layer",
        more=(
            context.planner.defined(line_chart(words, series, log=True), "massive-activation"),
            *(channel_chart(context, each) for each in channels),
        ),
        tables=(*_channels(digest), *map(channel_table, channels)),
        absent=() if digest.massive_channels else (_not_massive(largest.mean, median.mean),),
    )


def _not_massive(largest: FloatArray, median: FloatArray) -> str:
    """Sentence that no channel is massive by the rule, and how close the largest value is."""
    ratios = largest / np.maximum(median, np.finfo(np.float32).tiny)
    layer = int(ratios.argmax())
    text = "By this rule no channel is massive in any layer."
    if ratios[layer] < NOTABLE:
        return text
    return (
        f"{text} But some stand out: the largest value is {number(float(largest[layer]))} in "
        f"{stream_layer(layer)}, {number(float(ratios[layer]))} times the median magnitude, where "
        f"the rule asks for {given(LEAST)} and {count(int(TIMES))} times."
    )


def _channels(digest: ModelDigest) -> tuple[Table, ...]:
    if not digest.massive_channels:
        return ()
    return (
        Table(
            title="Channels that are massive in some layer",
            heads=("channel",),
            columns=(f"images, of {digest.images}",),
            rows=tuple(
                TableRow((str(channel),), "", (str(images),))
                for channel, images in digest.massive_channels
            ),
        ),
    )
