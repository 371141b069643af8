"""The page of a sequence: its frames, the numbers over time, and its place on the index."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from scipy.spatial.distance import jensenshannon

from generator.present.files.manifest_file import MANIFEST, MANIFEST_SCHEMA, read_manifest
from generator.present.site.write import build_site
from tests.present.filmed import CLIP, LABEL, TIMES, filmed
from tests.present.gallery import Gallery, tree

PAGE = "q/a-walk/index.html"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> tuple[Gallery, Path]:
    folder = tmp_path_factory.mktemp("film")
    trial = filmed(folder / "pictures")
    build_site(trial.run, trial.read, folder / "site", version="1.2.3")
    return trial, folder / "site"


def text_of(site: Path, page: str) -> str:
    return (site / page).read_text(encoding="utf-8")


def data_of(site: Path) -> dict[str, object]:
    found = re.search(r'id="page-data">(.*?)</script>', text_of(site, PAGE), re.S)
    assert found is not None
    data: dict[str, object] = json.loads(found[1])
    return data


def table(site: Path, chart: str) -> list[list[str]]:
    """The numbers of a chart, row by row."""
    figure = re.search(
        rf'<figure class="chart" id="{chart}"[^>]*>.*?</figure>', text_of(site, PAGE), re.S
    )
    assert figure is not None
    rows = re.findall(r"<tr>(.*?)</tr>", figure[0])
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def test_every_frame_is_on_the_page_and_leads_to_its_own(film: tuple[Gallery, Path]) -> None:
    page = text_of(film[1], PAGE)
    for number in range(3, 7):
        assert f'<a data-carry href="../../i/image{number}/index.html">' in page
    assert "The picture broken.jpg is cut short." in page
    assert "nothing can be decoded after 3.000 s" in page
    assert "<dd>walk.mp4</dd>" in page and f"<dd>{CLIP.taken}</dd>" in page
    frame = text_of(film[1], "i/image4/index.html")
    assert 'href="../../q/a-walk/index.html#frame=2"' in frame
    assert "Frame 2 of 4 of A &#34;walk&#34;" in frame
    assert "of-sequence" not in text_of(film[1], "i/image0/index.html")


def test_scripts_get_each_frame_with_its_files(film: tuple[Gallery, Path]) -> None:
    frames = data_of(film[1])["frames"]
    assert isinstance(frames, list)
    assert [frame["time"] for frame in frames] == list(TIMES)
    for frame in frames:
        assert (film[1] / frame["picture"]).is_file()
        for model in frame["models"]:
            for url in model["chunks"].values():
                assert (film[1] / "q/a-walk" / url).resolve().is_file()
    deep = [frame["models"][3] for frame in frames]
    assert [model["failure"] for model in deep] == ["", "", "Deep ran out of memory on image5.", ""]


def test_change_is_the_divergence_from_the_frame_before(film: tuple[Gallery, Path]) -> None:
    trial, site = film
    head, *rows = table(site, "time-change")
    assert head == ["seconds", "Plain", "Registers", "Probe", "Deep"]
    maps = []
    for number in range(3, 7):
        record = trial.record("plain", f"image{number}")
        row = record.rows("CLS")[-1].astype(np.float64).mean(axis=0)[record.layout.patch_slice]
        maps.append(row / row.sum())
    assert rows[0][:2] == ["0", "–"]
    for n in range(1, 4):
        expected = jensenshannon(maps[n - 1], maps[n], base=2) ** 2
        assert float(rows[n][1]) == pytest.approx(expected, rel=0.02)
    assert [row[4] for row in rows][2:] == ["–", "–"]  # deep has no third frame


def test_numbers_over_time_are_those_of_the_records(film: tuple[Gallery, Path]) -> None:
    trial, site = film
    rows = table(site, "time-registers")[1:]
    assert table(site, "time-registers")[0] == ["seconds", "Registers"]
    for n, row in enumerate(rows):
        record = trial.record("registers", f"image{n + 3}")
        weights = record.rows("CLS")[-1].astype(np.float64).mean(axis=0) / record.layout.tokens
        assert float(row[1].removesuffix("\xa0%")) == pytest.approx(
            100 * weights[1:3].sum(), rel=0.02
        )
    entropy = table(site, "time-entropy")[1:]
    for n, row in enumerate(entropy):
        record = trial.record("plain", f"image{n + 3}")
        assert float(row[1]) == pytest.approx(float(record.entropy[-1].mean()), rel=0.02)


def test_the_index_has_one_card_for_a_sequence(film: tuple[Gallery, Path]) -> None:
    index = text_of(film[1], "index.html")
    assert index.count('class="image-card"') == 4
    assert '<a href="q/a-walk/index.html">A &#34;walk&#34;</a>' in index
    assert "4 frames, 2.5 s" in index
    strip = re.search(r'<div class="image-card-strip">(.*?)</div>', index)
    assert strip is not None and strip[1].count("<img") == 4
    assert '<h3 class="group">Sequences</h3>' in index
    assert "The picture broken.jpg is cut short." in index


def test_the_manifest_says_what_is_a_frame_of_what(film: tuple[Gallery, Path]) -> None:
    manifest = read_manifest(film[1])
    assert manifest is not None
    assert manifest.sequences == (CLIP,)
    frames = [image.frame for image in manifest.images]
    assert frames[:3] == [None, None, None]
    assert [(f.sequence, f.number, f.time) for f in frames if f] == [
        ("a-walk", n + 1, time) for n, time in enumerate((*TIMES, 3.0))
    ]
    assert PAGE in manifest.pages
    schema = json.loads(text_of(film[1], MANIFEST_SCHEMA))
    Draft202012Validator(schema).validate(json.loads(text_of(film[1], MANIFEST)))


@pytest.mark.slow
def test_the_same_run_gives_the_same_bytes(film: tuple[Gallery, Path], tmp_path: Path) -> None:
    trial, site = film
    build_site(trial.run, trial.read, tmp_path / "again", version="1.2.3")
    assert tree(tmp_path / "again") == tree(site)


def test_a_label_is_text_and_nothing_else(film: tuple[Gallery, Path]) -> None:
    assert LABEL not in text_of(film[1], PAGE).split('id="page-data"')[0]
