"""Norms of patches: which are outliers, and what a page is told of the others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from generator.analysis.stream.norms import Outliers, outliers_of
from generator.present.cells.chunks.chunk import read_header
from generator.present.cells.chunks.norm_codes import FIRST_OUTLIER, decode_norms, norm_codes
from generator.present.pages.wording import outliers_text
from generator.present.site.result import SiteResult
from generator.present.site.write import build_site
from generator.records.record import OUTLIER, AttentionRecord
from tests import tiny
from tests.present.gallery import Gallery, gallery
from tests.present.site.test_site import VERSION, page

Built = tuple[Gallery, Path, SiteResult]


def planted(*patches: int, layer: int = 2, times: float = 8.0) -> AttentionRecord:
    """A record whose patches all have norm 2, but for a few; registers are larger still."""
    record = tiny.record(tiny.layout(registers=2))
    norms = np.full_like(record.norms, 2.0)
    norms[:, record.layout.prefix_slice] = 900
    for patch in patches:
        norms[layer, record.layout.patch_slice.start + patch] = 2.0 * times
    return tiny.with_norms(record, norms)


def test_the_codes_of_outliers_are_those_of_the_planted_patches() -> None:
    record = planted(3, 17)
    found = np.argwhere(norm_codes(record) >= FIRST_OUTLIER)
    assert found.tolist() == [[2, 3], [2, 17]]


def test_three_times_the_median_is_no_outlier_and_a_hair_more_is() -> None:
    codes = norm_codes(planted(3, times=3.0))
    assert codes.max() < FIRST_OUTLIER
    assert outliers_of(planted(3, times=3.0)).count == 0
    assert norm_codes(planted(3, times=3.001)).max() == FIRST_OUTLIER


@pytest.mark.parametrize("seed", range(3))
def test_codes_agree_with_the_count_and_stay_within_a_part_of_an_octave(seed: int) -> None:
    record = tiny.record(tiny.layout(rows=20, cols=20), seed=seed)
    rng = np.random.default_rng(seed)
    norms = np.exp(rng.normal(scale=0.8, size=record.norms.shape)).astype(np.float32)
    record = tiny.with_norms(record, norms)
    patches = norms[:, record.layout.patch_slice].astype(float)
    true = patches / np.median(patches, axis=1, keepdims=True)
    codes = norm_codes(record)
    assert ((codes >= FIRST_OUTLIER) == (true > OUTLIER)).all()
    np.testing.assert_allclose(decode_norms(codes), true, rtol=2 ** (1 / 32) - 1 + 1e-6)
    summary = outliers_of(record)
    assert (codes[summary.layer] >= FIRST_OUTLIER).sum() == summary.count > 0


def test_norms_of_nothing_are_no_error() -> None:
    record = tiny.record()
    dead = replace(record, norms=np.zeros_like(record.norms))
    assert norm_codes(dead).max() < FIRST_OUTLIER
    assert outliers_of(dead).count == 0


def test_a_chunk_carries_the_norms_of_its_record(built: Built) -> None:
    import base64
    import io

    from PIL import Image

    trial, site, _ = built
    for query in ("CLS", "reg1", "received"):
        (path,) = (site / "data/registers").glob(f"image0.{query}.*.js")
        with Image.open(io.BytesIO(base64.b64decode(read_header(path).statistics.norms))) as png:
            codes = np.asarray(png)
        assert (codes == norm_codes(trial.record("registers", "image0"))).all()


def test_the_page_counts_outliers_without_scripts(tmp_path: Path) -> None:
    trial = gallery(tmp_path / "pictures", images=1)
    key = trial.run.cell("registers", "image0").record
    trial.records[key] = tiny.with_norms(trial.records[key], planted(1, 5, 9).norms)
    build_site(trial.run, trial.read, tmp_path / "site", version=VERSION)
    for path in (tmp_path / "site").glob("i/image0/index.html"):
        plain = path.read_text().split("<noscript>")[1].split("</noscript>")[0]
        assert (
            "3 outlier patches in layer 2, the largest norm 8\u00a0×\u00a0the\u00a0median" in plain
        )
    text = page(tmp_path / "site", "i/image0/index.html").text
    assert "Patches whose norm exceeds 3 × the median of their layer." in text


def test_how_many_is_said_in_words() -> None:
    assert outliers_text(Outliers(3, 1.2345, 0)) == "0 outlier patches in all layers"
    assert outliers_text(Outliers(0, 4.0, 1)).startswith("1 outlier patch in the embedding, ")
    assert outliers_text(Outliers(12, 41.2, 1300)).startswith("1,300 outlier patches in layer 12, ")
