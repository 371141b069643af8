"""Presets of norms in the residual stream: where outliers are, how many, from which layer on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from generator.analysis.norms import EDGES, NormSummary, combine_norms, norm_summary
from generator.analysis.onset import Onset, onset_of, onset_series
from generator.export.figures.preset import Preset
from generator.export.figures.scene import Drawn, Scene, Table
from generator.export.figures.sheet import Absent, Cell, Chart, Row, Sheet, draw
from generator.export.figures.style import FAINT, HAIRLINE, INK, SERIES, SMALL, STROKES, fitted
from generator.export.figures.tones import Tone, linear
from generator.export.figures.words import images_said, models_said
from generator.records import OUTLIER, AttentionRecord, FloatArray
from generator.run import ImageEntry, ModelEntry

NORM = "L2 norm"
BEFORE = "Norms are of the residual stream before the final LayerNorm."
BARS = 60


def layer_of(scene: Scene, record: AttentionRecord) -> int:
    """The layer of norms to show, along ``layer + 1``: the one asked for, or the model's peak.

    The peak is where the largest patch norm stands out most: distilled models lose their outliers
    before the last layer.
    """
    asked = scene.request.layers
    if asked.isdecimal():
        return min(int(asked), record.model.layers)
    return record.model.layers if asked == "last" else norm_summary(record).peak


def summaries(scene: Scene, model: ModelEntry) -> NormSummary:
    """The norms of a model over the images asked for."""
    records = (scene.record(model, image) for image in scene.images)
    return combine_norms([norm_summary(record) for record in records if record is not None])


def _norms(record: AttentionRecord, layer: int) -> FloatArray:
    found: FloatArray = record.norms[layer, record.layout.patch_slice].astype(np.float64)
    return found


def _layer_word(layer: int) -> str:
    return f"layer {layer}" if layer else "the embedding"


def _maps_and_histograms(scene: Scene) -> Drawn:
    """The picture, then a norm map for each model; under each map its histogram."""
    image, models = scene.some_images(1)[0], scene.models
    records = [scene.known(model, image) for model in models]
    layers = [layer_of(scene, record) for record in records]
    norms = [_norms(record, layer) for record, layer in zip(records, layers, strict=True)]
    high = float(max(values.max() for values in norms))
    tone = linear(0.0, high, NORM)
    edges = np.linspace(0, high, BARS + 1)
    most = max(int(np.histogram(values, edges)[0].max()) for values in norms)
    maps: list[Cell] = [scene.photo(image, records[0].view)]
    charts: list[Cell] = [Absent("")]
    for record, values in zip(records, norms, strict=True):
        maps.append(scene.map(image, record, record.layout.fold(values), tone))
        charts.append(Chart(_histogram(values, edges, most), aspect=1.15))
    heads = (
        "input",
        *(f"{m.label}, {_layer_word(n)}" for m, n in zip(models, layers, strict=True)),
    )
    sheet = Sheet((Row("", tuple(maps)), Row("", tuple(charts))), heads, tones=(tone,))
    outliers = [int((values > OUTLIER * np.median(values)).sum()) for values in norms]
    table = Table(
        f"Norms of patches on {image.title}.",
        ("model", "layer", "median", "largest", "ratio", f"above {OUTLIER:g} × median"),
        tuple(
            (
                model.label,
                str(layer),
                f"{np.median(values):.3g}",
                f"{values.max():.3g}",
                f"{values.max() / np.median(values):.3g}",
                f"{count} of {len(values)}",
            )
            for model, layer, values, count in zip(models, layers, norms, outliers, strict=True)
        ),
    )
    said = (
        f"Norms of the patches on {image.title}, and how often they occur (log scale), in the "
        f"layer where the largest stands out most unless another was chosen. {BEFORE} The dashed "
        f"line is {OUTLIER:g} times the median."
    )
    caption = (said, f" {tone.says}", images_said(scene, (image,)), *models_said(scene, models))
    return Drawn(draw(sheet, scene.request.width), caption, models, table=table)


def _histogram(values: FloatArray, edges: FloatArray, most: int) -> Callable[[Axes], None]:
    def draw_into(axes: Axes) -> None:
        axes.hist(values, bins=edges.tolist(), color=INK, linewidth=0)
        axes.axvline(OUTLIER * float(np.median(values)), color=SERIES[1], lw=0.7, ls="--")
        _log(axes)
        axes.set(xlim=(0, edges[-1]), ylim=(0.7, most * 1.5), xlabel=NORM, ylabel="patches")

    return draw_into


def _log(axes: Axes) -> None:
    """A logarithmic axis upwards, with plain numbers."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())


