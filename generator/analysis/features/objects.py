"""Unsupervised object discovery in a record with LOST and TokenCut."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from generator.analysis.absent import NotApplicable
from generator.analysis.features.lost import Lost, lost
from generator.analysis.features.products import DotProducts
from generator.analysis.features.tokencut import TokenCut, tokencut
from generator.records.extras import Projection
from generator.records.record import AttentionRecord

NO_FEATURES = NotApplicable("vectors of tokens were not measured")


@dataclass(frozen=True, slots=True)
class Objects:
    """Results of LOST and TokenCut; not applicable if no vectors were kept.

    Attributes:
        vectors: vectors of the last block: keys, queries or values; empty if none were kept.
        further: results in the other kept vectors.
    """

    vectors: Projection | Literal[""]
    lost: Lost | NotApplicable
    tokencut: TokenCut | NotApplicable
    further: tuple[Objects, ...] = ()


def find_objects(record: AttentionRecord) -> Objects:
    """Run LOST and TokenCut on all kept vectors, keys first.

    Both start from the same dot products, which are half of their time at 37x37.
    """
    if record.features is None:
        return Objects("", NO_FEATURES, NO_FEATURES)
    layout, view = record.layout, record.view
    found = []
    for name, vectors in record.features.objects.items():
        products = DotProducts(vectors)
        found.append(
            Objects(
                name,
                lost(vectors, layout, view, products=products),
                tokencut(vectors, layout, view, products=products),
            )
        )
    return replace(found[0], further=tuple(found[1:]))
