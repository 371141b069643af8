"""Numbers as everything prints them, in Python and in JavaScript."""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import struct
import subprocess
from typing import Any

import numpy as np
import pytest

from generator.bundled import bundled
from generator.text.numbers import (
    Notation,
    between,
    column,
    count,
    given,
    interval_texts,
    machine,
    number,
    percent,
    plain,
    points,
    rounded,
    signed,
    tick_texts,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (0.5, "0.5"),
        (0.87651, "0.877"),
        (0.0123456, "0.0123"),
        (0.001, "0.001"),
        (0.0009996, "0.001"),
        (0.0009994, "9.99e−4"),
        (0.000123456, "1.23e−4"),
        (-0.000123456, "−1.23e−4"),
        (1e-30, "1e−30"),
        (3, "3"),
        (-12.3456, "−12.3"),
        (9.996, "10"),
        (99.96, "100"),
        (100, "100"),
        (999.4, "999"),
        (999.6, "1,000"),
        (1234.5, "1,235"),
        (999_999.4, "999,999"),
        (999_999.6, "1e6"),
        (1_234_567, "1.23e6"),
        (-6.02e23, "−6.02e23"),
        (1.7976931348623157e308, "1.8e308"),
        (0.125, "0.125"),
        (0.0625, "0.0625"),
        (2.125, "2.13"),  # a tie, away from zero
        (-2.125, "−2.13"),
        (0.30000001192092896, "0.3"),  # 0.3 as float32
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
    ],
)
def test_a_measured_number_has_three_digits_that_count(value: float | None, text: str) -> None:
    assert number(value) == text


def test_numbers_of_numpy_are_printed_like_pythons() -> None:
    assert number(np.float32(0.1)) == number(np.float64(0.1)) == number(0.1) == "0.1"
    assert number(np.float16(12.34)) == "12.3"
    assert number(np.int64(1234)) == "1,234"
    assert percent(np.float32(0.1)) == "10\u00a0%"


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.0, "3"), (0.975, "0.975"), (1.0125, "1.0125"), (-0.25, "−0.25"), (1234.5, "1,234.5")],
)
def test_a_given_number_has_all_its_digits(value: float, text: str) -> None:
    assert given(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (3e-21, "<0.001 %"),
        (1.4e-5, "0.0014 %"),
        (0.000512, "0.0512 %"),
        (0.0049, "0.49 %"),
        (0.0994, "9.94 %"),
        (0.654, "65.4 %"),
        (0.9951, "99.5 %"),
        (0.9996, ">99.9 %"),
        (0.99998, ">99.9 %"),
        (1 - 3e-7, "100 %"),  # a sum of float32 shares
        (1, "100 %"),
        (1.0000002, "100 %"),
        (1.5, "150 %"),
    ],
)
def test_neither_nothing_nor_all_is_said_of_a_share_that_is_not(share: float, text: str) -> None:
    assert percent(share) == text.replace(" ", "\u00a0")


def test_a_share_that_there_is_not_has_no_unit() -> None:
    assert percent(None) == percent(math.nan) == "–"


def test_a_difference_has_its_sign() -> None:
    found = [signed(v) for v in (0.5, -0.5, 0, -0.0, 0.00002, None, math.nan, math.inf)]
    assert found == ["+0.5", "−0.5", "0", "0", "+2e−5", "–", "–", "+∞"]
    assert [points(v) for v in (0.0123456, -0.4, None)] == ["+1.23", "−40", "–"]


def test_counts_and_ranges() -> None:
    assert [count(n) for n in (0, 999, 1000, 25600, 1234567)] == [
        *("0", "999", "1,000", "25,600", "1,234,567")
    ]
    assert between(-0.125, 1500) == "−0.125 to 1,500"
    assert between(0.50001, 0.49999) == "0.5"
    assert between(0.1, 0.35) == "0.10 to 0.35"


def test_a_value_and_its_interval_have_as_many_decimals_each() -> None:
    assert interval_texts(0.0571, -0.12, 0.2, "points") == ("+5.71", "−12.00 to 20.00")
    assert interval_texts(1.5, 1, 2.25, "number") == ("1.50", "1.00 to 2.25")
    assert interval_texts(0.5, 0.5, 0.5, "percent") == ("50\u00a0%", "50\u00a0%")


def test_ticks_of_a_linear_axis_have_as_many_decimals_each() -> None:
    shares = tick_texts((0, 0.005, 0.01, 0.015), "percent", log=False)
    assert shares == [f"{text}\u00a0%" for text in ("0", "0.5", "1.0", "1.5")]
    assert tick_texts((-1, -0.5, 0, 0.5), "difference", log=False) == ["−1.0", "−0.5", "0", "0.5"]
    assert tick_texts((0.01, 0.1, 1), "number", log=True) == ["0.01", "0.1", "1"]


def test_the_terminal_and_programs_get_ascii() -> None:
    for text in (number(-1e-7), percent(0.5), signed(-3.0), number(None), given(-0.5)):
        assert plain(text).isascii(), text
    assert plain(f"{number(-0.00012)} is {percent(0.5)}, {number(None)}") == "-1.2e-4 is 50 %, -"
    assert rounded(1234.5678, 5) == 1234.6
    assert [machine(v) for v in (-0.5, 33.3333333, 1e-7)] == ["-0.5", "33.3333", "1e-07"]


