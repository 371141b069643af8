"""Placeholder for a result that does not exist."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """A quantity that is not defined here; neither zero nor unmeasured.

    Attributes:
        reason: why, as a short phrase for the page: ``rotary embedding``.
    """

    reason: str
