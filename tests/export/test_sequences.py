"""A gallery with a sequence, taken elsewhere: in one file, in an archive, anonymous, as a film."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence
from playwright.sync_api import Browser, Page, expect

from generator.export.publish.review import review_site
from generator.export.source import open_source
from generator.present.files.manifest_file import read_manifest
from generator.present.site.write import build_site
from generator.records.paper import Author, Paper
from generator.records.store import Store
from tests.export.conftest import Exportable
from tests.export.leaks import leaks
from tests.present.filmed import CLIP, TIMES, filmed

OWNER = "Zebulon"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Exportable:
    """The clip is called after its maker."""
    folder = tmp_path_factory.mktemp("film")
    trial = filmed(folder / "pictures")
    clip = replace(CLIP, slug="zebulon-walks", source="zebulon walks.mp4", label="Zebulon walks")
    images = tuple(
        replace(i, group=clip.label, title=i.title.replace(CLIP.label, clip.label))
        if i.frame is None
        else replace(
            i,
            group=clip.label,
            title=i.title.replace(CLIP.label, clip.label),
            frame=replace(i.frame, sequence=clip),
        )
        for i in trial.run.images
    )
    paper = Paper(authors=(Author(f"Ada {OWNER}"),))
    trial = replace(trial, run=replace(trial.run, images=images, paper=paper))
    store = Store(folder / "store")
    for record in trial.records.values():
        store.put(record)
    build_site(trial.run, trial.read, folder / "site", version="1.2.3")
    return Exportable(trial, folder / "site", folder / "store")


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    noise: list[str] = []
    page.on("console", lambda message: noise.append(message.text))
    page.on("pageerror", lambda error: noise.append(str(error)))
    yield page
    context.close()
    assert noise == []


@pytest.mark.slow
def test_one_file_holds_the_sequence_and_its_frames(
    film: Exportable, tmp_path: Path, page: Page
) -> None:
    film.export("single", "-o", str(tmp_path / "one.html"))
    page.goto(f"{(tmp_path / 'one.html').as_uri()}#page=q/zebulon-walks&frame=2")
    expect(page.locator("#frame-says")).to_have_text("0.500 s · frame 2 of 4")
    expect(page.locator(".stage-loading")).to_have_count(0)
    first = page.locator('[data-model="0"] .stage-map').evaluate("c => c.toDataURL()")
    photo = page.locator(".stage-photo").first.get_attribute("src")
    page.locator("#frame").fill("3")
    expect(page.locator("#frame-says")).to_contain_text("frame 3 of 4")
    expect(page.locator(".stage-photo").first).not_to_have_attribute("src", photo or "")
    assert page.locator('[data-model="0"] .stage-map').evaluate("c => c.toDataURL()") != first
    page.locator("#frame-page").click()
    expect(page).to_have_url(re.compile(r"#page=i%?2?F?/?image5"))
    page.locator(".of-sequence a").click()
    expect(page.locator("#frame-says")).to_contain_text("frame 3 of 4")


@pytest.mark.slow
def test_one_small_file_keeps_the_frames_that_fit(
    film: Exportable, tmp_path: Path, page: Page
) -> None:
    whole = tmp_path / "whole.html"
    film.export("single", "-o", str(whole))
    small = tmp_path / "small.html"
    size = 0.72 * whole.stat().st_size / 1e6
    said = film.export("single", "-o", str(small), "--max-size", f"{size:.2f}")
    assert "the pages of the last" in said
    page.goto(f"{small.as_uri()}#page=q/zebulon-walks")
    frames = page.locator("#frame").get_attribute("max")
    assert frames is not None and 1 <= int(frames) < 4
    expect(page.locator(".stage-loading")).to_have_count(0)
    page.locator("#frame").fill(frames)
    expect(page.locator("#frame-says")).to_contain_text(f"frame {frames} of {frames}")


def test_an_archive_holds_the_page(film: Exportable, tmp_path: Path) -> None:
    film.export("zip", "-o", str(tmp_path / "site.zip"))
    names = zipfile.ZipFile(tmp_path / "site.zip").namelist()
    assert any(name.endswith("q/zebulon-walks/index.html") for name in names)


@pytest.mark.slow
def test_an_anonymous_copy_keeps_the_sequence_and_not_its_maker(
    film: Exportable, tmp_path: Path
) -> None:
    film.export("zip", "-o", str(tmp_path / "site.zip"), "--anonymous")
    assert leaks(tmp_path / "site.zip", OWNER) == []
    with zipfile.ZipFile(tmp_path / "site.zip") as archive:
        archive.extractall(tmp_path / "site")
    (manifest,) = (tmp_path / "site").rglob("manifest.json")
    found = read_manifest(manifest.parent)
    assert found is not None
    (sequence,) = found.sequences
    assert (sequence.slug, sequence.label) == ("sequence-1", "Sequence 1")
    assert sequence.source == "sequence-1.mp4"
    assert (manifest.parent / "q/sequence-1/index.html").is_file()


def test_a_site_gives_back_its_sequences(film: Exportable) -> None:
    source = open_source(film.site, film.store)
    assert source.run.sequences == film.trial.run.sequences
    assert [i.frame for i in source.run.images] == [i.frame for i in film.trial.run.images]


def test_a_review_finds_nothing_wrong_with_the_page(film: Exportable) -> None:
    review = review_site(film.site, "branch")
    assert "q/zebulon-walks/index.html" in [file.path for file in review.files]
    assert [f for f in review.problems if "zebulon" in f"{f}"] == []


def test_a_film_has_the_times_of_the_clip(film: Exportable, tmp_path: Path) -> None:
    for name in ("a.webp", "b.webp"):
        film.export(
            *("animation", "--over", "time", "-o", str(tmp_path / name), "--width", "96"),
            *("-m", "Plain", "-m", "Deep", "--overlay", "100"),
        )
    data = (tmp_path / "a.webp").read_bytes()
    assert data == (tmp_path / "b.webp").read_bytes()
    with Image.open(io.BytesIO(data)) as picture:
        frames = [np.asarray(f.convert("RGB")).astype(int) for f in ImageSequence.Iterator(picture)]
        times = []
        for n in range(picture.n_frames):  # type: ignore[attr-defined]
            picture.seek(n)
            picture.load()
            times.append(picture.info["duration"])
    assert times == [500, 500, 1500, 1500]
    assert len(frames) == len(TIMES)
    maps = [frame[52 : 52 + 64, 24 : 24 + 96] for frame in frames]
    assert all(np.abs(a - b).mean() > 2 for a, b in pairwise(maps))
    failed = frames[2][52 : 52 + 64, 140 : 140 + 96]  # deep has no third frame
    assert np.ptp(failed) < 12


def test_what_is_no_sequence_is_said(film: Exportable, made: Exportable, tmp_path: Path) -> None:
    words = ("animation", "--over", "time", "-o", str(tmp_path / "a.gif"))
    assert "The gallery has no sequence. Leave out --over time." in made.export(*words, code=2)
    said = film.export(*words, "-i", "zebulon run", code=2)
    assert "No sequence of the gallery is called zebulon run." in said
    said = film.export(*words, "--layer", "40", code=2)
    assert "None of the models has this layer, head and query." in said
