"""Text from files on a terminal: control characters and direction overrides become visible.

A file name, a title or a record may contain an escape sequence that rewrites the screen, or an
override that reverses a file name.
"""

from __future__ import annotations

import logging
import unicodedata

SHOWN = frozenset({"Cc", "Zl", "Zp", "Cs"})
"""Unicode categories that are shown as escapes: controls, separators of lines, surrogates."""

DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the direction of text."""


def legible(text: str, keep: str = "\n\t") -> str:
    """Replace control characters and direction overrides by Python's escapes.

    Args:
        text: text for a terminal.
        keep: control characters that are not replaced.
    """
    return "".join(_legible(c) if c not in keep else c for c in text)


def _legible(character: str) -> str:
    if unicodedata.category(character) in SHOWN or character in DIRECTION:
        return ascii(character)[1:-1]
    return character


class LegibleFormatter(logging.Formatter):
    """Formats a warning as one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return legible(super().format(record))


def make_warnings_legible() -> None:
    """Have warnings that no program handles printed by :class:`LegibleFormatter`."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(LegibleFormatter())
