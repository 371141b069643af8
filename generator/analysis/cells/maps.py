"""Maps of a cell: norms, rollout, objects, components, relevance of one model on one image.

They are computed once from a record and stored with the site as float16. Pages can then color them
on another scale, or compare models, without the record.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from generator.analysis.absent import NotApplicable
from generator.analysis.attention.rollout import DISCARDED, Fusion, Rollout, rollout_variant
from generator.analysis.attention.values import as_shares, contribution
from generator.analysis.cells.digest import last_map
from generator.analysis.features.alike import AlikeMap, alike_maps
from generator.analysis.features.boxes import BoolArray
from generator.analysis.features.masks import layer_masks
from generator.analysis.features.objects import NO_FEATURES, Objects
from generator.analysis.features.pca import (
    FirstComponents,
    LeadingComponent,
    first_components,
    leading,
)
from generator.records.record import AttentionRecord, FloatArray, outlier_patches

RECEIVED = "received"
"""Pseudo-query: attention that each patch receives, mean over patch queries."""

NOT_ASKED = "not measured: add {part} to --extras"
TOO_FEW = NotApplicable("fewer than two patches are left")
NO_OUTLIERS = NotApplicable("no outlier patches to leave out")


@dataclass(frozen=True, slots=True)
class NormMaps:
    """Norms of the patches, as multiples of their layer's median; index 0 is the embedding.

    Attributes:
        layer: index of the layer where the largest norm stands out most.
        peak: float16 ``[row, col]``, norms at ``layer``.
        last: float16 ``[row, col]``, norms after the last layer.
        medians: median norms of ``peak`` and ``last``, in the residual stream's unit.
        outliers: bool ``[row, col]``, above three times the median at ``layer``.
    """

    layer: int
    peak: FloatArray
    last: FloatArray
    medians: tuple[float, float]
    outliers: BoolArray


@dataclass(frozen=True, slots=True)
class QueryMap:
    """Attention of one prefix token in the last layer, mean over heads.

    Attributes:
        token: the token's name, or ``received``.
        values: float16 ``[row, col]``, times uniform.
        on_patches: attention mass on the patches, share of 1.
    """

    token: str
    values: FloatArray
    on_patches: float


@dataclass(frozen=True, slots=True)
class LostMaps:
    """The steps of LOST.

    Attributes:
        vectors: vectors of the last block: keys, queries or values.
        inverse_degree: float16 ``[row, col]``.
        similarity: float16 ``[row, col]``, dot product with the seed over its largest magnitude.
        score: float16 ``[row, col]``, score of the seed expansion over its largest magnitude.
        expansion: bool ``[row, col]``, the seed and the patches of its expansion.
        mask: bool ``[row, col]``, the object.
        k: candidate patches of the expansion.
    """

    vectors: str
    inverse_degree: FloatArray
    similarity: FloatArray
    largest: float
    score: FloatArray
    expansion: BoolArray
    mask: BoolArray
    k: int


@dataclass(frozen=True, slots=True)
class TokenCutMaps:
    """The eigenvector of TokenCut.

    Attributes:
        vectors: vectors of the last block: keys, queries or values.
        vector: float16 ``[row, col]``, over its largest magnitude.
        mask: bool ``[row, col]``, the object.
        eigenvalue: its eigenvalue.
        gap: distance to the next eigenvalue.
    """

    vectors: str
    vector: FloatArray
    mask: BoolArray
    eigenvalue: float
    gap: float


@dataclass(frozen=True, slots=True)
class ComponentMap:
    """The first principal component of the image's patches.

    Attributes:
        scores: float16 ``[row, col]``, in standard deviations.
        explained: explained variance, share of 1.
        left_out: patches excluded from the fit.
    """

    scores: FloatArray
    explained: float
    left_out: int


@dataclass(frozen=True, slots=True)
class ContributionMap:
    """Contribution of the patches to the query through all heads of the last layer.

    Attributes:
        values: float16 ``[row, col]``, times uniform: share of the sum over all keys, times their
            number.
        on_patches: share of the sum that comes from patches.
    """

    values: FloatArray
    on_patches: float


@dataclass(frozen=True, slots=True)
class LensMaps:
    """The class head read at the patches (logit lens).

    Attributes:
        probability: float16 ``[row, col]``, probability of the class after the last layer.
        rank: float32 ``[layer + 1]``, rank of the class, mean over patches; index 0 is the
            embedding.
    """

    probability: FloatArray
    rank: FloatArray


RolloutName = Literal["late", "strong", "max", "min"]


@dataclass(frozen=True, slots=True)
class RolloutMap:
    """A rollout variant.

    Attributes:
        name: ``late`` starts in the middle, ``strong`` discards the smallest weights, ``max`` and
            ``min`` are over heads.
        start_layer: index of the layer it starts from.
        values: float16 ``[row, col]``, times uniform.
        prefix_mass: rollout mass on the prefix, share of 1.
        cosine: mean cosine between the rollouts of different patch queries.
    """

    name: RolloutName
    start_layer: int
    values: FloatArray
    prefix_mass: float
    cosine: float


@dataclass(frozen=True, slots=True)
class CellMaps:
    """Maps of one model on one image. Patches only, ``[row, col]``.

    Attributes:
        norms: norms in the residual stream.
        queries: one for each prefix token, CLS first; ``received`` first for a model without CLS.
        rollout: float16 ``[row, col]``, through all layers, times uniform.
        rollouts: rollout variants, if the attention of every patch was kept.
        mask: bool ``[row, col]``, mass mask of the first query.
        lost: the steps of LOST in the first kept vectors.
        tokencut: the result of TokenCut in the first kept vectors.
        further_lost: the steps of LOST in the other kept vectors.
        further_tokencut: the results of TokenCut in the other kept vectors.
        component_without: the first principal component fitted without the outliers.
        contribution: contribution to the first prefix token; to the mean patch without prefix.
        relevance: float16 ``[row, col]``, relevance to the class, over the patches' mean.
        lens: the class head at the patches.
        alike: cosine similarity of a few patches to all patches.
    """

    norms: NormMaps
    queries: tuple[QueryMap, ...]
    rollout: FloatArray
    rollouts: tuple[RolloutMap, ...]
    mask: BoolArray
    lost: LostMaps | NotApplicable
    tokencut: TokenCutMaps | NotApplicable
    further_lost: tuple[LostMaps | NotApplicable, ...]
    further_tokencut: tuple[TokenCutMaps | NotApplicable, ...]
    component: ComponentMap | NotApplicable
    component_without: ComponentMap | NotApplicable
    contribution: ContributionMap | NotApplicable
    relevance: FloatArray | NotApplicable
    lens: LensMaps | NotApplicable
    alike: tuple[AlikeMap, ...] | NotApplicable


def first_of(record: AttentionRecord) -> FirstComponents | None:
    """The first principal component of a record; None for less than two patches with features."""
    if record.features is None or record.layout.patches < 2:
        return None
    outliers = np.zeros(record.layout.patches, dtype=np.bool_)
    outliers[outlier_patches(record.norms[:, record.layout.patch_slice]).patches] = True
    return first_components(record.features.last, outliers)


def cell_maps(
    record: AttentionRecord, objects: Objects, first: FirstComponents | None = None
) -> CellMaps:
    """Compute the maps of a record.

    Args:
        record: of one model on one image.
        first: as :func:`first_of` finds it; None to find it here.
    """
    layout = record.layout
    norms = _norms(record)
    component, without = _components(record, first or first_of(record))
    return CellMaps(
        norms=norms,
        queries=_queries(record),
        rollout=_half(layout.fold(record.rollout[0]) * layout.tokens),
        rollouts=tuple(_rollouts(record)),
        mask=layer_masks(last_map(record)[None], layout).mean.mask,
        lost=_lost(objects),
        tokencut=_tokencut(objects),
        further_lost=tuple(_lost(more) for more in objects.further),
        further_tokencut=tuple(_tokencut(more) for more in objects.further),
        component=component,
        component_without=without,
        contribution=_contribution(record),
        relevance=_relevance(record),
        lens=_lens(record),
        alike=alike_maps(record, objects),
    )


def _norms(record: AttentionRecord) -> NormMaps:
    layout = record.layout
    norms = record.norms[:, layout.patch_slice].astype(np.float64)
    found = outlier_patches(norms)
    medians = np.maximum(np.median(norms, axis=1), np.finfo(np.float32).tiny)
    relative = layout.fold(norms / medians[:, None])
    outliers = np.zeros(layout.patches, dtype=np.bool_)
    outliers[found.patches] = True
    return NormMaps(
        layer=found.layer,
        peak=_half(relative[found.layer]),
        last=_half(relative[-1]),
        medians=(float(medians[found.layer]), float(medians[-1])),
        outliers=outliers.reshape(layout.rows, layout.cols),
    )


def _queries(record: AttentionRecord) -> tuple[QueryMap, ...]:
    layout = record.layout
    rows = {name: record.rows(name)[-1] for name in layout.prefix}
    if layout.cls is None:
        rows = {RECEIVED: record.received[-1], **rows}
    found = []
    for name, heads in rows.items():
        mean = heads.mean(axis=0, dtype=np.float64)
        on_patches = float(mean[layout.patch_slice].sum() / layout.tokens)
        found.append(QueryMap(name, _half(layout.fold(mean)), on_patches))
    return tuple(found)


def _rollouts(record: AttentionRecord) -> Iterator[RolloutMap]:
    layout, middle = record.layout, record.model.layers // 2
    if middle:
        keys = record.rollout[middle]
        yield RolloutMap(
            name="late",
            start_layer=middle,
            values=_half(layout.fold(keys) * layout.tokens),
            prefix_mass=float(keys[layout.prefix_slice].sum()),
            cosine=float(record.rollout_cosine[middle]),
        )
    variants: tuple[tuple[RolloutName, Fusion, float], ...] = (
        ("strong", "mean", DISCARDED),
        ("max", "max", 0),
        ("min", "min", 0),
    )
    for name, fusion, discard in variants:
        found = rollout_variant(record, fusion=fusion, discard=discard)
        if isinstance(found, Rollout):
            values = _half(layout.fold(found.keys) * layout.tokens)
            yield RolloutMap(name, 0, values, found.prefix_mass, found.cosine)


def _lost(objects: Objects) -> LostMaps | NotApplicable:
    found = objects.lost
    if isinstance(found, NotApplicable):
        return found
    similarity, largest = _over_largest(found.similarity)
    return LostMaps(
        vectors=objects.vectors,
        inverse_degree=_half(found.inverse_degree),
        similarity=similarity,
        largest=largest,
        score=_over_largest(found.score)[0],
        expansion=found.expansion,
        mask=found.mask,
        k=found.k,
    )


def _tokencut(objects: Objects) -> TokenCutMaps | NotApplicable:
    found = objects.tokencut
    if isinstance(found, NotApplicable):
        return found
    return TokenCutMaps(
        vectors=objects.vectors,
        vector=_over_largest(found.vector)[0],
        mask=found.mask,
        eigenvalue=_steady(found.eigenvalue),
        gap=_steady(found.gap),
    )


def _components(
    record: AttentionRecord, first: FirstComponents | None
) -> tuple[ComponentMap | NotApplicable, ComponentMap | NotApplicable]:
    """The first principal component, and the one that is fitted without outliers."""
    if record.features is None:
        return NO_FEATURES, NO_FEATURES
    if first is None:
        return TOO_FEW, NO_OUTLIERS
    layout = record.layout
    whole = _component(leading(first.whole, first.features, layout, 0))
    few = int(first.outliers.sum())
    if not few:
        return whole, NO_OUTLIERS
    if first.without is None:
        return whole, TOO_FEW
    return whole, _component(leading(first.without, first.features, layout, few))


def _component(found: LeadingComponent) -> ComponentMap:
    return ComponentMap(_half(found.scores), _steady(found.explained), found.left_out)


def _steady(value: float) -> float:
    """A number rounded to float32: further digits depend on the number of threads."""
    return float(np.float32(value))


def _contribution(record: AttentionRecord) -> ContributionMap | NotApplicable:
    given = contribution(record)
    if isinstance(given, NotApplicable):
        return given
    shares = as_shares(given[-1])
    on_patches = float(shares[record.layout.patch_slice].sum())
    return ContributionMap(_half(record.layout.fold(shares * record.layout.tokens)), on_patches)


def _relevance(record: AttentionRecord) -> FloatArray | NotApplicable:
    if record.relevance is None:
        return _head_part(record, "relevance")
    keys = record.relevance.keys[record.layout.patch_slice].astype(np.float64)
    if keys.sum() <= 0:
        return NotApplicable("no patch has any relevance")
    return _half(record.layout.fold(keys / keys.mean()))


def _lens(record: AttentionRecord) -> LensMaps | NotApplicable:
    part, layout = record.lens, record.layout
    if part is None:
        return _head_part(record, "lens")
    return LensMaps(
        probability=_half(layout.fold(part.probability[-1])),
        rank=part.rank[:, layout.patch_slice].astype(np.float32).mean(axis=1),
    )


def _head_part(record: AttentionRecord, part: str) -> NotApplicable:
    """Reason why a result of the class head is missing."""
    if record.prediction is not None:
        return NotApplicable(NOT_ASKED.format(part=part))
    return NotApplicable("no class head, or not measured")


def _half(values: FloatArray) -> FloatArray:
    """Values as float16, or as float32 if any overflows float16."""
    fits = np.abs(values).max(initial=0.0) <= float(np.finfo(np.float16).max)
    return values.astype(np.float16 if fits else np.float32)


def _over_largest(values: FloatArray) -> tuple[NDArray[np.float16], float]:
    """Values divided by their largest magnitude, and that magnitude."""
    largest = float(np.abs(values).max())
    return _half(values / largest if largest > 0 else values), largest
