"""Model page: sections on value norms of sinks, and channels of the patches."""

from __future__ import annotations

import numpy as np

from generator.analysis.attention.heads import SINK
from generator.analysis.quantities.table import quantity
from generator.analysis.stream.means import ChannelMeans, SinkMeans
from generator.present.cells.labels import query_label
from generator.present.charts.bars import REST, stacked_bars
from generator.present.charts.chart import Chart, Words
from generator.present.charts.lines import Reference, Series, line_chart
from generator.present.pages.model.attention import MERGED
from generator.present.pages.model_context import ModelContext, reading
from generator.present.pages.sections import Section, Table, TableRow
from generator.records.record import FloatArray
from generator.text.numbers import number, percent
from generator.text.phrases import counted, stream_layer

MOST_TOKENS = 6
"""Most prefix tokens with a part of their own in a bar."""


def sinks_section(context: ModelContext) -> Section:
    """Section on sinks: the tokens that receive most attention, and their value norms."""
    title = "Value norms of sinks"
    sinks = context.digest.sinks
    if sinks is None:
        return Section(
            id="sinks",
            title=title,
            text=(),
            absent=("Not measured. Build again with --extras values.",),
        )
    strong = int(sinks.count.sum())
    return Section(
        id="sinks",
        title=title,
        text=(
            f"In {counted(strong, 'case')} of a head on an image, one key gets more than "
            f"{percent(SINK)} of all attention."
            if strong
            else f"No head puts more than {percent(SINK)} of all attention on one key on any "
            "image.",
            f"Over {counted(sinks.images, 'image')}.",
        ),
        charts=(_value_norms(context, sinks),),
        more_title="Which token receives most",
        more=(_which(context, sinks),),
    )


def _value_norms(context: ModelContext, sinks: SinkMeans) -> Chart:
    series = [Series("most attended key, median over heads", context.numbers, sinks.relative)]
    if np.isfinite(sinks.strong).any():
        name = f"most attended key where it receives over {percent(SINK)}, mean"
        series.append(Series(name, context.numbers, sinks.strong))
    words = Words(
        "sink-values",
        "Value norm of the sink",
        "layer",
        quantity("sink-value").unit,
        f"Dashed: the median patch. {reading('sink-value')}",
    )
    chart = line_chart(words, series, references=(Reference(1.0, ""),), zero=True)
    return context.planner.defined(chart, "sink-value")


def _which(context: ModelContext, sinks: SinkMeans) -> Chart:
    """Frequency with which each kind of token receives most attention, over heads and images."""
    prefix = context.layout.prefix
    groups = _groups(prefix)
    counts = [
        sum((sinks.tokens == prefix.index(token)).mean(axis=(0, 2)) for token in tokens)
        for tokens in groups.values()
    ]
    counts.append((sinks.tokens >= len(prefix)).mean(axis=(0, 2)))
    names = [*groups, "a patch"]
    shares: FloatArray = np.stack(counts, axis=1).astype(np.float32)
    words = Words(
        "sink-tokens",
        "Which token receives most",
        "layer",
        "share of the heads",
        "Averaged over all queries; every head has a most-attended key, sink or not.",
    )
    labels = [str(n + 1) for n in range(context.layers)]
    series = [*_series(names[:-1]), REST]
    return context.planner.defined(
        stacked_bars(words, names, labels, shares, series=series), "sink"
    )


def _groups(prefix: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Name of a part -> its tokens: one, or all of a kind if there are many."""
    groups: dict[str, tuple[str, ...]] = {
        query_label(name, True) if name.startswith("reg") else name: (name,) for name in prefix
    }
    for start, together in MERGED:
        alike = tuple(name for name in prefix if name.startswith(start))
        if len(groups) > MOST_TOKENS and len(alike) > 1:
            groups = {name: tokens for name, tokens in groups.items() if tokens[0] not in alike}
            groups[together] = alike
    return groups


def _series(names: list[str]) -> list[int]:
    """Series of the parts; CLS is as in the budgets."""
    free = iter((4, 5, 6, 7, 8, 1))
    return [3 if name == "CLS" else next(free) for name in names]


def channel_chart(context: ModelContext, channels: ChannelMeans) -> Chart:
    """Chart of the largest channel of the patches and the layer's median magnitude."""
    words = Words(
        "channel-max",
        "Largest channel over the patches, by layer",
        "layer (0: embedding)",
        "times the median magnitude",
        f"{reading('channel-max')} The table below says which channel it is.",
    )
    series = Series("ratio", np.arange(0.0, context.layers + 1), channels.ratio)
    return context.planner.defined(line_chart(words, [series], log=True), "channel-max")


def channel_table(channels: ChannelMeans) -> Table:
    """Table of the largest channel in each layer, and its value."""
    return Table(
        title="The largest channel over the patches of each layer",
        heads=("layer",),
        columns=("channel", f"images, of {channels.images}", "magnitude", "times the median"),
        rows=tuple(
            TableRow(
                (str(layer),),
                "",
                (
                    str(channels.channel[layer]),
                    str(channels.agree[layer]),
                    number(float(channels.largest[layer])),
                    number(float(channels.ratio[layer])),
                ),
            )
            for layer in range(len(channels.channel))
        ),
    )


def channel_text(channels: ChannelMeans) -> str:
    """Text on the most prominent channel, and whether all images and layers share it."""
    peak = int(np.argmax(channels.ratio))
    channel, agree = channels.channel[peak], channels.agree[peak]
    layers = (
        f"{sum(each == channel for each in channels.channel)} of {len(channels.channel)} layers"
    )
    times = f"{number(float(channels.ratio[peak]))} × the median magnitude"
    found = f"The largest channel over patches reaches {times} in {stream_layer(peak)}"
    if agree == channels.images:
        return f"{found}. It is channel {channel} in all images, and the largest in {layers}."
    return (
        f"{found} (mean over images). The channel varies: channel {channel} is most common "
        f"({agree} of {counted(channels.images, 'image')}, {layers})."
    )
