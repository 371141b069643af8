"""Numbers are written in one module, in Python and in JavaScript."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import generator
from generator.bundled import bundled

PACKAGE = Path(generator.__file__).parent
PRINTERS = {
    "text/numbers.py",
    "text/amounts.py",  # bytes and times
    "text/latex.py",  # the minus in LaTeX
    "images/sequences.py",  # names of files, which sort by time
    "capture/golden.py",  # with the decimals of its table
    "progress.py",  # the speed of work in the terminal
}

SIGNS = {"\u2013", "\u2014", "\u2212", "n/a"}
"""Signs of a missing number and the minus: they have names in ``generator.text.numbers``."""

NUMERIC = re.compile(r"[-+#, 0-9]*(?:\.\d+)?[eEfFgGn%]|.*,")
SCRIPT = re.compile(r"\.to(?:Fixed|Precision|Exponential|LocaleString)\(|\bIntl\.NumberFormat")
PLACE = re.compile(r"place\.[xy]\.toFixed\([01]\)")
"""A place in the picture, in pixels, for addresses and commands."""


def own_printing(code: str) -> Iterator[str]:
    """Parts of a module that choose digits or signs by themselves."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            spec = "".join(
                p.value for p in ast.walk(node.format_spec) if isinstance(p, ast.Constant)
            )
            if NUMERIC.fullmatch(spec):
                yield ast.unparse(node)
        if isinstance(node, ast.Constant) and node.value in SIGNS:
            yield repr(node.value)


def own_script_printing(code: str) -> Iterator[str]:
    for line in code.splitlines():
        if SCRIPT.search(PLACE.sub("", line)):
            yield line.strip()


@pytest.mark.slow
def test_numbers_are_written_in_one_module() -> None:
    found = {
        path.relative_to(PACKAGE).as_posix(): parts
        for path in sorted(PACKAGE.rglob("*.py"))
        if (parts := list(own_printing(path.read_text(encoding="utf-8"))))
    }
    assert {path: parts for path, parts in found.items() if path not in PRINTERS} == {}
    assert set(found) == PRINTERS


def test_scripts_write_numbers_in_one_module() -> None:
    scripts = bundled("templates") / "static" / "js"
    found = {
        path.name: lines
        for path in sorted(scripts.glob("*.js"))
        if (lines := list(own_script_printing(path.read_text(encoding="utf-8"))))
    }
    assert set(found) == {"numbers.js"}


@pytest.mark.parametrize(
    "code",
    ['f"{share:.2g}"', 'f"{n:,}"', 'f"{x:+.3f} s"', 'f"{x:.0%}"', 'f"{x:g}"', 'x or "—"'],
)
def test_another_printer_is_found(code: str) -> None:
    assert len(list(own_printing(code))) == 1


def test_what_prints_no_number_is_not_called_a_printer() -> None:
    assert list(own_printing('f"{word:>8} {digest:08x} {value!r} {word:<{wide}}"')) == []
    assert list(own_script_printing("at-${place.x.toFixed(1)}")) == []
    assert list(own_script_printing("value.toFixed(2)")) == ["value.toFixed(2)"]
