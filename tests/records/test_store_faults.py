"""A store on a full disk, among damaged files, with processes that meet or are killed."""

from __future__ import annotations

import dataclasses
import errno
import json
import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from generator.errors import StoreError
from generator.records.file import record_arrays, record_facts
from generator.records.packing import canonical
from generator.records.record import SCHEMA, AttentionRecord, RecordError
from generator.records.seal import sealed_file
from generator.records.store import Store, load_records, unwritable
from generator.text.amounts import size_in_words
from tests import tiny
from tests.records.test_store import full, path_of, same, seen_weights

# --- what cannot be trusted -----------------------------------------------------------------------


def absent(store: Store, record: AttentionRecord) -> None:
    assert not store.has(record.key)
    assert store.header(record.key) is None
    assert list(store.records()) == []
    with pytest.raises(StoreError) as caught:
        store.get(record.key)
    assert str(caught.value) == (
        f"The record {record.key[:12]} is not in {store.root}. "
        "Build the gallery again to measure it."
    )


def test_a_record_that_was_never_put(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    absent(Store(tmp_path / "nowhere"), tiny.record())
    assert caplog.messages == []


def test_truncated_files_count_as_absent(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    record = tiny.record()
    Store(tmp_path).put(record)
    path = path_of(Store(tmp_path), record)
    whole = path.read_bytes()
    for size in (0, 1, 7, 8, 9, 500, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        caplog.clear()
        store = Store(tmp_path)
        absent(store, record)
        assert len(caplog.messages) == 1, "one warning a file, not one a question"
        assert caplog.messages[0].startswith(f"{path} is damaged: ")
        assert path.with_suffix(".damaged").read_bytes() == whole[:size]
        store.put(record)
        assert same(store.get(record.key), record)


def rewrite(path: Path, change: Callable[[dict[str, Any]], object], *, seal: bool = True) -> None:
    """Change the facts in a record's file and keep everything else.

    Args:
        path: of the file.
        change: gets the facts.
        seal: whether checksums are made for what is changed; else they stay as they were.
    """
    from safetensors import safe_open
    from safetensors.numpy import save

    with safe_open(path, framework="numpy") as file:
        text = file.metadata()["record"]
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    facts = json.loads(text)
    kept = facts.pop("seal")
    change(facts)
    if seal:
        path.write_bytes(sealed_file("record", canonical(facts), arrays))
    else:
        text = f'{{"seal":{canonical(kept)},{canonical(facts)[1:]}'
        path.write_bytes(save(arrays, metadata={"record": text}))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: f.update(schema=99), f"schema 99, where this version writes {SCHEMA}"),
        (lambda f: f.update(key="0" * 64), "it holds the record of another key"),
        (lambda f: f.pop("view"), "its facts cannot be read (view: Field required)"),
        (
            lambda f: f.update(more=1),
            "its facts cannot be read (more: Unexpected keyword argument)",
        ),
        (
            lambda f: f["model"].update(heads="three"),
            "its facts cannot be read (model.heads: Input should be a valid integer, "
            "unable to parse string as an integer)",
        ),
        (lambda f: f.update(layout=[1]), "its facts cannot be read (layout: Input should be "),
        (lambda f: f["layout"].update(rows=0), "its facts cannot be read ("),
        (lambda f: f.pop("schema"), "its facts cannot be read ('schema')"),
        (lambda f: f["model"].update(layers=10**9), "its facts cannot be read (attention of "),
        (lambda f: f["model"].update(layers="x" * 9), "its facts cannot be read (model.layers: "),
        (lambda f: f["layout"].update(prefix=None), "its facts cannot be read (layout.prefix: "),
    ],
)
def test_records_of_another_kind_count_as_absent(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    change: Callable[[dict[str, Any]], object],
    reason: str,
) -> None:
    store, record = Store(tmp_path), tiny.record()
    store.put(record)
    rewrite(path_of(store, record), change)
    absent(store, record)
    assert len(caplog.messages) == 1
    assert f": {reason}" in caplog.messages[0]
    assert "\n" not in caplog.messages[0]


