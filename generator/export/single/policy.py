"""Inline styles and scripts, and their hashes in the content policy."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape

from generator.errors import SpecError


def style(text: str, media: str) -> str:
    """A style sheet as an element.

    Raises:
        SpecError: its text contains the end of the element.
    """
    return f'<style media="{escape(media or "all")}">{_whole(text, "style")}</style>\n'


def script(text: str) -> str:
    """Scripts as an element.

    Raises:
        SpecError: their text contains the end of the element.
    """
    return f"<script>{_whole(text, 'script')}</script>\n"


def _whole(text: str, element: str) -> str:
    if f"</{element}" in text.lower() or "<!--" in text:
        raise SpecError(
            f"A {element} of the templates holds </{element} or <!--, which would end it.",
            "Write the < in another way.",
        )
    return text


def hashes(texts: Iterable[str]) -> str:
    """The hashes of texts as sources of a content policy."""
    found = (hashlib.sha256(text.encode()).digest() for text in texts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in found)
