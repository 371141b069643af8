"""Objects found without labels in one record, by both methods, with their steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from generator.analysis.absent import NotApplicable
from generator.analysis.features.lost import Lost, lost
from generator.analysis.features.tokencut import TokenCut, tokencut
from generator.records.extras import Projection
from generator.records.record import AttentionRecord

NO_FEATURES = NotApplicable("vectors of tokens were not measured")


@dataclass(frozen=True, slots=True)
class Objects:
    """What the methods find; not applicable where there is nothing to find it in.

    Attributes:
        vectors: what it was found in: keys, queries or values of the last block; empty for nothing.
        further: the same in the other vectors that were kept.
    """

    vectors: Projection | Literal[""]
    lost: Lost | NotApplicable
    tokencut: TokenCut | NotApplicable
    further: tuple[Objects, ...] = ()


def find_objects(record: AttentionRecord) -> Objects:
    """Run LOST and TokenCut in all vectors that were kept, keys first.

    Takes a second or two at 37x37 for each, most of it for TokenCut.
    """
    if record.features is None:
        return Objects("", NO_FEATURES, NO_FEATURES)
    layout, view = record.layout, record.view
    first, *others = (
        Objects(name, lost(vectors, layout, view), tokencut(vectors, layout, view))
        for name, vectors in record.features.objects.items()
    )
    return replace(first, further=tuple(others))
