"""The index: many images on several pages, in groups, with numbers they can be sorted by."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from generator.analysis.compare.agreement import divergence
from generator.analysis.grids import PlacedMap, on_common_grid
from generator.analysis.stream.norms import outliers_of
from generator.present.pages import paging
from generator.present.site.write import build_site
from generator.records.record import View
from tests import tiny
from tests.present.gallery import BARE, Gallery, gallery, many
from tests.present.site.test_site import VERSION, page

Again = Callable[..., tuple[Gallery, Path]]
BIG = 450
"""Images of the gallery of three pages."""


def index_data(site: Path) -> dict:
    (script,) = site.glob("assets/index-data.*.js")
    found = re.fullmatch(r"galleryIndex\((.*)\);\n", script.read_text(encoding="utf-8"))
    assert found is not None
    return json.loads(found[1])


# --- numbers --------------------------------------------------------------------------------------


def view(left: float = 0, right: float = 64) -> View:
    return View(64, 64, left, 0, right, 64, 64, 64)


def test_maps_that_agree_differ_by_nothing_and_disjoint_ones_by_one_bit() -> None:
    left, right = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    assert divergence(left, left) == 0
    assert divergence(left, right) == pytest.approx(1)
    assert divergence(left, (left + right) / 2) == pytest.approx(0.311278, abs=1e-6)


def test_a_finer_grid_of_the_same_attention_is_no_disagreement() -> None:
    coarse = np.arange(1.0, 13).reshape(3, 4)
    fine = np.repeat(np.repeat(coarse, 2, axis=0), 3, axis=1) / 6
    one, two = on_common_grid([PlacedMap(coarse, view()), PlacedMap(fine, view())]) or ()
    assert one.shape == (3, 4)
    assert two == pytest.approx(one)
    assert one.sum() == pytest.approx(1)


def test_grids_that_do_not_divide_share_attention_by_area() -> None:
    three = np.array([[3.0, 0.0, 3.0]])
    two, other = (
        on_common_grid([PlacedMap(np.ones((1, 2)), view()), PlacedMap(three, view())]) or ()
    )
    assert two == pytest.approx(np.array([[0.5, 0.5]]))
    assert other == pytest.approx(np.array([[0.5, 0.5]]))


def test_models_are_compared_on_what_both_saw() -> None:
    whole = PlacedMap(np.array([[5.0, 1.0, 1.0, 5.0]]), view())
    middle = PlacedMap(np.array([[1.0, 1.0]]), view(16, 48))
    one, two = on_common_grid([whole, middle]) or ()
    assert one == pytest.approx(two)
    apart = [PlacedMap(np.ones((1, 1)), view(0, 8)), PlacedMap(np.ones((1, 1)), view(8, 16))]
    assert on_common_grid(apart) is None


def test_planted_outliers_are_counted_where_they_stand_out_most() -> None:
    record = tiny.record(tiny.layout(registers=2))
    norms = np.full_like(record.norms, 2.0)
    norms[2, 3 + 5 : 3 + 8] = 20.0  # three patches; the registers in front do not count
    norms[2, :3] = 900.0
    norms[1, 10] = 7.0
    found = outliers_of(replace(record, norms=norms))
    assert (found.layer, found.count, found.ratio) == (2, 3, 10.0)


@pytest.mark.slow
def test_every_image_can_be_sorted_by_its_numbers(tmp_path: Path) -> None:
    trial = gallery(tmp_path / "pictures", images=4)
    site = tmp_path / "site"
    build_site(trial.run, trial.read, site, version=VERSION)
    data = index_data(site)
    said = [statistic["says"] for statistic in data["statistics"]]
    assert said == ["", "outliers:", "on registers:", "entropy:"]
    values = data["images"][0]["values"]
    # of the one model with registers
    mass = trial.record("registers", "image0").mass[-1, :, 0, 1:3].sum(-1).mean()
    assert values[2] == pytest.approx(mass, rel=0.05)
    cells = [trial.record(name, "image0") for name in ("plain", "registers", "probe", "deep")]
    outliers = np.mean([outliers_of(cell).count for cell in cells])
    assert values[1] == pytest.approx(outliers, abs=0.01)
    methods = page(site, "methods/index.html").text
    assert "Jensen-Shannon divergence, base 2" in methods


@pytest.mark.value_of("disagreement")
def test_the_divergence_of_every_pair_is_published(again: Again) -> None:
    trial, site = again()
    (file,) = site.glob("i/image0/divergence.*.json")
    pairs = json.loads(file.read_text())["pairs"]
    assert len(pairs) == 6
    maps = {}
    for slug in ("plain", "registers"):
        record = trial.record(slug, "image0")
        last = record.layout.fold(record.rows("CLS"))[-1].astype(float).mean(0)
        maps[record.key] = PlacedMap(last, record.view)
    one, two = on_common_grid(list(maps.values())) or ()
    (pair,) = (pair for pair in pairs if set(pair["records"]) == set(maps))
    expected = jensenshannon(one.ravel(), two.ravel(), base=2) ** 2
    assert pair["bits"] == pytest.approx(expected, abs=1e-3)
    html = (site / "index.html").read_text(encoding="utf-8")
    assert "Numbers: difference in bits." in html
    said = re.search(r'image-card-figure">([\d.]+)<', html)
    assert said is not None
    assert float(said[1]) == pytest.approx(np.mean([each["bits"] for each in pairs]), abs=6e-4)


@pytest.mark.slow
def test_numbers_need_no_record_on_a_rebuild(again: Again) -> None:
    trial, site = again()
    before = (site / "index.html").read_bytes()
    report = build_site(trial.run, trial.read, site, version=VERSION)
    assert (trial.reads, report.rendered) == ([], 0)
    assert (site / "index.html").read_bytes() == before


# --- pages ----------------------------------------------------------------------------------------


def test_pages_hold_at_most_200_images_and_lead_to_each_other(big: Path) -> None:
    paths = ["index.html", "page-2/index.html", "page-3/index.html"]
    titles = r'<h[34] class="image-card-title"><a [^>]*>(Picture \d+)</a>'
    shown = [re.findall(titles, (big / path).read_text(encoding="utf-8")) for path in paths]
    assert [len(titles) for titles in shown] == [200, 200, BIG - 400]
    assert {title for titles in shown for title in titles} == {f"Picture {n}" for n in range(BIG)}
    assert "../index.html" in page(big, paths[1]).links
    assert "../page-3/index.html" in page(big, paths[1]).links
    assert "page-2/index.html" in page(big, paths[0]).links
    assert f"201 to 400 of {BIG}" in page(big, paths[1]).text


@pytest.mark.parametrize(("models", "most"), [(0, 200), (2, 200), (4, 125), (10, 50), (900, 1)])
def test_a_page_of_many_models_holds_fewer_images(tmp_path: Path, models: int, most: int) -> None:
    """Each image has a map of each model."""
    entries = many(tmp_path, 500, models=1).run.images
    first, second, *_ = found = list(paging.parts(entries, models))
    assert [len(part.images) for part in (first, second)] == [most, most]
    assert second.range == f"{most + 1:,} to {2 * most:,} of 500"
    assert tuple(image for part in found for image in part.images) == entries


def test_groups_stay_together_across_pages(big: Path) -> None:
    headings = [
        re.findall(r"Group \d(?! \()", page(big, f"{path}index.html").text)
        for path in ("", "page-2/", "page-3/")
    ]
    assert headings == [["Group 1", "Group 2"], ["Group 2", "Group 3"], ["Group 3"]]


def test_every_link_of_every_page_leads_somewhere(big: Path) -> None:
    for path in (*big.glob("page-*/index.html"), *big.glob("m/**/index.html")):
        for address in page(big, str(path.relative_to(big))).links:
            target = path.parent / address.partition("#")[0]
            assert address.startswith(("data:", "#")) or target.is_file(), address


def test_a_page_of_200_images_stays_within_its_weight(big: Path) -> None:
    html = (big / "index.html").read_bytes()
    parts = [*page(big, "index.html").all("script"), *page(big, "index.html").all("link")]
    paths = [part.get("src") or part.get("href") or "" for part in parts]
    files = [big / path for path in paths if path.startswith("assets/")]
    assert len(files) > 8
    first = len(gzip.compress(html)) + sum(len(path.read_bytes()) for path in files)
    assert first < 150_000
    # pictures come as they are scrolled to, but for those of the hero
    images = page(big, "index.html").all("img")
    eager = [image["src"] or "" for image in images if image.get("loading") != "lazy"]
    hero = {path for path in eager if not path.startswith("assets/")}
    assert len(hero) == 3
    assert first + sum((big / path).stat().st_size for path in hero) < 240_000
    (data,) = big.glob("assets/index-data.*.js")
    assert len(data.read_bytes()) / BIG < 300, "of two models"


def test_the_data_names_files_that_are_there(big: Path) -> None:
    data = index_data(big)
    assert len(data["images"]) == BIG
    for image in data["images"][::50]:
        assert (big / f"i/{image['slug']}/{image['crop'][0]}.webp").is_file()
        for model, (digest, *_) in zip(data["models"], image["maps"], strict=True):
            assert (big / f"data/{model['slug']}/{image['slug']}.last.{digest}.png").is_file()


def test_pages_that_are_no_longer_needed_vanish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE_IMAGES", 5)
    trial = many(tmp_path / "pictures", 6, models=1)
    site = tmp_path / "site"
    build_site(trial.run, trial.read, site, version=VERSION, settings=BARE)
    assert (site / "page-2/index.html").is_file()
    assert (site / "m/model-0/page-2/index.html").is_file()
    fewer = many(tmp_path / "pictures", 5, models=1)
    build_site(fewer.run, fewer.read, site, version=VERSION, settings=BARE)
    assert not (site / "page-2").exists()
    assert not (site / "m/model-0/page-2").exists()


def test_a_gallery_of_a_few_images_has_nothing_to_search(tmp_path: Path) -> None:
    trial = many(tmp_path / "pictures", 3)
    site = tmp_path / "site"
    build_site(trial.run, trial.read, site, version=VERSION)
    assert 'id="finder"' not in (site / "index.html").read_text(encoding="utf-8")
    assert not list(site.glob("assets/index-data.*"))


def test_a_models_images_are_on_as_many_pages_as_those_of_the_index(big: Path) -> None:
    paths = [f"m/model-0/{part}index.html" for part in ("", "page-2/", "page-3/")]
    pages = [page(big, path) for path in paths]
    listed = [
        {link for link in found.links if re.search(r"/i/[^/]+/index.html$", link)}
        for found in pages
    ]
    assert [len(images) for images in listed] == [200, 200, BIG - 400]
    assert len({link.rpartition("/i/")[2] for images in listed for link in images}) == BIG
    first, second, _ = pages
    assert "How it was run" in first.text
    assert "How it was run" not in second.text
    assert f"201 to 400 of {BIG}" in second.text
    assert {"../index.html", "../page-3/index.html"} <= set(second.links)
    assert "../../../i/picture-0200/index.html" in second.links
