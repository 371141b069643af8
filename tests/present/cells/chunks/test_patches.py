"""Patch queries: written, read back, and the same numbers as the record's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from generator.present.cells.chunks.patches import (
    patch_chunk_bytes,
    patch_histogram,
    read_patch_chunk,
)
from generator.present.drawing.quantize import error_bound
from generator.present.drawing.scale import octave_histogram
from generator.present.files.manifest_file import read_manifest
from generator.present.site.result import SiteResult
from generator.present.site.write import build_site
from generator.records.record import PatchQueries
from tests import tiny
from tests.present.gallery import Gallery, gallery

Built = tuple[Gallery, Path, SiteResult]


@pytest.mark.parametrize("kept", ["mean", "heads"])
def test_every_patch_shows_what_it_attends_to(tmp_path: Path, kept: PatchQueries) -> None:
    layout = tiny.layout(registers=2, rows=3, cols=5)
    record = tiny.record(layout, patches=kept, heads=4)
    path = tmp_path / "patch.js"
    path.write_bytes(patch_chunk_bytes(record))
    header, values = read_patch_chunk(path)
    assert record.patch_attention is not None
    true = layout.fold(record.patch_attention.astype(np.float32))
    assert header.heads == (4 if kept == "heads" else 0)
    if kept == "heads":
        true = np.concatenate([true, true.mean(1, keepdims=True)], axis=1)
    else:
        true = true[:, None]
    assert values.shape == true.shape == (3, header.heads + 1, 15, 3, 5)
    bound = error_bound(true, np.broadcast_to(true.max((-2, -1), keepdims=True), true.shape))
    assert (np.abs(values - true) <= bound).all()


def test_a_record_without_rows_of_patches_has_no_chunk() -> None:
    with pytest.raises(ValueError, match="keeps no rows"):
        patch_chunk_bytes(tiny.record())


@pytest.mark.parametrize("kept", ["mean", "heads"])
def test_the_histogram_counts_what_patches_pay_to_the_others(kept: PatchQueries) -> None:
    record = tiny.record(tiny.layout(registers=2, rows=3, cols=5), patches=kept, heads=4)
    assert record.patch_attention is not None
    among = record.patch_attention.astype(np.float32)[..., record.layout.patch_slice]
    others = among[..., ~np.eye(15, dtype=bool)]
    counts = patch_histogram(record)
    assert counts == octave_histogram(others)
    # every layer (and head), and all patches but itself
    assert sum(counts) == 3 * (4 if kept == "heads" else 1) * 15 * 14


def test_without_rows_of_patches_nothing_is_counted() -> None:
    assert sum(patch_histogram(tiny.record())) == 0


def test_patches_get_the_range_that_they_need_and_tokens_keep_theirs(
    built: Built, tmp_path: Path
) -> None:
    _, whole, before = built
    plain = gallery(tmp_path / "pictures")
    for key, record in plain.records.items():
        if record.patch_attention is not None:
            sharp = np.zeros_like(record.patch_attention)
            sharp[..., record.layout.prefix_slice.stop] = record.layout.tokens
            plain.records[key] = replace(record, patch_attention=sharp)
    after = build_site(plain.run, plain.read, tmp_path / "two", version="1")
    one, two = read_manifest(whole), read_manifest(tmp_path / "two")
    assert one is not None and two is not None
    assert one.patch_scale is not None and two.patch_scale is not None
    assert after.scale == before.scale
    assert two.patch_scale.high > max(one.patch_scale.high, two.scale.high)


def test_without_any_rows_of_patches_there_is_no_scale_of_theirs(tmp_path: Path) -> None:
    trial = gallery(tmp_path / "pictures", images=1)
    for key, record in trial.records.items():
        trial.records[key] = replace(record, patch_attention=None)
    build_site(trial.run, trial.read, tmp_path / "site", version="1")
    manifest = read_manifest(tmp_path / "site")
    assert manifest is not None and manifest.patch_scale is None
    text = (tmp_path / "site/i/image0/index.html").read_text()
    assert "Patches as queries" not in text
