"""The tensors of a checkpoint, and how they fit a network: each is accounted for."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

from generator.capture.checkpoint.hub import fetch_weights
from generator.capture.checkpoint.layouts import VisionConfig
from generator.capture.checkpoint.resolved import ResolvedModel
from generator.capture.checkpoint.weight_files import WEIGHTS_KEY, find_weights
from generator.capture.models.leftovers import (
    account,
    first_of,
    missing_blocks,
    refuse_what_decides,
)
from generator.errors import ModelError
from generator.text.numbers import count

HARMLESS_MISSING = ("pooler.", "mask_token", "lm_head.", "classifier.")
"""Weights that no attention depends on: a checkpoint may leave them out."""

MOST_PREFIXES = 8
"""Prefixes of names that are tried, at most."""

PREFIX_PARTS = 3
"""Words in such a prefix, at most."""

PREFIX_SHARE = 0.3
"""Tensors under such a prefix, at least, as a share of those that are missing."""

SPARE_TIMES = 2
SPARE = 20_000_000
"""A network may have so many times the numbers of its checkpoint, and so many more: poolers and
heads that are not stored."""

Shape = Sequence[int]


class StoredTensor:
    """A tensor in a file: read when it is asked for, and it knows whether it was."""

    def __init__(self, place: Any, *, blank: bool) -> None:
        self._place, self._blank = place, blank
        self.shape: Shape = tuple(place.get_shape())
        self.taken = False

    def __getitem__(self, index: Any) -> Tensor:
        self.taken = True
        if self._blank:
            return torch.zeros((), dtype=torch.float32).expand(self.shape)
        found: Tensor = self._place[index]
        return found

    def again(self, *, blank: bool = False) -> StoredTensor:
        """The same, not yet taken; blank if asked for, or if this is."""
        return StoredTensor(self._place, blank=blank or self._blank)


Tensors = dict[str, StoredTensor]
Make = Callable[[Mapping[str, StoredTensor]], Any]
"""From tensors to a network and transformers' report of its loading."""


def read_tensors(files: Sequence[Path], model: str, *, blank: bool) -> Tensors:
    """The tensors of some files, by name; their numbers stay where they are.

    Raises:
        ModelError: two files hold a tensor of one name.
    """
    found: Tensors = {}
    for file in files:
        stored: Any = safe_open(file, framework="pt")
        for name in stored.keys():  # noqa: SIM118 - not a mapping
            if name in found:
                raise ModelError(
                    f"Two files of {model} hold the tensor {name}; {file.name} is the second.",
                    "Download or save the model again, into an empty folder.",
                )
            found[name] = StoredTensor(stored.get_slice(name), blank=blank)
    return found


def stored_tensors(
    source: ResolvedModel, model: str, *, blank: bool, wanted: Collection[str] = ()
) -> tuple[Tensors, tuple[str, ...]]:
    """The tensors of a checkpoint, by name; files of the hub are brought into the cache.

    Of several files, only those are brought and read that hold wanted tensors.

    Args:
        source: whose weights they are.
        model: named in errors.
        blank: leave the numbers out.
        wanted: names of the tensors of a larger model's vision transformer, as it has them when it
            is alone; empty to read all files.

    Returns:
        The tensors, and a line on the files that were left out; no line where all were read.

    Raises:
        ModelError: the files cannot be downloaded, or hold two tensors of one name.
    """
    if source.weights is not None:
        folder = Path(source.location)
    else:
        named = source.config.get(WEIGHTS_KEY)
        folder = fetch_weights(source.id, source.commit, named, wanted)
    found = find_weights(folder, source.config, source.id, wanted)
    tensors = read_tensors(found.parts, model, blank=blank)
    if not found.spared:
        return tensors, ()
    many = len(found.spared) > 1
    return tensors, (
        f"{first_of(found.spared)}: {'files' if many else 'a file'} of a larger model, without "
        "tensors of its vision transformer",
    )


