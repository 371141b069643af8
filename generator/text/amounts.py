"""File sizes and durations: formatting and parsing."""

from __future__ import annotations

import re

UNITS = {"b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12}
"""Decimal units, as web hosts use them."""


def size_in_words(size: float) -> str:
    """Bytes in decimal units with at most three digits: ``940 B``, ``1.5 MB``, ``38 MB``."""
    value, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    digits = 1 if unit != "B" and value < 9.95 else 0
    return f"{value:.{digits}f} {unit}"


def moment(seconds: float) -> str:
    """A frame's time in its clip, in milliseconds precision: ``1.500 s``."""
    return f"{seconds:.3f} s"


def bytes_of(text: str) -> int:
    """Parse a size to bytes: ``900 MB``, ``1.5GB``, ``250000``.

    Raises:
        ValueError: the text is not a size, or the size is 0.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?b)?\s*", text, re.IGNORECASE)
    size = round(float(found[1]) * UNITS[(found[2] or "b").lower()]) if found else 0
    if size < 1:
        raise ValueError(text)
    return size


def duration_in_words(seconds: float) -> str:
    """Seconds in the two largest units: ``0 s``, ``40 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
