"""Dataclasses as bytes: exact, the same every time, refused when they are something else."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from generator.records.packing import PackingError, canonical, pack, revive, unpack


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


@dataclass(frozen=True)
class Left:
    name: str


@dataclass(frozen=True)
class Right:
    name: str
    place: int


@dataclass(frozen=True)
class Either:
    one: Left | Right
    several: tuple[Left | Right | None, ...]


def test_a_union_comes_back_as_the_member_that_was_packed() -> None:
    value = Either(Right("x", 1), (Left("y"), None, Right("z", 2)))
    assert revive(Either, canonical(asdict(value))) == value
    assert unpack(Either, pack(value)) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"name":"x"}', "place: Field required"),
        ('{"name":"x","place":1,"more":2}', "more: Unexpected keyword argument"),
        ('{"name":3,"place":1}', "name: Input should be a valid string"),
        (
            '{"name":"x","place":"far"}',
            "place: Input should be a valid integer, unable to parse string as an integer",
        ),
        ('{"name":', "Expecting value: line 1 column 9 (char 8)"),
        ('{"name":"x","place":{"array":"place"}}', "'place'"),
    ],
)
def test_other_facts_are_refused_with_their_place(text: str, message: str) -> None:
    with pytest.raises(PackingError) as caught:
        revive(Right, text)
    assert str(caught.value) == message