def _density(scene: Scene) -> Drawn:
    """How norms are spread in each layer, a chart for each model."""
    models = scene.models
    found = [summaries(scene, model) for model in models]
    used = np.flatnonzero(np.sum([s.histogram.sum(axis=0) for s in found], axis=0))
    low, high = int(used[0]), int(used[-1]) + 1
    shares = [s.histogram / s.histogram.sum(axis=1, keepdims=True) for s in found]
    top = float(max(share.max() for share in shares))
    tone = linear(0.0, 100 * top, "patches of the layer, %", scene.colours)
    cells = tuple(Chart(_density_chart(share, tone, low, high), 1.15) for share in shares)
    sheet = Sheet((Row("", cells),), tuple(model.label for model in models), tones=(tone,))
    said = (
        f"Distribution of the patches' norms in each layer, over {_images(found)}; layer 0 is the "
        f"embedding. {BEFORE}"
    )
    caption = (said, f" {tone.says}", images_said(scene, scene.images), *models_said(scene, models))
    return Drawn(draw(sheet, scene.request.width), caption, models)


def _density_chart(share: FloatArray, tone: Tone, low: int, high: int) -> Callable[[Axes], None]:
    def draw_into(axes: Axes) -> None:
        pixels = tone.coloured(100 * share.T[low:high][::-1])
        box = (-0.5, len(share) - 0.5, float(np.log10(EDGES[low])), float(np.log10(EDGES[high])))
        axes.imshow(pixels, extent=box, aspect="auto", interpolation="none")
        marks = range(int(np.ceil(box[2])), int(np.floor(box[3])) + 1)
        axes.set_yticks(list(marks), [f"{10.0**mark:g}" for mark in marks])
        axes.set(xlabel="layer", ylabel=NORM)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))

    return draw_into


def _images(found: list[NormSummary]) -> str:
    count = max(summary.images for summary in found)
    return "1 image" if count == 1 else f"{count:,} images"


def _strips(scene: Scene) -> Drawn:
    """Norms of all patches of each model side by side, one dot a patch."""
    return _dots(scene, tokens=False)


def _by_token(scene: Scene) -> Drawn:
    return _dots(scene, tokens=True)


def _dots(scene: Scene, *, tokens: bool) -> Drawn:
    models = scene.models
    layers = [layer_of(scene, scene.first_record(model)) for model in models]
    columns: list[tuple[str, FloatArray, str]] = []
    for model, layer in zip(models, layers, strict=True):
        records = [r for r in (scene.record(model, i) for i in scene.images) if r is not None]
        patches = np.concatenate([_norms(record, layer) for record in records])
        columns.append(("patches", patches, model.label))
        for number, name in enumerate(records[0].layout.prefix if tokens else ()):
            values = np.array([record.norms[layer, number] for record in records], dtype=float)
            columns.append((name, values, model.label))
    chart = Chart(_dots_chart(columns, tokens), aspect=2.0 if scene.request.width > 4 else 1.45)
    sheet = Sheet((Row("", (chart,)),), ("",))
    where = ", ".join(
        f"{model.label}: {_layer_word(layer)}" for model, layer in zip(models, layers, strict=True)
    )
    rows = tuple(
        (
            label,
            name,
            str(len(values)),
            f"{np.median(values):.3g}",
            f"{np.quantile(values, 0.99):.3g}",
            f"{values.max():.3g}",
        )
        for name, values, label in columns
    )
    head = ("model", "token", "number", "median", "99 %", "largest")
    said = (
        f"Norms of {'patches, class token and registers' if tokens else 'patches'}, one dot each, "
        f"over {len(scene.images)} images (log scale); dots lie beside each other only to be seen; "
        f"the bar is the median. {BEFORE} {where}."
    )
    caption = (said, images_said(scene, scene.images), *models_said(scene, models))
    table = Table("Norms by model and token.", head, rows)
    return Drawn(draw(sheet, scene.request.width), caption, models, table=table)


