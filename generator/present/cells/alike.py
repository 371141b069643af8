"""Reduced patch features of a cell, from which a page computes cosine similarities of patches.

The file is a classic script, as chunks are. It has a header and 8-bit codes as one gray PNG, with
one line for each direction.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from generator.analysis.absent import NotApplicable
from generator.analysis.features.alike import SmallFeatures, small_features
from generator.present.cells.analysis_maps import MAPS
from generator.present.cells.chunks.gray_png import gray_png
from generator.present.cells.chunks.packing import script_bytes
from generator.present.files.cache import SiteCache
from generator.present.files.manifest import FileEntry
from generator.records.record import AttentionRecord, TokenLayout
from generator.records.run import Cell
from generator.text.numbers import rounded

ALIKE = "alike"
"""Takes the place of the query in the file's name and header."""

ALIKE_VERSION = 7
"""Cache version. Raise it when the file of an unchanged record changes."""

ZERO = 128
"""Code that stands for zero."""


def put_alike(
    cache: SiteCache, cell: Cell, read: Callable[[str], AttentionRecord], maps: FileEntry
) -> FileEntry | None:
    """Put the features of a cell's patches into the site; None where none were measured.

    Args:
        maps: file of the cell's maps, which says whether the record has features.
    """
    if isinstance(MAPS.read(cache.root / maps.path).alike, NotApplicable):
        return None

    def make() -> bytes:
        record = read(cell.record)
        assert record.features is not None, "its maps have features"
        return alike_bytes(cell.record, record.layout, small_features(record.features.last))

    return cache.put(
        "alike",
        f"data/{cell.model}/{cell.image}.alike",
        {"record": cell.record, "alike": ALIKE_VERSION},
        make,
        suffix=".js",
        query=ALIKE,
    )


def alike_bytes(record: str, layout: TokenLayout, found: SmallFeatures) -> bytes:
    """The script."""
    header = {
        "record": record,
        "query": ALIKE,
        "grid": [layout.rows, layout.cols],
        "scales": [rounded(scale, 6) for scale in found.scales],
        "error": [rounded(found.most, 2), rounded(found.mean, 2)],
    }
    codes = (found.codes.astype(np.int16) + ZERO).astype(np.uint8)
    return script_bytes(header, gray_png(codes))
