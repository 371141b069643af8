"""Text as LaTeX prints it: everything escaped, ids in typewriter type, papers cited."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
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


@dataclass(frozen=True, slots=True)
class Code:
    """A part of a caption in typewriter type: a model's id, a commit."""

    text: str


@dataclass(frozen=True, slots=True)
class Cite:
    """A part of a caption that cites an entry of the bibliography."""

    key: str


Piece = str | Code | Cite


def escaped(text: str) -> str:
    r"""A text as LaTeX prints it, on one line; no part of it can be a command.

    Control characters are left out, and ``--`` stays two hyphens, so that an id is copied as it is.
    """
    plain = "".join(c if c.isprintable() or c == "\u00a0" else " " for c in text)
    plain = " ".join(part for part in plain.split(" ") if part)
    found = "".join(_ESCAPES.get(character, character) for character in plain)
    return re.sub(r"-(?=-)", "-{}", found)


def written(pieces: tuple[Piece, ...]) -> str:
    """A caption in LaTeX."""
    return "".join(_piece(piece) for piece in pieces)


def _piece(piece: Piece) -> str:
    if isinstance(piece, Code):
        return rf"\texttt{{{escaped(piece.text)}}}"
    if isinstance(piece, Cite):
        return rf"~\cite{{{piece.key}}}"
    lead = " " if piece[:1] == " " else ""
    tail = " " if piece[-1:] == " " and piece.strip() else ""
    return f"{lead}{escaped(piece)}{tail}"


def plain(pieces: tuple[Piece, ...]) -> str:
    """A caption without marks, for a page or a file's title."""
    return "".join(p if isinstance(p, str) else p.text for p in pieces if not isinstance(p, Cite))
