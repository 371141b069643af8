"""From what the user typed to a commit and a few small files, without torch and without weights.

Everything that can be refused is refused here, before anything large is downloaded.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from generator.capture.checkpoint.model_card import card_license
from generator.capture.checkpoint.resolved import ResolvedModel, expect_consent
from generator.capture.checkpoint.weight_files import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    find_weights,
    hash_files,
    models_in,
    read_json,
    there,
)
from generator.capture.loaders.lone_adapter import (
    LoneAdapter,
    adapter_in,
    own_preprocessing,
    read_own,
    small_files,
)
from generator.capture.loaders.table import loader_of
from generator.errors import ModelError
from generator.records.file_hashes import Sha256Of, sha256_of


def resolve_folder(
    folder: Path, *, trust_remote_code: bool = False, sha256_of: Sha256Of = sha256_of
) -> ResolvedModel:
    """A model in the transformers format on this machine.

    Args:
        sha256_of: gives the hash of a file; it may remember it.

    Raises:
        ModelError: the folder lacks a config or safetensors weights, or cannot be understood.
    """
    name = folder.resolve().name
    config_file = folder / "config.json"
    adapter = adapter_in(folder, name)
    if adapter is not None and not _has_weights(folder):
        own = partial(own_preprocessing, folder, name)
        return _on_base(LoneAdapter(adapter, folder, name, own), trust_remote_code, sha256_of)
    if not there(config_file):
        raise ModelError(
            f"The folder {name} has no config.json, so it is not a transformers checkpoint.",
            models_in(folder) or "Save the model with save_pretrained() and name that folder.",
            usage=True,
        )
    config = read_json(config_file, name)
    loader = loader_of(config)
    vision = loader.geometry(config, name)
    expect_consent(name, config, vision, trust_remote_code)
    weights = find_weights(folder, config, name)
    processor = loader.preprocessing(config, partial(read_own, folder, name), vision, name)
    code = sorted(folder.rglob("*.py")) if trust_remote_code and "auto_map" in config else ()
    files = [*small_files(folder), *weights.all, *code]
    hashed = hash_files(files, name, sha256_of=sha256_of)
    return ResolvedModel(
        id=name,
        source="folder",
        revision="",
        commit="",
        weights_sha256=hashed.sha256,
        location=str(folder),
        loader=loader,
        license=card_license(folder / "README.md"),
        config=config,
        vision=vision,
        processor=processor,
        trust_remote_code=trust_remote_code,
        weights=weights,
        adapter=adapter,
        stamps=hashed.stamps,
    )


def _has_weights(folder: Path) -> bool:
    """Whether there are weights beside those of an adapter, and a config for them."""
    others = [path.name for path in folder.glob("*.safetensors*") if path.name != ADAPTER_WEIGHTS]
    return bool(others) and there(folder / "config.json")


def resolve_hub(
    model: str,
    revision: str = "main",
    *,
    trust_remote_code: bool = False,
    sha256_of: Sha256Of = sha256_of,
) -> ResolvedModel:
    """A model on the Hugging Face hub, its revision resolved to a commit.

    When the hub cannot be reached, a copy in the hub library's own cache is used.

    Raises:
        ModelError: unknown, gated, private or unreachable model, or no safetensors weights.
    """
    # late: it imports the hub's client, which a folder does without
    from generator.capture.loaders.hub import find_on_hub  # noqa: PLC0415

    found = find_on_hub(model, revision, trust_remote_code=trust_remote_code)
    if isinstance(found, LoneAdapter):
        return _on_base(found, trust_remote_code, sha256_of)
    return found


def _on_base(lone: LoneAdapter, trust_remote_code: bool, sha256_of: Sha256Of) -> ResolvedModel:
    """An adapter on the checkpoint that it changes."""
    base = _base_of(lone, trust_remote_code, sha256_of)
    own = lone.preprocessing(base)
    files = () if lone.commit else small_files(lone.folder)
    hashed = hash_files(files, lone.name, sha256_of=sha256_of)
    return replace(
        base,
        id=lone.name,
        source="hub" if lone.commit else "folder",
        revision=lone.revision,
        commit=lone.commit,
        weights_sha256="" if lone.commit else hashed.sha256,
        location=lone.name if lone.commit else str(lone.folder),
        license=card_license(lone.folder / "README.md") or base.license,
        processor=own if own.declared else base.processor,
        weights=None,
        adapter=lone.adapter,
        base=base,
        stamps=hashed.stamps,
    )


def _base_of(lone: LoneAdapter, trust_remote_code: bool, sha256_of: Sha256Of) -> ResolvedModel:
    """The checkpoint that an adapter changes: a folder, or a model of the hub.

    Raises:
        ModelError: there is none here, or it is unknown.
    """
    adapter = lone.adapter
    for place in (Path(adapter.path), lone.folder.parent / adapter.path):
        if adapter.path and place.is_dir():
            return resolve_folder(place, trust_remote_code=trust_remote_code, sha256_of=sha256_of)
    if adapter.local or not adapter.path:
        raise ModelError(
            f"{lone.name} is {adapter.words} for the checkpoint {adapter.base or '(not named)'}, "
            "which is not here.",
            f"Put its folder or its hub id into base_model_name_or_path of {ADAPTER_CONFIG}.",
        )
    return resolve_hub(
        adapter.path,
        adapter.revision or "main",
        trust_remote_code=trust_remote_code,
        sha256_of=sha256_of,
    )
