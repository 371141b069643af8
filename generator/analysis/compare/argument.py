"""What the numbers of two models say: findings, sentences for each section, and limits.

A rule turns numbers into each sentence, and the sentence states these numbers. It claims no causes,
since two checkpoints differ in more than registers, and never calls attention importance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from generator.analysis.attention.budget import OUTLIERS
from generator.analysis.attention.head_similarity import Match
from generator.analysis.cells.model_digest import ModelDigest
from generator.analysis.compare.pair import Baselines, MapComparison
from generator.analysis.compare.paired import STARS, Paired
from generator.analysis.features.masks import KEPT_MASS
from generator.analysis.stream.norms import CUTOFFS
from generator.records.record import OUTLIER, FloatArray
from generator.text.numbers import count, given, number, percent, points
from generator.text.phrases import counted

SAME_MAPS = 0.0005
"""Maps with a divergence below this many bits count as equal; it prints as 0.000."""

MOST_FINDINGS = 5

LETTERS = ("A", "B")
"""Short names of the first and the second model."""


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
class MatchedHeads:
    """How similar the heads of two models are once they are matched one to one.

    Attributes:
        matches: the matched pairs, with their similarity on the images they were matched on.
        held_out: mean similarity on other images; None for a single image.
        random: mean similarity of the best of many random matchings.
        images: number of images.
    """

    matches: tuple[Match, ...]
    held_out: float | None
    random: float
    images: int

    @property
    def mean(self) -> float:
        """Mean similarity of the pairs, on the images they were matched on."""
        return float(np.mean([match.similarity for match in self.matches]))


@dataclass(frozen=True, slots=True)
class PairFinding:
    """A number for large type, and what it is.

    Attributes:
        value: the number with its unit: ``0.617 bits``; or A's and B's: ``25 % vs 3 %``.
        text: a sentence that goes on from the number.
        n: what the number is over: ``10 images``.
        section: id of the section that shows it.
        name: name of that section, for its link.
    """

    value: str
    text: str
    n: str
    section: str
    name: str


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
    findings: tuple[PairFinding, ...]
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
    findings = (
        *_divergence_finding(comparisons),
        *_outliers_finding(models, shares),
        *_sinks_finding(models),
        *_registers_finding(models),
        *_area_finding(measures["mass-mask-area"]),
        *_heads_finding(heads),
    )
    return Argument(
        note=_note(shares.n),
        findings=findings[:MOST_FINDINGS],
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


def _divergence_finding(comparisons: Sequence[MapComparison]) -> Iterator[PairFinding]:
    if not comparisons:
        return
    between = _divergence(comparisons)
    if between < SAME_MAPS:
        value, text = f"<\u00a0{given(SAME_MAPS)} bits", "between the maps of A and B: they agree."
    else:
        known = _known(comparisons)
        nearer = (
            f" In {_nearer(known)} of {counted(len(known), 'image')}, they are closer to each "
            "other than to maps that ignore the picture."
            if known
            else ""
        )
        value = f"{number(between)} bits"
        text = f"between the maps of A and B (0 same, 1 no overlap).{nearer}"
    yield PairFinding(value, text, counted(len(comparisons), "image"), "agreement", "Agreement")


def _outliers_finding(
    models: tuple[ComparedModel, ComparedModel], shares: Paired
) -> Iterator[PairFinding]:
    if not shares.n:
        return
    held = [int((values > 0).sum()) for values in (shares.one, shares.two)]
    ratios = [float(each.digest.norms.ratio.max()) for each in models]
    # low where few of several images have outliers, so the sentence says of what it is
    several = any(each.digest.norms.images > 1 for each in models)
    of = " (median over images)" if several else ""
    yield PairFinding(
        f"{count(held[0])} vs {count(held[1])}",
        f"of {counted(shares.n, 'image')} have outlier patches. The largest norm is "
        f"{number(ratios[0])} vs {number(ratios[1])} × the median patch{of}.",
        counted(shares.n, "image"),
        "norms",
        "Norms",
    )


def _sinks_finding(models: tuple[ComparedModel, ComparedModel]) -> Iterator[PairFinding]:
    """CLS attention on outlier patches, where a model usually has some."""
    for model, letter in zip(models, LETTERS, strict=True):
        found = _most_on(model, (OUTLIERS,))
        if found is None or float(model.digest.norms.ratio.max()) <= OUTLIER:
            continue
        yield PairFinding(
            percent(found.most),
            f"of {letter}'s CLS attention goes to outlier patches in layer {found.layer}. They are "
            f"{percent(found.uniform)} of its tokens.",
            counted(model.digest.images, "image"),
            "budgets",
            "Attention",
        )


def _registers_finding(models: tuple[ComparedModel, ComparedModel]) -> Iterator[PairFinding]:
    for model, letter in zip(models, LETTERS, strict=True):
        found = _most_on(model, model.registers)
        if found is not None:
            yield PairFinding(
                percent(found.most),
                f"of {letter}'s CLS attention goes to registers in layer {found.layer}, "
                f"{percent(found.last)} in the last. They are {percent(found.uniform)} of its "
                "tokens.",
                counted(model.digest.images, "image"),
                "budgets",
                "Attention",
            )


def _area_finding(area: Paired) -> Iterator[PairFinding]:
    if not area.n:
        return
    one, two = (percent(float(values.mean())) for values in (area.one, area.two))
    yield PairFinding(
        f"{one} vs {two}",
        f"of patches hold {percent(KEPT_MASS)} of the patch attention in the last layer.",
        counted(area.n, "image"),
        "differences",
        "Differences",
    )


def _heads_finding(heads: MatchedHeads | None) -> Iterator[PairFinding]:
    if heads is None:
        return
    fitted = heads.held_out is None
    yield PairFinding(
        number(heads.mean if heads.held_out is None else heads.held_out),
        f"is the similarity of matched heads{'' if fitted else ' on held-out images'}. Random "
        f"matchings reach {number(heads.random)}.",
        counted(heads.images, "image"),
        "heads-matched",
        "Heads",
    )


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
    largest = f"the largest norm is {number(ratio)} × the median patch"
    if not with_some:
        return (
            f"{model.label} has no outlier patches in any {'image or ' if several else ''}layer: "
            f"{largest}, {_layer(norms.peak)}{of}."
        )
    if ratio <= OUTLIER:
        where = int(shares.argmax())
        return (
            f"{model.label} has outlier patches in {with_some} of "
            f"{counted(norms.images, 'image')}: {largest}, {_layer(norms.peak)}{of}. Outliers are "
            f"most frequent {_layer(where)}: {percent(float(shares[where]))} of all patches."
        )
    images = f" {with_some} of {norms.images} images have outliers." if several else ""
    onset = model.digest.onset.patch_onset
    begins = "" if onset is None else f" High norms begin {_layer(onset)}."
    return (
        f"{model.label} has {percent(float(shares[norms.peak]))} outlier patches "
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
        f"{models[0].label} has more outliers in {count(more)} of {counted(share.n, 'image')}, "
        f"{models[1].label} in {count(fewer)}; {count(same)} {'is' if same == 1 else 'are'} equal."
    )
    if share.interval is not None and share.stars_allowed:
        low, high = share.interval.low, share.interval.high
        apart = "excludes" if low > 0 or high < 0 else "includes"
        yield (
            f"The mean difference, first minus second, is {points(share.mean)} percentage points; "
            f"its nominal 95\u00a0% interval over images, {points(low)} to {points(high)}, {apart} "
            "zero."
        )


@dataclass(frozen=True, slots=True)
class _OnKeys:
    """CLS attention on some keys together, as shares of 1.

    Attributes:
        most: the largest share over layers. layer: its layer, from 1.
        last: the share in the last layer.
        uniform: the keys' share of the tokens.
        strongest: the key with most of it at that layer. alone: its share of ``most``.
    """

    most: float
    layer: int
    last: float
    uniform: float
    strongest: str
    alone: float


def _most_on(model: ComparedModel, keys: tuple[str, ...]) -> _OnKeys | None:
    """CLS attention on some keys at its peak; None without CLS or without such keys."""
    own = model.digest.budget(model.cls or "")
    if own is None or not keys:
        return None
    columns = [model.digest.keys.index(key) for key in keys]
    shares = own.shares[:, columns]
    if np.isnan(shares).all():
        return None
    total = np.nansum(shares, axis=1)
    layer = int(total.argmax())
    most = float(total[layer])
    strongest = int(np.nanargmax(shares[layer]))
    return _OnKeys(
        most=most,
        layer=layer + 1,
        last=float(total[-1]),
        uniform=float(np.nansum(own.uniform[columns])),
        strongest=keys[strongest],
        alone=float(shares[layer, strongest]) / most if most > 0 else 0.0,
    )


def _sinks(model: ComparedModel) -> Iterator[str]:
    """Sentence on CLS attention to outliers, at the layer where it is strongest."""
    found = _most_on(model, (OUTLIERS,))
    if found is not None:
        yield (
            f"CLS of {model.label} gives outlier patches at most {percent(found.most)} of its "
            f"attention (layer {found.layer}); they are {percent(found.uniform)} of the tokens."
        )


def _registers(model: ComparedModel) -> Iterator[str]:
    """Sentence on the registers' share of attention."""
    found = _most_on(model, model.registers)
    if found is None:
        return
    most = (
        f"; {_register(found.strongest)} alone has {percent(found.alone)} of that"
        if len(model.registers) > 1 and found.most > 0
        else ""
    )
    yield (
        f"CLS of {model.label} gives registers at most {percent(found.most)} (layer "
        f"{found.layer}){most}. In the last layer they get {percent(found.last)}; they are "
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
            f"Registers of {model.label} exceed {given(OUTLIER)} × the median patch norm. High "
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
            f"{without.label} has no class token: its map is the attention that patches receive, "
            "and it is compared with the other model's CLS attention."
        )
    between = _divergence(comparisons)
    if between < SAME_MAPS:
        yield (
            f"The last-layer maps show no difference: their Jensen-Shannon divergence is below "
            f"{given(SAME_MAPS)} bits." + (" Both are uniform." if _even(comparisons) else "")
        )
        return
    over = "" if len(comparisons) == 1 else f" on average over {len(comparisons)} images"
    yield f"The last-layer maps differ by {number(between)} bits{over} (0: same, 1: no overlap)."
    known = _known(comparisons)
    if known:
        some = f" with baselines ({len(known)})" if len(known) < len(comparisons) else ""
        yield (
            f"In {_nearer(known)} of {counted(len(known), 'image')}{some}, A and B are closer to "
            f"each other than either is to the baselines: {_baseline_names(known)}."
        )


def _divergence(comparisons: Sequence[MapComparison]) -> float:
    """Mean divergence of the maps of both models, in bits."""
    return float(np.mean([each.between.divergence for each in comparisons]))


_Known = tuple[float, tuple[float, ...], tuple[float, ...]]
"""Divergence of both maps, and of each from its baselines."""


def _known(comparisons: Sequence[MapComparison]) -> list[_Known]:
    """The images that have every baseline which any image has."""
    found = [
        (each.between.divergence, _ignorant(each.one), _ignorant(each.two))
        for each in comparisons
        if each.one is not None and each.two is not None
    ]
    most = max((len(own) for _, *both in found for own in both), default=0)
    return [each for each in found if len(each[1]) == len(each[2]) == most]


def _nearer(known: Sequence[_Known]) -> int:
    """Images in which the maps are closer to each other than either is to any baseline."""
    return sum(both < min(*first, *second) for both, first, second in known)


def _baseline_names(known: Sequence[_Known]) -> str:
    names = ("uniform", "a centered Gaussian", "their own map of another image")
    held = names[: len(known[0][1])]
    return f"{', '.join(held[:-1])} or {held[-1]}"


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
