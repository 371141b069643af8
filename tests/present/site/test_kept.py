"""Numbers kept beside the records: one more picture reads its own record only."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from generator.present.site.write import build_site
from generator.records.extras import EXTRAS
from generator.records.record import AttentionRecord
from generator.records.store import Store
from tests import tiny
from tests.present.gallery import Gallery, many
from tests.present.site.test_site import VERSION
from tests.present.site.test_workers import OnlyInWorkers, bytes_of

IMAGES = 5


@pytest.fixture
def trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gallery:
    """Few pictures, as many as averages and CKA need."""
    for place in (
        "present.content.averages",
        "analysis.attention.averages",
        "present.content.layers_alike",
        "analysis.stream.layer_similarity",
    ):
        monkeypatch.setattr(f"generator.{place}.LEAST_IMAGES", IMAGES - 1)
    return many(tmp_path / "pictures", IMAGES)


def without_last(trial: Gallery) -> Gallery:
    last = trial.run.images[-1].slug
    run = replace(
        trial.run,
        images=trial.run.images[:-1],
        cells=tuple(cell for cell in trial.run.cells if cell.image != last),
    )
    return replace(trial, run=run)


def build(trial: Gallery, out: Path, kept: Path | None) -> dict[str, bytes]:
    """Build a site; the files, and in ``trial.reads`` the records that were read."""
    trial.reads.clear()
    build_site(trial.run, trial.read, out, version=VERSION, kept=kept)
    return bytes_of(out)


@pytest.mark.slow
def test_one_more_picture_reads_only_its_own_records(trial: Gallery, tmp_path: Path) -> None:
    kept, site = tmp_path / "kept", tmp_path / "site"
    build(without_last(trial), site, kept)
    last = trial.run.images[-1].slug
    found = build(trial, site, kept)
    assert any("average-maps" in name for name in found), "otherwise nothing would be summed up"
    own = {cell.record for cell in trial.run.cells if cell.image == last}
    assert set(trial.reads) == own
    assert found == build(trial, tmp_path / "afresh", None)


@pytest.mark.slow
def test_damaged_numbers_are_made_again(trial: Gallery, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    whole = build(trial, tmp_path / "one", kept)
    for path in [path for path in kept.rglob("*") if path.is_file()]:
        data = bytearray(path.read_bytes())
        data[-5] ^= 64
        path.write_bytes(data)
    assert build(trial, tmp_path / "two", kept) == whole
    build(trial, tmp_path / "three", kept)
    assert build(trial, tmp_path / "two", kept) == whole


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_costs_only_time(trial: Gallery, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("no folder")
    found = build(trial, tmp_path / "one", tmp_path / "kept")
    assert found == build(trial, tmp_path / "two", None)


@pytest.mark.slow
def test_workers_hand_numbers_over_and_the_program_reads_no_record(
    trial: Gallery, tmp_path: Path
) -> None:
    store = Store(tmp_path / "store")
    for record in trial.records.values():
        store.put(record)
    read = OnlyInWorkers(store, os.getpid())
    result = build_site(
        trial.run, read, tmp_path / "two", version=VERSION, jobs=2, kept=tmp_path / "kept"
    )
    assert not result.failures
    assert bytes_of(tmp_path / "two") == build(trial, tmp_path / "one", None)


def test_records_are_read_once_where_images_have_their_own_feature_colors(
    trial: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.present.content.feature_colors.TOGETHER", 1)
    measured = tiny.record(extras=EXTRAS).features
    reads = []

    def read(key: str) -> AttentionRecord:
        reads.append(key)
        return replace(trial.read(key), features=measured)

    site, afresh = tmp_path / "site", tmp_path / "afresh"
    build_site(trial.run, read, site, version=VERSION, kept=tmp_path / "kept")
    assert sorted(reads) == sorted(cell.record for cell in trial.run.cells)
    build_site(trial.run, read, afresh, version=VERSION)
    found = bytes_of(site)
    assert any(".features." in name and name.endswith(".png") for name in found)
    assert found == bytes_of(afresh)