def test_a_bit_that_flips_anywhere_in_a_record_is_noticed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In the numbers, the facts or the listing of the arrays."""
    store, record = Store(tmp_path), full()
    store.put(record)
    path = path_of(store, record)
    whole = path.read_bytes()
    rng = random.Random(1)
    places = [*range(8, 2500, 37), *(rng.randrange(len(whole)) for _ in range(200))]
    for place in places:
        data = bytearray(whole)
        data[place] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        found = Store(tmp_path)
        with pytest.raises(StoreError):
            found.get(record.key)
        assert not found.has(record.key)
    assert len(caplog.messages) == len(places)


@pytest.mark.parametrize("what", ["record", "weights"])
def test_a_tail_of_zeros_is_noticed_and_kept_beside_its_place(
    tmp_path: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What a full disk or a broken copy leaves: the size is right."""
    store, record = Store(tmp_path), tiny.record()
    store.put(record)
    store.put_weights(seen_weights("a" * 64))
    path = path_of(store, record) if what == "record" else store.root / "weights" / f"{'a' * 64}"
    path = path.with_suffix(".safetensors")
    whole = path.read_bytes()
    damaged = whole[:-64] + bytes(64)
    path.write_bytes(damaged)
    assert store.has(record.key), "facts and shapes are whole"
    with pytest.raises(StoreError, match="Build the gallery again"):
        store.get(record.key) if what == "record" else store.get_weights("a" * 64)
    kept = path.with_suffix(".damaged")
    assert (path.exists(), kept.read_bytes(), store.damaged) == (False, damaged, [kept])
    (message,) = caplog.messages
    assert message.startswith(f"{path} is damaged: ")
    assert "the checksum of " in message
    assert message.endswith(f" It is kept as {kept.name}; build measures it again.")
    assert store.bytes() > kept.stat().st_size
    store.gc(keep={record.key, "a" * 64})
    assert not kept.exists()


def test_facts_changed_by_another_program_are_damage(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, record = Store(tmp_path), tiny.record()
    store.put(record)
    rewrite(path_of(store, record), lambda f: f.update(image_sha256="f" * 64), seal=False)
    absent(store, record)
    assert "is damaged: the checksum of its facts does not match them." in caplog.messages[0]


def test_a_store_that_cannot_be_written_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store, record = Store(tmp_path), tiny.record()
    other = tiny.record(seed=5)
    store.put(record)
    store.put(other)
    path = path_of(store, record)
    path.write_bytes(path.read_bytes()[:-1])

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "replace", refuse)
    assert [found.key for found in load_records(tmp_path)] == [other.key]
    assert caplog.messages[0].startswith(f"Measuring again what is in {path}: ")
    assert path.exists()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("attention", "layer 2"),
        ("entropy", "layer 2"),
        ("norms", "the stream after layer 1"),
        ("rollout", "rollout"),
        ("features.last", "features.last"),
        ("values.norms", "layer 2"),
        ("massive.value", "the stream after layer 1"),
        ("lens.probability", "lens.probability"),
        ("pooling.attention", "pooling.attention"),
    ],
)
def test_what_is_not_finite_never_enters_the_store(
    tmp_path: Path, name: str, place: str, bad: float
) -> None:
    store, record = Store(tmp_path), full()
    part, _, inner = name.rpartition(".")
    owner = getattr(record, part) if part else record
    array = getattr(owner, inner).copy()
    if name == "attention":
        array[:, 1] = bad
    else:
        array[1] = bad
    changed = dataclasses.replace(owner, **{inner: array})
    record = dataclasses.replace(record, **{part: changed}) if part else changed
    with pytest.raises(RecordError) as caught:
        store.put(record)
    assert str(caught.value) == (
        f"The record of {record.model.id} holds NaN or infinity in {place}."
    )
    assert store.keys() == ()


def test_foreign_files_count_as_absent(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from safetensors.numpy import save

    record = tiny.record()
    path = path_of(Store(tmp_path), record)
    path.parent.mkdir()
    foreign = {
        "not a record of attention-gallery": save({"weight": np.zeros(3)}),
        "Error while deserializing header": b"<!doctype html>" + b"x" * 5000,
    }
    for reason, data in foreign.items():
        path.write_bytes(data)
        caplog.clear()
        absent(Store(tmp_path), record)
        assert reason in caplog.messages[0]


def test_shapes_that_contradict_the_facts_are_not_handed_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, record = Store(tmp_path), tiny.record()
    store.put(record)
    rewrite(path_of(store, record), lambda facts: facts["model"].update(heads=3))
    with pytest.raises(StoreError, match=r"is not in"):
        store.get(record.key)
    assert list(store.records()) == []
    assert "attention of tiny/model should have shape (1, 3, 3, 25)" in caplog.text


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_file_is_set_aside_and_measured_again(
    make: Callable[[Path], object], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    record, weights = tiny.record(), seen_weights("5" * 64)
    store = Store(tmp_path)
    store.put(record)
    store.put_weights(weights)
    path, other = path_of(store, record), tmp_path / "weights" / f"{weights.key}.safetensors"
    for each in (path, other):
        each.unlink()
        make(each)
    store = Store(tmp_path)
    absent(store, record)
    assert not store.has_weights(weights.key)
    assert [message.partition(": ")[2].partition(".")[0] for message in caplog.messages] == [
        "it is not a file"
    ] * 2
    store.put(record)
    store.put_weights(weights)
    assert store.has(record.key)
    assert store.has_weights(weights.key)
    assert store.gc(keep=()) == (record.key,)


def test_damage_anywhere_in_the_header_never_crashes(tmp_path: Path) -> None:
    record = tiny.record()
    Store(tmp_path).put(record)
    path = path_of(Store(tmp_path), record)
    whole = path.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    rng, refused = random.Random(0), 0
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(header)] = rng.randrange(256)
        path.write_bytes(data)
        try:
            Store(tmp_path).get(record.key)
        except StoreError:
            refused += 1
    assert refused > 150


# --- writing --------------------------------------------------------------------------------------


def everything_below(root: Path) -> set[str]:
    return {path.name for path in root.rglob("*") if path.is_file()}


def full_disk(*_args: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_named_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, record = Store(tmp_path / "s"), tiny.record()
    Store(tmp_path / "elsewhere").put(record)
    needed = size_in_words(Store(tmp_path / "elsewhere").bytes())
    shutil.rmtree(tmp_path / "elsewhere")
    monkeypatch.setattr(os, "fsync", full_disk)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=4_000))
    with pytest.raises(StoreError) as caught:
        store.put(record)
    assert str(caught.value) == (
        f"The disk of the record store {store.root} is full: a record needs {needed} and 4.0 kB "
        "are free. Free some space, or name a folder on another disk with --store."
    )
    assert everything_below(tmp_path) == set()
    assert not store.has(record.key)


