"""From what the user typed to a commit and a few small files, without torch and without weights.

Everything that can be refused is refused here, before anything large is downloaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from generator.capture.checkpoint.adapters import Adapter, read_adapter
from generator.capture.checkpoint.model_card import card_license
from generator.capture.checkpoint.processors import PREPROCESSOR, PROCESSOR, Processor
from generator.capture.checkpoint.resolved import (
    ResolvedModel,
    expect_consent,
)
from generator.capture.checkpoint.weight_files import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    expect_no_pointer,
    find_weights,
    hash_files,
    read_json,
    there,
)
from generator.capture.loaders.table import loader_of
from generator.errors import ModelError


def resolve_folder(folder: Path, *, trust_remote_code: bool = False) -> ResolvedModel:
    """A model in the transformers format on this machine.

    Raises:
        ModelError: the folder lacks a config or safetensors weights, or cannot be understood.
    """
    name = folder.resolve().name
    config_file = folder / "config.json"
    adapter = adapter_in(folder, name)
    if adapter is not None and not _has_weights(folder):
        own = partial(own_preprocessing, folder, name)
        return on_base(adapter, folder, name, trust_remote_code, own)
    if not there(config_file):
        raise ModelError(
            f"The folder {name} has no config.json, so it is not a transformers checkpoint.",
            "Save the model with save_pretrained() and name that folder.",
            usage=True,
        )
    config = read_json(config_file, name)
    loader = loader_of(config)
    vision = loader.geometry(config, name)
    expect_consent(name, config, vision, trust_remote_code)
    weights = find_weights(folder, config, name)
    processor = loader.preprocessing(config, partial(_read_own, folder, name), vision, name)
    code = sorted(folder.rglob("*.py")) if trust_remote_code and "auto_map" in config else ()
    return ResolvedModel(
        id=name,
        source="folder",
        revision="",
        commit="",
        weights_sha256=hash_files([*_small(folder), *weights.all, *code], name),
        location=str(folder),
        loader=loader,
        license=card_license(folder / "README.md"),
        config=config,
        vision=vision,
        processor=processor,
        trust_remote_code=trust_remote_code,
        weights=weights,
        adapter=adapter,
    )


def _small(folder: Path) -> list[Path]:
    """Files of a checkpoint that decide the numbers and are not its weights."""
    names = ("config.json", PROCESSOR, PREPROCESSOR, ADAPTER_CONFIG, ADAPTER_WEIGHTS)
    return [folder / name for name in names if there(folder / name)]


def _read_own(folder: Path, model: str, file: str) -> Mapping[str, Any] | None:
    return read_json(folder / file, model) if there(folder / file) else None


def _has_weights(folder: Path) -> bool:
    """Whether there are weights beside those of an adapter, and a config for them."""
    others = [path.name for path in folder.glob("*.safetensors*") if path.name != ADAPTER_WEIGHTS]
    return bool(others) and there(folder / "config.json")


def adapter_in(folder: Path, name: str) -> Adapter | None:
    """The adapter in a folder; None without one.

    Raises:
        ModelError: it cannot be applied.
    """
    if not there(folder / ADAPTER_CONFIG):
        if there(folder / ADAPTER_WEIGHTS):
            raise ModelError(
                f"{name} has {ADAPTER_WEIGHTS} without {ADAPTER_CONFIG}.",
                "Copy the adapter again, with its config, or take its weights out of the folder.",
            )
        return None
    adapter = read_adapter(read_json(folder / ADAPTER_CONFIG, name), name)
    if not there(folder / ADAPTER_WEIGHTS):
        raise ModelError(
            f"{name} has {ADAPTER_CONFIG} without {ADAPTER_WEIGHTS}.",
            "Save the adapter with save_pretrained(), which writes safetensors.",
        )
    expect_no_pointer(folder / ADAPTER_WEIGHTS, name)
    return adapter


def own_preprocessing(folder: Path, name: str, base: ResolvedModel) -> Processor:
    """What the files beside an adapter declare."""
    read = partial(_read_own, folder, name)
    return base.loader.preprocessing(base.config, read, base.vision, name)


def on_base(
    adapter: Adapter,
    folder: Path,
    name: str,
    trust_remote_code: bool,
    preprocessing: Callable[[ResolvedModel], Processor],
    commit: str = "",
    revision: str = "",
) -> ResolvedModel:
    """An adapter without weights of its own: a change of another checkpoint.

    Args:
        folder: of its files.
        preprocessing: what it declares itself, given its checkpoint, whose preprocessing counts
            where it declares none.
        commit: on the hub; empty for a folder.
        revision: on the hub, as asked for.
    """
    base = _base_of(adapter, folder, name, trust_remote_code)
    own = preprocessing(base)
    return replace(
        base,
        id=name,
        source="hub" if commit else "folder",
        revision=revision,
        commit=commit,
        weights_sha256="" if commit else hash_files(_small(folder), name),
        location=name if commit else str(folder),
        license=card_license(folder / "README.md") or base.license,
        processor=own if own.declared else base.processor,
        weights=None,
        adapter=adapter,
        base=base,
    )


def _base_of(adapter: Adapter, folder: Path, name: str, trust_remote_code: bool) -> ResolvedModel:
    """The checkpoint that an adapter changes: a folder, or a model of the hub.

    Raises:
        ModelError: there is none here, or it is unknown.
    """
    for place in (Path(adapter.path), folder.parent / adapter.path):
        if adapter.path and place.is_dir():
            return resolve_folder(place, trust_remote_code=trust_remote_code)
    if adapter.local or not adapter.path:
        raise ModelError(
            f"{name} is {adapter.words} for the checkpoint {adapter.base or '(not named)'}, which "
            "is not here.",
            f"Put its folder or its hub id into base_model_name_or_path of {ADAPTER_CONFIG}.",
        )
    # late: it imports the hub's client, which a folder does without
    from generator.capture.loaders.hub import resolve_hub  # noqa: PLC0415

    return resolve_hub(
        adapter.path, adapter.revision or "main", trust_remote_code=trust_remote_code
    )
