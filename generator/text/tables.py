"""Tables as CSV for programs and spreadsheets."""

from __future__ import annotations

from collections.abc import Iterable

FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""First characters of a cell that a spreadsheet may run, with their full-width forms."""


def csv_text(columns: Iterable[str], rows: Iterable[Iterable[str | float | None]]) -> str:
    """A table with a header and lines that end in a line feed (RFC 4180 otherwise).

    A text that a spreadsheet would run as a formula has an apostrophe in front; numbers stay as
    they are.

    Args:
        columns: names, in order.
        rows: a value for each column; None is an empty cell.
    """
    return "".join(f"{','.join(map(_cell, row))}\n" for row in (columns, *rows))


def _cell(value: str | float | None) -> str:
    if not isinstance(value, str):
        return "" if value is None else repr(value)
    text = f"'{value}" if value.startswith(FORMULA) else value
    return '"{}"'.format(text.replace('"', '""')) if set(text) & set(',"\r\n') else text
