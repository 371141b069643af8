"""Style of figures (fonts, sizes, colors) and their deterministic files."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import TextPath

from generator.export.figures.layout.svg_text import steady_letters
from generator.spec.figures import Face, Kind, Letters

FACES: dict[Face, str] = {"sans": "DejaVu Sans", "serif": "STIXGeneral"}
"""Fonts that come with matplotlib, so that every machine has them; the second matches the Times of
most templates."""

SMALL = 6.0
"""The smallest font size in a figure, in points: the minimum that venues accept."""

BODY = 7.0
LINE = 1.22 / 72
"""Height of a line of text, in inches per point of its size."""

DESCENT = 0.02
"""Depth of letters below their line, in inches, for the smallest font size."""

HAIRLINE = 0.4
INK = "#1f1f1f"
FAINT = "#6b6b6b"
RULE = "#9a9a9a"
SERIES = ("#1f1f1f", "#0b6570", "#8a8a87", "#5c5c5c", "#3f949f", "#3a3a38")
"""Colors of series, grays and one accent as on the pages; strokes differ, too."""

STROKES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
DPI = 300

BREAKS = re.compile(r"(?<=[/_-])(?=[^/_-])")
"""Characters after which a long word, such as the id of a model, may be broken."""


_LOST: ContextVar[set[str]] = ContextVar("lost letters")


@contextmanager
def styled(face: Face = "sans", letters: Letters = "text") -> Iterator[set[str]]:
    """Draw in the block with the style of this program, regardless of a matplotlibrc.

    Args:
        letters: letters of an SVG: searchable text, or outlines.

    Yields:
        the characters that the block could not draw, since the font lacks them.
    """
    lost: set[str] = set()
    token = _LOST.set(lost)
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "font.family": FACES[face],
                "font.size": BODY,
                "text.color": INK,
                "text.parse_math": False,  # a title may contain dollar signs
                "pdf.fonttype": 42,
                "ps.fonttype": 42,
                "svg.fonttype": "none" if letters == "text" else "path",
                "svg.hashsalt": "attention-gallery",
                "axes.linewidth": HAIRLINE,
                "axes.edgecolor": RULE,
                "axes.labelcolor": INK,
                "axes.labelsize": SMALL,
                "axes.labelpad": 2,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "xtick.labelsize": SMALL,
                "ytick.labelsize": SMALL,
                "xtick.color": RULE,
                "ytick.color": RULE,
                "xtick.labelcolor": INK,
                "ytick.labelcolor": INK,
                "xtick.major.size": 2,
                "ytick.major.size": 2,
                "xtick.major.pad": 1.5,
                "ytick.major.pad": 1.5,
                "xtick.major.width": HAIRLINE,
                "ytick.major.width": HAIRLINE,
                "xtick.minor.size": 0,
                "ytick.minor.size": 0,
                "lines.linewidth": 0.9,
                "legend.fontsize": SMALL,
                "legend.frameon": False,
                "legend.handlelength": 1.8,
                "legend.borderpad": 0.0,
                "legend.borderaxespad": 0.2,
                "legend.labelspacing": 0.25,
                "axes.unicode_minus": True,
                "image.composite_image": False,
            }
        )
        try:
            yield lost
        finally:
            _LOST.reset(token)


def figure_bytes(figure: Figure, kind: Kind, title: str = "") -> bytes:
    """A figure as a file, without date and version: the same figure gives the same bytes.

    Call it inside :func:`styled`. Nothing is cropped or padded, so that the page has the width of
    the figure.
    """
    file = io.BytesIO()
    if kind == "pdf":
        facts = {"Creator": "attention-gallery", "Producer": None, "CreationDate": None}
        FigureCanvasPdf(figure).print_figure(
            file, format="pdf", dpi=DPI, metadata={**facts, "Title": title or None}
        )
    elif kind == "svg":
        facts = {"Date": None, "Creator": "attention-gallery", "Title": title or None}
        FigureCanvasSVG(figure).print_figure(file, format="svg", dpi=DPI, metadata=facts)
        if matplotlib.rcParams["svg.fonttype"] == "none":
            return steady_letters(file.getvalue().decode()).encode()
    else:
        FigureCanvasAgg(figure).print_figure(
            file, format="png", dpi=DPI, metadata={"Software": None, "Title": title or None}
        )
    return file.getvalue()


def text_width(text: str, size: float) -> float:
    """Width of a line of text, in inches."""
    if not text.strip():
        return 0.0
    return _width(text, size, matplotlib.rcParams["font.family"][0])


@lru_cache(maxsize=10_000)
def _width(text: str, size: float, family: str) -> float:
    outline = TextPath((0, 0), text, size=size, prop=FontProperties(family=family))
    return float(outline.get_extents().width) / 72


@cache
def _drawable(family: str) -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family=family))).get_charmap())


def drawable(text: str) -> str:
    """A text without line breaks, with question marks for letters that the font lacks.

    Faces of the system are not used: the same figure would be another file on another machine.
    """
    known, line = _drawable(matplotlib.rcParams["font.family"][0]), " ".join(text.split())
    _LOST.get(set()).update(c for c in line if ord(c) not in known)
    return "".join(c if ord(c) in known else "?" for c in line)


def fitted(text: str, inches: float, size: float, lines: int = 2) -> str:
    """A text broken into lines that fit a width; the last one is shortened if needed.

    A word longer than a line is broken after a hyphen, a slash or an underscore.
    """
    found: list[str] = []
    joints: list[str] = []  # the separator between a line and the one above it
    for word in drawable(text).split(" "):
        whole = text_width(word, size) <= inches
        parts = [word] if whole else BREAKS.split(word)
        for number, part in enumerate(parts):
            joint = "" if number else " "
            if found and text_width(f"{found[-1]}{joint}{part}", size) <= inches:
                found[-1] += f"{joint}{part}"
            else:
                found.append(part)
                joints.append(joint)
    if len(found) > lines:
        rest = zip(joints[lines - 1 :], found[lines - 1 :], strict=True)
        found = [*found[: lines - 1], "".join(f"{joint}{line}" for joint, line in rest).strip()]
    return "\n".join(_shortened(line, inches, size) for line in found)


def _shortened(line: str, inches: float, size: float) -> str:
    """A line shortened to fit; the caption has all of it."""
    if text_width(line, size) <= inches:
        return line
    while line and text_width(f"{line}…", size) > inches:
        line = line[:-1]
    return f"{line.rstrip()}…"