def many_values() -> list[float]:
    """Values of all sizes, and those at which a rule changes: edges, ties and their neighbors."""
    rng = random.Random(0)
    found = [rng.uniform(-1, 1) * 10 ** rng.uniform(-12, 9) for _ in range(3000)]
    found += [struct.unpack("f", rng.randbytes(4))[0] for _ in range(1000)]
    edges = [
        sign * part * 10.0**n
        for n in range(-8, 8)
        for part in (1, 9.995, 9.996, 5)
        for sign in (1, -1)
    ]
    edges += [n / 8 for n in range(-64, 64)] + [n / 1024 for n in range(1024)]
    edges += [n + 0.5 for n in range(995, 1005)] + [
        0.99949,
        0.9995,
        0.99951,
        1 - 1e-6,
        1e-5,
        1 + 1e-6,
    ]
    for edge in edges:
        found += [edge, math.nextafter(edge, math.inf), math.nextafter(edge, -math.inf)]
    return [value for value in found if math.isfinite(value)]


@pytest.mark.parametrize(
    ("values", "notation", "texts"),
    [
        ([0.609, 0.656, 0.4], "number", ["0.609", "0.656", "0.400"]),
        ([58.5, 36.2, 106], "number", ["58.5", "36.2", "106.0"]),
        ([11.3, 0.85, None], "number", ["11.30", "0.85", "–"]),
        ([0.262, 0.0431], "number", ["0.2620", "0.0431"]),
        ([0, 1.5, 12], "number", ["0", "1.5", "12.0"]),
        ([3, 4, 0], "number", ["3", "4", "0"]),
        ([0.4], "number", ["0.4"]),
        ([], "number", []),
        # too far apart
        ([106, 0.0346], "number", ["106", "0.0346"]),
        ([1e-6, 0.5], "number", ["1e−6", "0.5"]),
        ([1234, 0.9], "number", ["1,234", "0.9"]),
        ([-0.5, 0.25, 0], "difference", ["−0.50", "+0.25", "0"]),
        ([-0.005, 0.25], "points", ["−0.5", "+25.0"]),
        ([0.996, 0.9971, 1], "percent", ["99.6\xa0%", "99.7\xa0%", "100.0\xa0%"]),
        ([0.5, 1 - 2e-6, 1e-6], "percent", ["50\xa0%", ">99.9\xa0%", "<0.001\xa0%"]),
        ([0.0145, 0.00117], "percent", ["1.450\xa0%", "0.117\xa0%"]),
    ],
)
def test_numbers_below_each_other_have_as_many_decimals(
    values: list[float | None], notation: Notation, texts: list[str]
) -> None:
    assert column(values, notation) == texts


def columns() -> list[list[float | None]]:
    """Lists of numbers that are close and far apart, with gaps."""
    rng = random.Random(2)
    found: list[list[float | None]] = [[], [None], [0.0, 1.0], [1.0, 0.5, 0.99999999]]
    for _ in range(2000):
        power = rng.uniform(-5, 6)
        spread = rng.uniform(0, 4)
        values = [
            rng.choice([1, 1, -1, 0]) * 10 ** (power + rng.uniform(0, spread)) for _ in range(4)
        ]
        found.append([*values, None] if rng.random() < 0.3 else [*values])
    return found


def test_scripts_print_columns_like_python() -> None:
    lists = columns()
    shares = [[None if v is None else min(abs(v), 1.0) for v in values] for values in lists]
    printed = run_script(
        "console.log(JSON.stringify(values.map(([v, s]) => [column(v), column(s, true)])));",
        list(zip(lists, shares, strict=True)),
    )
    for values, part, texts in zip(lists, shares, printed, strict=True):
        assert texts == [column(values), column(part, "percent")], values


def run_script(code: str, values: object) -> Any:
    """What a script prints, with the functions of numbers.js at hand."""
    if not shutil.which("node"):
        assert not os.environ.get("CI"), "There is no node: apt-get install nodejs."
        pytest.skip("There is no node: apt-get install nodejs.")
    begin = (
        "const values = eval(require('fs').readFileSync(0, 'utf8'));"
        "const {number, signed, percent, column} = Numbers;"
    )
    script = (bundled("templates") / "static" / "js" / "numbers.js").read_text(encoding="utf-8")
    done = subprocess.run(
        ["node", "-e", script + begin + code],
        input=json.dumps(values),  # with Infinity and NaN, as JavaScript writes them
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    return json.loads(done.stdout)


def test_scripts_print_numbers_like_python() -> None:
    values = [*many_values(), None, math.inf, -math.inf, math.nan]
    printed = run_script(
        "const of = v => [number(v), number(v, 2), signed(v), percent(v)];"
        "console.log(JSON.stringify(values.map(of)));",
        values,
    )
    for value, texts in zip(values, printed, strict=True):
        assert texts == [number(value), number(value, 2), signed(value), percent(value)], value
