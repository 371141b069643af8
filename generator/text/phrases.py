"""Phrases: counts with their noun, lists of words, capitals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from generator.text.numbers import count

NAMED = 3
"""Names listed before the rest is only counted."""

LONGEST_RUN = 10
"""Most names that differ only by their number and are all given."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 model``, ``3 models``, ``1,024 patches``.

    Args:
        noun: the singular.
        plural: the plural; the noun and an s when left out.
    """
    return f"{count(number)} {noun if number == 1 else plural or noun + 's'}"


def patches_text(number: int) -> str:
    """``1 patch``, ``3 patches``."""
    return counted(number, "patch", "patches")


def listed(words: Iterable[str]) -> str:
    """All words: ``a, b and c``."""
    found = list(words)
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)


def some(words: Iterable[str], most: int = NAMED, separator: str = ", ") -> str:
    """The first words and how many more there are: ``a, b, c and 4 more``."""
    found = list(words)
    more = len(found) - most
    return separator.join(found[:most]) + (f" and {count(more)} more" if more > 0 else "")


def lower_first(text: str) -> str:
    """A title for use inside a sentence."""
    return text[0].lower() + text[1:]


def upper_first(text: str) -> str:
    """A phrase with its first letter in upper case."""
    return text[0].upper() + text[1:]


def quoted(label: str) -> str:
    """A label within a sentence. It may be any words, such as ``with registers, small``."""
    return f"“{label}”"


def stream_layer(index: int) -> str:
    """A layer of the residual stream: ``layer 3``; layer 0 is the embedding."""
    return f"layer {index}" if index else "the embedding"


def layer_spans(layers: Sequence[int]) -> str:
    """Layers by their indices, counted from 1: ``layers 1-2, 4-5 and 7``."""
    ends = [n for n in layers if n + 1 not in layers]
    starts = [n for n in layers if n - 1 not in layers]
    spans = [
        f"{first + 1}-{last + 1}" if last > first else f"{first + 1}"
        for first, last in zip(starts, ends, strict=True)
    ]
    return f"{'layer' if len(layers) == 1 else 'layers'} {listed(spans)}"


def with_runs(names: Sequence[str]) -> list[str]:
    """Names of which long runs, such as ``det1`` to ``det100``, are given by their ends."""
    found: list[str] = []
    for stem, run in groupby(names, key=lambda name: name.rstrip("0123456789")):
        alike = list(run)
        many = stem != alike[0] and len(alike) > LONGEST_RUN
        found += [f"{alike[0]} to {alike[-1]}"] if many else alike
    return found