def expect_size(planned: nn.Module, tensors: Tensors, model: str) -> None:
    """Refuse a config of a far larger network than there are numbers for, before it takes memory.

    Args:
        planned: the network that the config describes; its numbers are not looked at.
        tensors: of the checkpoint.
        model: named in errors.

    Raises:
        ModelError: it is.
    """
    wanted = sum(parameter.numel() for parameter in planned.parameters())
    given = sum(math.prod(tensor.shape) for tensor in tensors.values())
    if wanted > SPARE_TIMES * given + SPARE:
        raise ModelError(
            f"config.json of {model} describes a network of {count(wanted)} numbers, and its "
            f"weights hold {count(given)}.",
            "Check that the checkpoint belongs to its config.json.",
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """A network that the tensors of a checkpoint were given to.

    Attributes:
        network: with the weights that fit.
        tensors: as they were given, by name.
        missing: names of the network's weights that the checkpoint lacks or has in another shape.
        unlike: those of another shape.
        prefix: that was taken off the names of some; empty where none was.
        renamed: which prefix was taken off the names, in words; empty where none was.
        unused: tensors that took no part, and why that changes nothing: a line for each reason.
    """

    network: Any
    tensors: Tensors
    missing: tuple[str, ...]
    unlike: tuple[str, ...]
    prefix: str = ""
    renamed: str = ""
    unused: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing is missing that attention depends on."""
        return not any(map(_harmful, self.missing))

    @property
    def left(self) -> dict[str, Shape]:
        """Shapes of the tensors that were not taken."""
        return {name: t.shape for name, t in self.tensors.items() if not t.taken}

    @property
    def used(self) -> list[str]:
        """Names of those that were."""
        return [name for name, tensor in self.tensors.items() if tensor.taken]


def fitting(make: Make, tensors: Tensors, vision: VisionConfig, model: str) -> Attempt:
    """A network in which nothing is missing, and of which everything left over is explained.

    Args:
        make: from tensors to a network.
        tensors: of the checkpoint.
        vision: geometry, as the config says.
        model: named in errors.

    Raises:
        ModelError: there is none.
    """
    attempt = _attempt(make, tensors)
    if not attempt.whole:
        attempt = _without_prefix(attempt, make, vision, model) or attempt
    refuse_what_decides(attempt.left, attempt.used, vision, model)
    _expect_whole(attempt, model)
    _expect_once(attempt, model)
    architecture = type(attempt.network).__name__
    outside = _outside(attempt, tensors) if vision.nest else frozenset()
    unused = account(attempt.left, attempt.used, architecture, model, outside)
    return replace(attempt, unused=unused)


def _outside(attempt: Attempt, stored: Tensors) -> frozenset[str]:
    """Names of tensors outside of the vision transformer of a larger model.

    Args:
        attempt: that took the vision transformer's tensors.
        stored: all tensors, by the names that they have in the checkpoint.
    """
    tower = attempt.prefix or _shared_beginning(attempt.used)
    within = (name for name in attempt.left if not tower or name.startswith(tower))
    return frozenset(attempt.left) & stored.keys() - frozenset(within)


def _shared_beginning(names: Sequence[str]) -> str:
    """The words that all names begin with, each with its dot; empty where they share none."""
    shared = ""
    for word in names[0].split(".")[:-1] if names else ():
        if not all(name.startswith(f"{shared}{word}.") for name in names):
            break
        shared += f"{word}."
    return shared


def _attempt(make: Make, tensors: Tensors) -> Attempt:
    network, report = make(tensors)
    unlike = sorted(str(entry[0]) for entry in report.get("mismatched_keys", ()))
    missing = sorted({*report["missing_keys"], *unlike})
    return Attempt(network, tensors, tuple(missing), tuple(unlike))


def _without_prefix(
    attempt: Attempt, make: Make, vision: VisionConfig, model: str
) -> Attempt | None:
    """The attempt with a prefix taken off the names, where that makes them fit exactly.

    Raises:
        ModelError: several do.
    """
    found: list[str] = []
    for prefix in _prefixes(attempt):
        if not prefix.startswith(tuple(found)) and _fits(attempt.tensors, prefix, make, vision):
            found.append(prefix)
    if len(found) > 1:
        raise ModelError(
            f"The weights of {model} hold the network {len(found)} times, under "
            f"{' and '.join(found)}; which is meant cannot be told.",
            "Save the one that is meant alone, without its prefix.",
        )
    for prefix in found:
        count = sum(name.startswith(prefix) for name in attempt.tensors)
        words = f"the prefix {prefix} was taken off the names of {count} tensors"
        stripped = _attempt(make, _stripped(attempt.tensors, prefix))
        return replace(stripped, prefix=prefix, renamed=words)
    return None


def _fits(tensors: Tensors, prefix: str, make: Make, vision: VisionConfig) -> bool:
    """Whether what is under a prefix is the whole network, and nothing that is not explained."""
    trial = _attempt(make, _stripped(tensors, prefix, blank=True))
    within = {name: shape for name, shape in trial.left.items() if name not in tensors}
    try:
        refuse_what_decides(within, trial.used, vision, "")
        account(within, trial.used, "", "")
    except ModelError:
        return False
    return trial.whole


def _stripped(tensors: Tensors, prefix: str, *, blank: bool = False) -> Tensors:
    return {name.removeprefix(prefix): t.again(blank=blank) for name, t in tensors.items()}


def _prefixes(attempt: Attempt) -> list[str]:
    """Beginnings that many names share, short ones first."""
    counts: Counter[str] = Counter()
    for name in attempt.left:
        words = name.split(".")[:-1]
        counts.update(
            ".".join((*words[:n], "")) for n in range(1, min(len(words), PREFIX_PARTS) + 1)
        )
    least = PREFIX_SHARE * len(attempt.missing)
    many = [prefix for prefix, count in counts.items() if count >= least]
    return sorted(many, key=lambda prefix: (prefix.count("."), -counts[prefix]))[:MOST_PREFIXES]


def _harmful(name: str) -> bool:
    return not any(part in f"{name}." for part in HARMLESS_MISSING)


def _expect_whole(attempt: Attempt, model: str) -> None:
    """Refuse random values where a checkpoint gives none that fit.

    Raises:
        ModelError: a tensor is lacking, or has another shape.
    """
    network = type(attempt.network).__name__
    for what, names in (
        ("lack", [name for name in attempt.missing if name not in attempt.unlike]),
        ("have another shape than config.json says in", attempt.unlike),
    ):
        missing = [name for name in names if _harmful(name)]
        if not missing:
            continue
        blocks = missing_blocks(missing, attempt.network.state_dict())
        count, them = (
            ("1 tensor", "it") if len(missing) == 1 else (f"{len(missing)} tensors", "them")
        )
        hint = "Check that the checkpoint belongs to its config.json."
        if blocks and attempt.used and what == "lack":
            hint = (
                f"config.json says more blocks than there are: {blocks[0]} is the first of "
                f"{len(blocks)} that are lacking. Download or save the model again; if it is "
                "whole, correct the number there."
            )
        elif (prefixes := _prefixes(attempt)) and not attempt.used:
            hint = (
                f"Their names begin with {prefixes[0]}, and without it they do not fit either: "
                "check that the checkpoint belongs to its config.json."
            )
        raise ModelError(
            f"The weights of {model} {what} {count} of {network}, {missing[0]} first; "
            f"random values would stand in for {them}.",
            hint,
        )


def _expect_once(attempt: Attempt, model: str) -> None:
    """Refuse two tensors for one place.

    Raises:
        ModelError: the network stands in the checkpoint with and without its own prefix.
    """
    own = getattr(attempt.network, "base_model_prefix", "")
    prefix, used = f"{own}.", set(attempt.used)
    twice = sorted(name for name in used if prefix + name in used)
    if twice:
        raise ModelError(
            f"The weights of {model} hold {twice[0]} twice, also as {prefix}{twice[0]}; which is "
            "meant cannot be told.",
            "Save the network again, each tensor once.",
        )
