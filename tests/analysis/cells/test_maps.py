"""What is kept of a cell's analyses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from generator.analysis.cells.maps import cell_maps
from generator.analysis.features.objects import find_objects
from generator.analysis.features.tokencut import TokenCut
from generator.records.extras import EXTRAS
from generator.records.packing import pack
from tests import tiny


def test_the_last_digits_of_an_eigenvalue_do_not_decide_the_bytes() -> None:
    """They depend on how many threads have summed it, and files are named by their bytes."""
    record = tiny.record(extras=EXTRAS)
    found = find_objects(record)
    cut = found.tokencut
    assert isinstance(cut, TokenCut)
    noisy = replace(cut, eigenvalue=np.nextafter(cut.eigenvalue, 2), gap=np.nextafter(cut.gap, 2))
    kept = pack(cell_maps(record, replace(found, tokencut=noisy)))
    assert kept == pack(cell_maps(record, found))
