"""Gray PNG: Pillow reads the same codes, whatever the lines look like."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from generator.present.cells.chunks.gray_png import Codes, gray_png, read_gray_png


def _noise(rows: int, cols: int) -> Codes:
    return np.random.default_rng(rows * cols).integers(0, 256, (rows, cols), dtype=np.uint8)


_DOWN, _ACROSS = np.mgrid[:40, :60]
PICTURES = {
    "one code": _noise(1, 1),
    "a line": _noise(1, 50),
    "a column": _noise(50, 1),
    "noise": _noise(40, 60),
    "the same everywhere": np.full((40, 60), 7, dtype=np.uint8),
    "lines alike": np.repeat(_noise(1, 60), 40, axis=0),
    "columns alike": np.repeat(_noise(40, 1), 60, axis=1),
    "a slope that wraps": (5 * _DOWN + 3 * _ACROSS).astype(np.uint8),
    "an edge aslant": np.where(_DOWN > _ACROSS, 255, 0).astype(np.uint8),
    "nearly smooth": (_DOWN + _ACROSS + _noise(40, 60) % 8).astype(np.uint8),
    "not contiguous": _noise(80, 120)[::2, ::2],
}


@pytest.mark.parametrize("codes", PICTURES.values(), ids=PICTURES)
def test_codes_come_back(codes: Codes) -> None:
    data = gray_png(codes)
    with Image.open(io.BytesIO(data)) as picture:
        assert (picture.mode, picture.size, picture.info) == ("L", codes.shape[::-1], {})
    np.testing.assert_array_equal(read_gray_png(data), codes)


@pytest.mark.parametrize("codes", PICTURES.values(), ids=PICTURES)
def test_it_is_no_larger_than_pillows(codes: Codes) -> None:
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(codes)).save(file, format="PNG", optimize=True)
    assert len(gray_png(codes)) <= max(1.1 * len(file.getvalue()), len(file.getvalue()) + 100)
