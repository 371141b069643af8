"""A site within a size: what goes first, what stays right, and what is said about it."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generator.errors import SpecError
from generator.present.cells.chunks.chunk import Header, read_chunk
from generator.present.cells.chunks.norm_codes import FIRST_OUTLIER
from generator.present.cells.chunks.patches import read_patch_chunk
from generator.present.drawing.quantize import Quantized, decode, error_bound
from generator.present.files.manifest import CellItem, FileEntry, Manifest
from generator.present.files.manifest_file import read_manifest
from generator.present.files.reductions import STEPS
from generator.present.files.settings import Settings
from generator.present.site.result import SiteResult
from generator.present.site.write import build_site
from generator.records.paper import Paper, TeaserCell
from generator.records.record import OUTLIER
from generator.text.amounts import size_in_words
from tests.once import once
from tests.present.filmed import with_frames
from tests.present.gallery import Gallery, tree
from tests.present.sized import HEADS, LAYERS, SIDE, sized

pytestmark = pytest.mark.slow  # the ten sites that they look at take ten seconds

VERSION = "1"


@dataclass(frozen=True)
class Tier:
    """A site that was built with one byte less than the one before it takes."""

    site: Path
    limit: int | None
    report: SiteResult

    @property
    def bytes(self) -> int:
        return sum(len(data) for data in tree(self.site).values())

    @property
    def manifest(self) -> Manifest:
        found = read_manifest(self.site)
        assert found is not None
        return found

    def cell(self, model: str, image: str) -> CellItem:
        cells = self.manifest.cells
        return next(cell for cell in cells if (cell.model, cell.image) == (model, image))

    def file(self, model: str, image: str, query: str) -> FileEntry | None:
        files = self.cell(model, image).files
        kinds = ("chunk", "patches")
        return next((f for f in files if f.kind in kinds and f.query == query), None)

    def chunk(self, model: str, image: str, query: str = "CLS") -> tuple[Header, Quantized]:
        file = self.file(model, image, query)
        assert file is not None
        return read_chunk(self.site / file.path)

    def page(self, path: str) -> str:
        text = (self.site / path).read_text(encoding="utf-8")
        text = re.sub(r"<script.*?</script>", " ", text, flags=re.DOTALL)
        return " ".join(re.sub(r"<[^>]+>", " ", text).split())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Gallery, list[Tier]]:
    return once(tmp_path_factory, "tiers", make_tiers)


def make_tiers(folder: Path) -> tuple[Gallery, list[Tier]]:
    """From everything down to the smallest site there is, each in a folder of its own.

    Each is written over a copy of the whole site, whose files it takes over.
    """
    trial = sized(folder / "pictures")
    found: list[Tier] = []
    limit = None
    while True:
        site = folder / str(len(found))
        if found:
            shutil.copytree(found[0].site, site)
        try:
            report = build(trial, site, limit)
        except SpecError:
            return trial, found
        found.append(Tier(site, limit, report))
        limit = found[-1].bytes - 1


@pytest.fixture(scope="module")
def trial(made: tuple[Gallery, list[Tier]]) -> Gallery:
    return made[0]


@pytest.fixture(scope="module")
def tiers(made: tuple[Gallery, list[Tier]]) -> list[Tier]:
    return made[1]


def build(trial: Gallery, site: Path, limit: int | None) -> SiteResult:
    return build_site(
        trial.run, trial.read, site, version=VERSION, settings=Settings(max_bytes=limit)
    )


def with_step(tiers: list[Tier], step: str) -> Tier:
    """The first tier in which a step is taken."""
    return next(tier for tier in tiers if step in tier.report.reduction.steps)


def data(page: str) -> dict[str, object]:
    found = re.search(r'id="page-data">(.*?)</script>', page)
    assert found
    held: dict[str, object] = json.loads(found[1])
    return held


def test_every_step_is_taken_in_turn_and_no_more_than_needed(tiers: list[Tier]) -> None:
    taken = [tier.report.reduction.steps for tier in tiers]
    spared = [tier.report.reduction.whole for tier in tiers]
    assert taken[:7] == [STEPS[:count] for count in range(7)]
    assert taken[7:] == [STEPS] * 3
    assert [len(images) for images in spared[7:]] == [2, 1, 0]


def test_every_site_is_within_its_size(tiers: list[Tier]) -> None:
    for tier in tiers[1:]:
        assert tier.limit is not None
        assert tier.bytes <= tier.limit
        assert tier.report.bytes == tier.bytes


def test_what_is_left_out_is_not_in_the_folder(tiers: list[Tier]) -> None:
    for tier in tiers:
        named = {file.path for file in tier.manifest.files}
        there = {path for path in tree(tier.site) if path.startswith("data/")}
        assert there <= named
        assert named <= set(tree(tier.site))


def test_same_limit_same_bytes_whatever_was_there(
    trial: Gallery, tiers: list[Tier], tmp_path: Path
) -> None:
    site = tmp_path / "site"
    for tier in (tiers[5], tiers[8], tiers[2], tiers[0]):  # the first over nothing
        build(trial, site, tier.limit)
        assert tree(site) == tree(tier.site)
    build(trial, tmp_path / "small", tiers[8].limit)
    assert tree(tmp_path / "small") == tree(tiers[8].site)


def test_a_larger_limit_brings_everything_back(
    trial: Gallery, tiers: list[Tier], tmp_path: Path
) -> None:
    site = shutil.copytree(tiers[-1].site, tmp_path / "site")
    build(trial, site, 10 * tiers[0].bytes)
    back = {path: data for path, data in tree(site).items() if path != "manifest.json"}
    assert back == {p: d for p, d in tree(tiers[0].site).items() if p != "manifest.json"}


def test_too_small_a_limit_says_what_is_possible_and_keeps_the_former_site(
    trial: Gallery, tiers: list[Tier], tmp_path: Path
) -> None:
    site, smallest = shutil.copytree(tiers[0].site, tmp_path / "site"), tiers[-1]
    before = tree(site)
    with pytest.raises(SpecError) as caught:
        build(trial, site, 1000)
    hint = re.fullmatch(
        r"Use fewer images or models, or allow more: --max-site-size (\d+)\.", caught.value.hint
    )
    assert hint
    said = f"The smallest possible site takes {size_in_words(int(hint[1]))}"
    assert said in caught.value.message
    assert "1.0 kB are allowed" in caught.value.message
    assert tree(site) == before
    # the size of the number itself is in the site, too
    assert abs(int(hint[1]) - smallest.bytes) < 100
    assert build(trial, site, int(hint[1]) + 100).reduction == smallest.report.reduction


def test_heads_of_patch_queries_go_first_and_their_mean_stays(
    trial: Gallery, tiers: list[Tier]
) -> None:
    whole, less = tiers[0], with_step(tiers, "patch-heads")
    files = [tier.file("fine", "image0", "patch") for tier in (whole, less)]
    assert files[0]
    assert files[1]
    header, maps = read_patch_chunk(whole.site / files[0].path)
    smaller, means = read_patch_chunk(less.site / files[1].path)
    assert (header.heads, smaller.heads) == (HEADS, 0)
    np.testing.assert_array_equal(means[:, 0], maps[:, -1])
    assert with_step(tiers, "patches").file("fine", "image0", "patch") is None


def test_coarse_maps_are_area_means_in_times_uniform(trial: Gallery, tiers: list[Tier]) -> None:
    tier = with_step(tiers, "grid")
    record = trial.record("fine", "image1")
    for query in ("CLS", "reg1"):
        header, quantized = tier.chunk("fine", "image1", query)
        rows = np.asarray(record.rows(query), dtype=np.float64)[..., record.layout.patch_slice]
        maps = rows.reshape(LAYERS, HEADS, SIDE, SIDE)
        maps = np.concatenate([maps, maps.mean(axis=1, keepdims=True)], axis=1)
        # 20 patches and 16 cells have 80 parts in common: 4 to a patch, 5 to a cell
        parts = maps.repeat(4, axis=-1).repeat(4, axis=-2)
        means = parts.reshape(LAYERS, HEADS + 1, 16, 5, 16, 5).mean(axis=(-3, -1))
        assert header.grid == (16, 16)
        assert header.keys == (record.layout.tokens,) * LAYERS
        found = decode(quantized)
        bound = error_bound(
            means.astype(np.float32), quantized.maxima[..., None, None] * np.ones((16, 16))
        )
        assert (np.abs(found - means) <= bound + 1e-5).all()
        # attention on patches is still what the header says it is
        share = means.sum(axis=(-2, -1)) * (SIDE * SIDE / 256) / record.layout.tokens
        np.testing.assert_allclose(np.array(header.mass)[..., -1], share, rtol=2e-3)


def test_a_coarse_cell_tells_of_an_outlier_in_it(trial: Gallery, tiers: list[Tier]) -> None:
    header, _ = with_step(tiers, "grid").chunk("fine", "image0")
    record = trial.record("fine", "image0")
    with Image.open(io.BytesIO(base64.b64decode(header.statistics.norms))) as png:
        codes = np.asarray(png)
    norms = record.norms[:, record.layout.patch_slice].astype(np.float64)
    outliers = norms > OUTLIER * np.median(norms, axis=1, keepdims=True)
    parts = outliers.reshape(-1, SIDE, SIDE).repeat(4, axis=-1).repeat(4, axis=-2)
    cells = parts.reshape(-1, 16, 5, 16, 5).any(axis=(-3, -1))
    np.testing.assert_array_equal(codes.reshape(-1, 16, 16) >= FIRST_OUTLIER, cells)


def test_a_grid_that_is_small_stays_as_it_is(tiers: list[Tier]) -> None:
    whole, less = tiers[0], with_step(tiers, "grid")
    assert whole.file("small", "image0", "CLS") is not None
    one, two = (tier.chunk("small", "image0") for tier in (whole, less))
    assert one[0] == two[0]
    np.testing.assert_array_equal(one[1].codes, two[1].codes)


def test_heads_that_are_left_out_are_not_zero_and_their_mean_stays(tiers: list[Tier]) -> None:
    coarse, last = with_step(tiers, "grid"), with_step(tiers, "low-heads")
    header, quantized = last.chunk("fine", "image0")
    before, values = coarse.chunk("fine", "image0")
    for layer in range(LAYERS):
        gone = layer < LAYERS - 3
        assert all((maximum is None) is gone for maximum in header.maxima[layer][:HEADS])
        assert header.maxima[layer][HEADS] == before.maxima[layer][HEADS]
    kept = np.s_[LAYERS - 3 :]
    np.testing.assert_array_equal(quantized.codes[kept], values.codes[kept])
    np.testing.assert_array_equal(quantized.codes[:, HEADS], values.codes[:, HEADS])
    least, _ = tiers[-1].chunk("fine", "image0")
    assert all(row[:HEADS] == (None,) * HEADS for row in least.maxima)
    assert None not in [row[HEADS] for row in least.maxima]
    assert least.statistics.entropy == before.statistics.entropy


def test_the_images_on_which_models_disagree_most_keep_their_heads(
    trial: Gallery, tiers: list[Tier]
) -> None:
    apart = {
        image.slug: np.mean(
            [
                pair["bits"]
                for file in image.files
                if file.kind == "divergence"
                for pair in json.loads((tiers[0].site / file.path).read_text())["pairs"]
            ]
        )
        for image in tiers[0].manifest.images
    }
    order = sorted(apart, key=lambda slug: -apart[slug])
    assert tiers[7].report.reduction.whole == tuple(order[:2])
    assert tiers[8].report.reduction.whole == tuple(order[:1])
    for image in apart:
        detail = tiers[8].cell("fine", image).detail
        assert detail == ("last" if image == order[0] else "mean")


def test_the_images_of_the_teaser_keep_their_heads_longest(
    trial: Gallery, tiers: list[Tier], tmp_path: Path
) -> None:
    last = [image.slug for image in trial.run.images]
    (chosen,) = set(last) - set(tiers[7].report.reduction.whole)
    paper = Paper(teaser=(TeaserCell("fine", chosen),))
    other = Gallery(replace(trial.run, paper=paper), trial.records)
    shutil.copytree(tiers[0].site, tmp_path / "site")
    report = build(other, tmp_path / "site", tiers[6].bytes + 40_000)
    while len(report.reduction.whole) != 1:
        report = build(other, tmp_path / "site", report.bytes - 1)
    assert report.reduction.whole == (chosen,)


def test_the_page_of_a_sequence_says_what_all_of_its_frames_lack(tmp_path: Path) -> None:
    trial = sized(tmp_path / "pictures", patches=False)
    paper = Paper(teaser=(TeaserCell("fine", "image1"),))
    run = replace(with_frames(trial.run, 0), paper=paper)

    def film(limit: int | None) -> Tier:
        site = tmp_path / "site"
        settings = Settings(analyses="none", walls=False, max_bytes=limit)
        report = build_site(run, trial.read, site, version=VERSION, settings=settings)
        return Tier(site, limit, report)

    path = "q/a-walk/index.html"
    some = film(None)
    assert "to keep" not in some.page(path)
    while len(some.report.reduction.whole) != 1:
        some = film(some.report.bytes - 1)
    assert some.report.reduction.whole == ("image1",)  # neither the first frame nor the last
    said = some.page(path)
    assert "2 of 3 frames have no single heads, only their mean." in said
    assert "single heads of all but the last 3 layers" in said
    frames = data((some.site / path).read_text(encoding="utf-8"))["frames"]
    assert isinstance(frames, list)
    gone = "Not in this site, to keep it small: single heads; their mean is there."
    low = gone.replace("heads;", "heads of layers 1 to 3;")
    assert [frame["models"][0]["cut"] for frame in frames] == [gone, low, gone]
    said = film(some.report.bytes - 1).page(path)
    assert "single heads of all layers (their mean over heads stays)" in said
    assert "frames have no single heads" not in said


def test_pages_and_manifest_say_what_was_left_out(tiers: list[Tier]) -> None:
    whole, last, some = tiers[0], with_step(tiers, "low-heads"), tiers[8]
    assert "to keep" not in whole.page("index.html") + whole.page("i/image0/index.html")
    assert whole.manifest.reductions == ()
    front = last.page("index.html")
    assert last.limit is not None
    within = f"to keep it within {size_in_words(last.limit)}."
    assert f"Not everything is in this site, {within}" in front
    for item in last.manifest.reductions[1:]:
        assert item.text in front
    assert [item.step for item in last.manifest.reductions] == list(STEPS[:6])
    assert last.manifest.settings.max_bytes == last.limit
    image = last.page("i/image0/index.html")
    assert "measured on 20 × 20 patches are shown as area means on 16 × 16 cells" in image
    assert "20 × 20 patches, shown on 16 × 16," in image
    assert "6 × 6 patches, CLS" in image
    assert "single heads of all but the last 3 layers (their mean over heads stays)" in image
    assert "Pictures of the analyses of each image were left out" in image
    kept = some.report.reduction.whole[0]
    gone = next(i.slug for i in some.manifest.images if i.slug != kept)
    assert "single heads of all layers" in some.page(f"i/{gone}/index.html")
    assert "single heads of all layers" not in some.page(f"i/{kept}/index.html")
    assert some.manifest.reductions[-1].spared == (kept,)
    assert some.manifest.reductions[-1].text.endswith("on 2 of 3 images")


def test_pages_offer_only_what_is_there(tiers: list[Tier]) -> None:
    def queries(tier: Tier) -> list[str]:
        page = (tier.site / "i/image0/index.html").read_text(encoding="utf-8")
        return [choice["id"] for choice in data(page)["queries"]]  # type: ignore[attr-defined]

    assert queries(tiers[0]) == ["CLS", "reg1", "patch"]
    assert queries(with_step(tiers, "patches")) == ["CLS", "reg1"]
    page = (with_step(tiers, "walls").site / "i/image0/index.html").read_text(encoding="utf-8")
    without_scripts = page.partition("<noscript>")[2].partition("</noscript>")[0]
    assert ".wall." not in without_scripts
    assert without_scripts.count(".last.") == 2
    assert "left out to keep this site small" in without_scripts


def test_scales_and_numbers_stay_those_of_the_whole(tiers: list[Tier]) -> None:
    def kept(tier: Tier) -> Iterator[tuple[str, str]]:
        for file in tier.manifest.files:
            if file.kind in ("map", "digest", "divergence", "agreement", "averages"):
                yield file.kind, file.sha256

    for tier in tiers[1:]:
        assert list(kept(tier)) == list(kept(tiers[0]))
        assert tier.manifest.scale == tiers[0].manifest.scale
        assert tier.manifest.patch_scale == tiers[0].manifest.patch_scale
