"""Findings of two models: a number for large type, and what it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from generator.analysis.attention.budget import OUTLIERS
from generator.analysis.compare.compared import (
    LETTERS,
    SAME_MAPS,
    ComparedModel,
    MatchedHeads,
    mean_divergence,
    most_on,
    nearer,
    with_baselines,
)
from generator.analysis.compare.pair import MapComparison
from generator.analysis.compare.paired import Paired
from generator.analysis.features.masks import KEPT_MASS
from generator.records.record import OUTLIER
from generator.text.numbers import count, given, number, percent
from generator.text.phrases import counted

MOST_FINDINGS = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """A number for large type, and what it is.

    Attributes:
        value: the number with its unit: ``0.617 bits``; or A's and B's: ``25 % vs 3 %``.
        text: what it is, or a sentence that goes on from it.
        n: what the number is over: ``10 images``.
        section: id of the section that shows it.
        name: name of that section, for its link.
    """

    value: str
    text: str
    n: str
    section: str
    name: str


def pair_findings(
    models: tuple[ComparedModel, ComparedModel],
    measures: Mapping[str, Paired],
    comparisons: Sequence[MapComparison],
    heads: MatchedHeads | None = None,
) -> tuple[Finding, ...]:
    """The most telling numbers of two models, at most :data:`MOST_FINDINGS`.

    Args: as of :func:`generator.analysis.compare.argument.argue`.
    """
    findings = (
        *_divergence_finding(comparisons),
        *_outliers_finding(models, measures["outlier-share"]),
        *_sinks_finding(models),
        *_registers_finding(models),
        *_area_finding(measures["mass-mask-area"]),
        *_heads_finding(heads),
    )
    return findings[:MOST_FINDINGS]


def _divergence_finding(comparisons: Sequence[MapComparison]) -> Iterator[Finding]:
    if not comparisons:
        return
    between = mean_divergence(comparisons)
    if between < SAME_MAPS:
        value, text = f"<\u00a0{given(SAME_MAPS)} bits", "between the maps of A and B: they agree."
    else:
        known = with_baselines(comparisons)
        closer = (
            f" In {nearer(known)} of {counted(len(known), 'image')}, they are closer to each "
            "other than to maps that ignore the picture."
            if known
            else ""
        )
        value = f"{number(between)} bits"
        text = f"between the maps of A and B (0 same, 1 no overlap).{closer}"
    yield Finding(value, text, counted(len(comparisons), "image"), "agreement", "Agreement")


def _outliers_finding(
    models: tuple[ComparedModel, ComparedModel], shares: Paired
) -> Iterator[Finding]:
    if not shares.n:
        return
    held = [int((values > 0).sum()) for values in (shares.one, shares.two)]
    ratios = [float(each.digest.norms.ratio.max()) for each in models]
    # low where few of several images have outliers, so the sentence says of what it is
    several = any(each.digest.norms.images > 1 for each in models)
    of = " (median over images)" if several else ""
    yield Finding(
        f"{count(held[0])} vs {count(held[1])}",
        f"of {counted(shares.n, 'image')} have outlier patches. The largest norm is "
        f"{number(ratios[0])} vs {number(ratios[1])} × the layer's median{of}.",
        counted(shares.n, "image"),
        "norms",
        "Norms",
    )


def _sinks_finding(models: tuple[ComparedModel, ComparedModel]) -> Iterator[Finding]:
    """CLS attention on outlier patches, where a model usually has some."""
    for model, letter in zip(models, LETTERS, strict=True):
        found = most_on(model, (OUTLIERS,))
        if found is None or float(model.digest.norms.ratio.max()) <= OUTLIER:
            continue
        yield Finding(
            percent(found.most),
            f"of {letter}'s CLS attention goes to outlier patches in layer {found.layer}. They are "
            f"{percent(found.uniform)} of its tokens.",
            counted(model.digest.images, "image"),
            "budgets",
            "Attention",
        )


def _registers_finding(models: tuple[ComparedModel, ComparedModel]) -> Iterator[Finding]:
    for model, letter in zip(models, LETTERS, strict=True):
        found = most_on(model, model.registers)
        if found is not None:
            yield Finding(
                percent(found.most),
                f"of {letter}'s CLS attention goes to registers in layer {found.layer}, "
                f"{percent(found.last)} in the last. They are {percent(found.uniform)} of its "
                "tokens.",
                counted(model.digest.images, "image"),
                "budgets",
                "Attention",
            )


def _area_finding(area: Paired) -> Iterator[Finding]:
    if not area.n:
        return
    one, two = (percent(float(values.mean())) for values in (area.one, area.two))
    yield Finding(
        f"{one} vs {two}",
        f"of patches hold {percent(KEPT_MASS)} of the patch attention in the last layer.",
        counted(area.n, "image"),
        "differences",
        "Differences",
    )


def _heads_finding(heads: MatchedHeads | None) -> Iterator[Finding]:
    if heads is None:
        return
    fitted = heads.held_out is None
    yield Finding(
        number(heads.mean if heads.held_out is None else heads.held_out),
        f"similarity of matched heads{'' if fitted else ' on held-out images'}. Random "
        f"matchings: {number(heads.random)}.",
        counted(heads.images, "image"),
        "heads-matched",
        "Heads",
    )
