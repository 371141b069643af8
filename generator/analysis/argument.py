"""What two models' numbers carry, in plain words, and no more than that.

Each sentence is made by a rule from numbers, and holds the numbers it is made from. Nothing is said
of causes: two checkpoints differ in more than registers. Attention is called attention, never
importance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from generator.analysis.budget import OUTLIERS
from generator.analysis.model_digest import ModelDigest
from generator.analysis.norms import CUTOFFS
from generator.analysis.paired import STARS, Paired
from generator.records import OUTLIER

CLEAR_MASS = 0.05
"""A share of attention below this is called small, above it is given as it is."""


@dataclass(frozen=True, slots=True)
class ComparedModel:
    """A model of a comparison.

    Attributes:
        label: what pages call it.
        registers: names of its registers.
        cls: name of its CLS token; None without one.
        digest: its numbers over the images.
    """

    label: str
    registers: tuple[str, ...]
    cls: str | None
    digest: ModelDigest


@dataclass(frozen=True, slots=True)
class Argument:
    """The paragraph, sentence by sentence, and what it must not be taken for."""

    sentences: tuple[str, ...]
    caveats: tuple[str, ...]


def argue(
    one: ComparedModel,
    two: ComparedModel,
    measures: Mapping[str, Paired],
    divergence: Paired | None,
) -> Argument:
    """The paragraph on two models.

    Args:
        one: the first model, the one without registers where only one has them.
        two: the second.
        measures: of :func:`generator.analysis.pair.pair_measures`.
        divergence: per image the divergence between the two models (``one``) and of the first
            model's map from its own map on another image (``two``); None where nothing can be
            compared.
    """
    sentences = [
        _images(one, two),
        outliers_sentence(one),
        outliers_sentence(two),
        *_difference_of_outliers(one, two, measures["outlier-share"]),
        *_sinks(one),
        *_sinks(two),
        *_registers(one),
        *_registers(two),
        *_maps(one, two, divergence),
    ]
    return Argument(tuple(sentences), tuple(_caveats(one, two, measures["outlier-share"].n)))


def outliers_sentence(model: ComparedModel) -> str:
    """Whether a model has outlier patches, where, how many, and how large."""
    norms = model.digest.norms
    share = float(norms.above[norms.peak, CUTOFFS.index(int(OUTLIER))])
    ratio = float(norms.ratio[norms.peak])
    if share == 0:
        return (
            f"{model.label} has no outlier patches: at no layer does a patch's norm exceed "
            f"{OUTLIER:g} times the median; the largest is {ratio:.2f} times, {_layer(norms.peak)}."
            if ratio <= OUTLIER
            else f"{model.label} has outlier patches in too few images to count: the median over "
            f"images of the largest norm is {ratio:.2f} times the median patch's, "
            f"{_layer(norms.peak)}."
        )
    last = float(norms.above[-1, CUTOFFS.index(int(OUTLIER))])
    gone = (
        ""
        if norms.peak == len(norms.ratio) - 1
        else f" After the last layer {percent(last)} of the patches are."
        if last > 0
        else " After the last layer none are, so a look at the last layer alone would miss them."
    )
    onset = model.digest.onset.patch_onset
    begins = "" if onset is None else f" Norms rise from {_layer(onset, bare=True)} on."
    return (
        f"In {model.label}, {percent(share)} of the patches are outliers {_layer(norms.peak)}, "
        f"where the largest norm is {ratio:.1f} times the median.{begins}{gone}"
    )


def _images(one: ComparedModel, two: ComparedModel) -> str:
    count = one.digest.images
    images = "1 image" if count == 1 else f"{count} images"
    return f"{one.label} and {two.label} were run on {images}."


def _difference_of_outliers(one: ComparedModel, two: ComparedModel, share: Paired) -> Iterator[str]:
    if share.n == 0 or (not share.one.any() and not share.two.any()):
        return
    more, fewer = int((share.difference < 0).sum()), int((share.difference > 0).sum())
    same = share.n - more - fewer
    counted = (
        f"{one.label} has the larger share of outliers in {more} of {share.n} "
        f"image{'' if share.n == 1 else 's'}, {two.label} in {fewer}"
        + (f", and {same} show no difference" if same else "")
    )
    if share.interval is not None and share.stars_allowed:
        low, high = share.interval.low, share.interval.high
        apart = "excludes" if low > 0 or high < 0 else "includes"
        yield (
            f"{counted}; the mean difference is {_points(share.mean)}, with a 95 % interval over "
            f"images from {_points(low)} to {_points(high)}, which {apart} zero."
        )
    else:
        yield f"{counted}; with fewer than {STARS} images this is a description, not a test."


def _sinks(model: ComparedModel) -> Iterator[str]:
    """What the CLS token's attention does with outliers, at the layer where it is strongest."""
    digest = model.digest
    own = digest.budget(model.cls or "")
    if own is None:
        return
    column = digest.keys.index(OUTLIERS)
    on_outliers = own.shares[:, column]
    if np.isnan(on_outliers).all():
        return
    layer = int(np.nanargmax(on_outliers))
    held, uniform = (
        float(on_outliers[layer]),
        float(own.uniform[digest.keys.index("outlier patches")]),
    )
    if held < CLEAR_MASS:
        yield (
            f"Its outliers draw little of CLS's attention: {percent(held)} at most, in layer "
            f"{layer + 1}."
        )
        return
    times = f", {held / uniform:.0f} times their share of the tokens" if uniform > 0 else ""
    yield (
        f"They draw {percent(held)} of CLS's attention in layer {layer + 1} of {model.label}"
        f"{times}."
    )