def test_an_interrupted_write_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, record = Store(tmp_path), tiny.record()
    store.put(record)

    def ctrl_c(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        store.put(dataclasses.replace(record, image_sha256="1" * 64))
    assert everything_below(tmp_path) == {f"{record.key}.safetensors"}
    assert same(store.get(record.key), record)


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.EACCES, "Check the folder's permissions, or name another with --store."),
        (errno.EPERM, "Check the folder's permissions, or name another with --store."),
        (errno.ENOENT, "Name another folder with --store."),
        (errno.EROFS, "Name another folder with --store."),
    ],
)
def test_the_next_step_fits_the_reason(number: int, hint: str) -> None:
    error = unwritable(Path("store"), OSError(number, "the reason"))
    assert str(error) == f"The record store store cannot be written: the reason. {hint}"


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file")
    with pytest.raises(StoreError) as caught:
        store.put(tiny.record())
    assert str(caught.value) == (
        f"The record store {tmp_path / 'file'} cannot be written: Not a directory. "
        "Name another folder with --store."
    )
    assert store.keys() == ()


def put_often(root: Path, count: int) -> None:
    record = full()
    for _ in range(count):
        Store(root).put(record)


def test_two_processes_may_write_the_same_record_while_others_read(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=put_often, args=(tmp_path, 60)) for _ in range(2)]
    for writer in writers:
        writer.start()
    store, record, reads = Store(tmp_path), full(), 0
    while any(writer.is_alive() for writer in writers):
        if store.has(record.key):
            assert same(store.get(record.key), record)
            reads += 1
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert reads > 0
    assert everything_below(tmp_path) == {f"{record.key}.safetensors"}


def test_a_killed_process_leaves_no_half_record(tmp_path: Path) -> None:
    writer = multiprocessing.get_context("spawn").Process(
        target=put_often, args=(tmp_path, 1_000_000)
    )
    writer.start()
    store, record = Store(tmp_path), full()
    deadline = time.monotonic() + 30
    while not store.has(record.key) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    assert same(store.get(record.key), record)
    assert store.keys() == (record.key,)


@pytest.mark.parametrize("name", ["position", "filters", "spectrum"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_never_enter_the_store(
    name: str, value: float, tmp_path: Path
) -> None:
    weights = seen_weights("b" * 64)
    values = getattr(weights, name).copy()
    values.flat[-1] = value
    with pytest.raises(RecordError, match=rf"hold NaN or infinity in {name}\.$"):
        Store(tmp_path).put_weights(dataclasses.replace(weights, **{name: values}))
    assert not list(tmp_path.rglob("*.safetensors"))


@pytest.mark.parametrize("name", ["attention", "norms", "features.last", "rollout"])
@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_what_another_program_sealed_with_nan_is_damage(
    name: str, value: float, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, record = Store(tmp_path), full()
    store.put(record)
    path = path_of(store, record)
    arrays = record_arrays(record)
    arrays[name] = arrays[name].copy()
    arrays[name].flat[-1] = value
    path.write_bytes(sealed_file("record", record_facts(record), arrays))
    with pytest.raises(StoreError):
        store.get(record.key)
    assert "it holds NaN or infinity in " in caplog.text
    assert store.was_damaged(record.key) and not store.has(record.key)
    assert list(store.records()) == []
