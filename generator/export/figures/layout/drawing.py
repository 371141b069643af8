"""Layout of a sheet in inches, and its drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from generator.errors import SpecError
from generator.export.figures.layout.bars import BAR, BAR_BLOCK, fill_bar
from generator.export.figures.layout.keys import KEY_LINE, LegendKey, draw_keys, lines_of
from generator.export.figures.layout.sheet import (
    AXIS_LEFT,
    AXIS_RIGHT,
    AXIS_TOP,
    Absent,
    Cell,
    Group,
    Sheet,
    SheetChart,
    SheetPicture,
    SheetRow,
)
from generator.export.figures.layout.style import (
    BODY,
    DESCENT,
    FAINT,
    HAIRLINE,
    INK,
    LINE,
    RULE,
    SMALL,
    fitted,
    text_width,
)
from generator.export.figures.layout.tones import Tone
from generator.export.figures.layout.venues import TALLEST
from generator.text.numbers import given, number

GAP = 0.04
GROUP_GAP = 0.10

ROW_LINES = 4
"""Most lines of a row's label, enough to distinguish names with the same beginning."""

HEAD_LINES = 3
"""Most lines of a column's label."""

GRAY = np.array([0.299, 0.587, 0.114])


def draw(sheet: Sheet, width: float) -> Figure:
    """Draw a figure with an exact width, in inches; its height depends on its content.

    Raises:
        SpecError: it would be higher than a page, or its cells would be too small.
    """
    plan = _plan(sheet, width)
    if plan.height > TALLEST:
        raise SpecError(
            f"The figure would be {number(plan.height)} inches high, and a page holds "
            f"{given(TALLEST)}.",
            "Choose fewer rows, or more columns.",
        )
    figure = Figure(figsize=(width, plan.height))
    for heading in sheet.groups:
        _group(figure, plan, heading)
    for text, left, across in zip(plan.heads, plan.lefts, plan.widths, strict=True):
        _text(figure, left + across / 2, plan.head_base, text, SMALL, va="baseline")
    for row, top, down in zip(sheet.rows, plan.tops, plan.heights, strict=True):
        if row.label:
            label = fitted(row.label, down, SMALL, lines=ROW_LINES)
            _text(figure, plan.gutter - GAP, top + down / 2, label, SMALL, ha="right", rotation=90)
        for cell, left, across in zip(row.cells, plan.lefts, plan.widths, strict=True):
            _cell(figure, cell, (left, top, across, down))
    for place, tone in enumerate(sheet.tones):
        _bar(figure, tone, place, len(sheet.tones), plan)
    draw_keys(figure, plan.keys, plan.gutter, width - plan.gutter, plan.foot)
    return figure


@dataclass(frozen=True, slots=True)
class _Plan:
    """Positions of all elements, in inches from the top left."""

    width: float
    height: float
    gutter: float
    lefts: tuple[float, ...]
    widths: tuple[float, ...]
    tops: tuple[float, ...]
    heights: tuple[float, ...]
    heads: tuple[str, ...]
    head_base: float
    foot: float
    keys: list[list[LegendKey]]


def _plan(sheet: Sheet, width: float) -> _Plan:
    columns = len(sheet.heads)
    ratio = sheet.ratio or (1.0,) * columns
    gaps = [GAP] * (columns - 1)
    for group in sheet.groups:
        if group.first:
            gaps[group.first - 1] = GROUP_GAP
    gutter = 0.0
    widths: tuple[float, ...] = ()
    for _ in range(3):  # a wider gutter makes rows lower: a label may need one more line
        space = width - gutter - sum(gaps)
        widths = tuple(space * part / sum(ratio) for part in ratio)
        lines = max((_lines(row, widths) for row in sheet.rows), default=0)
        if lines * SMALL * LINE + GAP <= gutter or not lines:
            break
        gutter = lines * SMALL * LINE + GAP
    if min(widths) < 0.2:
        raise SpecError(
            f"{columns} columns do not fit into {given(width)} inches.",
            "Choose fewer, or a wider figure: --span text.",
        )
    lefts = tuple(gutter + sum(widths[:n]) + sum(gaps[:n]) for n in range(columns))
    heads = tuple(
        fitted(head, across, SMALL, lines=HEAD_LINES)
        for head, across in zip(sheet.heads, widths, strict=True)
    )
    group_room = BODY * LINE + 0.07 if sheet.groups else 0.0
    head_lines = max((h.count("\n") + 1 for h in heads if h), default=0)
    top = group_room + head_lines * SMALL * LINE + (0.03 if head_lines else 0.0)
    head_base = top - 0.025 - DESCENT
    tops, heights = [], []
    for row in sheet.rows:
        down = max(_height(cell, across) for cell, across in zip(row.cells, widths, strict=True))
        tops.append(top)
        heights.append(down)
        top += down + GAP
    keys = lines_of(sheet.keys, width - gutter)
    foot = top - GAP + (BAR_BLOCK if sheet.tones else GAP if keys else 0.01)
    return _Plan(
        width=width,
        height=foot + KEY_LINE * len(keys),
        gutter=gutter,
        lefts=lefts,
        widths=widths,
        tops=tuple(tops),
        heights=tuple(heights),
        heads=heads,
        head_base=head_base,
        foot=foot,
        keys=keys,
    )


def _lines(row: SheetRow, widths: Sequence[float]) -> int:
    """A row's label, broken into lines that fit the height of the row at these widths."""
    if not row.label:
        return 0
    down = max(_height(cell, across) for cell, across in zip(row.cells, widths, strict=True))
    return fitted(row.label, down, SMALL, lines=ROW_LINES).count("\n") + 1


