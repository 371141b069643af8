"""Digest of a cell: the numbers of one model on one image, without its maps.

A digest is computed once from a record and stored with the site. Pages can then be rebuilt, and
models compared over a thousand images, without reading records.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.analysis.attention.budget import HeadBudget, MassBudget, head_budgets, mass_budget
from generator.analysis.attention.heads import HeadTables, head_tables
from generator.analysis.attention.rollout import RolloutDiagnostics, rollout_diagnostics
from generator.analysis.attention.values import SinkValues, sink_values
from generator.analysis.features.boxes import SeedTies
from generator.analysis.features.lost import Lost
from generator.analysis.features.masks import KEPT_MASS, layer_masks
from generator.analysis.features.objects import Objects, find_objects
from generator.analysis.features.tokencut import TokenCut
from generator.analysis.stream.massive import MassiveSummary, massive_summary
from generator.analysis.stream.norms import NormSummary, norm_summary
from generator.analysis.stream.onset import OnsetSeries, onset_series
from generator.records.extras import Prediction
from generator.records.record import AttentionRecord, FloatArray


@dataclass(frozen=True, slots=True)
class FoundObject:
    """An object found by unsupervised object discovery.

    Attributes:
        method: ``LOST`` or ``TokenCut``.
        vectors: vectors of the last block it was found in: keys, queries or values.
        pixels: left, top, right, bottom in pixels of the oriented original.
        seed: row and column of the seed patch.
        patches: number of patches of its connected component.
        ties: equally good seeds, and how much they change the box.
    """

    method: str
    vectors: str
    pixels: tuple[float, float, float, float]
    seed: tuple[int, int]
    patches: int
    ties: SeedTies


@dataclass(frozen=True, slots=True)
class FoundObjects:
    """The objects that LOST and TokenCut find in the same vectors.

    Attributes:
        vectors: keys, queries or values of the last block.
    """

    vectors: str
    lost: FoundObject | NotApplicable
    tokencut: FoundObject | NotApplicable


@dataclass(frozen=True, slots=True)
class MaskFacts:
    """The mass mask of the last layer, mean over heads.

    Attributes:
        share: share of the mass that the mask holds.
        area: share of the patches in the mask.
    """

    share: float
    area: float
    parts: int


@dataclass(frozen=True, slots=True)
class CellDigest:
    """Numbers of one model on one image.

    Attributes:
        heads: numbers of each layer and head.
        budget: attention mass by key group, mean over heads.
        head_budgets: attention mass of single heads on CLS, registers and outliers.
        norms: token norms in the residual stream.
        onset: largest norm and largest attention, layer by layer.
        sinks: value norms of the most attended tokens.
        last: float32 ``[row, col]``, attention on patches of the CLS query in the last layer, mean
            over heads, as shares that sum to 1; attention that patches receive for models without
            CLS.
        rolled: float32 ``[row, col]``, the rollout through all layers, as shares that sum to 1.
        mask: mass mask of ``last``.
        lost: the object LOST finds in the first kept vectors.
        tokencut: the object TokenCut finds in the first kept vectors.
        further: the objects both methods find in the other kept vectors.
        prediction: the class head's prediction; None for a model without class head.
    """

    heads: HeadTables
    budget: MassBudget
    head_budgets: tuple[HeadBudget, ...]
    norms: NormSummary
    onset: OnsetSeries
    rollout: RolloutDiagnostics
    massive: MassiveSummary | NotApplicable
    sinks: SinkValues | NotApplicable
    last: FloatArray
    rolled: FloatArray
    mask: MaskFacts
    lost: FoundObject | NotApplicable
    tokencut: FoundObject | NotApplicable
    further: tuple[FoundObjects, ...]
    prediction: Prediction | None

    @property
    def objects(self) -> tuple[FoundObjects, ...]:
        """Objects found in each kind of vectors; empty if no vectors were kept."""
        first = self.lost if isinstance(self.lost, FoundObject) else self.tokencut
        if isinstance(first, NotApplicable):
            return self.further
        return (FoundObjects(first.vectors, self.lost, self.tokencut), *self.further)

    @property
    def vectors(self) -> tuple[str, ...]:
        """Vectors of the last block that were searched for objects: keys, queries or values."""
        return tuple(found.vectors for found in self.objects)


def cell_digest(record: AttentionRecord, objects: Objects | None = None) -> CellDigest:
    """Compute the digest of a record. Takes 1 to 2 seconds at 37x37, mostly for object discovery.

    Args:
        record: the record of one model on one image.
        objects: objects found before; None to find them here.
    """
    layout = record.layout
    objects = objects or find_objects(record)
    last = last_map(record)
    masked = layer_masks(last[None], layout).mean
    budget = mass_budget(record)
    return CellDigest(
        heads=head_tables(record),
        # Numbers of single heads are in ``head_budgets``; here they would weigh too much.
        budget=replace(budget, queries=tuple(replace(q, heads=None) for q in budget.queries)),
        head_budgets=head_budgets(record),
        norms=norm_summary(record),
        onset=onset_series(record),
        rollout=rollout_diagnostics(record),
        massive=massive_summary(record),
        sinks=sink_values(record),
        last=_shares(layout.fold(last)),
        rolled=_shares(layout.fold(record.rollout[0])),
        mask=MaskFacts(KEPT_MASS, masked.area, masked.parts.count),
        lost=_found("LOST", objects.vectors, objects.lost),
        tokencut=_found("TokenCut", objects.vectors, objects.tokencut),
        further=tuple(
            FoundObjects(
                more.vectors,
                _found("LOST", more.vectors, more.lost),
                _found("TokenCut", more.vectors, more.tokencut),
            )
            for more in objects.further
        ),
        prediction=record.prediction,
    )


def last_map(record: AttentionRecord) -> FloatArray:
    """Attention of the CLS query in the last layer, mean over heads: float64 ``[patch]``.

    For a model without CLS, the attention that patches receive.
    """
    layout = record.layout
    rows = record.received if layout.cls is None else record.rows(layout.cls)
    found: FloatArray = rows[-1][:, layout.patch_slice].mean(axis=0, dtype=np.float64)
    return found


def _shares(values: FloatArray) -> FloatArray:
    wide = values.astype(np.float64)
    shares: FloatArray = (wide / max(wide.sum(), np.finfo(np.float64).tiny)).astype(np.float32)
    return shares


def _found(
    method: str, vectors: str, found: Lost | TokenCut | NotApplicable
) -> FoundObject | NotApplicable:
    if isinstance(found, NotApplicable):
        return found
    return FoundObject(method, vectors, found.pixels, found.seed, int(found.mask.sum()), found.ties)
