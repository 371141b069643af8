"""Chunks as scripts: every byte comes back, and the text is safe in a string."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from generator.present.cells.chunks.packing import read_json, read_packed, script_bytes, unpacked

FIELDS = {"record": "a" * 64, "query": "CLS", "words": 'a "quoted" < word'}


@pytest.mark.parametrize("count", [0, 1, 7, 8, 14, 15, 16, 30, 5000])
def test_bytes_come_back(tmp_path: Path, count: int) -> None:
    png = np.random.default_rng(count).integers(0, 256, count, dtype=np.uint8).tobytes()
    path = tmp_path / "chunk.js"
    path.write_bytes(script_bytes(FIELDS, png))
    header, found = unpacked(read_packed(path))
    assert (
        header == b'{"record":"' + b"a" * 64 + b'","query":"CLS","words":"a \\"quoted\\" < word"}'
    )
    # the last character may hold bits of one byte more
    assert found[:count] == png
    assert found[count:] in (b"", b"\0")
    assert read_json(path) == header


def test_a_script_is_one_call_with_two_plain_strings() -> None:
    text = script_bytes(FIELDS, bytes(range(256))).decode("utf-16")
    call, key, comma, body, end = text.split('"')
    assert (call, key, comma, end) == ("galleryChunk(", "a" * 64 + "/CLS", ",", ");\n")
    assert not {"\\", "\n", "\r", "\u2028", "\u2029", "<"} & set(body)
    assert all("\u3000" <= each < "\ub000" for each in body)


def test_a_script_is_a_fifteenth_larger_than_its_bytes() -> None:
    png = np.random.default_rng(0).integers(0, 256, 60000, dtype=np.uint8).tobytes()
    assert len(script_bytes(FIELDS, png)) < 60000 * 16 / 15 + 600
