"""Presets of norms in the residual stream: places, numbers and first layers of outliers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from generator.analysis.stream.norms import EDGES, NormSummary, combine_norms, norm_summary
from generator.analysis.stream.onset import Onset, onset_of, onset_series
from generator.errors import SpecError
from generator.export.figures.drawn import Drawn, FigureTable
from generator.export.figures.layout.drawing import draw
from generator.export.figures.layout.keys import LegendKey
from generator.export.figures.layout.sheet import Absent, Cell, Sheet, SheetChart, SheetRow
from generator.export.figures.layout.style import FAINT, HAIRLINE, INK, SERIES, STROKES
from generator.export.figures.layout.tones import Tone, linear
from generator.export.figures.presets.preset import Preset
from generator.export.figures.scene import Scene
from generator.export.figures.words import images_said, models_said
from generator.export.pictures.selection import LAST
from generator.records.record import OUTLIER, AttentionRecord, FloatArray
from generator.records.run import ImageEntry, ModelEntry
from generator.text.numbers import MISSING, given, number
from generator.text.phrases import counted, stream_layer

NORM = "L2 norm"
BEFORE = "Norms are of the residual stream before the final LayerNorm."
BARS = 60
NORM_COLORS = "viridis"
"""Default colors of norms; they differ from those of attention, which may be beside them."""


def layer_of(scene: Scene, record: AttentionRecord) -> int:
    """The layer of norms to show, along ``layer + 1``: the requested one, or the model's peak.

    The peak is the layer with the most extreme patch norm: distilled models lose their outliers
    before the last layer.

    Raises:
        SpecError: the model has no such layer.
    """
    asked, depth = scene.request.layers, record.model.layers
    if not asked:
        return norm_summary(record).peak
    if asked == LAST:
        return depth
    if not asked.isdecimal() or int(asked) > depth:
        raise SpecError(
            f"{record.model.id} has no norms of layer {asked}.",
            f"It has those of layers 1 to {depth}, and 0 is the embedding.",
        )
    return int(asked)


def summaries(scene: Scene, model: ModelEntry) -> NormSummary:
    """The norms of a model over the requested images."""
    records = (scene.record(model, image) for image in scene.images)
    return combine_norms([norm_summary(record) for record in records if record is not None])


def norms_of(record: AttentionRecord, layer: int) -> FloatArray:
    """Norms of the patches, ``[patch]``, at a layer along ``layer + 1``."""
    found: FloatArray = record.norms[layer, record.layout.patch_slice].astype(np.float64)
    return found


def _maps_and_histograms(scene: Scene) -> Drawn:
    """Columns: the picture, then a norm map for each model; below each map its histogram."""
    image, models = scene.one_image(), scene.models
    records = [scene.known(model, image) for model in models]
    layers = [layer_of(scene, record) for record in records]
    norms = [norms_of(record, layer) for record, layer in zip(records, layers, strict=True)]
    high = float(max(values.max() for values in norms))
    tone = linear(0.0, high, NORM, scene.request.colors or NORM_COLORS)
    edges = np.linspace(0, high, BARS + 1)
    most = max(int(np.histogram(values, edges)[0].max()) for values in norms)
    # show the dashed line even if no norm reaches it
    end = max(high, 1.05 * OUTLIER * max(float(np.median(values)) for values in norms))
    maps: list[Cell] = [scene.photo(image, records[0].view)]
    charts: list[Cell] = [Absent("")]
    for record, values in zip(records, norms, strict=True):
        maps.append(scene.map(image, record, record.layout.fold(values), tone))
        charts.append(SheetChart(_histogram(values, edges, most, end), aspect=1.15))
    heads = (
        "input",
        *(f"{m.label}, {stream_layer(n)}" for m, n in zip(models, layers, strict=True)),
    )
    sheet = Sheet((SheetRow("", tuple(maps)), SheetRow("", tuple(charts))), heads, tones=(tone,))
    outliers = [int((values > OUTLIER * np.median(values)).sum()) for values in norms]
    table = FigureTable(
        f"Norms of patches on {image.title}.",
        ("model", "layer", "median", "largest", "ratio", f"above {given(OUTLIER)} × median"),
        tuple(
            (
                model.label,
                str(layer),
                number(float(np.median(values))),
                number(float(values.max())),
                number(float(values.max() / np.median(values))),
                f"{count} of {len(values)}",
            )
            for model, layer, values, count in zip(models, layers, norms, outliers, strict=True)
        ),
    )
    said = (
        f"Norms of the patches on {image.title}, and how often they occur (log scale), in the "
        f"layer where the largest stands out most unless another was chosen. {BEFORE} The dashed "
        f"line is {given(OUTLIER)} times the median."
    )
    caption = (said, f" {tone.says}", images_said(scene, (image,)), *models_said(scene, models))
    return Drawn(draw(sheet, scene.width), caption, models, table=table)


def _histogram(
    values: FloatArray, edges: FloatArray, most: int, end: float
) -> Callable[[Axes], None]:
    def draw_into(axes: Axes) -> None:
        axes.hist(values, bins=edges.tolist(), color=INK, linewidth=0)
        axes.axvline(OUTLIER * float(np.median(values)), color=SERIES[1], lw=0.7, ls="--")
        axes.xaxis.set_major_locator(MaxNLocator(4))
        log_axis(axes)
        axes.set(xlim=(0, end), ylim=(0.7, most * 1.5), xlabel=NORM, ylabel="patches")

    return draw_into


def log_axis(axes: Axes) -> None:
    """Make the vertical axis logarithmic, with plain numbers."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: given(value)))
    axes.yaxis.set_minor_locator(NullLocator())


