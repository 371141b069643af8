"""Digest of a model: its numbers, means over the images of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.analysis.attention.budget import HeadBudget, MassBudget
from generator.analysis.attention.heads import HeadTables
from generator.analysis.attention.rollout import RolloutDiagnostics
from generator.analysis.attention.values import SinkValues
from generator.analysis.cells.digest import CellDigest
from generator.analysis.stream.massive import MassiveSummary
from generator.analysis.stream.means import ChannelMeans, SinkMeans, channel_means, sink_means
from generator.analysis.stream.norms import NormCollection, NormSummary
from generator.analysis.stream.onset import Onset, OnsetSeries, onset_of
from generator.records.record import FloatArray


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean over images and their standard deviation (0 for one image), of the same shape."""

    mean: FloatArray
    deviation: FloatArray


@dataclass(frozen=True, slots=True)
class QueryMeans:
    """Attention mass of one query group, mean over the images that have the group.

    Attributes:
        query: name of the group.
        images: how many images have it.
        shares: float32 ``[layer, key group]``; NaN where no image has the group of keys.
        uniform: float32 ``[key group]``, what uniform attention would give.
        self_error: float32 ``[layer]``, largest error of ``self``.
    """

    query: str
    images: int
    shares: FloatArray
    uniform: FloatArray
    self_error: FloatArray


@dataclass(frozen=True, slots=True)
class ModelDigest:
    """Numbers of one model over its images.

    Attributes:
        entropy: ``[layer, head]``, as in ``HeadTables``.
        uniform_distance: mean over images, as a share of the input's short side.
        groups: key groups of ``mass``.
        mass: ``[key group, layer, head]``; None without CLS.
        max_attention: ``[layer, head]``; None without CLS.
        sink: ``[layer, head]``.
        sink_rate: ``[layer]``.
        keys: key groups of the budgets.
        budgets: one for each group of queries that any image has.
        head_budgets: attention mass by head, mean over images, as in ``HeadBudget``.
        rollout_prefix: ``[start layer]``, share of the rollout on the prefix.
        rollout_cosine: ``[start layer]``, cosine similarity between the rollouts of patch queries.
        massive: largest value and median by layer, mean over images; None when not measured.
        channels: the largest channel over the patches by layer; None when not measured.
        sinks: value norms of the most attended tokens; None when not measured.
        massive_channels: how often each channel is massive, over images, most frequent first.
    """

    images: int
    entropy: Spread
    entropy_patches: Spread
    distance_share: Spread
    distance_patches_share: Spread
    uniform_distance: float
    groups: tuple[str, ...]
    mass: Spread | None
    max_attention: Spread | None
    sink: Spread
    sink_rate: Spread
    keys: tuple[str, ...]
    budgets: tuple[QueryMeans, ...]
    head_budgets: tuple[HeadBudget, ...]
    norms: NormSummary
    onset: Onset
    rollout_prefix: Spread
    rollout_cosine: Spread
    massive: tuple[Spread, Spread] | None
    channels: ChannelMeans | None
    sinks: SinkMeans | None
    massive_channels: tuple[tuple[int, int], ...]

    def budget(self, query: str) -> QueryMeans | None:
        """The budget of one group of queries; None where no image has it."""
        return next((each for each in self.budgets if each.query == query), None)


@dataclass(frozen=True, slots=True)
class _Averaged:
    """What of a cell's digest is averaged; the rest takes more memory."""

    heads: HeadTables
    budget: MassBudget
    head_budgets: tuple[HeadBudget, ...]
    onset: OnsetSeries
    rollout: RolloutDiagnostics
    massive: MassiveSummary | NotApplicable
    sinks: SinkValues | NotApplicable


