"""Which files of a large checkpoint hold its vision transformer, by the names of their tensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

LEAST = 0.5
"""Share of a network's tensors that are found under a prefix, at least, for it to be the network's:
some are named anew as they are loaded, and buffers are not stored."""


def holding(places: Mapping[str, str], wanted: Collection[str]) -> frozenset[str]:
    """The files that hold a network's tensors.

    Args:
        places: the file of each tensor, as the index of a checkpoint has it.
        wanted: names of the network's tensors, as it has them when it is alone.

    Returns:
        Names of files; all of them where the network is not found.
    """
    every = frozenset(places.values())
    prefixes = Counter(
        name[: len(name) - len(ending)]
        for name in places
        for ending in _endings(name)
        if ending in wanted
    )
    if not prefixes:
        return every
    most = max(prefixes.values())
    if most < LEAST * len(wanted):
        return every
    found = tuple(prefix for prefix, count in prefixes.items() if count == most)
    return frozenset(file for name, file in places.items() if name.startswith(found))


def _endings(name: str) -> list[str]:
    """A name without its first words: all of it, without one, without two, ..."""
    words = name.split(".")
    return [".".join(words[start:]) for start in range(len(words))]
