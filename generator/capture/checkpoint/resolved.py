"""Facts of a model before its weights are loaded, from its small files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from generator.capture.checkpoint.adapters import Adapter
from generator.capture.checkpoint.hub import first_line
from generator.capture.checkpoint.layouts import VisionConfig
from generator.capture.checkpoint.loader import Loader
from generator.capture.checkpoint.processors import Processor
from generator.capture.checkpoint.weight_files import WeightFiles
from generator.errors import ModelError

LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
FRONT_MATTER = re.compile(r"\ufeff?\s*---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(\r?\n|$)", re.DOTALL)
LONGEST_CARD = 1_000_000
"""Letters of a model card that are read."""
DEEPEST = 50
"""Levels of nesting in the facts of a model card, at most."""


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model that exists, at one commit, and is of a kind that can be measured.

    Attributes:
        id: hub id, or the folder's name.
        source: where it comes from.
        revision: as asked for; empty for a folder.
        commit: full commit hash; empty for a folder.
        weights_sha256: over every file of a folder that decides the numbers; empty on the hub.
        location: what it is loaded from: the hub id or the folder's path.
        loader: what reads its container.
        license: as the model card states it; empty when it does not.
        gated: whether the hub said that its authors grant access; False when it was not asked.
        config: the parsed ``config.json``.
        vision: geometry.
        processor: the checkpoint's own preprocessing.
        trust_remote_code: whether the user allows code from the repository to run.
        weights: the files of a folder's weights; None on the hub, or where another checkpoint has
            them.
        adapter: that is merged into the weights; None without one.
        base: the checkpoint whose weights an adapter changes; None where they are its own.
        dtype: that it is in already, in memory; empty where the user chooses.
    """

    id: str
    source: Literal["hub", "folder", "memory"]
    revision: str
    commit: str
    weights_sha256: str
    location: str
    loader: Loader
    license: str
    config: Mapping[str, Any]
    vision: VisionConfig
    processor: Processor
    trust_remote_code: bool
    gated: bool = False
    weights: WeightFiles | None = None
    adapter: Adapter | None = None
    base: ResolvedModel | None = None
    dtype: str = ""

    @property
    def version(self) -> str:
        """The commit, or for a folder the weights' hash; with that of an adapter's base."""
        own = self.commit or self.weights_sha256
        return f"{own} on {self.base.version}" if self.base else own

    @property
    def adapter_words(self) -> str:
        """The adapter and its base in words; empty without an adapter."""
        if self.adapter is None:
            return ""
        if self.base is None:
            return f"{self.adapter.words} that lies beside the weights"
        return f"{self.adapter.words} of {self.base.id} at {self.base.version[:12]}"

    @property
    def classes(self) -> int:
        """Classes of the checkpoint's class head, as its config has it; 0 without a head."""
        return self.loader.classes(self.config)


def expect_consent(
    model: str, config: Mapping[str, Any], vision: VisionConfig, trust_remote_code: bool
) -> None:
    """Refuse code of the checkpoint's own, unless it is asked for or not needed.

    Code of another repository is never run, because the checkpoint's version does not cover it.

    Raises:
        ModelError: code would have to run.
    """
    if trust_remote_code and (elsewhere := _code_elsewhere(config)):
        raise ModelError(
            f"auto_map in config.json of {model} names code of another repository, {elsewhere}, "
            "which may change while this checkpoint stays the same.",
            f"Copy that code into a copy of the checkpoint, and take {elsewhere}-- out of its "
            "auto_map.",
        )
    if "auto_map" in config and not vision.listed and not trust_remote_code:
        raise ModelError(
            f"The model {model} brings its own code, which is not run unless you ask for it.",
            "Read the code, then add --trust-remote-code.",
        )


def _code_elsewhere(config: Mapping[str, Any]) -> str:
    """The first other repository that code is loaded from; empty without one."""
    classes = config.get("auto_map")
    for named in classes.values() if isinstance(classes, Mapping) else ():
        for name in named if isinstance(named, list) else [named]:
            repository, mark, _ = str(name).partition("--")
            if mark:
                return repository
    return ""


@contextmanager
def understood(file: str, model: str) -> Iterator[None]:
    """Context manager: turn errors on unexpected values into errors of the file."""
    try:
        yield
    except (
        *(TypeError, ValueError, KeyError, IndexError),
        *(ArithmeticError, AttributeError, RecursionError),
    ) as error:
        raise ModelError(
            f"{file} of {model} holds a value that is not understood: {first_line(error)}.",
            "Correct the file.",
        ) from error


def card_license(card: Path) -> str:
    """The license that a model card on this machine states; empty when it states none."""
    if not card.is_file():
        return ""
    try:
        with card.open(encoding="utf-8") as file:
            return license_of(_stated(file.read(LONGEST_CARD)))
    except (OSError, ValueError, yaml.YAMLError):  # such a card says nothing about the license
        return ""


def _stated(card: str) -> Mapping[str, Any]:
    """The facts at the top of a model card, all as texts, lists and objects.

    Nothing where they hold aliases, which would multiply to any size, or nest without end.
    """
    found = FRONT_MATTER.match(card)
    text, depth = found[1] if found else "", 0
    for event in yaml.parse(text, Loader=LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > DEEPEST:
            return {}
    facts = yaml.load(text, Loader=LOADER)  # noqa: S506 - texts only, no objects of Python
    return facts if isinstance(facts, dict) else {}


def license_of(card: Mapping[str, Any]) -> str:
    """The license in the facts of a model card; empty when there is none."""
    license = card.get("license")
    if isinstance(license, list):
        license = ", ".join(str(part) for part in license)
    named = card.get("license_name")
    stated = str(named if license == "other" and named else license or "")
    return "" if stated in ("null", "~") else stated
