"""Patch queries: written, read back, and the same numbers as the record's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from generator.present.patches import patch_chunk_bytes, read_patch_chunk
from generator.present.quantise import error_bound
from generator.records import PatchQueries
from tests import tiny


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
