"""The text that compares two models: sentences derived from their numbers.

A rule turns numbers into each sentence, and the sentence states these numbers. It claims no causes,
since two checkpoints differ in more than registers, and never calls attention importance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from generator.analysis.attention.budget import OUTLIERS
from generator.analysis.cells.model_digest import ModelDigest
from generator.analysis.compare.pair import Baselines, MapComparison
from generator.analysis.compare.paired import STARS, Paired
from generator.analysis.stream.norms import CUTOFFS
from generator.records.record import OUTLIER, FloatArray
from generator.text.numbers import count, given, number, percent, points
from generator.text.phrases import counted, listed

SAME_MAPS = 0.0005
"""Maps with a divergence below this many bits count as equal; it prints as 0.000."""


@dataclass(frozen=True, slots=True)
class ComparedModel:
    """A model of a comparison.

    Attributes:
        label: what pages call it.
        registers: names of its registers.
        cls: name of its CLS token; None without one.
        digest: its numbers over the images.
        checkpoint: id and version of the weights.
        test_time: whether the last register was added at test time.
    """

    label: str
    registers: tuple[str, ...]
    cls: str | None
    digest: ModelDigest
    checkpoint: str
    test_time: bool = False


@dataclass(frozen=True, slots=True)
class Argument:
    """The paragraph as a list of sentences, with its caveat."""

    sentences: tuple[str, ...]
    caveats: tuple[str, ...]


def argue(
    one: ComparedModel,
    two: ComparedModel,
    measures: Mapping[str, Paired],
    comparisons: Sequence[MapComparison],
) -> Argument:
    """Write the paragraph that compares two models.

    Args:
        one: the first model, the one without registers where only one has them.
        measures: result of :func:`generator.analysis.compare.pair.pair_measures`.
        comparisons: one map comparison for each image that has one.
    """
    shares = measures["outlier-share"]
    sentences = [
        _images(one, two),
        outliers_sentence(one, shares.one),
        outliers_sentence(two, shares.two),
        *_difference_of_outliers(one, two, shares),
        *_sinks(one),
        *_sinks(two),
        *_registers(one),
        *_registers(two),
        *_maps(one, two, comparisons),
    ]
    return Argument(tuple(sentences), tuple(_caveats(one, two, shares.n)))


def outliers_sentence(model: ComparedModel, held: FloatArray) -> str:
    """Sentence on a model's outlier patches: whether, where, how many, how large.

    Args:
        model: with its numbers over the images.
        held: float64 ``[image]``, share of outlier patches.
    """
    norms = model.digest.norms
    shares = norms.above[:, CUTOFFS.index(int(OUTLIER))]
    ratio, several = float(norms.ratio[norms.peak]), norms.images > 1
    with_some = int((held > 0).sum())
    if not with_some:
        largest = "the median over images of the largest norm" if several else "the largest norm"
        return (
            f"{model.label} has no outlier patches: at no layer does a patch's norm exceed "
            f"{given(OUTLIER)} times the median patch's{' in any image' if several else ''}. At "
            "most, "
            f"{largest} is {number(ratio)} times the median, {_layer(norms.peak)}."
        )
    if ratio <= OUTLIER:
        where = int(shares.argmax())
        return (
            f"{model.label} has outlier patches in {with_some} of {norms.images} images only: the "
            f"median over images of the largest norm is at most {number(ratio)} times the median "
            f"patch's, {_layer(norms.peak)}. They are most frequent {_layer(where)}: "
            f"{percent(float(shares[where]))} of all patches."
        )
    images = f" {with_some} of {norms.images} images have outliers." if several else ""
    of = " (median over images)" if several else ""
    onset = model.digest.onset.patch_onset
    begins = "" if onset is None else f" High norms of patches begin {_layer(onset)}."
    return (
        f"In {model.label}, {percent(float(shares[norms.peak]))} of the patches are outliers "
        f"{_layer(norms.peak)}, where the largest norm is {number(ratio)} times the median{of}."
        f"{images}{begins}{_at_the_end(norms.peak, shares)}"
    )


def _at_the_end(peak: int, shares: FloatArray) -> str:
    """Sentence on the outliers that remain in the last layer."""
    last = float(shares[-1])
    if peak == len(shares) - 1:
        return ""
    if last > 0:
        return f" After the last layer {percent(last)} are."
    return " After the last layer none are, so a look at the last layer alone would miss them."


def _images(one: ComparedModel, two: ComparedModel) -> str:
    count = one.digest.images
    images = "1 image" if count == 1 else f"{count} images"
    means = "heads" if count == 1 else "heads and images"
    return (
        f"{one.label} and {two.label} were run on {images}; shares of attention are means over "
        f"{means}."
    )


def _difference_of_outliers(one: ComparedModel, two: ComparedModel, share: Paired) -> Iterator[str]:
    if share.n == 0 or (not share.one.any() and not share.two.any()):
        return
    more, fewer = int((share.difference < 0).sum()), int((share.difference > 0).sum())
    same = share.n - more - fewer
    said = (
        f"{one.label} has the larger share of outliers in {count(more)} of "
        f"{counted(share.n, 'image')}, {two.label} in {count(fewer)}"
        + (f", and in {same} there is no difference" if same else "")
    )
    if share.interval is not None and share.stars_allowed:
        low, high = share.interval.low, share.interval.high
        apart = "excludes" if low > 0 or high < 0 else "includes"
        yield (
            f"{said}. The mean difference, {two.label} less {one.label}, is "
            f"{points(share.mean)} percentage points, with a nominal 95\u00a0% interval over "
            f"images from {points(low)} to {points(high)}, which {apart} zero."
        )
    else:
        yield f"{said}. With fewer than {STARS} images this is a description, not a test."


def _sinks(model: ComparedModel) -> Iterator[str]:
    """Sentence on CLS attention to outliers, at the layer where it is strongest."""
    digest = model.digest
    own = digest.budget(model.cls or "")
    if own is None:
        return
    column = digest.keys.index(OUTLIERS)
    on_outliers = own.shares[:, column]
    if np.isnan(on_outliers).all():
        return
    layer = int(np.nanargmax(on_outliers))
    held, uniform = float(on_outliers[layer]), float(own.uniform[column])
    yield (
        f"CLS pays the outlier patches of {model.label} most attention in layer {layer + 1}: "
        f"{percent(held)}; they are {percent(uniform)} of the tokens."
    )


def _registers(model: ComparedModel) -> Iterator[str]:
    """Sentence on the registers' share of attention."""
    digest = model.digest
    own = digest.budget(model.cls or "")
    if own is None or not model.registers:
        return
    columns = [digest.keys.index(name) for name in model.registers]
    shares = own.shares[:, columns]
    total = np.nansum(shares, axis=1)
    layer = int(total.argmax())
    strongest = int(np.nanargmax(shares[layer]))
    most = (
        ""
        if len(model.registers) == 1 or total[layer] <= 0
        else f" ({_register(model.registers[strongest])} alone "
        f"{percent(float(shares[layer, strongest] / total[layer]))} of that)"
    )
    uniform = float(np.nansum(own.uniform[columns]))
    yield (
        f"The registers of {model.label} hold {percent(float(total[layer]))} of CLS's attention in "
        f"layer {layer + 1}, where they hold most{most}, and {percent(float(total[-1]))} in the "
        f"last; they are {percent(uniform)} of the tokens."
    )
    high = [
        f"{_register(token)} {_layer(at)}"
        for token, at in zip(digest.onset.tokens, digest.onset.prefix_onsets, strict=True)
        if token in model.registers and at is not None
    ]
    if high:
        yield (
            f"Registers of {model.label} reach norms above {given(OUTLIER)} times the median "
            f"patch's, beginning as follows: {', '.join(high)}."
        )


