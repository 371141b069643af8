"""How maps are scored against objects that people have marked, on the pages."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from generator.present.site.write import build_site
from tests.present.analyzed import marked, section, text_of
from tests.present.gallery import Gallery, gallery


def test_scores_stand_beside_those_of_maps_that_know_nothing(
    analyzed: tuple[Gallery, Path],
) -> None:
    rows = re.findall(
        r'<th scope="row">([^<]*)</th>' + 4 * "<td>([^<]*)</td>",
        section(analyzed[1], "marked"),
    )
    uniform = [row for row in rows if row[0] == "uniform"]
    # the mask covers 3 of 6 columns and 3 of 4 rows: exactly 9 of 24 patches
    assert [row[1] for row in uniform] == ["37.5\u00a0%"] * 4
    assert [row[4] for row in uniform] == ["37.5\u00a0%"] * 4
    assert [row[2] for row in uniform] == ["\u2013"] * 4
    names = (
        "last layer",
        "rollout",
        "last layer of another picture",
        "uniform",
        "centered Gaussian",
    )
    assert [row[0] for row in rows] == [*names] * 4


def test_the_map_of_another_picture_is_scored_against_this_ones_objects(tmp_path: Path) -> None:
    trial = gallery(tmp_path / "pictures")
    marked = []
    for image, left in zip(trial.run.images, (48, 0, 0), strict=True):
        mask = Image.new("L", (96, 64))
        mask.paste(255, (left, 0, left + 48, 64))
        mask.save(tmp_path / f"{image.slug}.png")
        marked.append(replace(image, mask=tmp_path / f"{image.slug}.png"))
    trial.run = replace(trial.run, images=tuple(marked))
    build_site(trial.run, trial.read, tmp_path / "site", version="1")
    own = trial.record("plain", "image1").rows("CLS")[-1].astype(float).mean(0)[1:].reshape(4, 6)
    inside = own[:, 3:].sum() / own.sum()
    found = re.search(r"of another picture</th><td>(\d+)", section(tmp_path / "site", "marked"))
    assert found
    assert int(found[1]) == pytest.approx(100 * inside, abs=0.6)


def test_the_marked_box_is_drawn_where_it_is(analyzed: tuple[Gallery, Path]) -> None:
    assert "M3 1H6V4H3z" in marked(section(analyzed[1], "marked"), "truth")


def test_the_index_sums_the_scores_up_over_images(analyzed: tuple[Gallery, Path]) -> None:
    html = (analyzed[1] / "index.html").read_text(encoding="utf-8")
    text = text_of(html[html.index('id="marked"') :])
    assert "Plain, last layer 1 " in text
    assert "CorLoc" in text


def test_nothing_is_said_of_marks_where_there_are_none(built: tuple[Gallery, Path, object]) -> None:
    for page in ("index.html", "i/image0/index.html"):
        assert "marked objects" not in (built[1] / page).read_text(encoding="utf-8")
