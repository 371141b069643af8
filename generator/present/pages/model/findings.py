"""Model page: the numbers that it opens with."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from generator.analysis.compare.findings import Finding
from generator.analysis.stream.norms import CUTOFFS
from generator.present.pages.model_context import ModelContext
from generator.records.record import OUTLIER
from generator.text.numbers import column, number, percent
from generator.text.phrases import counted, stream_layer


def model_findings(context: ModelContext) -> tuple[Finding, ...]:
    """Norms, attention on registers, spread and distance of a model, each with its n."""
    n = counted(context.digest.images, "image")
    return tuple(
        Finding(value, text, n, section, name)
        for value, text, section, name in (
            _norms(context),
            *_registers(context),
            _entropy(context),
            _distance(context),
        )
    )


_Found = tuple[str, str, str, str]
"""Number, text, id and name of the section."""


def _norms(context: ModelContext) -> _Found:
    norms = context.digest.norms
    share = float(norms.above[norms.peak, CUTOFFS.index(int(OUTLIER))])
    outliers = f"{percent(share)} of patches are outliers" if share else "No patch is an outlier"
    return (
        f"{number(float(norms.ratio[norms.peak]))} ×",
        f"largest patch norm over the layer's median, in {stream_layer(norms.peak)}. "
        f"{outliers} there.",
        "norms",
        "Norms",
    )


def _registers(context: ModelContext) -> Iterator[_Found]:
    own = context.digest.budget(context.layout.cls or "")
    if own is None or not context.layout.registers:
        return
    columns = [context.digest.keys.index(name) for name in context.layout.registers]
    total = np.nansum(own.shares[:, columns], axis=1)
    most, last = column((float(total.max()), float(total[-1])), "percent")
    yield (
        most,
        f"of CLS attention goes to registers in layer {int(total.argmax()) + 1}, "
        f"{last} in the last.",
        "budget",
        "Attention",
    )


def _entropy(context: ModelContext) -> _Found:
    means = context.digest.entropy_patches.mean.mean(axis=1)
    first, last = column((float(means[0]), float(means[-1])))
    return (
        last,
        "mean entropy over patches (0: one patch, 1: uniform) in the last layer"
        f"{context.within(context.layers - 1)}. First layer{context.within(0)}: "
        f"{first}.",
        "heads",
        "Heads",
    )


def _distance(context: ModelContext) -> _Found:
    means = context.digest.distance_patches_share.mean.mean(axis=1)
    first, last = column((float(means[0]), float(means[-1])))
    return (
        last,
        "mean attention distance, in short sides of the image, in the last layer"
        f"{context.within(context.layers - 1)}. First layer{context.within(0)}: "
        f"{first}.",
        "distance",
        "Distance",
    )
