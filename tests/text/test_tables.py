"""Tables that a spreadsheet may open."""

from __future__ import annotations

import csv
import io

import pytest

from generator.text.tables import csv_text

FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "=cmd|' /C calc'!A0",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20A1",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_a_spreadsheet_would_run(text: str) -> None:
    written = csv_text(["name", "value"], [[text, 1.5]])
    (_, row) = csv.reader(io.StringIO(written, newline=""))
    assert row == [f"'{text}", "1.5"]


@pytest.mark.parametrize("text", ["a=b", "vit-base", "it's", "", "1-2", "\u20135", 'a,"b"\n=1'])
def test_other_texts_stay(text: str) -> None:
    written = csv_text(["name"], [["x"], [text]])
    assert list(csv.reader(io.StringIO(written, newline="")))[2:] == ([[text]] if text else [[]])


def test_numbers_and_empty_cells_stay() -> None:
    assert csv_text(["a", "b", "c"], [[-1.5, None, 2]]) == "a,b,c\n-1.5,,2\n"
