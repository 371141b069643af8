"""What the numbers of two models say: findings, sentences for each section, and limits.

A rule turns numbers into each sentence, and the sentence states these numbers. It claims no causes,
since two checkpoints differ in more than registers, and never calls attention importance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from generator.analysis.attention.budget import OUTLIERS
from generator.analysis.compare.compared import (
    SAME_MAPS,
    BaselineDivergences,
    ComparedModel,
    MatchedHeads,
    mean_divergence,
    most_on,
    nearer,
    with_baselines,
)
from generator.analysis.compare.findings import Finding, pair_findings
from generator.analysis.compare.pair import MapComparison
from generator.analysis.compare.paired import STARS, Paired
from generator.analysis.stream.norms import CUTOFFS
from generator.records.record import OUTLIER, FloatArray
from generator.text.numbers import column, count, given, number, percent
from generator.text.phrases import counted, upper_first


@dataclass(frozen=True, slots=True)
class Argument:
    """A comparison in words. A is the first model, B the second.

    Attributes:
        note: what the findings are over, and whether they are tests.
        findings: the most telling numbers, at most :data:`MOST_FINDINGS`.
        outliers: sentences on norms and outlier patches.
        attention: sentences on where CLS attention goes.
        maps: sentences on the agreement of the maps.
        caveats: what the comparison does not show.
    """

    note: str
    findings: tuple[Finding, ...]
    outliers: tuple[str, ...]
    attention: tuple[str, ...]
    maps: tuple[str, ...]
    caveats: tuple[str, ...]


def argue(
    one: ComparedModel,
    two: ComparedModel,
    measures: Mapping[str, Paired],
    comparisons: Sequence[MapComparison],
    heads: MatchedHeads | None = None,
) -> Argument:
    """Compare two models in words.

    Args:
        one: the first model, the one without registers where only one has them.
        measures: result of :func:`generator.analysis.compare.pair.pair_measures`.
        comparisons: one map comparison for each image that has one.
        heads: how similar matched heads are; None where heads cannot be compared.
    """
    models = one, two
    shares = measures["outlier-share"]
    return Argument(
        note=_note(shares.n),
        findings=pair_findings(models, measures, comparisons, heads),
        outliers=(
            _outliers(one, shares.one),
            _outliers(two, shares.two),
            *_difference_of_outliers(models, shares),
            *_register_norms(one),
            *_register_norms(two),
        ),
        attention=(*_sinks(one), *_sinks(two), *_registers(one), *_registers(two)),
        maps=tuple(_maps(one, two, comparisons)),
        caveats=tuple(_caveats(one, two, shares.n)),
    )


def _note(n: int) -> str:
    """What the findings are over."""
    over = "Shares are means over heads and images." if n > 1 else "Shares are means over heads."
    tests = "" if n >= STARS else " These are descriptions, not tests."
    return f"{counted(n, 'image')}. {over}{tests}"


def _outliers(model: ComparedModel, held: FloatArray) -> str:
    """Sentences on a model's outlier patches: whether, where, how many, how large.

    Args:
        model: with its numbers over the images.
        held: float64 ``[image]``, share of outlier patches.
    """
    norms = model.digest.norms
    shares = norms.above[:, CUTOFFS.index(int(OUTLIER))]
    ratio, several = float(norms.ratio[norms.peak]), norms.images > 1
    with_some = int((held > 0).sum())
    of = " (median over images)" if several else ""
    largest = f"the largest norm is {number(ratio)} × the layer's median"
    if not with_some:
        return (
            f"{model.quoted} has no outlier patches in any {'image or ' if several else ''}layer: "
            f"{largest}, {_layer(norms.peak)}{of}."
        )
    if ratio <= OUTLIER:
        where = int(shares.argmax())
        return (
            f"{model.quoted} has outlier patches in {with_some} of "
            f"{counted(norms.images, 'image')}: {largest}, {_layer(norms.peak)}{of}. Outliers are "
            f"most frequent {_layer(where)}: {percent(float(shares[where]))} of all patches."
        )
    images = f" {with_some} of {norms.images} images have outliers." if several else ""
    onset = model.digest.onset.patch_onset
    begins = "" if onset is None else f" High norms begin {_layer(onset)}."
    return (
        f"{model.quoted} has {percent(float(shares[norms.peak]))} outlier patches "
        f"{_layer(norms.peak)}: {largest}{of}.{images}{begins}{_at_the_end(norms.peak, shares)}"
    )


def _at_the_end(peak: int, shares: FloatArray) -> str:
    """Sentence on the outliers that remain in the last layer."""
    last = float(shares[-1])
    if peak == len(shares) - 1:
        return ""
    if last > 0:
        return f" {percent(last)} remain after the last layer."
    return " None remain after the last layer, so the last layer alone would not show them."


def _difference_of_outliers(
    models: tuple[ComparedModel, ComparedModel], share: Paired
) -> Iterator[str]:
    if share.n == 0 or (not share.one.any() and not share.two.any()):
        return
    more, fewer = int((share.difference > 0).sum()), int((share.difference < 0).sum())
    same = share.n - more - fewer
    yield (
        f"More outliers: {models[0].quoted} in {count(more)} of {counted(share.n, 'image')}, "
        f"{models[1].quoted} in {count(fewer)}; equal in {count(same)}."
    )
    if share.interval is not None and share.stars_allowed:
        low, high = share.interval.low, share.interval.high
        apart = "excludes" if low > 0 or high < 0 else "includes"
        mean, first, last = column((share.mean, low, high), "points")
        yield (
            f"The mean difference, first minus second, is {mean} percentage points; its nominal "
            f"95\u00a0% interval over images, {first} to {last}, {apart} zero."
        )


def _sinks(model: ComparedModel) -> Iterator[str]:
    """Sentence on CLS attention to outliers, at the layer where it is strongest."""
    found = most_on(model, (OUTLIERS,))
    if found is not None:
        yield (
            f"In {model.quoted}, CLS gives outlier patches at most {percent(found.most)} of its "
            f"attention (layer {found.layer}). They are {percent(found.uniform)} of the tokens."
        )


def _registers(model: ComparedModel) -> Iterator[str]:
    """Sentence on the registers' share of attention."""
    found = most_on(model, model.registers)
    if found is None:
        return
    most = (
        f" {upper_first(_register(found.strongest))} alone has {percent(found.alone)} of that."
        if len(model.registers) > 1 and found.most > 0
        else ""
    )
    yield (
        f"In {model.quoted}, CLS gives registers at most {percent(found.most)} of its attention "
        f"(layer {found.layer}).{most} In the last layer they get {percent(found.last)}. They are "
        f"{percent(found.uniform)} of the tokens."
    )


