"""Two compared models, and what their findings and sentences both read of their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generator.analysis.attention.head_similarity import Match
from generator.analysis.cells.model_digest import ModelDigest
from generator.analysis.compare.pair import Baselines, MapComparison
from generator.text.phrases import quoted

LETTERS = ("A", "B")
"""Short names of the first and the second model."""

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

    @property
    def quoted(self) -> str:
        """The label as sentences have it."""
        return quoted(self.label)


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
class KeyShare:
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


def most_on(model: ComparedModel, keys: tuple[str, ...]) -> KeyShare | None:
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
    return KeyShare(
        most=most,
        layer=layer + 1,
        last=float(total[-1]),
        uniform=float(np.nansum(own.uniform[columns])),
        strongest=keys[strongest],
        alone=float(shares[layer, strongest]) / most if most > 0 else 0.0,
    )


def mean_divergence(comparisons: Sequence[MapComparison]) -> float:
    """Mean divergence of the maps of both models, in bits."""
    return float(np.mean([each.between.divergence for each in comparisons]))


BaselineDivergences = tuple[float, tuple[float, ...], tuple[float, ...]]
"""Divergence of both maps, and of each from its baselines."""


def with_baselines(comparisons: Sequence[MapComparison]) -> list[BaselineDivergences]:
    """The images that have every baseline which any image has."""
    found = [
        (each.between.divergence, _ignorant(each.one), _ignorant(each.two))
        for each in comparisons
        if each.one is not None and each.two is not None
    ]
    most = max((len(own) for _, *both in found for own in both), default=0)
    return [each for each in found if len(each[1]) == len(each[2]) == most]


def nearer(known: Sequence[BaselineDivergences]) -> int:
    """Images in which the maps are closer to each other than either is to any baseline."""
    return sum(both < min(*first, *second) for both, first, second in known)


def _ignorant(baselines: Baselines) -> tuple[float, ...]:
    """Divergence from the uniform map, the centered Gaussian and, if known, the shuffled map."""
    maps = (baselines.uniform, baselines.center, baselines.shuffled)
    return tuple(each.divergence for each in maps if each is not None)