def _registers(model: ComparedModel) -> Iterator[str]:
    """Where the registers' share of attention lies."""
    digest = model.digest
    own = digest.budget(model.cls or "")
    if own is None or not model.registers:
        return
    columns = [digest.keys.index(name) for name in model.registers]
    shares = own.shares[:, columns]
    total = np.nansum(shares, axis=1)
    layer = int(total.argmax())
    if total[layer] < CLEAR_MASS:
        yield (
            f"The registers of {model.label} hold little of CLS's attention: "
            f"{percent(float(total[layer]))} at most, in layer {layer + 1}."
        )
        return
    strongest = int(np.nanargmax(shares[layer]))
    part = float(shares[layer, strongest] / total[layer])
    most = (
        ""
        if len(model.registers) == 1
        else f"; {model.registers[strongest]} alone holds {percent(part)} of that"
    )
    yield (
        f"The registers of {model.label} hold {percent(float(total[layer]))} of CLS's attention in "
        f"layer {layer + 1}, where they hold most, and {percent(float(total[-1]))} in the "
        f"last{most}."
    )


def _maps(one: ComparedModel, two: ComparedModel, divergence: Paired | None) -> Iterator[str]:
    if divergence is None or divergence.n == 0:
        return
    between = float(divergence.one.mean())
    if between < 5e-4:
        yield f"The last-layer maps of {one.label} and {two.label} show no difference."
        return
    other = float(divergence.two.mean())
    nearer = int((divergence.one < divergence.two).sum())
    yield (
        f"The last-layer maps of the two models differ by {between:.3f} bits on average "
        f"(Jensen-Shannon divergence, 0 to 1); {one.label}'s own maps of different images differ "
        f"by {other:.3f}. In {nearer} of {divergence.n} images the two models agree with each "
        "other more than that."
    )


def _caveats(one: ComparedModel, two: ComparedModel, n: int) -> Iterator[str]:
    if bool(one.registers) != bool(two.registers):
        yield (
            "The two checkpoints differ in more than registers: training runs, seeds and the way "
            "position embeddings are brought to this resolution may differ too. The numbers are "
            "consistent with an effect of registers; they do not show that registers are its cause."
        )
    if n < STARS:
        yield (
            f"{n} image{'' if n == 1 else 's'}: every single value is shown, and nothing is called "
            "significant."
        )
    yield (
        f"Outliers are patches whose norm exceeds {OUTLIER:g} times the median patch's, before the "
        "final LayerNorm, at the layer where the largest norm stands out most. Another cutoff "
        "gives another share: see the curve. Shares also depend on the resolution."
    )
    yield (
        "Attention is where weights lie, not what they contribute: a token may be attended to and "
        "add nothing. Cleaner maps are not by themselves better features."
    )


def percent(share: float) -> str:
    """A share in percent, with the digits that count."""
    value = 100 * share
    if value == 0:
        return "0 %"
    if value < 0.01:
        return "less than 0.01 %"
    return f"{value:.2f} %" if value < 10 else f"{value:.1f} %"


def _points(share: float) -> str:
    return f"{100 * share:+.2f} percentage points"


def _layer(index: int, *, bare: bool = False) -> str:
    """A layer of the residual stream: 0 is the embedding."""
    if index == 0:
        return "the embedding" if bare else "in the embedding"
    return f"layer {index}" if bare else f"after layer {index}"