def _register_norms(model: ComparedModel) -> Iterator[str]:
    """Sentence on registers whose norm is high, and where it begins."""
    high = [
        f"{_register(token)} {_layer(at)}"
        for token, at in zip(
            model.digest.onset.tokens, model.digest.onset.prefix_onsets, strict=True
        )
        if token in model.registers and at is not None
    ]
    if high:
        yield (
            f"Registers of {model.quoted} exceed {given(OUTLIER)} × the median patch norm. High "
            f"norms begin: {', '.join(high)}."
        )


def _maps(
    one: ComparedModel, two: ComparedModel, comparisons: Sequence[MapComparison]
) -> Iterator[str]:
    """Sentences on the divergence of the maps, compared with the baselines.

    A flat map has a small divergence from every map, so the divergence needs a baseline: two peaked
    maps of one model can differ more from each other than from a uniform map.
    """
    if not comparisons:
        return
    if (one.cls is None) != (two.cls is None):
        without = one if one.cls is None else two
        yield (
            f"{without.quoted} has no class token: its map is the attention that patches receive, "
            "and it is compared with the other model's CLS attention."
        )
    between = mean_divergence(comparisons)
    if between < SAME_MAPS:
        yield (
            f"The last-layer maps show no difference: their Jensen-Shannon divergence is below "
            f"{given(SAME_MAPS)} bits." + (" Both are uniform." if _even(comparisons) else "")
        )
        return
    over = "" if len(comparisons) == 1 else f" on average over {len(comparisons)} images"
    yield f"The last-layer maps differ by {number(between)} bits{over} (0: same, 1: no overlap)."
    known = with_baselines(comparisons)
    if known:
        some = f" with baselines ({len(known)})" if len(known) < len(comparisons) else ""
        yield (
            f"In {nearer(known)} of {counted(len(known), 'image')}{some}, A and B are closer to "
            f"each other than either is to the baselines: {_baseline_names(known)}."
        )


def _baseline_names(known: Sequence[BaselineDivergences]) -> str:
    names = ("uniform", "a centered Gaussian", "their own map of another image")
    held = names[: len(known[0][1])]
    return f"{', '.join(held[:-1])} or {held[-1]}"


def _even(comparisons: Sequence[MapComparison]) -> bool:
    """Whether the maps of both models are nearly uniform."""
    known = [own for each in comparisons for own in (each.one, each.two) if own is not None]
    return bool(known) and max(own.uniform.divergence for own in known) < SAME_MAPS


def _and(labels: Sequence[str]) -> str:
    return " and of ".join(labels)


def _caveats(one: ComparedModel, two: ComparedModel, n: int) -> Iterator[str]:
    moved = [model.quoted for model in (one, two) if model.test_time]
    if moved and one.checkpoint == two.checkpoint:
        yield (
            f"Both models run the same checkpoint. The register of {_and(moved)} was added at "
            "test time, without training. It takes the outliers from the patches by construction, "
            "so lower patch norms are no finding. Differences show what this intervention does, "
            "not what training with registers does."
        )
    elif moved:
        yield f"The register of {_and(moved)} was added at test time, without training."
    if bool(one.registers) != bool(two.registers) and one.checkpoint != two.checkpoint:
        yield (
            "Two checkpoints may differ in more than registers: training run, data, seed, and how "
            "position embeddings are resized. A difference between them is not shown to be caused "
            "by registers."
        )
    if n < STARS:
        yield f"{counted(n, 'image')}: all values are shown, and nothing is called significant."
    yield (
        f"Outlier patches have a norm above {given(OUTLIER)} × the median patch, before the final "
        "LayerNorm, at the layer where the largest norm stands out most. Their share depends on "
        "this cutoff and on the resolution."
    )
    yield (
        "Attention shows where weights are, not what they contribute: a token may be attended to "
        "and add nothing. Cleaner maps are not by themselves better features."
    )


def _register(name: str) -> str:
    return f"register {name.removeprefix('reg')}"


def _layer(index: int) -> str:
    """A layer of the residual stream in words; 0 is the embedding."""
    return f"after layer {index}" if index else "in the embedding"
