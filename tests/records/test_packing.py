"""Dataclasses as bytes: exact, the same every time, refused when they are something else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from generator.records.packing import PackingError, pack, unpack


@dataclass(frozen=True)
class Inner:
    values: NDArray[np.float32]
    name: str


@dataclass(frozen=True)
class Outer:
    first: Inner
    second: Inner | None
    several: tuple[Inner, ...]
    count: int
    share: float | None
    pairs: tuple[tuple[str, int], ...]


def outer() -> Outer:
    ramp = np.arange(6, dtype=np.float32)
    several = (Inner(ramp[::2], "a"), Inner(np.array([np.nan, np.inf], np.float32), "b"))
    return Outer(Inner(ramp.reshape(2, 3).T, "é"), None, several, 3, 0.25, (("x", 1), ("y", 2)))


def test_what_is_packed_comes_back() -> None:
    before, after = outer(), unpack(Outer, pack(outer()))
    np.testing.assert_array_equal(after.first.values, before.first.values)
    assert [item.name for item in after.several] == ["a", "b"]
    for one, two in zip(after.several, before.several, strict=True):
        np.testing.assert_array_equal(one.values, two.values)
        assert one.values.dtype == two.values.dtype
    assert (after.second, after.count, after.share, after.pairs) == (
        None,
        3,
        0.25,
        (("x", 1), ("y", 2)),
    )


def test_the_same_object_gives_the_same_bytes() -> None:
    assert len({pack(outer()) for _ in range(5)}) == 1


@pytest.mark.parametrize(
    "data",
    [b"", b"not one", pack(Inner(np.zeros(2, np.float32), "x")), pack(outer())[:-8]],
    ids=["empty", "foreign", "of another kind", "cut short"],
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(PackingError, match="Outer"):
        unpack(Outer, data)
