"""What stands in the place of a result that there cannot be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """A quantity has no value here, which is not the same as zero, or as not measured.

    Attributes:
        reason: why, as a short phrase for the page: ``rotary embedding``.
    """

    reason: str
