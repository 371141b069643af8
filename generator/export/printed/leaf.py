"""Arrangement of a picture's page: as much of an A4 page as possible is maps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

WIDTH, HEIGHT = 180, 262
"""Millimeters between the margins of a page."""

GAP = 4
"""Millimeters between maps."""

LABEL = 9
"""Millimeters of the name of a map, in two lines."""

TOP = 11
"""Millimeters of the title."""

PHOTO, LARGEST_PHOTO = 46, 60
"""Millimeters of the width of the picture, with the numbers beside it."""

CREDIT = 4
"""Millimeters of a line below the picture."""

ROW = 5.4
"""Millimeters of a row of numbers."""

HEAD = 12
"""Millimeters of the head of a table of numbers, and of the space above it."""

LEGEND = 23
"""Millimeters of the color bar and of the caption beside it."""

NAME, UNDER = 24, 30
"""Letters that fit in a line of a table, and in one below the picture."""

LEAST = 20
"""Smallest width of a large map in millimeters."""

LEAST_CELL = 1.5
"""Smallest width of a map in a wall in millimeters; smaller ones show nothing."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """Columns of maps, and widths in millimeters.

    Attributes:
        columns: walls stand below the large maps, in as many columns.
        column: width of a column.
        map: width of a large map.
        walls: width of each wall of every layer and head; empty where walls don't fit.
        photo: width of the picture.
    """

    columns: int
    column: int
    map: int
    walls: tuple[float, ...]
    photo: int = PHOTO


@dataclass(frozen=True, slots=True)
class WallShape:
    """Columns of a wall, and its height by its width."""

    columns: int
    shape: float


def arrange(
    photo: float,
    under: str,
    maps: Sequence[float],
    walls: Sequence[WallShape],
    names: Sequence[Sequence[str]],
    absent: int,
) -> Leaf:
    """Find the sizes with which most of the page is filled with maps.

    Args:
        photo: height of the picture by its width; 0 without one.
        under: the words below the picture.
        maps: height by width of each large map.
        walls: as many as maps.
        names: the names in each table of numbers.
        absent: number of models without a map.
    """
    if not maps:
        return Leaf(1, LEAST, LEAST, ())
    tables = sum(HEAD + ROW * sum(-(-len(name) // NAME) for name in table) for table in names)
    tables += 2 * ROW * absent
    words = CREDIT * -(-len(under) // UNDER)
    room = HEIGHT - TOP - LEGEND
    free = room - max(photo * PHOTO + words, tables)
    leaf = max(_candidates(maps, walls, free), key=lambda leaf: _filled(leaf, maps, walls))
    if not photo:
        return leaf
    left = (room - _height(leaf, maps, walls) - words) / photo
    return replace(leaf, photo=max(PHOTO, min(LARGEST_PHOTO, int(left))))


def _candidates(maps: Sequence[float], walls: Sequence[WallShape], free: float) -> Iterator[Leaf]:
    """Every arrangement that fits into the free height; at least one."""
    count, tallest = len(maps), max(maps)
    yield _largest(count, tallest, free)
    for columns in range(1, count + 1):
        rows, across = -(-count // columns), _across(columns)
        for width in range(LEAST, across + 1):
            rest = free - rows * (width * tallest + LABEL + GAP)
            high = rest / rows - LABEL - GAP
            own = tuple(int(10 * min(across, high / wall.shape)) / 10 for wall in walls)
            if all(wide >= LEAST_CELL * w.columns for wide, w in zip(own, walls, strict=True)):
                yield Leaf(columns, max(width, ceil(max(own))), width, own)


def _largest(count: int, tallest: float, free: float) -> Leaf:
    """The largest maps without walls."""

    def width(columns: int) -> int:
        high = free / -(-count // columns) - LABEL - GAP
        return max(LEAST, min(_across(columns), int(high / tallest)))

    columns = max(range(1, count + 1), key=lambda c: (width(c), -c))
    return Leaf(columns, width(columns), width(columns), ())


def _across(columns: int) -> int:
    """Width of each of several columns."""
    return int((WIDTH - GAP * (columns - 1)) / columns)


def _height(leaf: Leaf, maps: Sequence[float], walls: Sequence[WallShape]) -> float:
    """Height of all maps and walls with their names."""
    rows = -(-len(maps) // leaf.columns)
    high = leaf.map * max(maps) + LABEL + GAP
    if leaf.walls:
        tall = (width * wall.shape for width, wall in zip(leaf.walls, walls, strict=True))
        high += max(tall) + LABEL + GAP
    return rows * high


def _filled(leaf: Leaf, maps: Sequence[float], walls: Sequence[WallShape]) -> float:
    """Area of maps and walls; large maps count more, and a page without walls least."""
    if not leaf.walls:
        return 0.0
    large = sum(leaf.map**2 * shape for shape in maps)
    return 1.5 * large + sum(w**2 * each.shape for w, each in zip(leaf.walls, walls, strict=True))
