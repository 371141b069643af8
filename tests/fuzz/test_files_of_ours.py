"""Records, weights and manifests, damaged in every way: absent or refused, never believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from safetensors.numpy import load

from generator.errors import StoreError
from generator.export.source import Source, open_source
from generator.present.files.manifest_file import is_site, read_manifest
from generator.present.site.write import build_site
from generator.records.record import AttentionRecord
from generator.records.seal import sealed_file
from generator.records.store import Store, load_records
from tests.fuzz.fuzzing import (
    altered,
    changed,
    edited,
    fuzz,
    one_byte,
    survives,
    written,
)
from tests.present.gallery import gallery
from tests.records.test_store import full, path_of, same, seen_weights


def facts_of(data: bytes) -> dict[str, Any]:
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    found: dict[str, Any] = json.loads(header["__metadata__"]["record"])
    del found["seal"]
    return found


def test_bytes_of_records(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Whatever is not the record as it was written is absent."""
    store, record = Store(tmp_path), full()
    store.put(record)
    path = path_of(store, record)
    whole = path.read_bytes()
    length = 8 + int.from_bytes(whole[:8], "little")

    def check(data: bytes) -> None:
        path.write_bytes(data)
        found = Store(tmp_path)
        survives(found.images)
        read = survives(found.get, record.key)
        assert read is None or (data == whole and same(read, record))
        assert found.has(record.key) == (read is not None)

    heads = edited(whole[:length]).map(lambda head: head + whole[length:])
    facts = whole.index(b"sha256")  # of the facts, which follow it
    fuzz(request, st.one_of(heads, edited(whole), one_byte(whole, facts, length)), check)


def test_facts_and_arrays_that_do_not_belong_together(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Sealed anew, as another program might: has and get agree."""
    store, record = Store(tmp_path), full()
    store.put(record)
    path = path_of(store, record)
    whole = path.read_bytes()
    arrays = load(whole)
    strange = st.sampled_from(
        [
            *(lambda a: a[:0], lambda a: a[None], lambda a: a.astype(np.float64)),
            *(lambda a: a.astype(np.int64), lambda a: a.reshape(-1), None),
        ]
    )
    changes = st.dictionaries(st.sampled_from(sorted(arrays)), strange, max_size=2)

    def check(case: tuple[bytes, dict[str, Any]]) -> None:
        facts, change = case
        found = dict(arrays)
        for name, how in change.items():
            if how is None:
                del found[name]
            else:
                found[name] = np.ascontiguousarray(how(found[name]))
        path.write_bytes(sealed_file("record", facts.decode(), found))
        there = Store(tmp_path).has(record.key)
        read: AttentionRecord | None
        try:
            read = Store(tmp_path).get(record.key)
        except StoreError:
            read = None
        assert there == (read is not None)
        survives(lambda: list(load_records(tmp_path)))

    fuzz(request, st.tuples(altered(facts_of(whole)), changes), check)


def test_weights(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    key = "a" * 64
    Store(tmp_path).put_weights(seen_weights(key))
    (path,) = (tmp_path / "weights").iterdir()
    whole = path.read_bytes()

    def check(data: bytes) -> None:
        path.write_bytes(data)
        found = Store(tmp_path)
        there = found.has_weights(key)
        assert there == (data == whole)

    fuzz(request, edited(whole), check)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("site")
    trial = gallery(place / "pictures")
    build_site(trial.run, trial.read, place / "site", version="1")
    return place / "site"


@pytest.mark.slow
def test_manifests(request: pytest.FixtureRequest, site: Path, tmp_path: Path) -> None:
    whole = (site / "manifest.json").read_bytes()
    folder = tmp_path / "copy"
    folder.mkdir()

    def looked_at(source: Source) -> None:
        for cell in source.run.cells:
            source.model(cell)
            source.image(cell)
        assert source.scale.low <= source.scale.high
        assert source.patch_scale is None or source.patch_scale.low <= source.patch_scale.high
        source.models(())
        source.images(())

    def check(data: bytes) -> None:
        (folder / "manifest.json").write_bytes(data)
        survives(is_site, folder)
        survives(read_manifest, folder)
        source = survives(open_source, folder, tmp_path / "store")
        if source is not None:
            survives(looked_at, source)

    good = json.loads(whole)
    contradictions = [
        written(changed(good, [(place, "set", value)]))
        for place in (("cells", 0, "model"), ("cells", 0, "image"), ("cells", 0, "measurement"))
        for value in ("nobody", good["models"][0]["slug"], good["images"][0]["slug"], 99, -1)
    ]
    contradictions += [
        written(changed(good, [(("scale", end), "set", value)]))
        for end in ("low", "high")
        for value in (0, -1, 1e308, 1e-300)
    ]
    cases = st.one_of(altered(good), edited(whole))
    fuzz(request, cases, check, always=contradictions)