def _maps(
    one: ComparedModel, two: ComparedModel, comparisons: Sequence[MapComparison]
) -> Iterator[str]:
    """Sentence on the divergence of the maps, compared with the baselines.

    A flat map has a small divergence from every map, so the divergence needs a baseline: two peaked
    maps of one model can differ more from each other than from a uniform map.
    """
    if not comparisons:
        return
    if (one.cls is None) != (two.cls is None):
        without = one if one.cls is None else two
        yield (
            f"{without.label} has no class token: its map is what the patches receive, which is "
            "compared with what the other model's CLS attends to."
        )
    between = float(np.mean([each.between.divergence for each in comparisons]))
    if between < SAME_MAPS:
        yield (
            f"The last-layer maps of {one.label} and {two.label} show no difference: their "
            f"Jensen-Shannon divergence is below {given(SAME_MAPS)} bits."
            + (
                " They show next to nothing else, either: both are even."
                if _even(comparisons)
                else ""
            )
        )
        return
    over = "" if len(comparisons) == 1 else f" on average over {len(comparisons)} images"
    yield (
        f"The last-layer maps of the two models differ by {number(between)} bits{over} "
        "(Jensen-Shannon divergence: 0 is the same, 1 shares no place)."
    )
    known = [
        (each.between.divergence, _ignorant(each.one), _ignorant(each.two))
        for each in comparisons
        if each.one is not None and each.two is not None
    ]
    most = max((len(own) for _, *both in known for own in both), default=0)
    known = [each for each in known if len(each[1]) == len(each[2]) == most]
    if known:
        apart = [
            f"{model.label}'s by {listed([number(value) for value in means])}"
            for model, means in (
                (one, np.mean([own for _, own, _ in known], axis=0)),
                (two, np.mean([own for _, _, own in known], axis=0)),
            )
        ]
        others = ["an even map", "a Gaussian in the center", "their own map of another image"]
        nearer = sum(both < min(*first, *second) for both, first, second in known)
        images = "1 image" if len(known) == 1 else f"{len(known)} images"
        some = f" on {len(known)} of the images" if len(known) < len(comparisons) else ""
        yield (
            f"For comparison, maps differ{some} from {listed(others[: len(known[0][1])])}: "
            f"{' and '.join(apart)}. In {nearer} of {images} the two models' maps are closer to "
            "each other than either is to any of these."
        )


