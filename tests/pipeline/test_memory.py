"""Where little memory is free, measuring takes less of it."""

from __future__ import annotations

import pytest

from generator.spec.gallery import GallerySpec
from tests.pipeline.galleries import build


@pytest.mark.parametrize(("free", "given"), [(4 << 30, True), (16 << 30, False), (None, False)])
def test_large_blocks_are_given_back_where_less_than_8_gb_are_free(
    spec: GallerySpec, monkeypatch: pytest.MonkeyPatch, free: int | None, given: bool
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr("generator.pipeline.workers.measurer.free_memory", lambda: free)
    monkeypatch.setattr("generator.capture.heap.give_back_large_blocks", lambda: asked.append(True))
    build(spec)
    assert asked == [True] * given * len(spec.models)
