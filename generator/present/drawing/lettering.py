"""Text on pictures, in DejaVu Sans, which matplotlib ships."""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageDraw, ImageFont

FONT = "DejaVu Sans"


def drawable(text: str) -> str:
    """The part of a text that the font can draw.

    Symbols that the font lacks, such as emoji, are left out. The result is empty if a letter is
    missing or the text runs from right to left, since half a title would mislead.
    """
    shown = ""
    for character in text:
        if unicodedata.bidirectional(character) in ("R", "AL"):
            return ""
        if ord(character) in _characters() or character.isspace():
            shown += character
        elif unicodedata.category(character)[0] in "LN":
            return ""
    return " ".join(shown.split())


def draw_lines(
    draw: ImageDraw.ImageDraw, text: str, at: tuple[int, int], size: int, width: int, fill: str
) -> None:
    """Draw a text in at most two lines.

    Args:
        text: the text; undrawable characters are left out (see :func:`drawable`).
        at: left and top of the text, in pixels.
        size: font size, in pixels.
        width: longest line, in pixels; longer text ends in dots.
    """
    # the basic layout, since the other one needs a library that may be missing
    font = ImageFont.truetype(_file(), size, layout_engine=ImageFont.Layout.BASIC)
    lines = [""]
    for word in drawable(text).split():
        longer = f"{lines[-1]} {word}".strip()
        if draw.textlength(longer, font=font) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    shown = lines[:2]
    if len(lines) > 2:
        shown[1] += " ..."
    for number, line in enumerate(shown):
        while line and draw.textlength(line, font=font) > width:
            line = line[:-5] + "..." if len(line) > 5 else ""  # noqa: PLW2901
        draw.text((at[0], at[1] + number * size * 1.2), line, fill=fill, font=font)


@cache
def _file() -> str:
    # loading matplotlib is slow and isn't needed to find its font file
    spec = find_spec("matplotlib")
    assert spec is not None and spec.submodule_search_locations
    return str(Path(spec.submodule_search_locations[0]) / "mpl-data/fonts/ttf/DejaVuSans.ttf")


@cache
def _characters() -> frozenset[int]:
    """Code points that the font has a glyph for."""
    from matplotlib.ft2font import FT2Font  # noqa: PLC0415

    return frozenset(FT2Font(_file()).get_charmap())