def _density(scene: Scene) -> Drawn:
    """The distribution of norms in each layer, a chart for each model."""
    models = scene.models
    found = [summaries(scene, model) for model in models]
    used = np.flatnonzero(np.sum([s.histogram.sum(axis=0) for s in found], axis=0))
    low, high = int(used[0]), int(used[-1]) + 1
    shares = [s.histogram / s.histogram.sum(axis=1, keepdims=True) for s in found]
    top = float(max(share.max() for share in shares))
    tone = linear(0.0, 100 * top, "patches of the layer, %", scene.colors)
    cells = tuple(SheetChart(_density_chart(share, tone, low, high), 1.15) for share in shares)
    sheet = Sheet((SheetRow("", cells),), tuple(model.label for model in models), tones=(tone,))
    said = (
        f"Distribution of the patches' norms in each layer, over {_images(found)}; layer 0 is the "
        f"embedding. {BEFORE}"
    )
    caption = (said, f" {tone.says}", images_said(scene, scene.images), *models_said(scene, models))
    return Drawn(draw(sheet, scene.width), caption, models)


def _density_chart(share: FloatArray, tone: Tone, low: int, high: int) -> Callable[[Axes], None]:
    def draw_into(axes: Axes) -> None:
        pixels = tone.colored(100 * share.T[low:high][::-1])
        box = (-0.5, len(share) - 0.5, float(np.log10(EDGES[low])), float(np.log10(EDGES[high])))
        axes.imshow(pixels, extent=box, aspect="auto", interpolation="none")
        marks = range(int(np.ceil(box[2])), int(np.floor(box[3])) + 1)
        axes.set_yticks(list(marks), [given(10.0**mark) for mark in marks])
        axes.set(xlabel="layer", ylabel=NORM)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))

    return draw_into


def _images(found: list[NormSummary]) -> str:
    count = max(summary.images for summary in found)
    return counted(count, "image")


def _norm_maps(scene: Scene) -> Drawn:
    """Rows of images; columns: a norm map for each model."""
    images, models = scene.rows_of_images(1 + len(scene.models)), scene.models
    layers = {model: layer_of(scene, scene.first_record(model)) for model in models}
    found = {
        (model, image): record
        for image in images
        for model in models
        if (record := scene.record(model, image)) is not None
    }
    high = max(float(norms_of(record, layers[m]).max()) for (m, _), record in found.items())
    tone = linear(0.0, high, NORM, scene.request.colors or NORM_COLORS)
    rows = tuple(
        SheetRow(
            "",
            (
                _photo(scene, found, image),
                *(_norm_cell(scene, found, layers, model, image, tone) for model in models),
            ),
        )
        for image in images
    )
    heads = ("input", *(f"{model.label}, {stream_layer(layers[model])}" for model in models))
    sheet = Sheet(rows, heads, tones=(tone,))
    caption = (
        f"Norms of the patches. {BEFORE} {tone.says}",
        images_said(scene, images),
        *models_said(scene, models),
    )
    return Drawn(draw(sheet, scene.width), caption, models)


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
    values = record.layout.fold(norms_of(record, layers[model]))
    return scene.map(image, record, values, tone)


def _onset(scene: Scene) -> Drawn:
    """Largest norm and largest attention by layer, a line for each model."""
    models = scene.models
    found: list[Onset] = []
    for model in models:
        records = (scene.record(model, image) for image in scene.images)
        found.append(onset_of([onset_series(record) for record in records if record is not None]))
    cells = (
        SheetChart(_lines([o.patch_norm for o in found], "largest patch norm", 0), 1.25),
        SheetChart(
            _lines(
                [o.patch_attention for o in found], "largest CLS attention on a patch, share", 1
            ),
            1.25,
        ),
    )
    keys = tuple(LegendKey(m.label, *_stroke(place)) for place, m in enumerate(models))
    sheet = Sheet((SheetRow("", cells),), ("", ""), keys=keys)
    rows = tuple(
        (
            model.label,
            "none" if o.patch_onset is None else str(o.patch_onset),
            number(float(o.patch_norm.max())),
            number(float(o.patch_ratio.max())),
            MISSING if o.patch_attention is None else number(float(o.patch_attention.max())),
        )
        for model, o in zip(models, found, strict=True)
    )
    head = ("model", "onset layer", "largest norm", "over the median", "largest attention")
    table = FigureTable(
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
    return Drawn(draw(sheet, scene.width), caption, models, table=table)


def _stroke(place: int) -> tuple[str, Any]:
    """Color and stroke of a model's line; its label is below the charts."""
    return SERIES[place % len(SERIES)], STROKES[place % len(STROKES)]


def _lines(series: list[FloatArray | None], name: str, first: int) -> Callable[[Axes], None]:
    def draw_into(axes: Axes) -> None:
        for place, values in enumerate(series):
            if values is None:
                continue
            color, stroke = _stroke(place)
            axes.plot(np.arange(len(values)) + first, values, color=color, ls=stroke)
        axes.set(xlabel="layer", ylabel=name)
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
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
        takes=(
            "layers",
            "overlay",
            "colors",
        ),
        one=(
            "images",
            "layers",
        ),
    ),
    Preset(
        "registers-4a",
        "Norms by layer",
        "Darcet 2024, Fig. 4a",
        ("darcet2024vision",),
        "a chart for each model, on a logarithmic axis",
        (),
        _density,
        takes=("colors",),
    ),
    Preset(
        "registers-21",
        "Norms of patches as maps",
        "Darcet 2024, Fig. 21",
        ("darcet2024vision",),
        PEAK,
        (),
        _norm_maps,
        takes=(
            "layers",
            "overlay",
            "colors",
        ),
        one=("layers",),
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
"""Presets in the order of the list."""
