"""LaTeX beside a figure: a float with caption and label, a booktabs table, all escaped."""

from __future__ import annotations

import re
from dataclasses import dataclass

from generator.errors import SpecError

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


def file_stem(stem: str) -> str:
    """The name of a figure's file, as LaTeX reads it.

    Raises:
        SpecError: LaTeX would not find a file of this name.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", stem) or "." in stem:
        raise SpecError(
            f'LaTeX reads no file called "{stem}" without trouble.',
            "Name it with letters, digits and hyphens.",
        )
    return stem


def float_text(
    *,
    environment: str,
    length: str,
    file: str,
    caption: tuple[Piece, ...],
    label: str,
    note: str,
    tables: str = "",
) -> str:
    r"""A figure's float.

    Args:
        environment: ``figure`` or ``figure*``.
        length: of the picture: ``\linewidth``, or one in inches.
        file: name of the picture, with its suffix.
        caption: of the figure.
        label: behind ``fig:``.
        note: a comment at the top.
        tables: floats to put behind it.
    """
    stem, _, suffix = file.rpartition(".")
    svg = suffix == "svg"
    lines = [
        f"% {_comment(note)}",
        "% Needs \\usepackage{graphicx}" + (" and \\usepackage{booktabs}." if tables else "."),
        *(["% LaTeX reads no SVG: write the same figure as a PDF beside it."] if svg else []),
        rf"\begin{{{environment}}}[t]",
        r"  \centering",
        rf"  \includegraphics[width={length}]{{{stem}.{'pdf' if svg else suffix}}}",
        rf"  \caption{{{written(caption)}}}",
        rf"  \label{{fig:{label}}}",
        rf"\end{{{environment}}}",
    ]
    return "\n".join(lines) + "\n" + (f"\n{tables}" if tables else "")


def _comment(text: str) -> str:
    """A text that ends where its line ends."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def table_text(
    head: tuple[str, ...], rows: tuple[tuple[str, ...], ...], caption: str, label: str
) -> str:
    """A booktabs table with its caption above; the first column is left-aligned."""
    lines = [
        r"\begin{table}[t]",
        r"  \centering",
        rf"  \caption{{{escaped(caption)}}}",
        rf"  \label{{tab:{label}}}",
        rf"  \begin{{tabular}}{{l{'r' * (len(head) - 1)}}}",
        r"    \toprule",
        f"    {_line(head)}",
        r"    \midrule",
        *(f"    {_line(row)}" for row in rows),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _line(cells: tuple[str, ...]) -> str:
    # a bracket behind \\ would be read as its argument
    return " & ".join(f"{{{escaped(c)}}}" if c[:1] in "[*" else escaped(c) for c in cells) + r" \\"
