"""Problems that a check of a site finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """An error or a warning about a site.

    Attributes:
        severity: an ``error`` prevents publishing, a ``warning`` asks for a confirmation.
        hint: next step, as an imperative sentence.
    """

    severity: Severity
    text: str
    hint: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.text} {self.hint}"
