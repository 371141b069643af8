"""From what the user typed to a commit and a few small files, without torch and without weights.

Everything that can be refused is refused here, before anything large is downloaded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, ModelInfo, constants, try_to_load_from_cache
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from generator.capture.checkpoint.adapters import Adapter, read_adapter
from generator.capture.checkpoint.hub import (
    UNREACHABLE,
    WEIGHTS,
    WEIGHTS_INDEX,
    download,
    gated,
    hub_problem,
    note_absent,
    page,
)
from generator.capture.checkpoint.layouts import VisionConfig
from generator.capture.checkpoint.model_card import card_license, license_of
from generator.capture.checkpoint.processors import PREPROCESSOR, PROCESSOR, Processor
from generator.capture.checkpoint.resolved import (
    Loader,
    ResolvedModel,
    expect_consent,
)
from generator.capture.checkpoint.weight_files import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    WEIGHTS_KEY,
    expect_no_pointer,
    find_weights,
    hash_files,
    read_json,
    there,
)
from generator.capture.loaders.known_names import suggested
from generator.capture.loaders.table import loader_of
from generator.errors import ModelError


def resolve_folder(folder: Path, *, trust_remote_code: bool = False) -> ResolvedModel:
    """A model in the transformers format on this machine.

    Raises:
        ModelError: the folder lacks a config or safetensors weights, or cannot be understood.
    """
    name = folder.resolve().name
    config_file = folder / "config.json"
    adapter = _adapter_in(folder, name)
    if adapter is not None and not _has_weights(folder):
        own = partial(_own_preprocessing, folder, name)
        return _on_base(adapter, folder, name, trust_remote_code, own)
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


def _adapter_in(folder: Path, name: str) -> Adapter | None:
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


def _own_preprocessing(folder: Path, name: str, base: ResolvedModel) -> Processor:
    """What the files beside an adapter declare."""
    read = partial(_read_own, folder, name)
    return base.loader.preprocessing(base.config, read, base.vision, name)


def _on_base(
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
    return resolve_hub(
        adapter.path, adapter.revision or "main", trust_remote_code=trust_remote_code
    )


def resolve_hub(
    model: str, revision: str = "main", *, trust_remote_code: bool = False
) -> ResolvedModel:
    """A model on the Hugging Face hub, its revision resolved to a commit.

    When the hub cannot be reached, a copy in the hub library's own cache is used.

    Raises:
        ModelError: unknown, gated, private or unreachable model, or no safetensors weights.
    """
    try:
        info = _info(model, revision)
    except (*UNREACHABLE, ValueError) as error:  # ValueError: an answer that is no JSON
        return _from_cache(model, revision, trust_remote_code, error)
    files = {sibling.rfilename for sibling in info.siblings or ()}
    weights = files & {WEIGHTS, WEIGHTS_INDEX}
    if ADAPTER_CONFIG in files and not (weights and "config.json" in files):
        return _adapter_on_hub(model, revision, files, trust_remote_code)
    if "config.json" not in files:
        raise ModelError(
            f"The model {model} has no config.json on the hub, "
            "so it is not in the transformers format.",
            "Look for a transformers version of it.",
            usage=True,
        )
    # By revision, so that the cache remembers for work offline which commit it stood for.
    config_file = download(model, "config.json", revision)
    commit = config_file.parent.name
    config = read_json(config_file, model)
    loader = loader_of(config)
    vision = loader.geometry(config, model)
    if not weights and config.get(WEIGHTS_KEY) not in files:
        raise ModelError(
            f"The model {model} has no safetensors weights at {revision}; "
            "pickled weights are not loaded, because they can run code.",
            f"Look for a converted revision in its pull requests at {page(model)}/discussions.",
        )

    def read(file: str) -> Mapping[str, Any] | None:
        if file in files:
            return read_json(download(model, file, commit), model)
        note_absent(model, file, commit)
        return None

    adapter = None
    if ADAPTER_CONFIG in files:
        adapter = read_adapter(read_json(download(model, ADAPTER_CONFIG, commit), model), model)
    if "README.md" in files:
        with suppress(ModelError):  # tells the license when there is no network, no more
            download(model, "README.md", commit)
    return _on_hub(
        model,
        revision,
        commit,
        loader=loader,
        license=license_of(vars(info.card_data) if info.card_data else {}),
        gated=bool(info.gated),
        config=config,
        vision=vision,
        processor=loader.preprocessing(config, read, vision, model),
        trust_remote_code=trust_remote_code,
        adapter=adapter,
    )


def _adapter_on_hub(
    model: str, revision: str, files: Collection[str], trust_remote_code: bool
) -> ResolvedModel:
    """An adapter that a repository holds alone."""
    config_file = download(model, ADAPTER_CONFIG, revision)
    commit, folder = config_file.parent.name, config_file.parent
    read_adapter(read_json(config_file, model), model)  # before anything else is downloaded
    for file in (ADAPTER_WEIGHTS, PROCESSOR, PREPROCESSOR, "README.md"):
        if file in files:
            download(model, file, commit)
        else:
            note_absent(model, file, commit)
    adapter = _adapter_in(folder, model)
    assert adapter is not None
    own = partial(_own_preprocessing, folder, model)
    return _on_base(adapter, folder, model, trust_remote_code, own, commit, revision)


def _info(model: str, revision: str) -> ModelInfo:
    """What the hub says of a model; what the network says against it is left to the caller.

    Raises:
        ModelError: the hub has no such model or revision, or does not give it.
    """
    try:
        return HfApi().model_info(model, revision=revision, timeout=constants.HF_HUB_ETAG_TIMEOUT)
    except RevisionNotFoundError as error:
        raise ModelError(
            f"The model {model} has no revision {revision} on the hub.",
            f"Look up its branches and tags at {page(model)}.",
            usage=True,
        ) from error
    except GatedRepoError as error:
        raise gated(model) from error
    except RepositoryNotFoundError as error:
        raise ModelError(
            f"There is no model {model} on the hub, or it is private.",
            f"{_meant(model) or 'Check the spelling.'} For a private model, log in with "
            "`hf auth login`.",
            usage=True,
        ) from error
    except HFValidationError as error:
        raise ModelError(
            f"{model!r} is neither a folder nor a hub id such as facebook/dinov2-small.",
            _meant(model) or "Correct the name.",
            usage=True,
        ) from error


def _meant(model: str) -> str:
    """A suggestion for a name that is like a well-known one, as a question; else empty."""
    found = suggested(model)
    return f"Did you mean {found}?" if found else ""


def _on_hub(
    model: str,
    revision: str,
    commit: str,
    *,
    loader: Loader,
    license: str,
    config: Mapping[str, Any],
    vision: VisionConfig,
    processor: Processor,
    trust_remote_code: bool,
    gated: bool = False,
    adapter: Adapter | None = None,
) -> ResolvedModel:
    expect_consent(model, config, vision, trust_remote_code)
    return ResolvedModel(
        id=model,
        source="hub",
        revision=revision,
        commit=commit,
        weights_sha256="",
        location=model,
        loader=loader,
        license=license,
        config=config,
        vision=vision,
        processor=processor,
        trust_remote_code=trust_remote_code,
        gated=gated,
        adapter=adapter,
    )


def _from_cache(
    model: str, revision: str, trust_remote_code: bool, cause: Exception
) -> ResolvedModel:
    """The same from the hub library's cache, for work without a network."""
    cached = try_to_load_from_cache(model, "config.json", revision=revision)
    alone = try_to_load_from_cache(model, ADAPTER_CONFIG, revision=revision)
    if not isinstance(cached, str) and isinstance(alone, str):
        return _adapter_from_cache(model, revision, Path(alone).parent, trust_remote_code, cause)
    if not isinstance(cached, str):
        problem, advice = hub_problem(cause)
        raise ModelError(
            f"The model {model} is not in the local cache, and {problem}.",
            f"{advice.rstrip('.')}, or download it beforehand with "
            f"`hf download {model} --revision {revision}`. {_meant(model)}".rstrip(),
        ) from cause
    folder = Path(cached).parent
    adapter = _adapter_in(folder, model) if there(folder / ADAPTER_CONFIG) else None
    config = read_json(Path(cached), model)
    loader = loader_of(config)
    vision = loader.geometry(config, model)
    return _on_hub(
        model,
        revision,
        folder.name,
        loader=loader,
        license=card_license(folder / "README.md"),
        config=config,
        vision=vision,
        processor=_cached_processor(loader, config, model, revision, folder.name, vision, cause),
        trust_remote_code=trust_remote_code,
        adapter=adapter,
    )


