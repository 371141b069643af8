"""Pairs of models to compare: parsing and validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo

from generator.errors import SpecError
from generator.spec.models import SpecSource, Text
from generator.spec.toml import did_you_mean

COMPARE = 'pairs of labels or ids such as [["plain", "with registers"]], or "none"'

AS_LIST = ' = [["plain", "with registers"]]'


def _pairs(given: Any, info: ValidationInfo) -> Any:
    """Parse pairs: ``none`` for no pairs, texts with one comma from the command line."""
    if given == "none" or (isinstance(given, list | tuple) and list(given) == ["none"]):
        return ()
    if not isinstance(given, list | tuple):
        return given
    pairs = [
        tuple(part.strip() for part in pair.split(",")) if isinstance(pair, str) else pair
        for pair in given
    ]
    for pair in pairs:
        if isinstance(pair, list | tuple) and len(pair) != 2:
            names = ", ".join(map(str, pair)) or "an empty list"
            source = SpecSource.of(info)
            form = '="plain,with registers"' if source.name("compare")[0] == "-" else AS_LIST
            hint = f"Name two models, by label or id: {source.name('compare')}{form}."
            raise _error(source, f"{names} is no pair of models", hint)
    return tuple(pairs)


Compare = Annotated[
    tuple[tuple[Text, Text], ...] | None, BeforeValidator(_pairs), Field(description=COMPARE)
]
"""Pairs of labels or ids; None for automatic pairs."""


def compared(
    pairs: Sequence[tuple[str, str]], labels: Sequence[str], ids: Sequence[str], source: SpecSource
) -> tuple[tuple[int, int], ...]:
    """Indices of the paired models in the gallery; duplicates are removed.

    Args:
        pairs: pairs of labels or ids, from the user.
        labels: labels of the gallery's models.
        ids: ids of the gallery's models.
        source: origin of the pairs, for messages.

    Raises:
        SpecError: a model is not in the gallery, shares its id with another, or is paired with
            itself.
    """
    found = []
    for pair in pairs:
        one, two = (_place(name, labels, ids, source) for name in pair)
        if one == two:
            raise _error(source, f"{pair[0]} would be compared with itself", "Name two models.")
        found.append((one, two))
    return tuple(dict.fromkeys(found))


def _place(name: str, labels: Sequence[str], ids: Sequence[str], source: SpecSource) -> int:
    if name in labels:
        return labels.index(name)
    places = [place for place, identifier in enumerate(ids) if identifier == name]
    if len(places) > 1:
        own = ", ".join(labels[place] for place in places)
        raise _error(source, f"{name} is {len(places)} models", f"Name one by its label: {own}.")
    if not places:
        hint = did_you_mean(name, [*labels, *ids]) or f"The models are {', '.join(labels)}."
        raise _error(source, f"no model is called {name}", hint)
    return places[0]


def _error(source: SpecSource, what: str, hint: str) -> SpecError:
    return SpecError(source.says("compare", f"{source.name('compare')}: {what}."), hint)
