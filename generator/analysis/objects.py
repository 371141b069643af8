"""Objects found without labels in one record, by both methods, with their steps."""

from __future__ import annotations

from dataclasses import dataclass

from generator.analysis.absent import NotApplicable
from generator.analysis.lost import Lost, lost
from generator.analysis.tokencut import TokenCut, tokencut
from generator.records import AttentionRecord

NO_FEATURES = NotApplicable("vectors of tokens were not measured")


@dataclass(frozen=True, slots=True)
class Objects:
    """What the methods find; not applicable where there is nothing to find it in."""

    lost: Lost | NotApplicable
    tokencut: TokenCut | NotApplicable


def find_objects(record: AttentionRecord) -> Objects:
    """Run LOST and TokenCut. Takes a second or two at 37x37, most of it for TokenCut."""
    if record.features is None:
        return Objects(NO_FEATURES, NO_FEATURES)
    vectors, layout, view = record.features.objects, record.layout, record.view
    return Objects(lost(vectors, layout, view), tokencut(vectors, layout, view))
