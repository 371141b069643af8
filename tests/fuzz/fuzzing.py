"""What the fuzzers share: hostile values, edits of good files, and what a program may say."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisWarning

from generator.errors import GalleryError

Case = TypeVar("Case")
Found = TypeVar("Found")

EXAMPLES = 120
"""Inputs of each fuzzer in an ordinary run; always the same ones."""

PATIENCE = 10.0
"""Seconds that no input may take."""

TOKENS = (
    *("", " ", "\n", "\0", "\ufeff", "'", '"', '"""', "\\", "{", "}", "[", "]", "[[", "]]", ","),
    *("true", "null", "nan", "inf", "-inf", "NaN", "-1", "0", "1e999", "0x" + "f" * 9000),
    *("9" * 5000, "[" * 3000, "{" * 3000, '{"a":' * 3000, "{a=" * 3000, "x" * 200_000),
    *(".".join(["a"] * 5000), "<a>" * 3000, "<!DOCTYPE a>", "&amp;", "&x;", "../../etc", "\u202e"),
)
"""Texts that are put into good files."""

LONG, DEEP = "@LONG@", "@DEEP@"  # texts that stand for what json.dumps cannot write
VALUES = st.sampled_from(
    [
        *(None, True, False, 0, -1, 1, 10**30, 0.5, 1e308, -1e-300, float("nan"), float("inf")),
        *("", "x", "3", "x" * 5000, "\0", "\ud800", "../..", [], {}, [[]], [None], {"": {}}),
        *(LONG, DEEP, [1, 2, 3, 4], {"a": 1}, "CLS", ["CLS"], 2**31, 2**63),
    ]
)


def edited(*good: bytes) -> st.SearchStrategy[bytes]:
    """Good files after a few edits: bytes changed, parts cut out or doubled, texts put in."""
    edits = st.lists(
        st.tuples(
            st.sampled_from(["change", "cut", "double", "insert"]),
            st.floats(0, 1, exclude_max=True),
            st.integers(0, 60),
            st.integers(0, 255),
            st.sampled_from(TOKENS),
        ),
        min_size=1,
        max_size=4,
    )

    def apply(data: bytes, changes: list[tuple[str, float, int, int, str]]) -> bytes:
        found = bytearray(data)
        for kind, place, length, byte, text in changes:
            at = int(place * len(found))
            if kind == "change" and found:
                found[at] = byte
            elif kind == "cut":
                del found[at : at + length]
            elif kind == "double":
                found[at:at] = found[at : at + length] * 3
            elif kind == "insert":
                found[at:at] = text.encode()
        return bytes(found)

    return st.builds(apply, st.sampled_from(good), edits)


def one_byte(good: bytes, first: int, end: int) -> st.SearchStrategy[bytes]:
    """A good file in which one byte of a part is another."""

    def apply(place: int, change: int) -> bytes:
        found = bytearray(good)
        found[place] ^= change
        return bytes(found)

    return st.builds(apply, st.integers(first, end - 1), st.integers(1, 255))


def altered(good: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """JSON of a good object in which some values are others, or gone."""
    places = sorted(_places(good, ()), key=repr)
    edits = st.lists(
        st.tuples(st.sampled_from(places), st.sampled_from(["set", "drop", "add"]), VALUES),
        min_size=1,
        max_size=3,
    )
    return st.builds(lambda changes: written(changed(good, changes)), edits)


def changed(good: dict[str, Any], changes: list[tuple[Any, ...]]) -> dict[str, Any]:
    """A copy of an object with changes at some places."""
    found: dict[str, Any] = json.loads(json.dumps(good))
    for place, kind, value in changes:
        inner: Any = found
        try:
            for step in place[:-1]:
                inner = inner[step]
            if kind == "drop":
                del inner[place[-1]]
            elif kind == "add" and isinstance(inner, dict):
                inner[f"{place[-1]}x"] = value
            else:
                inner[place[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took this place away
    return found


def written(value: Any) -> bytes:
    """JSON text, with what Python itself would not write."""
    text = json.dumps(value)
    text = text.replace(f'"{LONG}"', "9" * 5000).replace(f'"{DEEP}"', "[" * 20_000 + "]" * 20_000)
    return text.encode()


def _places(value: Any, above: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    inner = [place for key, item in items for place in _places(item, (*above, key))]
    return [*([above] if above else []), *inner]


def survives(call: Callable[..., Found], *args: Any, **options: Any) -> Found | None:
    """What a call gives; None where it refuses in one short line, soon."""
    start = time.perf_counter()
    try:
        return call(*args, **options)
    except GalleryError as error:
        text = str(error)
        assert text.strip()
        assert "\n" not in text
        assert len(text) < 2000, text[:300]
        return None
    finally:
        assert time.perf_counter() - start < PATIENCE


def fuzz(
    request: pytest.FixtureRequest,
    cases: st.SearchStrategy[Case],
    check: Callable[[Case], object],
    examples: int = EXAMPLES,
    always: Iterable[Case] = (),
) -> None:
    """Run a check on many inputs: always the same, or other ones for as long as was asked for.

    Args:
        always: inputs that no choice of examples may miss.
    """
    for case in always:
        check(case)
    seconds: float = request.config.getoption("--fuzz")
    how = settings(
        max_examples=examples,
        derandomize=not seconds,
        database=None,
        report_multiple_bugs=False,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )

    def run() -> Callable[[], None]:
        return how(given(cases)(lambda case: check(case) and None))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HypothesisWarning)  # of long inputs in its messages
        run()()
        end, number = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            number += 1
            seed(number)(run())()