def _adapter_from_cache(
    model: str, revision: str, folder: Path, trust_remote_code: bool, cause: Exception
) -> ResolvedModel:
    """An adapter alone, from the cache.

    Raises:
        ModelError: a file that it needs was never downloaded.
    """
    if not there(folder / ADAPTER_WEIGHTS):
        raise _never_downloaded(model, revision, ADAPTER_WEIGHTS, cause) from cause
    adapter = _adapter_in(folder, model)
    assert adapter is not None

    def own(base: ResolvedModel) -> Processor:
        return _cached_processor(
            base.loader, base.config, model, revision, folder.name, base.vision, cause
        )

    return _on_base(adapter, folder, model, trust_remote_code, own, folder.name, revision)


def _cached_processor(
    loader: Loader,
    config: Mapping[str, Any],
    model: str,
    revision: str,
    commit: str,
    vision: VisionConfig,
    cause: Exception,
) -> Processor:
    """The preprocessing from the cache, which may know that a file doesn't exist.

    Raises:
        ModelError: nobody has asked for the file that declares it, so that it may exist.
    """
    unknown = []

    def read(file: str) -> Mapping[str, Any] | None:
        cached = try_to_load_from_cache(model, file, revision=commit)
        if isinstance(cached, str):
            return read_json(Path(cached), model)
        if cached is None:
            unknown.append(file)
        return None

    processor = loader.preprocessing(config, read, vision, model)
    if not unknown:
        return processor
    if processor.declared:
        assumed = f"{PROCESSOR} was never downloaded: that {PREPROCESSOR} is all was assumed"
        return replace(processor, assumed=processor.assumed or assumed)
    raise _never_downloaded(model, revision, unknown[-1], cause) from cause


def _never_downloaded(model: str, revision: str, file: str, cause: Exception) -> ModelError:
    """The error for a cache that somebody else filled in part."""
    problem, _ = hub_problem(cause)
    at = "" if revision == "main" else f" --revision {revision}"
    return ModelError(
        f"The cache holds {model}, but its {file} was never downloaded, and {problem}.",
        f"Run `hf download {model} {file}{at}` with a network; it also remembers that a file "
        "doesn't exist.",
    )
