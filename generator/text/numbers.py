"""Number formatting for pages, charts, captions, tables and the terminal.

* **Measured numbers** (norms, bits, similarities, times uniform, means of counts) have three
  significant digits, and no zeros at the end: ``0.876``, ``12.3``, ``0.5``. Attention is stored as
  float16, which carries 3.3 digits, so a fourth would be noise. From 1,000 up the whole number is
  written: ``1,235``.
* **Small and large numbers**, below 0.001 and from 1,000,000 up, have an exponent: ``1.23e−4``.
  So only 0 reads ``0``, and a value reads the same in a sentence and on a logarithmic axis.
* **Shares** are written in percent, by the same rule: ``12.3 %``, ``0.0512 %``. Close to none and
  to all they are bounds: ``<0.001 %``, ``>99.9 %``. A difference of shares is in percentage points.
* **Columns**, numbers of one quantity below each other or set against each other in a sentence,
  have as many decimals each, with zeros at the end; 0 stays ``0``. None loses a digit, and the
  largest has at most one more than by itself; numbers that are too far apart for that have their
  own decimals. See :func:`column`.
* **Given numbers** (thresholds, ticks, settings) have all their digits, up to six.
* **Counts** are whole, with a comma between thousands: ``25,600``.
* Ties round away from zero, as JavaScript's ``toFixed`` does.
* The minus is U+2212, the space before ``%`` does not break, and a number that there isn't is
  ``–``.

In the terminal and in text files the same numbers are in ASCII: :func:`plain`. Files for programs
(CSV, JSON, HTML attributes) hold no such text, but numbers: :func:`rounded`, :func:`machine`.

``templates/static/js/numbers.js`` writes numbers by the same rules.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

Notation = Literal["number", "percent", "difference", "points"]
"""A measured number, a share of 1 in percent, a difference of either; shares differ by points."""

MEASURED = 3
"""Significant digits of a measured number."""

GIVEN = 6
"""Significant digits of a given number."""

MISSING = "\u2013"
"""Sign for a number that is undefined or was not measured."""

MINUS = "\u2212"
NO_BREAK = "\u00a0"

ALL = 1 - 1e-6
"""Shares from here up print as 100 %: sums of float32 shares do not come closer to 1."""

LEAST = 1e-5
"""Smaller shares print as a bound."""

_SMALL, _LARGE = Decimal("0.001"), Decimal(1_000_000)
_PLAIN = str.maketrans({MINUS: "-", MISSING: "-", NO_BREAK: " "})


def number(value: float | None, digits: int = MEASURED) -> str:
    """A measured number: ``0.876``, ``12.3``, ``1,235``, ``1.23e−4``.

    Args:
        value: None and NaN are :data:`MISSING`.
        digits: significant ones; whole numbers keep all of theirs below a million.
    """
    if value is None or math.isnan(value):
        return MISSING
    sign = MINUS if value < 0 else ""
    if math.isinf(value):
        return f"{sign}∞"
    exact = abs(Decimal(float(value)))
    if not exact:
        return "0"
    place = exact.adjusted() - digits + 1
    if exact < _LARGE:
        place = min(place, 0)
    close = exact.quantize(Decimal(1).scaleb(place), ROUND_HALF_UP)
    if _SMALL <= close < _LARGE:
        return sign + _short(close)
    power = close.adjusted()
    exponent = str(power).replace("-", MINUS)
    return f"{sign}{_short(close.scaleb(-power))}e{exponent}"


def _short(value: Decimal) -> str:
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def signed(value: float | None, digits: int = MEASURED) -> str:
    """A measured difference, with its sign: ``+0.5``, ``−0.5``, ``0``."""
    return f"{'+' if value is not None and value > 0 else ''}{number(value, digits)}"


def given(value: float) -> str:
    """A given number (threshold, tick, setting) with all its digits."""
    return number(value, GIVEN)


def percent(share: float | None, digits: int = MEASURED) -> str:
    """A share of 1 in percent: ``12.3 %``, ``0.0512 %``; 0 and 100 are printed only when exact."""
    if share is None or math.isnan(share):
        return MISSING
    text = number(100 * share, digits)
    if 0 < share < LEAST:
        text = "<0.001"
    if text == "100" and share < ALL:
        text = ">99.9"
    return f"{text}{NO_BREAK}%"


def points(difference: float | None, digits: int = MEASURED) -> str:
    """A difference of two shares of 1, in percentage points with its sign: ``+0.5``."""
    return signed(None if difference is None else 100 * difference, digits)


def value_text(value: float | None, notation: Notation, digits: int = MEASURED) -> str:
    """A value in a notation."""
    if notation == "percent":
        return percent(value, digits)
    if notation == "points":
        return points(value, digits)
    return signed(value, digits) if notation == "difference" else number(value, digits)


def column(
    values: Sequence[float | None], notation: Notation = "number", digits: int = MEASURED
) -> list[str]:
    """Values of one quantity below or beside each other, in a notation, with as many decimals each.

    Args:
        values: None and NaN are :data:`MISSING`.
        notation: of all of them.
        digits: significant ones of the largest.
    """
    texts = [value_text(value, notation, digits) for value in values]
    factor = 100 if notation in ("percent", "points") else 1
    inner = {
        n: abs(Decimal(factor * float(value)))
        for n, (value, text) in enumerate(zip(values, texts, strict=True))
        if value and math.isfinite(value) and text[0] not in "<>"
    }
    whole = notation == "percent"
    sizes = [size for size in inner.values() if not (whole and size >= 100)]
    places = _places(sizes, [texts[n] for n in inner], digits)
    if places is None:
        return texts
    unit = f"{NO_BREAK}%" if whole else ""
    step = Decimal(1).scaleb(-places)
    for n, size in inner.items():
        sign = texts[n][0] if texts[n][0] in (MINUS, "+") else ""
        texts[n] = f"{sign}{size.quantize(step, ROUND_HALF_UP):,f}{unit}"
    return texts


def _places(sizes: Sequence[Decimal], texts: Sequence[str], digits: int) -> int | None:
    """Decimals of a column of numbers that are not 0; None where no number of decimals suits all.

    Args:
        sizes: the numbers without signs; without shares of 100 %, which would have no decimals.
        texts: the numbers by themselves, without digits to lose.
        digits: significant ones of the largest.
    """
    if not sizes or any("e" in text for text in texts):
        return None
    most = max(len(text.split(NO_BREAK)[0].partition(".")[2]) for text in texts)
    least = max(digits - 1 - max(sizes).adjusted(), 0)
    return most if most <= least + (max(sizes) < 1000) else None


def interval_texts(middle: float, low: float, high: float, notation: Notation) -> tuple[str, str]:
    """A value and the interval around it, with as many decimals each; ends without a plus sign."""
    value, first, last = column((middle, low, high), notation)
    return value, _range(first.removeprefix("+"), last.removeprefix("+"))


def tick_texts(values: Sequence[float], notation: Notation, *, log: bool) -> list[str]:
    """Ticks of an axis in a notation; differences without a plus sign.

    Ticks of a linear axis have as many decimals each; those of a logarithmic one have their own.
    """
    if log:
        texts = [value_text(value, notation, GIVEN) for value in values]
    else:
        texts = column(values, notation, GIVEN)
    return [text.removeprefix("+") for text in texts]


def count(value: int) -> str:
    """A whole number with a comma between thousands: ``25,600``."""
    return f"{value:,}"


def between(low: float, high: float, digits: int = MEASURED) -> str:
    """A range of measured numbers: ``0.10 to 0.35``; one number if both print the same."""
    return _range(*column((low, high), digits=digits))


def _range(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def plain(text: str) -> str:
    """A text with its numbers in ASCII, for the terminal and for files."""
    return text.translate(_PLAIN)


def rounded(value: float, digits: int) -> float:
    """A number with so many significant digits, for files that programs read."""
    return float(f"{value:.{digits}g}")


def machine(value: float, digits: int = GIVEN) -> str:
    """A number for SVG, CSS and commands, in ASCII."""
    return f"{value:.{digits}g}"