DOTS = 1500
"""Dots of a strip: of more patches every n-th by size is drawn, both ends included."""


def _dots_chart(columns: list[tuple[str, FloatArray, str]], tokens: bool) -> Callable[[Axes], None]:
    def draw_into(axes: Axes) -> None:
        rng = np.random.default_rng(0)
        for place, (name, values, _) in enumerate(columns):
            ordered = np.sort(values)
            picked = np.unique(np.linspace(0, len(ordered) - 1, DOTS).round().astype(int))
            shown = ordered[picked]
            aside = place + rng.uniform(-0.28, 0.28, len(shown))
            colour = INK if name == "patches" else SERIES[1]
            axes.plot(aside, shown, ".", ms=1.4, mew=0, color=colour, alpha=0.55)
            axes.hlines(np.median(values), place - 0.36, place + 0.36, color=colour, lw=1.0)
        _log(axes)
        labels = _column_labels(columns, tokens)
        axes.set_xticks(range(len(columns)), labels)
        axes.set(xlim=(-0.6, len(columns) - 0.4), ylabel=NORM)
        axes.tick_params(axis="x", length=0)

    return draw_into


def _column_labels(columns: list[tuple[str, FloatArray, str]], tokens: bool) -> list[str]:
    """The token's name, and under the first of a model also the model's."""
    room = 4.6 / max(1, len(columns))
    if not tokens:
        return [fitted(label, max(room, 0.5), SMALL) for _, _, label in columns]
    return [
        f"{name}\n{fitted(label, 1.2, SMALL)}" if name == "patches" else name
        for name, _, label in columns
    ]


def _norm_maps(scene: Scene) -> Drawn:
    """Images down, a norm map for each model across."""
    images, models = scene.rows_of_images(1 + len(scene.models)), scene.models
    layers = {model: layer_of(scene, scene.first_record(model)) for model in models}
    found = {
        (model, image): record
        for image in images
        for model in models
        if (record := scene.record(model, image)) is not None
    }
    high = max(float(_norms(record, layers[m]).max()) for (m, _), record in found.items())
    tone = linear(0.0, high, NORM)
    rows = tuple(
        Row(
            "",
            (
                _photo(scene, found, image),
                *(_norm_cell(scene, found, layers, model, image, tone) for model in models),
            ),
        )
        for image in images
    )
    heads = ("input", *(f"{model.label}, {_layer_word(layers[model])}" for model in models))
    sheet = Sheet(rows, heads, tones=(tone,))
    caption = (
        f"Norms of the patches. {BEFORE} {tone.says}",
        images_said(scene, images),
        *models_said(scene, models),
    )
    return Drawn(draw(sheet, scene.request.width), caption, models)


Found = dict[tuple[ModelEntry, ImageEntry], AttentionRecord]


def _photo(scene: Scene, found: Found, image: ImageEntry) -> Cell:
    views = [record.view for (_, other), record in found.items() if other == image]
    return scene.photo(image, views[0]) if views else Absent("not measured")


def _norm_cell(
    scene: Scene,
    found: Found,
    layers: dict[ModelEntry, int],
    model: ModelEntry,
    image: ImageEntry,
    tone: Tone,
) -> Cell:
    record = found.get((model, image))
    if record is None:
        return Absent("not measured")
    values = record.layout.fold(_norms(record, layers[model]))
    return scene.map(image, record, values, tone)


