"""Findings, and the words they share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]

SHOWN = 3
"""Names that a finding lists before it only counts."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a site that its publisher should know.

    Attributes:
        severity: an ``error`` stops, a ``warning`` needs a yes.
        text: what was found.
        hint: what to do about it, as an imperative sentence.
    """

    severity: Severity
    text: str
    hint: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.text} {self.hint}"


def listed(names: Iterable[str]) -> str:
    """The first names, and how many more there are: ``a, b, c and 4 more``."""
    every = list(names)
    more = len(every) - SHOWN
    return ", ".join(every[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def numbered(count: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
