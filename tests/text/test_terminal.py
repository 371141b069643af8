"""Text of files on a terminal."""

from __future__ import annotations

import io
import logging

import pytest
from rich.table import Table
from rich.text import Text

from generator.progress import Bars, Lines
from generator.text.console import LegibleConsole
from generator.text.terminal import LegibleFormatter, legible

HOSTILE = [
    ("\x1b[2Jgone", r"\x1b[2Jgone"),
    ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
    ("a\x00b\x7f\x9b31m", r"a\x00b\x7f\x9b31m"),
    ("cat\u202egpj.exe", r"cat\u202egpj.exe"),
    ("\u2066x\u2069\u200f\u061c", r"\u2066x\u2069\u200f\u061c"),
    ("one\u2028two\u2029\x85", r"one\u2028two\u2029\x85"),
    ("line\roverwritten\b", r"line\roverwritten\x08"),
    ("bad\udcff", r"bad\udcff"),
]


@pytest.mark.parametrize(("text", "shown"), HOSTILE)
def test_what_would_steer_a_terminal_is_shown(text: str, shown: str) -> None:
    assert legible(text) == shown


@pytest.mark.parametrize("text", ["Ωμέγα 猫 🐈‍⬛ עברית\tx\n", "e\u0301", "back\\slash \\x1b"])
def test_plain_text_stays(text: str) -> None:
    assert legible(text) == text


def test_one_line() -> None:
    assert legible("a\nError: b\tc", keep="") == r"a\nError: b\tc"


@pytest.mark.parametrize(("text", "shown"), HOSTILE[:6])
@pytest.mark.parametrize("terminal", [True, False])
def test_notes_of_a_build(text: str, shown: str, terminal: bool) -> None:
    file = io.StringIO()
    console = LegibleConsole(file=file, force_terminal=terminal, width=200, highlight=False)
    for reporter in (Bars(console), Lines(console)):
        reporter.note(text)
    assert file.getvalue() == f"{shown}\n{shown}\n"


def test_bars_and_tables() -> None:
    file = io.StringIO()
    console = LegibleConsole(file=file, force_terminal=True, width=200, color_system=None)
    with Bars(console).job("cat\u202e\x1b[2J", 1) as job:
        job.advance()
    table = Table("model")
    table.add_row("dog\u202e\x1b[2J")
    table.add_row(Text("cow\u202e\x1b[2J"))
    console.print(table)
    written = file.getvalue()
    assert "\u202e" not in written and "\x1b[2J" not in written
    assert "\x1b[" in written  # of rich itself: the cursor
    assert all(rf"{name}\u202e\x1b[2J" in written for name in ("cat", "dog"))
    assert r"cow\u202e" in written


def test_warnings() -> None:
    record = logging.LogRecord("x", logging.WARNING, "", 0, "%s is odd", ("a\x1b[2J",), None)
    assert LegibleFormatter().format(record) == r"a\x1b[2J is odd"
