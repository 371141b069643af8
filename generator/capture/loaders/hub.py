"""From the id of a model on the hub to a commit and a few small files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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
    download,
    gated,
    hub_problem,
    note_absent,
    page,
)
from generator.capture.checkpoint.layouts import VisionConfig
from generator.capture.checkpoint.model_card import card_license, license_of
from generator.capture.checkpoint.processors import PREPROCESSOR, PROCESSOR, Processor
from generator.capture.checkpoint.resolved import Loader, ResolvedModel, expect_consent
from generator.capture.checkpoint.weight_files import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    WEIGHTS,
    WEIGHTS_INDEX,
    WEIGHTS_KEY,
    models_in,
    read_json,
    there,
)
from generator.capture.loaders.known_names import suggested
from generator.capture.loaders.lone_adapter import LoneAdapter, adapter_in, own_preprocessing
from generator.capture.loaders.table import loader_of
from generator.errors import ModelError
from generator.spec.toml import did_you_mean_beside


def find_on_hub(
    model: str, revision: str, *, trust_remote_code: bool
) -> ResolvedModel | LoneAdapter:
    """A model on the Hugging Face hub, its revision resolved to a commit, or an adapter alone.

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
        return _adapter_on_hub(model, revision, files)
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


def _adapter_on_hub(model: str, revision: str, files: Collection[str]) -> LoneAdapter:
    """An adapter that a repository holds alone."""
    config_file = download(model, ADAPTER_CONFIG, revision)
    commit, folder = config_file.parent.name, config_file.parent
    read_adapter(read_json(config_file, model), model)  # before anything else is downloaded
    for file in (ADAPTER_WEIGHTS, PROCESSOR, PREPROCESSOR, "README.md"):
        if file in files:
            download(model, file, commit)
        else:
            note_absent(model, file, commit)
    adapter = adapter_in(folder, model)
    assert adapter is not None
    own = partial(own_preprocessing, folder, model)
    return LoneAdapter(adapter, folder, model, own, commit, revision)


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
        if folder := _folder_meant(model):
            what = f"There is no folder {model} here, and no such model on the hub."
            raise ModelError(what, folder, usage=True) from error
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


def _folder_meant(model: str) -> str:
    """A suggestion for an id that is like the path of a folder here; else empty."""
    path = Path(model)
    if path.parent == Path():
        return ""
    return did_you_mean_beside(path) or models_in(path.parent)


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
) -> ResolvedModel | LoneAdapter:
    """The same from the hub library's cache, for work without a network."""
    cached = try_to_load_from_cache(model, "config.json", revision=revision)
    alone = try_to_load_from_cache(model, ADAPTER_CONFIG, revision=revision)
    if not isinstance(cached, str) and isinstance(alone, str):
        return _adapter_from_cache(model, revision, Path(alone).parent, cause)
    if not isinstance(cached, str):
        problem, advice = hub_problem(cause)
        if folder_hint := _folder_meant(model):
            raise ModelError(
                f"There is no folder {model} here, and {problem}.", folder_hint
            ) from cause
        raise ModelError(
            f"The model {model} is not in the local cache, and {problem}.",
            f"{advice.rstrip('.')}, or download it beforehand with "
            f"`hf download {model} --revision {revision}`. {_meant(model)}".rstrip(),
        ) from cause
    folder = Path(cached).parent
    adapter = adapter_in(folder, model) if there(folder / ADAPTER_CONFIG) else None
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


def _adapter_from_cache(model: str, revision: str, folder: Path, cause: Exception) -> LoneAdapter:
    """An adapter alone, from the cache.

    Raises:
        ModelError: a file that it needs was never downloaded.
    """
    if not there(folder / ADAPTER_WEIGHTS):
        raise _never_downloaded(model, revision, ADAPTER_WEIGHTS, cause) from cause
    adapter = adapter_in(folder, model)
    assert adapter is not None

    def own(base: ResolvedModel) -> Processor:
        return _cached_processor(
            base.loader, base.config, model, revision, folder.name, base.vision, cause
        )

    return LoneAdapter(adapter, folder, model, own, folder.name, revision)


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
