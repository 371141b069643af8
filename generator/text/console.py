"""A rich console that shows control characters as escapes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from generator.text.terminal import legible


class LegibleConsole(Console):
    """A console that shows what it prints (see :func:`legible`); colors and bars work."""

    def render_str(self, text: str, **how: Any) -> Text:
        """Turn a string into text."""
        return super().render_str(legible(text), **how)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Turn an object into segments; rich's own control codes are not escaped."""
        for piece in super().render(renderable, options):
            yield piece if piece.control else Segment(legible(piece.text), piece.style)
