"""Hashes of files: an unchanged file is read once, any other one again."""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from generator.records import file_hashes
from generator.records.file_hashes import FileHashes, sha256_of

Reads = list[str]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    """Names of the files whose bytes were read."""
    names, digest = [], hashlib.file_digest

    def told(file: object, algorithm: str) -> object:
        names.append(Path(file.name).name)  # type: ignore[attr-defined]
        return digest(file, algorithm)  # type: ignore[arg-type, type-var]

    monkeypatch.setattr(hashlib, "file_digest", told)
    return names


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as old, though a test has just written them."""
    monkeypatch.setattr(file_hashes, "SETTLED", -3600 * 10**9)
    monkeypatch.setattr(file_hashes, "_in_memory", lambda device: False)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"as trained")
    return path


def hashed(path: Path, note: Path) -> str:
    """The hash of a file in a build of its own."""
    hashes = FileHashes(note)
    found = hashes(path)
    hashes.keep()
    return found


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.usefixtures("settled")
def test_an_unchanged_file_is_read_once(weights: Path, tmp_path: Path, reads: Reads) -> None:
    note = tmp_path / "kept" / "files.json"
    assert [hashed(weights, note) for _ in range(3)] == [digest(b"as trained")] * 3
    assert reads == ["model.safetensors"]
    assert sha256_of(weights) == digest(b"as trained")


def in_place(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"AS")


def by_another(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"AS trained")
    other.replace(path)


def through_a_link(path: Path) -> None:
    path.rename(path.with_name("first"))
    path.with_name("second").write_bytes(b"AS trained")
    path.symlink_to("second")


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("change", [in_place, by_another, through_a_link])
def test_another_content_of_the_same_size_and_age_is_seen(
    weights: Path, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    note = tmp_path / "files.json"
    hashed(weights, note)
    before = weights.stat()
    change(weights)
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert hashed(weights, note) == digest(b"AS trained")


def in_memory(folder: Path) -> bool:
    return file_hashes._in_memory(folder.stat().st_dev)


def test_a_change_through_a_memory_map_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_hashes, "SETTLED", -3600 * 10**9)
    shared = Path("/dev/shm")
    folders = [tmp_path, *([shared] if shared.is_dir() and in_memory(shared) else [])]
    for folder in folders:
        path = folder / f"attention-gallery-{os.getpid()}.bin"
        path.write_bytes(bytes(8192))
        try:
            with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
                for value in (1, 2, 3):
                    mapped[5000] = value
                    found = hashed(path, tmp_path / "files.json")
                    assert found == digest(path.read_bytes()), (folder, value)
                    time.sleep(0.02)  # times of a file go on in steps
        finally:
            path.unlink()


def test_a_file_that_was_just_written_is_not_remembered(
    weights: Path, tmp_path: Path, reads: Reads
) -> None:
    note = tmp_path / "files.json"
    hashed(weights, note)
    hashed(weights, note)
    assert len(reads) == 2
    ahead = weights.stat().st_mtime + 3600  # the clock of a file server goes ahead
    os.utime(weights, (ahead, ahead))
    hashed(weights, note)
    assert not note.exists()


@pytest.mark.usefixtures("settled")
def test_a_file_that_changes_while_it_is_read_is_not_remembered(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note, whole = tmp_path / "files.json", hashlib.file_digest

    def changed(file: object, algorithm: str) -> object:
        found = whole(file, algorithm)  # type: ignore[arg-type, type-var]
        weights.write_bytes(b"longer than it was")
        return found

    with monkeypatch.context() as patched:
        patched.setattr(hashlib, "file_digest", changed)
        hashed(weights, note)
    assert hashed(weights, note) == digest(b"longer than it was")


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', '{"a": [1, 2]}', '{"a": ["x", "y"]}', "{"])
def test_a_damaged_note_says_nothing(weights: Path, tmp_path: Path, text: str) -> None:
    note = tmp_path / "files.json"
    note.write_text(text.replace('"a"', json.dumps(str(weights))))
    assert hashed(weights, note) == digest(b"as trained")


@pytest.mark.usefixtures("settled")
def test_what_a_build_does_not_ask_for_is_still_remembered_by_the_next(
    weights: Path, tmp_path: Path, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    note, other = tmp_path / "files.json", tmp_path / "other"
    other.write_bytes(b"other")
    for path in (weights, other, weights, other):
        hashed(path, note)
    assert reads == ["model.safetensors", "other"]
    monkeypatch.setattr(file_hashes, "MOST", 1)  # the oldest goes first
    third = tmp_path / "third"
    third.write_bytes(b"third")
    hashed(third, note)
    hashed(third, note)
    hashed(other, note)
    assert reads[2:] == ["third", "other"]


@pytest.mark.usefixtures("settled")
def test_a_file_that_is_gone_is_an_error_though_its_hash_is_known(
    weights: Path, tmp_path: Path
) -> None:
    hashed(weights, tmp_path / "files.json")
    weights.unlink()
    with pytest.raises(FileNotFoundError):
        hashed(weights, tmp_path / "files.json")


@pytest.mark.usefixtures("settled")
def test_several_threads_hash_at_once(tmp_path: Path, reads: Reads) -> None:
    files = [tmp_path / f"{number}.jpg" for number in range(200)]
    for number, path in enumerate(files):
        path.write_bytes(bytes([number]))
    expected = [digest(bytes([number])) for number in range(200)]
    for _ in range(2):
        hashes = FileHashes(tmp_path / "files.json")
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(hashes, files)) == expected
        hashes.keep()
    assert len(reads) == 200
