"""LaTeX of a figure: a float with caption and label, a booktabs table, all escaped."""

from __future__ import annotations

import re
from itertools import groupby

from generator.errors import SpecError
from generator.text.latex import Piece, breakable, escaped, written


def file_stem(stem: str) -> str:
    """The name of a figure's file, checked for LaTeX.

    Raises:
        SpecError: LaTeX cannot find a file of this name.
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
    r"""The float of a figure.

    Args:
        environment: ``figure`` or ``figure*``.
        length: width of the picture: ``\linewidth``, or a length in inches.
        file: name of the picture, with its suffix.
        label: label after ``fig:``.
        note: a comment at the top.
        tables: floats to put after it.
    """
    stem, _, suffix = file.rpartition(".")
    svg = suffix == "svg"
    lines = [
        f"% {_comment(note)}",
        "% Needs \\usepackage{graphicx}" + (", booktabs and tabularx." if tables else "."),
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
    """A text on one line of printable characters, for a LaTeX comment."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def table_text(
    head: tuple[str, ...], rows: tuple[tuple[str, ...], ...], caption: str, label: str
) -> str:
    """A booktabs table with the width of its environment, and its caption above.

    Labels and ids are often too wide to fit beside numbers: the first cell of rows becomes a line
    above the rows that share it.
    """
    wide = len(head) - 1
    sides = r">{\raggedright\arraybackslash}X" + r">{\raggedleft\arraybackslash}X" * (wide - 1)
    lines = [
        r"\begin{table}[t]",
        r"  \centering\small\setlength{\tabcolsep}{3pt}",
        rf"  \caption{{{escaped(caption)}}}",
        rf"  \label{{tab:{label}}}",
        rf"  \begin{{tabularx}}{{\linewidth}}{{@{{}}{sides}@{{}}}}",
        r"    \toprule",
        f"    {_line(head[1:])}",
    ]
    for name, group in groupby(rows, key=lambda row: row[0]):
        lines.append(r"    \midrule")
        across = rf"\multicolumn{{{wide}}}{{@{{}}p{{\linewidth}}@{{}}}}"
        lines.append(rf"    {across}{{\raggedright {breakable(name)}}} \\")
        lines += [f"    {_line(row[1:])}" for row in group]
    lines += [r"    \bottomrule", r"  \end{tabularx}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def _line(cells: tuple[str, ...]) -> str:
    # LaTeX would read a bracket after \\ as its argument
    return " & ".join(f"{{{escaped(c)}}}" if c[:1] in "[*" else escaped(c) for c in cells) + r" \\"
