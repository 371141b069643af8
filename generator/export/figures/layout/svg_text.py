"""SVG text with font fallbacks and fixed lengths.

The font has fallbacks, and every text has a fixed length: a viewer with another font fits the text
into that length (SVG 2, ``textLength``).
"""

from __future__ import annotations

import re
from html import unescape

import matplotlib
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ft2font import Kerning, LoadFlags

from generator.text.numbers import machine

FALLBACKS: dict[str, tuple[str, ...]] = {
    "DejaVu Sans": ("Bitstream Vera Sans", "Verdana", "Geneva", "Arial", "sans-serif"),
    "STIXGeneral": ("STIX Two Text", "Times New Roman", "Times", "serif"),
}
"""Fallback fonts, the most similar ones first."""

_TEXT = re.compile(r'<text style="([^"]*)"([^>]*)>([^<]*)</text>')
_SIZE = re.compile(r"([\d.]+)px")
_FAMILY = re.compile(r"'([^']+)'")


def steady_letters(svg: str) -> str:
    """Add font fallbacks and lengths to the texts of an SVG.

    Args:
        svg: SVG of matplotlib with ``svg.fonttype`` none.
    """
    return _TEXT.sub(_steady, svg)


def _steady(found: re.Match[str]) -> str:
    style, place, text = found.groups()
    size, family = _SIZE.search(style), _FAMILY.search(style)
    if size is None or family is None or family[1] not in FALLBACKS:
        return found[0]
    names = (family[1], *FALLBACKS[family[1]])
    faces = ", ".join(f"'{name}'" if " " in name else name for name in names)
    long = advance(unescape(text), float(size[1]))
    length = f' textLength="{machine(long)}" lengthAdjust="spacingAndGlyphs"' if long else ""
    return f'<text style="{_FAMILY.sub(faces, style)}"{place}{length}>{text}</text>'


def advance(text: str, size: float) -> float:
    """The advance width of a line of text with kerning, in units of its size."""
    family = matplotlib.rcParams["font.family"][0]
    font = get_font(findfont(FontProperties(family=family)))
    font.set_size(size, 72)
    total, before = 0.0, None
    for letter in text:
        glyph = font.load_char(ord(letter), LoadFlags.NO_HINTING)
        index = font.get_char_index(ord(letter))
        if before is not None:
            total += font.get_kerning(before, index, Kerning.UNFITTED) / 64
        total += glyph.linearHoriAdvance / 65536
        before = index
    return total
