"""Records that were checked are not read again, unless anything about their files is new."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from generator.pipeline import checked as module
from generator.pipeline.checked import CheckedFiles
from generator.records.record import AttentionRecord
from generator.records.store import Store
from tests import tiny


@pytest.fixture
def record() -> AttentionRecord:
    return tiny.record(tiny.layout(registers=1))


@pytest.fixture
def store(tmp_path: Path, record: AttentionRecord) -> Store:
    """A store whose record was found by a former build."""
    Store(tmp_path).put(record)
    found = CheckedFiles(Store(tmp_path))
    assert found.has(record.key) and not found.has("0" * 64)
    found.keep()
    return Store(tmp_path)


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keys of the records whose files are read."""
    keys, header = [], Store.header

    def told(self: Store, key: str) -> object:
        keys.append(key)
        return header(self, key)

    monkeypatch.setattr(Store, "header", told)
    return keys


def test_a_record_is_checked_once(store: Store, record: AttentionRecord, looked: list[str]) -> None:
    found = CheckedFiles(store)
    assert found.has(record.key)
    assert looked == []
    found.keep()
    assert CheckedFiles(store).has(record.key)
    assert looked == []


def test_a_file_that_changed_is_checked_again(
    store: Store, record: AttentionRecord, looked: list[str]
) -> None:
    path = store.root / record.key[:2] / f"{record.key}.safetensors"
    before = path.stat()
    with path.open("r+b") as file:  # as large as before, and as old
        file.write(b"\xff" * 8)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not CheckedFiles(store).has(record.key)
    assert looked == [record.key]
    assert not CheckedFiles(store).has(record.key)
    store.put(record)
    assert CheckedFiles(store).has(record.key)


@pytest.mark.parametrize("text", ["[]", "{", '{"program": "another", "records": {}}'])
def test_a_note_of_another_program_or_damaged_says_nothing(
    store: Store, record: AttentionRecord, looked: list[str], text: str
) -> None:
    (store.root / "kept" / "records.json").write_text(text)
    assert CheckedFiles(store).has(record.key)
    assert looked == [record.key]


def test_another_program_checks_again(
    store: Store, record: AttentionRecord, looked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "program_hash", lambda: "another")
    assert CheckedFiles(store).has(record.key)
    assert looked == [record.key]
