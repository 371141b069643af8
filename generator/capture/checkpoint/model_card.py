"""The license that a model card states."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FRONT_MATTER = re.compile(r"\ufeff?\s*---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(\r?\n|$)", re.DOTALL)
LONGEST_CARD = 1_000_000
"""Letters of a model card that are read."""
DEEPEST = 50
"""Levels of nesting in the facts of a model card, at most."""


def card_license(card: Path) -> str:
    """The license that a model card on this machine states; empty when it states none."""
    if not card.is_file():
        return ""
    import yaml  # noqa: PLC0415 - late: most folders hold no card

    try:
        with card.open(encoding="utf-8") as file:
            return license_of(_stated(file.read(LONGEST_CARD)))
    except (OSError, ValueError, yaml.YAMLError):  # such a card says nothing about the license
        return ""


def _stated(card: str) -> Mapping[str, Any]:
    """The facts at the top of a model card, all as texts, lists and objects.

    Nothing where they hold aliases, which would multiply to any size, or nest without end.
    """
    import yaml  # noqa: PLC0415

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    found = FRONT_MATTER.match(card)
    text, depth = found[1] if found else "", 0
    for event in yaml.parse(text, Loader=loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > DEEPEST:
            return {}
    facts = yaml.load(text, Loader=loader)  # noqa: S506 - texts only, no objects of Python
    return facts if isinstance(facts, dict) else {}


def license_of(card: Mapping[str, Any]) -> str:
    """The license in the facts of a model card; empty when there is none."""
    license = card.get("license")
    if isinstance(license, list):
        license = ", ".join(str(part) for part in license)
    named = card.get("license_name")
    stated = str(named if license == "other" and named else license or "")
    return "" if stated in ("null", "~") else stated
