"""Records on disk: exact, the same bytes every time, whole or not there at all."""

from __future__ import annotations

import dataclasses
import errno
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from generator import store as store_module
from generator.errors import StoreError
from generator.records import SCHEMA, AttentionRecord, Preprocessing
from generator.store import RecordHeader, Store, load_records, record_key
from tests import tiny

HERE = Path(__file__).parents[1]


def full() -> AttentionRecord:
    """A record with everything in it, in memory orders and dtypes that measuring may produce."""
    record = tiny.record(tiny.layout(registers=2), pooling=True)
    patches = record.layout.patches
    queries = np.random.default_rng(0).random((3, patches, 2 + 1 + patches)).astype(np.float16)
    return dataclasses.replace(
        record,
        patch_attention=queries[:, ::-1],
        attention=np.asfortranarray(record.attention),
        norms=record.norms.astype(np.float64),
    )


def same(a: Any, b: Any) -> bool:
    """Equality of values and types, through dataclasses, tuples and arrays."""
    if isinstance(a, np.ndarray):
        return (
            isinstance(b, np.ndarray)
            and a.dtype == b.dtype
            and np.array_equal(a, b, equal_nan=True)
        )
    if dataclasses.is_dataclass(a):
        fields = [item.name for item in dataclasses.fields(a)]
        return type(a) is type(b) and all(same(getattr(a, f), getattr(b, f)) for f in fields)
    if isinstance(a, tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and bool(a == b)


def path_of(store: Store, record: AttentionRecord) -> Path:
    return store.root / record.key[:2] / f"{record.key}.safetensors"


def everything_below(root: Path) -> set[str]:
    return {path.name for path in root.rglob("*") if path.is_file()}


# --- the key -------------------------------------------------------------------------------------

HOW = tiny.record().preprocessing
PARTS: dict[str, Any] = {
    "model": "a/b",
    "version": "c" * 40,
    "image_sha256": "0" * 64,
    "preprocessing": HOW,
    "patch_queries": "off",
    "dtype": "float32",
}


def test_the_key_is_a_name_for_everything_that_decides_a_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changes: dict[str, list[Any]] = {
        "model": ["a/c"],
        "version": ["d" * 40],
        "image_sha256": ["1" * 64],
        "preprocessing": [
            dataclasses.replace(HOW, field_of_view="square"),
            dataclasses.replace(HOW, resolution=65),
            dataclasses.replace(HOW, resample="bilinear"),
            dataclasses.replace(HOW, rescale=1 / 127.5),
            dataclasses.replace(HOW, mean=(0.5, 0.5, 0.4)),
            dataclasses.replace(HOW, std=(0.5, 0.4, 0.5)),
        ],
        "patch_queries": ["mean", "heads"],
        "dtype": ["bfloat16"],
    }
    keys = [record_key(**PARTS)]
    keys += [record_key(**PARTS | {part: v}) for part, values in changes.items() for v in values]
    monkeypatch.setattr(store_module, "EXTRACT_VERSION", store_module.EXTRACT_VERSION + 1)
    keys.append(record_key(**PARTS))
    monkeypatch.setattr(store_module, "SCHEMA", SCHEMA + 1)
    keys.append(record_key(**PARTS))
    assert len(set(keys)) == len(keys) == 15
    assert all(re.fullmatch(r"[0-9a-f]{64}", key) for key in keys)


def test_every_preprocessing_parameter_but_its_wording_counts() -> None:
    counted = {"field_of_view", "resolution", "resample", "rescale", "mean", "std"}
    assert {item.name for item in dataclasses.fields(Preprocessing)} == counted | {"steps"}
    reworded = dataclasses.replace(HOW, steps=("other words",))
    assert record_key(**PARTS | {"preprocessing": reworded}) == record_key(**PARTS)


def test_the_key_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of the recipe would measure every user's records again."""
    monkeypatch.setattr(store_module, "SCHEMA", 1)
    monkeypatch.setattr(store_module, "EXTRACT_VERSION", 1)
    golden = "d41176be722e"
    assert record_key(**PARTS).startswith(golden)


# --- there and back ------------------------------------------------------------------------------


def test_a_record_comes_back_exactly(tmp_path: Path) -> None:
    store = Store(tmp_path)
    bare = tiny.record(tiny.layout(cls=False), seed=1)
    assert bare.attention.size == 0
    for record in (tiny.record(), full(), bare):
        store.put(record)
        found = store.get(record.key)
        assert same(found, record)
    assert same(full(), full())
    assert not same(full(), dataclasses.replace(full(), pooling=None))


def test_odd_numbers_come_back_too(tmp_path: Path) -> None:
    record = tiny.record()
    norms = record.norms.copy()
    norms[0, :4] = np.array([np.nan, np.inf, -0.0, 1e-45], np.float32)
    tenth: Any = np.float32(0.1)
    view = dataclasses.replace(record.view, left=tenth, right=1 / 3 + 1)
    record = dataclasses.replace(record, norms=norms, view=view)
    Store(tmp_path).put(record)
    found = Store(tmp_path).get(record.key)
    assert found.norms.tobytes() == norms.tobytes()
    assert (found.view.left, found.view.right) == (float(np.float32(0.1)), 1 / 3 + 1)


def test_the_header_tells_the_facts_without_the_arrays(tmp_path: Path) -> None:
    store, record = Store(tmp_path), full()
    assert store.header(record.key) is None
    store.put(record)
    header = store.header(record.key)
    assert header is not None
    for item in dataclasses.fields(RecordHeader):
        assert same(getattr(header, item.name), getattr(record, item.name)), item.name


def test_the_same_record_gives_the_same_bytes_in_any_process(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from generator.store import Store\n"
        "from tests.test_store import full; Store(Path(sys.argv[1])).put(full())"
    )
    record, found = full(), set()
    for number in range(3):
        root = tmp_path / str(number)
        environment = {**os.environ, "PYTHONHASHSEED": str(number)}
        subprocess.run([sys.executable, "-c", code, root], check=True, env=environment, cwd=HERE)
        found.add(path_of(Store(root), record).read_bytes())
    Store(tmp_path / "here").put(record)
    found.add(path_of(Store(tmp_path / "here"), record).read_bytes())
    assert len(found) == 1


def test_a_file_tells_nothing_of_where_and_when_it_was_made(tmp_path: Path) -> None:
    store, record = Store(tmp_path), tiny.record()
    store.put(record)
    data = path_of(store, record).read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert set(header["__metadata__"]) == {"record"}
    assert set(json.loads(header["__metadata__"]["record"])) == {
        item.name for item in dataclasses.fields(RecordHeader)
    }
    for secret in (str(tmp_path), str(Path.home()), socket.gethostname(), str(Path.cwd())):
        assert secret.encode() not in data


def test_files_lie_in_folders_of_two_digits(tmp_path: Path) -> None:
    store, record = Store(tmp_path / "new" / "store"), tiny.record()
    assert (store.keys(), store.bytes(), store.has(record.key)) == ((), 0, False)
    store.put(record)
    others = [dataclasses.replace(record, key=f"{n:064x}") for n in (3, 1, 2)]
    for other in others:
        store.put(other)
    assert store.keys() == tuple(sorted([record.key, *(o.key for o in others)]))
    assert store.bytes() == sum(path_of(store, r).stat().st_size for r in (record, *others))
    keys = store.keys()
    assert all(store.has(key) for key in keys)


def test_loading_is_fast_at_full_size(tmp_path: Path) -> None:
    """24 layers, 16 heads, 5 prefix tokens, 37x37 patches. The goal is 5 ms; CI may be slow."""
    small = tiny.record(tiny.layout(registers=4), layers=24, heads=16)
    layout = tiny.layout(registers=4, rows=37, cols=37)
    rng = np.random.default_rng(0)
    record = dataclasses.replace(
        small,
        layout=layout,
        attention=rng.random((5, 24, 16, 1374), np.float32).astype(np.float16),
        received=rng.random((24, 16, 1374), np.float32).astype(np.float16),
        norms=rng.random((25, 1374), np.float32),
        rollout=rng.random(1374, np.float32),
    )
    store = Store(tmp_path)
    store.put(record)

    def best(work: Callable[[str], object]) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            work(record.key)
            times.append(time.perf_counter() - start)
        return min(times)

    assert best(store.get) < 0.05
    assert best(store.has) < 0.005


# --- what cannot be trusted ----------------------------------------------------------------------


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
        assert caplog.messages[0].startswith(f"Measuring again what is in {path}: ")
        store.put(record)
        assert same(store.get(record.key), record)


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the facts in a record's file and keep everything else."""
    from safetensors import safe_open
    from safetensors.numpy import save

    with safe_open(path, framework="numpy") as file:
        facts = json.loads(file.metadata()["record"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    change(facts)
    path.write_bytes(save(arrays, metadata={"record": json.dumps(facts)}))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: f.update(schema=99), f"schema 99, where this version writes {SCHEMA}"),
        (lambda f: f.update(key="0" * 64), "it holds the record of another key"),
        (lambda f: f.pop("view"), "its facts cannot be read ("),
        (lambda f: f.update(more=1), "its facts cannot be read ("),
        (lambda f: f["layout"].update(rows=0), "its facts cannot be read ("),
        (lambda f: f.clear(), "its facts cannot be read ('schema')"),
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


# --- writing -------------------------------------------------------------------------------------


def full_disk(*_args: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_named_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, record = Store(tmp_path / "s"), tiny.record()
    monkeypatch.setattr(os, "fsync", full_disk)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=4_000))
    with pytest.raises(StoreError) as caught:
        store.put(record)
    assert str(caught.value) == (
        f"The disk of the record store {store.root} is full: a record needs 39 kB and 4.0 kB are "
        "free. Free some space, or name a folder on another disk with --store."
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


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file")
    with pytest.raises(StoreError) as caught:
        store.put(tiny.record())
    assert str(caught.value) == (
        f"The record store {tmp_path / 'file'} cannot be written: Not a directory. "
        "Check the folder's permissions, or name another with --store."
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


# --- keeping -------------------------------------------------------------------------------------


def test_gc_keeps_what_is_named_and_clears_what_was_left(tmp_path: Path) -> None:
    store, record = Store(tmp_path), tiny.record()
    keys = [f"{n:064x}" for n in range(4)]
    for key in keys:
        store.put(dataclasses.replace(record, key=key))
    old, young = tmp_path / "00" / ".dead.tmp", tmp_path / "00" / ".alive.tmp"
    note = tmp_path / "00" / "notes.txt"
    for path in (old, young, note):
        path.write_bytes(b"x")
    os.utime(old, (time.time() - 7200,) * 2)
    assert store.keys() == tuple(keys), "leftovers are no records"
    size = store.bytes()

    assert store.gc(keep={keys[1], keys[2]}) == (keys[0], keys[3])
    assert store.keys() == (keys[1], keys[2])
    assert store.bytes() == size // 2
    assert not old.exists()
    assert young.exists(), "its process may still be writing"
    assert note.exists(), "not ours"
    assert store.gc(keep={keys[1], keys[2]}) == ()


def test_records_of_a_folder_come_one_by_one(tmp_path: Path) -> None:
    store, record = Store(tmp_path), tiny.record()
    for n in (2, 1):
        store.put(dataclasses.replace(record, key=f"{n:064x}"))
    assert [r.key for r in load_records(tmp_path)] == [f"{n:064x}" for n in (1, 2)]


def test_the_images_of_a_store_are_known_by_their_hashes(tmp_path: Path) -> None:
    store, record = Store(tmp_path), tiny.record()
    assert store.images() == frozenset()
    for n, image in enumerate(("a" * 64, "b" * 64, "a" * 64)):
        store.put(dataclasses.replace(record, key=f"{n:064x}", image_sha256=image))
    path_of(store, dataclasses.replace(record, key=f"{1:064x}")).write_bytes(b"junk")
    assert store.images() == {"a" * 64}


def test_a_folder_without_records_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        load_records(tmp_path)
    assert str(caught.value) == f"{tmp_path} holds no records. Name the folder of a record store."
    with pytest.raises(StoreError) as caught:
        load_records(tmp_path / "x")
    assert str(caught.value) == f"{tmp_path}/x is not a folder. Name the folder of a record store."
