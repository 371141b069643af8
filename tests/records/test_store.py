"""Records on disk: exact, the same bytes every time, whole or not there at all."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from generator.errors import StoreError
from generator.records import file as record_file
from generator.records import store as store_module
from generator.records.extras import Extra, Measuring, ModelWeights
from generator.records.record import SCHEMA, AttentionRecord, Preprocessing
from generator.records.store import RecordHeader, Store, load_records, record_key, weights_key
from tests import tiny

HERE = Path(__file__).parents[2]


def full() -> AttentionRecord:
    """A record with everything in it, in memory orders and dtypes that measuring may produce."""
    record = tiny.record(tiny.layout(registers=2), pooling=True, extras=get_args(Extra))
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


# --- the key --------------------------------------------------------------------------------------

HOW = tiny.record().preprocessing
PARTS: dict[str, Any] = {
    "model": "a/b",
    "version": "c" * 40,
    "image_sha256": "0" * 64,
    "preprocessing": HOW,
    "patch_queries": "off",
    "measuring": Measuring(),
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
        "measuring": [
            Measuring(extras=()),
            Measuring(objects=("values",)),
            Measuring(objects=("keys", "values")),
            Measuring(extras=("lens",), target=3),
        ],
        "dtype": ["bfloat16"],
    }
    keys = [record_key(**PARTS)]
    keys += [record_key(**PARTS | {part: v}) for part, values in changes.items() for v in values]
    monkeypatch.setattr(store_module, "EXTRACT_VERSION", store_module.EXTRACT_VERSION + 1)
    keys.append(record_key(**PARTS))
    monkeypatch.setattr(store_module, "SCHEMA", SCHEMA + 1)
    keys.append(record_key(**PARTS))
    assert len(set(keys)) == len(keys) == 19
    assert all(re.fullmatch(r"[0-9a-f]{64}", key) for key in keys)


def test_every_preprocessing_parameter_but_its_wording_counts() -> None:
    counted = {"field_of_view", "resolution", "resample", "rescale", "mean", "std"}
    assert {item.name for item in dataclasses.fields(Preprocessing)} == counted | {
        "steps",
        "assumed",
    }
    reworded = dataclasses.replace(HOW, steps=("other words",), assumed="a guess")
    assert record_key(**PARTS | {"preprocessing": reworded}) == record_key(**PARTS)


def test_the_key_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of the recipe would measure every user's records again."""
    monkeypatch.setattr(store_module, "SCHEMA", 1)
    monkeypatch.setattr(store_module, "EXTRACT_VERSION", 1)
    golden = "80e4fe8a5837"
    assert record_key(**PARTS).startswith(golden)


# --- there and back -------------------------------------------------------------------------------


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
    norms[0, :4] = np.array([3.4e38, -3.4e38, -0.0, 1e-45], np.float32)
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


@pytest.mark.slow
def test_the_same_record_gives_the_same_bytes_in_any_process(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from generator.records.store import Store\n"
        "from tests.records.test_store import full; Store(Path(sys.argv[1])).put(full())"
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
        "seal",
        *(item.name for item in dataclasses.fields(RecordHeader)),
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


# --- keeping --------------------------------------------------------------------------------------


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
    assert (
        str(caught.value)
        == f"{tmp_path} holds no records. Name a site, or the folder of a record store."
    )
    with pytest.raises(StoreError) as caught:
        load_records(tmp_path / "x")
    assert (
        str(caught.value)
        == f"{tmp_path}/x is not a folder. Name a site, or the folder of a record store."
    )


# --- what is seen of a model without an image -----------------------------------------------------


def seen_weights(key: str, *, learned: bool = True) -> ModelWeights:
    rng = np.random.default_rng(0)
    return ModelWeights(
        key=key,
        model="tiny/model",
        position=rng.random((6, 4)).astype(np.float32) if learned else None,
        position_grid=(2, 3) if learned else (0, 0),
        position_note="" if learned else "rotary embedding",
        filters=rng.random((5, 3, 2, 2)).astype(np.float32),
        spectrum=rng.random(12).astype(np.float32),
    )


@pytest.mark.parametrize("learned", [True, False])
def test_weights_come_back_as_they_were_put(tmp_path: Path, learned: bool) -> None:
    store, weights = Store(tmp_path), seen_weights("a" * 64, learned=learned)
    assert not store.has_weights(weights.key)
    store.put_weights(weights)
    assert store.has_weights(weights.key)
    assert same(store.get_weights(weights.key), weights)
    assert (store.keys(), store.images()) == ((), frozenset()), "they are no record"


def test_weights_of_a_model_have_a_key_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {"model": "a/b", "version": "c" * 40, "dtype": "float32"}
    keys = [weights_key(**parts)]
    keys += [weights_key(**parts | {part: "other"}) for part in parts]
    monkeypatch.setattr(store_module, "EXTRACT_VERSION", store_module.EXTRACT_VERSION + 1)
    keys.append(weights_key(**parts))
    assert len(set(keys)) == 5
    assert all(re.fullmatch(r"[0-9a-f]{64}", key) for key in keys)


def test_weights_that_are_absent_or_broken_are_seen_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, key = Store(tmp_path), "a" * 64
    with pytest.raises(StoreError) as caught:
        store.get_weights(key)
    assert str(caught.value) == (
        f"The weights {key[:12]} are not in {tmp_path}. Build the gallery again to see them."
    )
    store.put_weights(seen_weights(key))
    (file,) = (tmp_path / "weights").iterdir()
    whole = file.read_bytes()
    for broken in (whole[: len(whole) // 2], b"junk", b""):
        file.write_bytes(broken)
        assert not Store(tmp_path).has_weights(key)
        assert file.with_suffix(".damaged").read_bytes() == broken
    file.with_name(f"{'b' * 64}.safetensors").write_bytes(whole)
    assert not store.has_weights("b" * 64), "the file says whose it is"
    assert len(caplog.messages) == 4
    assert caplog.messages[-1] == (
        f"{file.with_name('b' * 64)}.safetensors is damaged: it holds something else. It is kept "
        f"as {'b' * 64}.damaged; build measures it again."
    )


def test_cleaning_removes_weights_that_are_not_kept(tmp_path: Path) -> None:
    store, record = Store(tmp_path), tiny.record()
    store.put(record)
    for letter in "ab":
        store.put_weights(seen_weights(letter * 64))
    leftover = tmp_path / "weights" / ".dead-1-2.tmp"
    leftover.write_bytes(b"half")
    os.utime(leftover, (0, 0))
    size = store.bytes()
    assert store.gc(keep={record.key, "a" * 64}) == ()
    assert (store.has_weights("a" * 64), store.has_weights("b" * 64)) == (True, False)
    assert store.bytes() < size
    assert not leftover.exists()


def test_records_of_a_former_version_are_passed_over_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(tmp_path)
    store.put(tiny.record(image_sha256="a" * 64))
    assert store.images() == {"a" * 64}
    monkeypatch.setattr(record_file, "SCHEMA", SCHEMA + 1)
    assert Store(tmp_path).images() == frozenset()
    assert not caplog.records