def model_digest(digests: Iterable[CellDigest]) -> ModelDigest:
    """Combine the digests of a model's images, which are asked for one after the other.

    Raises:
        AnalysisError: there are no digests, or they are of different models.
    """
    collected, cells = NormCollection(), []
    for each in digests:
        collected.add(each.norms)
        cells.append(
            _Averaged(
                heads=each.heads,
                budget=each.budget,
                head_budgets=each.head_budgets,
                onset=each.onset,
                rollout=each.rollout,
                massive=each.massive,
                sinks=each.sinks,
            )
        )
    norms = collected.combined()
    heads = cells[0].heads
    massive = [cell.massive for cell in cells if isinstance(cell.massive, MassiveSummary)]
    return ModelDigest(
        images=len(cells),
        entropy=_spread(cells, lambda cell: cell.heads.entropy),
        entropy_patches=_spread(cells, lambda cell: cell.heads.entropy_patches),
        distance_share=_spread(cells, lambda cell: cell.heads.distance_share),
        distance_patches_share=_spread(cells, lambda cell: cell.heads.distance_patches_share),
        uniform_distance=float(np.mean([cell.heads.uniform_distance for cell in cells])),
        groups=heads.groups,
        mass=None if heads.mass is None else _spread(cells, lambda cell: _there(cell.heads.mass)),
        max_attention=None
        if heads.max_attention is None
        else _spread(cells, lambda cell: _there(cell.heads.max_attention)),
        sink=_spread(cells, lambda cell: cell.heads.sink),
        sink_rate=_spread(cells, lambda cell: cell.heads.sink_rate),
        keys=cells[0].budget.keys,
        budgets=_budgets(cells),
        head_budgets=_head_budgets(cells),
        norms=norms,
        onset=onset_of([cell.onset for cell in cells]),
        rollout_prefix=_spread(cells, lambda cell: cell.rollout.prefix_mass),
        rollout_cosine=_spread(cells, lambda cell: cell.rollout.cosine),
        massive=(
            spread_of([each.largest[:, 0] for each in massive]),
            spread_of([each.median for each in massive]),
        )
        if massive
        else None,
        channels=channel_means(massive) if massive else None,
        sinks=sink_means([cell.sinks for cell in cells if isinstance(cell.sinks, SinkValues)]),
        massive_channels=_channels(massive),
    )


def spread_of(values: Sequence[FloatArray]) -> Spread:
    """Mean and standard deviation over images."""
    stacked = np.stack(values).astype(np.float64)
    return Spread(
        mean=stacked.mean(axis=0).astype(np.float32),
        deviation=stacked.std(axis=0).astype(np.float32),
    )


def _spread(cells: Sequence[_Averaged], value: Callable[[_Averaged], FloatArray]) -> Spread:
    return spread_of([value(cell) for cell in cells])


def _there(values: FloatArray | None) -> FloatArray:
    assert values is not None, "all images of a model have what one of them has"
    return values


def _budgets(cells: Sequence[_Averaged]) -> tuple[QueryMeans, ...]:
    names = dict.fromkeys(each.query for cell in cells for each in cell.budget.queries)
    found = []
    for name in names:
        own = [each for cell in cells if (each := cell.budget.of(name)) is not None]
        found.append(
            QueryMeans(
                query=name,
                images=len(own),
                shares=_mean_of_present([each.shares for each in own]),
                uniform=_mean_of_present([each.uniform for each in own]),
                self_error=_mean_of_present([each.self_error for each in own]),
            )
        )
    return tuple(found)


def _head_budgets(cells: Sequence[_Averaged]) -> tuple[HeadBudget, ...]:
    """Mean over images; the queries are tokens of the model, so all images have them."""
    found = []
    for place, first in enumerate(cells[0].head_budgets):
        own = [cell.head_budgets[place] for cell in cells]
        shares = _mean_of_present([each.shares for each in own])
        uniform = _mean_of_present([each.uniform for each in own])
        found.append(HeadBudget(first.query, first.keys, shares, uniform))
    return tuple(found)


def _mean_of_present(values: Sequence[FloatArray]) -> FloatArray:
    """Mean over images; key groups count 0 where absent, so that shares still sum to 1."""
    stacked = np.stack(values).astype(np.float64)
    absent = np.isnan(stacked).all(axis=0)
    mean = np.nan_to_num(stacked).mean(axis=0)
    return np.where(absent, np.nan, mean).astype(np.float32)


def _channels(massive: Sequence[MassiveSummary]) -> tuple[tuple[int, int], ...]:
    counts: dict[int, int] = {}
    for summary in massive:
        for channel in {row.channel for row in summary.found}:
            counts[channel] = counts.get(channel, 0) + 1
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
