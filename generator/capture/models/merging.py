"""An adapter of the package peft, merged into a network: every tensor of it is accounted for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.core_model_loading import WeightConverter, WeightRenaming, rename_source_key

from generator.capture.checkpoint.adapters import Adapter, merging_line
from generator.capture.models.leftovers import explained, first_of
from generator.capture.models.tensors import Attempt, StoredTensor
from generator.errors import ModelError, first_line

ROOT = "base_model.model."
"""In front of the names of an adapter's tensors."""

_SET = re.compile(r"\{('[^{}]*')\}")
"""A set of texts as Python prints it, in any order."""


def merge(
    attempt: Attempt,
    adapter: Adapter,
    folder: Path,
    tensors: Mapping[str, StoredTensor],
    model: str,
) -> tuple[str, ...]:
    """Apply an adapter, then put plain layers back, whose weights it is part of.

    Args:
        attempt: the network, and the tensors that it was made from.
        adapter: what is known of it.
        folder: of its config.
        tensors: of the adapter, by name.
        model: named in errors.

    Returns:
        What of the adapter changes nothing, and why: a line for each reason.

    Raises:
        ModelError: a tensor of the adapter has no place in the network, or random values would
            stand in for one.
    """
    from peft import PeftConfig  # noqa: PLC0415 - an extra

    network: Any = attempt.network
    try:
        config = _in_names_of_today(PeftConfig.from_pretrained(str(folder)), attempt)
        report = network.load_adapter(peft_config=config, adapter_state_dict=dict(tensors))
    except (ValueError, RuntimeError) as error:
        reason = _SET.sub(lambda found: _sorted(found[1]), first_line(error)).rstrip(".")
        raise ModelError(
            f"The adapter of {model} does not fit {type(network).__name__} of transformers "
            f"{transformers.__version__}: {reason}.",
            "Merge it with the transformers that it was trained with: "
            f"{merging_line(adapter, model)}",
        ) from error
    unused = _unused(network, tensors, model)
    lacking = sorted(report.missing_keys)
    changeless = []
    for name, layer in list(_adapted(network)):
        absent = [each for each in lacking if each.startswith(f"{name}.")]
        before = [value.clone() for value in _base(layer).parameters()] if absent else []
        parent, _, child = name.rpartition(".")
        plain = _without_adapter(layer)
        setattr(network.get_submodule(parent), child, plain)
        if not absent:
            continue
        if not all(map(torch.equal, before, plain.parameters())):
            raise ModelError(
                f"The adapter of {model} lacks {absent[0].removeprefix(f'{name}.')} for {name}; "
                "random values would stand in for it.",
                "Copy the adapter again, or save it again with save_pretrained().",
            )
        changeless.append(name)
    if changeless:
        why = "the adapter lacks tensors for it and changes nothing there"
        unused = (*unused, f"{first_of(changeless)}: {why}")
    return unused


def _in_names_of_today(config: Any, attempt: Attempt) -> Any:
    """The config of an adapter that was trained when layers had other names, in today's names.

    A checkpoint keeps its names, so its tensors tell what a layer was called when it was saved.
    Whether the adapter's own tensors find their places is checked when they are loaded.

    Args:
        config: of peft; is changed.
        attempt: the network, and the tensors of its checkpoint.
    """
    from peft.tuners.tuners_utils import check_target_module_exists  # noqa: PLC0415
    from peft.utils.other import get_pattern_key  # noqa: PLC0415

    former = _former_names(attempt)
    named = getattr(config, "target_modules", None)
    if named is None or named == "all-linear":
        return config
    today = {name for name in former.values() if check_target_module_exists(config, name)}
    once = {old: new for old, new in former.items() if check_target_module_exists(config, old)}
    if set(once.values()) <= today:
        return config
    changes: dict[str, Any] = {"target_modules": _any_of(once.values())}
    for key in ("rank_pattern", "alpha_pattern"):
        values = getattr(config, key, None)
        if values:
            known = {old: get_pattern_key(list(values), old) for old in once}
            changes[key] = {
                re.escape(once[old]): values[found]
                for old, found in known.items()
                if found in values
            }
    if getattr(config, "feedforward_modules", None):
        inner = config.feedforward_modules
        changes["feedforward_modules"] = _any_of(
            new for old, new in once.items() if _named_by(inner, old)
        )
    for key in ("layers_to_transform", "layers_pattern", "exclude_modules"):
        if hasattr(config, key):  # what they chose is in the names now
            changes[key] = None
    for key, value in changes.items():
        setattr(config, key, value)
    return config