def _even(comparisons: Sequence[MapComparison]) -> bool:
    """Whether the maps of both models are nearly uniform."""
    known = [own for each in comparisons for own in (each.one, each.two) if own is not None]
    return bool(known) and max(own.uniform.divergence for own in known) < SAME_MAPS


def _ignorant(baselines: Baselines) -> tuple[float, ...]:
    """Divergence from the uniform map, the centered Gaussian and, if known, the shuffled map."""
    maps = (baselines.uniform, baselines.center, baselines.shuffled)
    return tuple(each.divergence for each in maps if each is not None)


def _and(labels: Sequence[str]) -> str:
    return " and of ".join(labels)


def _caveats(one: ComparedModel, two: ComparedModel, n: int) -> Iterator[str]:
    moved = [model.label for model in (one, two) if model.test_time]
    if moved and one.checkpoint == two.checkpoint:
        yield (
            f"Both columns run the same checkpoint. The register of {_and(moved)} was added at "
            "test time, without training. It takes the outliers from the patches by construction, "
            "so lower patch norms are no finding. Differences show what this intervention does, "
            "not what training with registers does."
        )
    elif moved:
        yield f"The register of {_and(moved)} was added at test time, without training."
    if bool(one.registers) != bool(two.registers) and one.checkpoint != two.checkpoint:
        yield (
            "Two checkpoints may differ in more than registers: in the training run, its data and "
            "seed, and in how position embeddings are brought to this resolution. So a difference "
            "between them is not shown to be caused by registers."
        )
    if n < STARS:
        yield (
            f"{counted(n, 'image')}: every single value is shown, and nothing is called "
            "significant."
        )
    yield (
        f"Outliers are patches whose norm exceeds {given(OUTLIER)} times the median patch's, "
        "before the final LayerNorm, at the layer where the largest norm stands out most. Another "
        "cutoff gives another share: see the curve. Shares also depend on the resolution."
    )
    yield (
        "Attention is where weights lie, not what they contribute: a token may be attended to and "
        "add nothing. Cleaner maps are not by themselves better features."
    )


def _register(name: str) -> str:
    return f"register {name.removeprefix('reg')}"


def _layer(index: int) -> str:
    """A layer of the residual stream in words; 0 is the embedding."""
    return f"after layer {index}" if index else "in the embedding"