def _onset(scene: Scene) -> Drawn:
    """Largest norm and largest attention by layer, lines for models."""
    models = scene.models
    found: list[Onset] = []
    for model in models:
        records = (scene.record(model, image) for image in scene.images)
        found.append(onset_of([onset_series(record) for record in records if record is not None]))
    cells = (
        Chart(_lines([o.patch_norm for o in found], models, "largest patch norm", 0), 1.25),
        Chart(
            _lines(
                [o.patch_attention for o in found], models, "largest CLS attention on a patch", 1
            ),
            1.25,
        ),
    )
    sheet = Sheet((Row("", cells),), ("", ""))
    rows = tuple(
        (
            model.label,
            "none" if o.patch_onset is None else str(o.patch_onset),
            f"{o.patch_norm.max():.3g}",
            f"{o.patch_ratio.max():.3g}",
            "n/a" if o.patch_attention is None else f"{o.patch_attention.max():.3g}",
        )
        for model, o in zip(models, found, strict=True)
    )
    head = ("model", "onset layer", "largest norm", "over the median", "largest attention")
    table = Table(
        "Where high norms begin: the first layer with more than half of the peak, both over the "
        "layer's median; none where the peak is not above 3.",
        head,
        rows,
    )
    count = max(o.images for o in found)
    said = (
        f"Largest norm of a patch, and largest attention of the class token to one patch (mean "
        f"over heads, share of 1), by layer, mean over {count} images; layer 0 is the embedding. "
        f"{BEFORE}"
    )
    caption = (said, images_said(scene, scene.images), *models_said(scene, models))
    return Drawn(draw(sheet, scene.request.width), caption, models, table=table)


def _lines(
    series: list[FloatArray | None], models: tuple[ModelEntry, ...], name: str, first: int
) -> Callable[[Axes], None]:
    def draw_into(axes: Axes) -> None:
        for number, (values, model) in enumerate(zip(series, models, strict=True)):
            if values is None:
                continue
            axes.plot(
                np.arange(len(values)) + first,
                values,
                color=SERIES[number % len(SERIES)],
                ls=STROKES[number % len(STROKES)],
                label=fitted(model.label, 1.4, SMALL, lines=1),
            )
        axes.set(xlabel="layer", ylabel=name)
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
        if not first:
            axes.legend(loc="best")
        axes.grid(axis="y", lw=HAIRLINE / 2, color=FAINT, alpha=0.25)

    return draw_into


PEAK = "norms are shown for the layer where the largest stands out most, not for the last one"

NORMS = (
    Preset(
        "registers-3",
        "Norms of patches and their distribution",
        "Darcet 2024, Fig. 3",
        ("darcet2024vision",),
        f"{PEAK}; one image where the original counts many in its histogram; the cut-off is 3 "
        "times the median, not 150",
        (),
        _maps_and_histograms,
    ),
    Preset(
        "registers-4a",
        "Norms by layer",
        "Darcet 2024, Fig. 4a",
        ("darcet2024vision",),
        "a chart for each model, on a logarithmic axis",
        (),
        _density,
    ),
    Preset(
        "registers-7",
        "Norms of patches of each model",
        "Darcet 2024, Fig. 7",
        ("darcet2024vision",),
        f"{PEAK}; the axis is logarithmic",
        (),
        _strips,
    ),
    Preset(
        "registers-15",
        "Norms by kind of token",
        "Darcet 2024, Fig. 15",
        ("darcet2024vision",),
        f"{PEAK}; the axis is logarithmic",
        (),
        _by_token,
    ),
    Preset(
        "registers-21",
        "Norms of patches as maps",
        "Darcet 2024, Fig. 21",
        ("darcet2024vision",),
        PEAK,
        (),
        _norm_maps,
    ),
    Preset(
        "test-time-registers-2",
        "Where high norms and attention sinks begin",
        "Jiang 2025, Fig. 2",
        ("jiang2025vision",),
        "the mean over this gallery's images; the original also shows the neurons",
        ("cls",),
        _onset,
    ),
)
"""In the order of the list."""