def _height(cell: Cell, across: float) -> float:
    if isinstance(cell, Absent):
        return 0.3
    return across / cell.aspect


def _axes(figure: Figure, box: tuple[float, float, float, float]) -> Axes:
    """Add axes at left, top, width, height, in inches from the figure's top left."""
    wide, high = figure.get_size_inches()
    left, top, across, down = box
    return figure.add_axes((left / wide, 1 - (top + down) / high, across / wide, down / high))


def _text(
    figure: Figure,
    x: float,
    y: float,
    text: str,
    size: float,
    *,
    ha: str = "center",
    va: str = "center",
    rotation: float = 0,
    color: str = INK,
) -> None:
    wide, high = figure.get_size_inches()
    figure.text(
        x / wide,
        1 - y / high,
        text,
        size=size,
        ha=ha,
        va=va,
        rotation=rotation,
        color=color,
        linespacing=1.1,
    )


def _group(figure: Figure, plan: _Plan, heading: Group) -> None:
    """Draw a heading with a thin line under it, as wide as its columns."""
    wide, high = figure.get_size_inches()
    left = plan.lefts[heading.first]
    right = plan.lefts[heading.last] + plan.widths[heading.last]
    base = BODY * LINE + 0.02
    text = fitted(heading.text, right - left, BODY, lines=1)
    _text(figure, (left + right) / 2, base - 0.02 - DESCENT, text, BODY, va="baseline")
    line = Rectangle(
        (left / wide, 1 - (base + 0.02) / high),
        (right - left) / wide,
        0,
        transform=figure.transFigure,
        linewidth=HAIRLINE,
        edgecolor=RULE,
        facecolor="none",
    )
    figure.add_artist(line)


def _cell(figure: Figure, cell: Cell, box: tuple[float, float, float, float]) -> None:
    left, top, across, down = box
    if isinstance(cell, SheetChart):
        _chart(figure, cell, (left, top, across, down))
        return
    if isinstance(cell, Absent):
        if not cell.reason:
            return
        axes = _axes(figure, box)
        axes.set(xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set(visible=True, linewidth=HAIRLINE, color=RULE, linestyle=(0, (2, 2)))
        text = fitted(cell.reason, across - 0.06, SMALL, lines=max(1, int(down / (SMALL * LINE))))
        _text(figure, left + across / 2, top + down / 2, text, SMALL, color=FAINT)
        return
    # a picture keeps its proportions and is centered
    fits = min(across, down * cell.aspect)
    high = fits / cell.aspect
    _draw_picture(
        _axes(figure, (left + (across - fits) / 2, top + (down - high) / 2, fits, high)), cell
    )


def _chart(figure: Figure, chart: SheetChart, box: tuple[float, float, float, float]) -> None:
    """Draw a chart at the bottom of its cell; a long label of the vertical axis is broken."""
    left, top, across, down = box
    own = across / chart.aspect
    high = own - AXIS_TOP - chart.bottom
    axes = _axes(
        figure,
        (left + AXIS_LEFT, top + AXIS_TOP + down - own, across - AXIS_LEFT - AXIS_RIGHT, high),
    )
    chart.draw(axes)
    name = _broken(axes.get_ylabel(), high + 2 * AXIS_TOP)
    more = name.count("\n") * SMALL * LINE
    if more:
        axes.set_ylabel(name, linespacing=1.1)
        wide = figure.get_size_inches()[0]
        place = axes.get_position()
        axes.set_position(
            (place.x0 + more / wide, place.y0, place.width - more / wide, place.height)
        )


def _broken(name: str, space: float) -> str:
    """A label in as few lines as fit, of similar length."""
    found = fitted(name, space, SMALL, lines=3)
    lines = found.count("\n") + 1
    even = fitted(name, min(space, 1.3 * text_width(name, SMALL) / lines), SMALL, lines=lines)
    return found if "…" in even else even


def _draw_picture(axes: Axes, picture: SheetPicture) -> None:
    """Draw a picture. Interpolation ``none`` keeps the patches: no file has a resampled map."""
    axes.set_axis_off()
    where = (0.0, 1.0, 1.0, 0.0)
    if picture.photo is not None:
        photo = picture.photo
        if picture.gray:
            shade = np.rint(photo @ GRAY).astype(np.uint8)
            photo = np.repeat(shade[..., None], 3, axis=-1)
        axes.imshow(photo, extent=where, aspect="auto", interpolation="antialiased")
    if picture.pixels is not None:
        pixels = picture.pixels
        if picture.strength < 1:
            pixels = pixels.copy()
            pixels[..., 3] = np.rint(pixels[..., 3] * picture.strength).astype(np.uint8)
        axes.imshow(pixels, extent=where, aspect="auto", interpolation="none")
    for frame in picture.frames:
        corner = (frame.left, frame.top)
        size = (frame.right - frame.left, frame.bottom - frame.top)
        for color, line in (("white", 1.4), (INK, 0.6)):
            axes.add_patch(
                Rectangle(corner, *size, fill=False, edgecolor=color, linewidth=line, zorder=5)
            )
    axes.set_xlim(0, 1)
    axes.set_ylim(1, 0)


def _bar(figure: Figure, tone: Tone, number: int, count: int, plan: _Plan) -> None:
    """Draw a color bar of vector rectangles, with numbers and a label."""
    space = (plan.width - plan.gutter) / count
    across = min(space - 0.3, max(1.5, 0.42 * plan.width))
    left = plan.gutter + space * number + (space - across) / 2
    top = plan.height - BAR_BLOCK + 0.08
    fill_bar(_axes(figure, (left, top, across, BAR)), tone, across, space)
