"""Numbers kept beside the records: one more picture reads its own record only."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest

from generator.present.cells.chunks.headers import HEADERS
from generator.present.content.averages import SO_FAR
from generator.present.site.write import build_site
from generator.records.extras import EXTRAS
from generator.records.record import AttentionRecord
from generator.records.run import Failure
from generator.records.store import Store
from tests import tiny
from tests.present.gallery import Gallery, many
from tests.present.site.test_site import VERSION
from tests.present.site.test_workers import OnlyInWorkers, bytes_of

IMAGES = 5
NOTES = (HEADERS.kind, SO_FAR.kind)


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
    return of_images(trial, range(len(trial.run.images) - 1))


def of_images(trial: Gallery, places: Iterable[int]) -> Gallery:
    """The gallery with only these images, in this order."""
    images = tuple(trial.run.images[place] for place in places)
    cells = tuple(cell for image in images for cell in trial.run.cells if cell.image == image.slug)
    return replace(trial, run=replace(trial.run, images=images, cells=cells))


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
def test_one_more_picture_than_a_sample_reads_only_its_own_records(
    trial: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.present.content.similarity.MOST_LAYER_IMAGES", IMAGES - 1)
    more = many(tmp_path / "more", IMAGES + 2)
    kept, site = tmp_path / "kept", tmp_path / "site"
    build(without_last(more), site, kept)
    last = more.run.images[-1].slug
    found = build(more, site, kept)
    assert set(more.reads) == {cell.record for cell in more.run.cells if cell.image == last}
    assert found == build(more, tmp_path / "afresh", None)


@pytest.mark.slow
def test_a_gallery_of_other_pictures_is_as_if_built_afresh(trial: Gallery, tmp_path: Path) -> None:
    kept, site = tmp_path / "kept", tmp_path / "site"
    build(trial, site, kept)
    # the first is missing, another order, one more
    for places in ((1, 2, 3, 4), (4, 3, 2, 1), (4, 3, 2, 1, 0)):
        other = of_images(trial, places)
        assert build(other, site, kept) == build(other, tmp_path / "afresh", None), places


@pytest.mark.slow
def test_a_picture_that_fails_now_is_in_no_average(trial: Gallery, tmp_path: Path) -> None:
    kept, site = tmp_path / "kept", tmp_path / "site"
    build(without_last(trial), site, kept)
    lost = Failure("The record is lost.")
    first = trial.run.images[0].slug
    cells = tuple(
        replace(cell, record="", failure=lost) if cell.image == first else cell
        for cell in trial.run.cells
    )
    fewer = replace(trial, run=replace(trial.run, cells=cells))
    assert build(fewer, site, kept) == build(fewer, tmp_path / "afresh", None)


@pytest.mark.slow
def test_damaged_notes_of_a_site_are_made_again(trial: Gallery, tmp_path: Path) -> None:
    kept, site = tmp_path / "kept", tmp_path / "site"
    build(without_last(trial), site, kept)
    notes = [path for kind in NOTES for path in (kept / kind).iterdir()]
    assert len(notes) >= len(NOTES)
    for path in notes:
        path.write_bytes(path.read_bytes()[:-5] + bytes(5))
    assert build(trial, site, kept) == build(trial, tmp_path / "afresh", None)


@pytest.mark.slow
def test_another_program_takes_no_note_of_a_site(
    trial: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, site = tmp_path / "kept", tmp_path / "site"
    build(without_last(trial), site, kept)
    monkeypatch.setattr("generator.present.files.kept.program_hash", lambda: "another")
    for notes in (HEADERS, SO_FAR):
        assert notes.read(kept, site) is None
    assert build(trial, site, kept) == build(trial, tmp_path / "afresh", None)


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
    trial: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Future, "cancel", lambda self: False)  # the program only waits for them
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
