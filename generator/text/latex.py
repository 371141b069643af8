"""LaTeX text: escaping, ids in typewriter type, citations."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import groupby

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",  # BibTeX knows no escapes, and would count the brace of \{
    "}": r"\textbraceright{}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"{\char34}",
    "`": r"\textasciigrave{}",
    "×": r"\ensuremath{\times}",
    "±": r"\ensuremath{\pm}",
    "−": r"\ensuremath{-}",
    "≥": r"\ensuremath{\geq}",
    "≤": r"\ensuremath{\leq}",
    "\u00a0": "~",
    "…": r"\dots{}",
}

_LETTERS = frozenset(
    "¡¢£¤¥¦§¨©ª¬®¯°²³´µ¶·¸¹º¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõö÷øùúûüýÿ"
    "ĀāĂăĆćĈĉĊċČčĎďĒēĔĕĖėĚěĜĝĞğĠġĢģĤĥĨĩĪīĬĭİıĲĳĴĵĶķĹĺĻļĽľŁłŃńŅņŇňŌōŎŏŐőŒœŔŕŖŗŘřŚśŜŝŞşŠš"
    "ŢţŤťŨũŪūŬŭŮůŰűŴŵŶŷŸŹźŻżŽžȘșȚț–—‘’“”†‡•‰€№™←↑→↓"
)
"""Non-ASCII characters that pdfLaTeX prints in its default encoding (OT1) without a package."""


@dataclass(frozen=True, slots=True)
class Code:
    """A part of a caption in typewriter type: a model's id, a commit."""

    text: str


@dataclass(frozen=True, slots=True)
class Cite:
    """A part of a caption that cites an entry of the bibliography."""

    key: str


Piece = str | Code | Cite

BREAK = r"\allowbreak{}"
"""A line break opportunity without a hyphen."""


def escaped(text: str) -> str:
    r"""Escape a text for LaTeX, on one line; no part of it can be a command.

    Letters that pdfLaTeX lacks are printed as code points there and unchanged in other engines.
    Control characters are removed. ``--`` stays two hyphens, so that an id can be copied.
    """
    plain = "".join(
        c if c.isprintable() or c == "\u00a0" else " " for c in unicodedata.normalize("NFC", text)
    )
    plain = " ".join(part for part in plain.split(" ") if part)
    parts = re.split(f"({_UNKNOWN}+)", plain)
    found = "".join(
        _either(part) if number % 2 else "".join(_ESCAPES.get(c, c) for c in part)
        for number, part in enumerate(parts)
    )
    return re.sub(r"-(?=-)", "-{}", found)


_UNKNOWN = "[^ -~" + re.escape("".join(sorted({*_LETTERS, *_ESCAPES}))) + "]"


def _either(text: str) -> str:
    """Letters that pdfLaTeX lacks: unchanged in XeLaTeX and LuaLaTeX, code points elsewhere."""
    numbers = " ".join(f"U+{ord(c):04X}" for c in text)
    return rf"\ifdefined\Umathcode {text}\else {numbers}\fi{{}}"


def typewriter(text: str) -> str:
    """An id in typewriter type, which is never hyphenated."""
    return rf"\texttt{{{breakable(text)}}}"


def breakable(text: str) -> str:
    """Escape a text for LaTeX; lines may also break after the punctuation of an id."""
    parts = re.findall(r"[^/_.-]*[/_.-]+|[^/_.-]+", text)
    tails = (" " if part.endswith(" ") else "" for part in parts)
    heads = (" " if part.startswith(" ") else "" for part in parts)
    found = [f"{h}{escaped(p)}{t}" for h, p, t in zip(heads, parts, tails, strict=True)]
    return BREAK.join(found).strip()


def written(pieces: tuple[Piece, ...]) -> str:
    """A caption in LaTeX; adjacent citations are merged into one."""
    found = []
    for cites, group in groupby(pieces, key=lambda piece: isinstance(piece, Cite)):
        if cites:
            keys = dict.fromkeys(piece.key for piece in group if isinstance(piece, Cite))
            found.append(rf"~\cite{{{','.join(keys)}}}")
        else:
            found += [_piece(piece) for piece in group if not isinstance(piece, Cite)]
    return "".join(found)


def _piece(piece: str | Code) -> str:
    if isinstance(piece, Code):
        return typewriter(piece.text)
    lead = " " if piece[:1] == " " else ""
    tail = " " if piece[-1:] == " " and piece.strip() else ""
    return f"{lead}{escaped(piece)}{tail}"


def plain(pieces: tuple[Piece, ...]) -> str:
    """A caption without markup, for a page or a file's title."""
    return "".join(p if isinstance(p, str) else p.text for p in pieces if not isinstance(p, Cite))
