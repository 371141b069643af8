"""Pages of pictures in the report: maps as large as an A4 page lets them be, and true numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scipy.spatial.distance import jensenshannon

from generator.export.printed.leaf import (
    GAP,
    HEIGHT,
    LABEL,
    LEGEND,
    TOP,
    WIDTH,
    Leaf,
    WallShape,
    arrange,
)
from generator.present.cells.chunks.maps import maps_of
from generator.text.numbers import number
from tests.export.conftest import Exportable

CASES = {
    "one": ([1.0], [WallShape(4, 3.0)]),
    "two": ([1.0, 1.0], [WallShape(4, 3.0), WallShape(5, 1.2)]),
    "large": ([1.0, 1.0], [WallShape(17, 24 / 17)] * 2),
    "wide": ([0.5] * 3, [WallShape(13, 0.5)] * 3),
    "tall": ([2.0] * 4, [WallShape(5, 2.4)] * 4),
    "six": ([1.0] * 6, [WallShape(13, 1.0)] * 6),
    "twelve": ([0.67] * 12, [WallShape(17, 1.0)] * 12),
}


def height(leaf: Leaf, maps: list[float], walls: list[WallShape]) -> float:
    """Millimeters of all maps and walls."""
    rows = -(-len(maps) // leaf.columns)
    tall = [width * wall.shape for width, wall in zip(leaf.walls, walls, strict=False)]
    each = leaf.map * max(maps) + LABEL + GAP + (max(tall) + LABEL + GAP if tall else 0)
    return rows * each


@pytest.mark.parametrize("case", CASES)
def test_everything_fits_on_the_page(case: str) -> None:
    maps, walls = CASES[case]
    names = [[f"model {n}" for n in range(len(maps))]]
    leaf = arrange(0.75, "A. Painter, CC0", maps, walls, names, 0)
    assert leaf.columns * leaf.column + (leaf.columns - 1) * GAP <= WIDTH
    assert leaf.map <= leaf.column and all(width <= leaf.column for width in leaf.walls)
    used = TOP + LEGEND + height(leaf, maps, walls) + leaf.photo * 0.75
    assert used <= HEIGHT
    assert leaf.walls, "the walls are there"


def test_two_maps_fill_the_page_and_each_wall_its_room() -> None:
    maps, walls = CASES["two"]
    leaf = arrange(1.0, "", maps, walls, [["a", "b"]], 0)
    tall = [width * wall.shape for width, wall in zip(leaf.walls, walls, strict=True)]
    assert tall[0] == pytest.approx(tall[1], abs=0.5), "as high as each other"
    assert leaf.map > 80


def test_many_models_have_no_walls_rather_than_tiny_ones() -> None:
    maps, walls = [1.0] * 30, [WallShape(17, 24 / 17)] * 30
    assert arrange(1.0, "", maps, walls, [], 0).walls == ()


def test_models_compared_have_the_difference_of_their_maps(
    made: Exportable, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    made.export("report", "-o", str(path), "-i", "image0.jpg")
    rows = path.read_text(encoding="utf-8").partition("Difference of maps")[2].partition("</table>")
    found = re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td>', rows[0])
    assert [label for label, *_ in found] == ["Plain vs Registers"]
    run = made.trial.run
    assert run.images[0].title == "Image0"
    maps = []
    for model in ("plain", "registers"):
        record = made.trial.records[run.cell(model, run.images[0].slug).record]
        last = maps_of(record, "CLS").maps[-1, -1].astype(float)
        maps.append(last.ravel() / last.sum())
    one, two = maps
    assert found[0][1] == number(jensenshannon(one, two, base=2) ** 2)
    assert found[0][2] == number(float(sum(map(min, zip(one, two, strict=True)))))