def _former_names(attempt: Attempt) -> dict[str, str]:
    """What the layers of a network are called now, by what they are called in its checkpoint."""
    network: Any = attempt.network
    conversions = get_model_conversion_mapping(network)
    renamings = [each for each in conversions if isinstance(each, WeightRenaming)]
    converters = [each for each in conversions if isinstance(each, WeightConverter)]
    places, prefix = network.state_dict(), network.base_model_prefix
    found = {}
    for name in attempt.used:
        new, converted = rename_source_key(name, renamings, converters, prefix, places)
        if converted is None and new.endswith(".weight") and name.endswith(".weight"):
            found[name.removesuffix(".weight")] = new.removesuffix(".weight")
    return found


def _named_by(wanted: str | Collection[str], name: str) -> bool:
    """Whether a layer is meant: by a pattern of its whole name, or by the end of its name."""
    if isinstance(wanted, str):
        return re.fullmatch(wanted, name) is not None
    return name.endswith(tuple(wanted))


def _any_of(names: Iterable[str]) -> str:
    """A pattern of these names and no others."""
    return "|".join(map(re.escape, sorted(names)))


def _sorted(texts: str) -> str:
    return "{" + ", ".join(sorted(texts.split(", "))) + "}"


def _unused(network: nn.Module, tensors: Mapping[str, StoredTensor], model: str) -> tuple[str, ...]:
    """Why tensors of an adapter that were not taken change nothing: a line for each reason.

    Raises:
        ModelError: for one at least, no reason is known.
    """
    left = {name.removeprefix(ROOT): tensor for name, tensor in tensors.items() if not tensor.taken}
    used = [name.removeprefix(ROOT) for name, tensor in tensors.items() if tensor.taken]
    reasons, unknown = explained(left, used)
    if unknown or not used:
        first = unknown or sorted(left)
        raise ModelError(
            f"The adapter of {model} holds {len(first)} of {len(tensors)} tensors that "
            f"{type(network).__name__} has no place for: {ROOT}{first[0]} first.",
            "Name the checkpoint that the adapter was trained on in adapter_config.json.",
        )
    return tuple(f"{first_of(names)} of the adapter: {why}" for why, names in reasons.items())


def _adapted(network: nn.Module) -> Iterator[tuple[str, Any]]:
    """The layers that an adapter changes, by name."""
    from peft.tuners.tuners_utils import BaseTunerLayer  # noqa: PLC0415
    from peft.utils import ModulesToSaveWrapper  # noqa: PLC0415

    for name, module in network.named_modules():
        if isinstance(module, BaseTunerLayer | ModulesToSaveWrapper):
            yield name, module


def _base(layer: Any) -> nn.Module:
    """The layer below an adapter, as it was."""
    found: nn.Module = (
        layer.get_base_layer() if hasattr(layer, "get_base_layer") else layer.original_module
    )
    return found


def _without_adapter(layer: Any) -> nn.Module:
    """The layer with the adapter in its weights."""
    if hasattr(layer, "merge"):
        layer.merge(safe_merge=True)
        return _base(layer)
    active = layer.active_adapter
    kept: nn.Module = layer.modules_to_save[active if isinstance(active, str) else active[0]]
    return kept
