"""Image page: analyses of the class head (prediction, relevance, logit lens)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.analysis.cells.maps import LensMaps
from generator.present.charts.chart import Chart, NumberTable, Words
from generator.present.charts.lines import Series, line_chart
from generator.present.pages.image.analyses_views import Analysis, ModelPanels
from generator.present.pages.image.panels import AnalyzedCell, ImageContext
from generator.records.extras import Prediction
from generator.text.numbers import percent


def class_head(context: ImageContext) -> Analysis:
    """Prediction, relevance and logit lens, for one class of each model."""

    def of(cell: AnalyzedCell) -> ModelPanels:
        prediction = cell.digest.prediction
        if prediction is None:
            reason = cell.content.facts.model.headless or "its answer was not measured"
            return context.panels(cell, absent=f"Not applicable: {reason}.")
        chance = percent(prediction.target_probability)
        panels = []
        lines = [f"Class {prediction.target}: {prediction.target_label}, probability {chance}."]
        if not prediction.exclusive:
            lines.append("Multi-label: probabilities do not sum to 1.")
        if isinstance(cell.maps.relevance, NotApplicable):
            lines.append(f"Relevance: {cell.maps.relevance.reason}.")
        else:
            panels.append(context.map(cell, "relevance", "relevance", " × the mean patch"))
        if isinstance(cell.maps.lens, NotApplicable):
            lines.append(f"Logit lens: {cell.maps.lens.reason}.")
        else:
            panels.append(context.map(cell, "lens", "probability of the class, last layer", ""))
        table = _guesses(prediction)
        url = context.planner.model_link(cell.model)
        return ModelPanels(cell.model.label, url, tuple(panels), tuple(lines), table)

    bars = context.bar("relevance", "relevance, times the mean patch") + context.bar(
        "lens", "probability of the class at the patch"
    )
    found = context.analysis(
        "class-head", "Class predictions", ("relevance", "lens-probability"), bars, of
    )
    chart = _ranks(context)
    return replace(found, charts=(chart,)) if chart else found


def _guesses(prediction: Prediction) -> NumberTable:
    """Table of the most likely classes, followed by the explained class if it is none of them."""
    guesses = zip(prediction.labels, prediction.probabilities, strict=True)
    rows = [(label, percent(probability)) for label, probability in guesses]
    if prediction.target not in prediction.classes:
        rows.append(
            (f"{prediction.target_label} (the target)", percent(prediction.target_probability))
        )
    return NumberTable(("class", "probability"), tuple(rows))


def _ranks(context: ImageContext) -> Chart | None:
    series = []
    for cell in context.measured:
        lens, prediction = cell.maps.lens, cell.digest.prediction
        if isinstance(lens, LensMaps) and prediction is not None:
            layers = np.arange(len(lens.rank), dtype=np.float64)
            name = f"{cell.model.label}: {prediction.target_label}"
            series.append(Series(name, layers, lens.rank, model=cell.model.slug))
    if not series:
        return None
    words = Words(
        "lens-rank",
        "Rank of the class through the layers (logit lens)",
        "layer, 0 is the embedding",
        "mean rank over patches; 1 is the likeliest class",
        "The class head was trained on the last layer only: early layers are not calibrated.",
    )
    return line_chart(words, series, log=True)
