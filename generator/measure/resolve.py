"""From what the user typed to a commit and two small files, without torch and without weights.

Everything that can be refused is refused here, before anything large is downloaded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from huggingface_hub import HfApi, ModelCard, hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from generator.errors import ModelError
from generator.measure.layouts import VisionConfig, read_vision_config
from generator.measure.processors import Processor, read_processor

WEIGHTS_PATTERN = "*.safetensors"


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model that is known to exist, at one commit, and to be of a kind that can be measured.

    Attributes:
        id: hub id, or the folder's name.
        source: where it comes from.
        revision: as asked for; empty for a folder.
        commit: full commit hash; empty for a folder.
        weights_sha256: over config, preprocessing and weights of a folder; empty on the hub.
        location: what transformers loads from: the hub id or the folder's path.
        licence: as the model card states it; empty when it does not.
        config: the parsed ``config.json``.
        vision: geometry.
        processor: the checkpoint's own preprocessing.
        trust_remote_code: whether the user allows code from the repository to run.
    """

    id: str
    source: Literal["hub", "folder"]
    revision: str
    commit: str
    weights_sha256: str
    location: str
    licence: str
    config: Mapping[str, Any]
    vision: VisionConfig
    processor: Processor
    trust_remote_code: bool

    @property
    def version(self) -> str:
        """The commit, or for a folder the weights' hash."""
        return self.commit or self.weights_sha256


def resolve_folder(folder: Path, *, trust_remote_code: bool = False) -> ResolvedModel:
    """A model in the transformers format on this machine.

    Raises:
        ModelError: the folder lacks a config or safetensors weights, or cannot be understood.
    """
    name = folder.resolve().name
    config_file = folder / "config.json"
    if not config_file.is_file():
        raise ModelError(
            f"The folder {folder} has no config.json, so it is not a transformers checkpoint.",
            "Save the model with save_pretrained() and name that folder.",
        )
    config = _read_json(config_file, name)
    vision = read_vision_config(config, model=name)
    weights = sorted(folder.glob(WEIGHTS_PATTERN))
    if not weights:
        raise ModelError(
            f"The folder {folder} has no {WEIGHTS_PATTERN} weights.",
            "Save the model with save_pretrained(), which writes safetensors.",
        )
    preprocessor_file = folder / "preprocessor_config.json"
    preprocessor = _read_json(preprocessor_file, name) if preprocessor_file.is_file() else None
    small = [f for f in (config_file, preprocessor_file) if f.is_file()]
    return ResolvedModel(
        id=name,
        source="folder",
        revision="",
        commit="",
        weights_sha256=_hash_files([*small, *weights]),
        location=str(folder),
        licence=_card_licence(folder / "README.md"),
        config=config,
        vision=vision,
        processor=read_processor(preprocessor, vision, model=name),
        trust_remote_code=trust_remote_code,
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
        info = HfApi().model_info(model, revision=revision)
    except RevisionNotFoundError as error:
        raise ModelError(
            f"The model {model} has no revision {revision} on the hub.",
            f"Look up its branches and tags at {_page(model)}.",
        ) from error
    except GatedRepoError as error:
        raise _gated(model) from error
    except RepositoryNotFoundError as error:
        raise ModelError(
            f"There is no model {model} on the hub, or it is private.",
            "Check the spelling; for a private model log in with `hf auth login`.",
        ) from error
    except HFValidationError as error:
        raise ModelError(
            f"{model!r} is neither a folder nor a hub id such as facebook/dinov2-small.",
            "Correct the name.",
        ) from error
    except (OfflineModeIsEnabled, OSError) as error:
        return _from_cache(model, revision, trust_remote_code, error)
    commit = str(info.sha)
    files = {sibling.rfilename for sibling in info.siblings or ()}
    if "config.json" not in files:
        raise ModelError(
            f"The model {model} has no config.json on the hub, "
            "so it is not in the transformers format.",
            "Look for a transformers version of it.",
        )
    config = _read_json(_download(model, "config.json", commit), model)
    vision = read_vision_config(config, model=model)
    if not any(name.endswith(".safetensors") and "/" not in name for name in files):
        raise ModelError(
            f"The model {model} has no safetensors weights at {revision}; "
            "pickled weights are not loaded, because they can run code.",
            f"Look for a converted revision in its pull requests at {_page(model)}/discussions.",
        )
    preprocessor = (
        _read_json(_download(model, "preprocessor_config.json", commit), model)
        if "preprocessor_config.json" in files
        else None
    )
    return _on_hub(
        model,
        revision,
        commit,
        licence=_licence(info.card_data),
        config=config,
        vision=vision,
        preprocessor=preprocessor,
        trust_remote_code=trust_remote_code,
    )


def _on_hub(
    model: str,
    revision: str,
    commit: str,
    *,
    licence: str,
    config: Mapping[str, Any],
    vision: VisionConfig,
    preprocessor: Mapping[str, Any] | None,
    trust_remote_code: bool,
) -> ResolvedModel:
    if "auto_map" in config and not vision.listed and not trust_remote_code:
        raise ModelError(
            f"The model {model} brings its own code, which is not run unless you ask for it.",
            "Read the code, then add --trust-remote-code.",
        )
    return ResolvedModel(
        id=model,
        source="hub",
        revision=revision,
        commit=commit,
        weights_sha256="",
        location=model,
        licence=licence,
        config=config,
        vision=vision,
        processor=read_processor(preprocessor, vision, model=model),
        trust_remote_code=trust_remote_code,
    )


def _from_cache(
    model: str, revision: str, trust_remote_code: bool, cause: Exception
) -> ResolvedModel:
    """The same from the hub library's cache, for work without a network."""
    cached = try_to_load_from_cache(model, "config.json", revision=revision)
    if not isinstance(cached, str):
        raise ModelError(
            f"The hub cannot be reached and {model} is not in the local cache.",
            "Check the network, or download it beforehand with "
            f"`hf download {model} --revision {revision}`.",
        ) from cause
    folder = Path(cached).parent
    config = _read_json(Path(cached), model)
    vision = read_vision_config(config, model=model)
    if not any(folder.glob(WEIGHTS_PATTERN)):
        raise ModelError(
            f"The hub cannot be reached and the cached copy of {model} has no safetensors weights.",
            "Check the network, or download it beforehand with "
            f"`hf download {model} --revision {revision}`.",
        ) from cause
    preprocessor_file = folder / "preprocessor_config.json"
    return _on_hub(
        model,
        revision,
        folder.name,
        licence=_card_licence(folder / "README.md"),
        config=config,
        vision=vision,
        preprocessor=_read_json(preprocessor_file, model) if preprocessor_file.is_file() else None,
        trust_remote_code=trust_remote_code,
    )


def _download(model: str, name: str, commit: str) -> Path:
    try:
        return Path(hf_hub_download(model, name, revision=commit))
    except GatedRepoError as error:
        raise _gated(model) from error
    except (EntryNotFoundError, OSError) as error:
        raise ModelError(
            f"Could not download {name} of {model}: {_first_line(error)}",
            "Check the network and try again.",
        ) from error


def _gated(model: str) -> ModelError:
    return ModelError(
        f"The model {model} is gated: its authors must grant you access first.",
        f"Ask for it at {_page(model)}, then log in with `hf auth login`.",
    )


def _page(model: str) -> str:
    return f"https://huggingface.co/{model}"


def _read_json(path: Path, model: str) -> Mapping[str, Any]:
    try:
        parsed = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelError(
            f"{path.name} of {model} cannot be read: {_first_line(error)}",
            "Download or save the model again.",
        ) from error
    if not isinstance(parsed, dict):
        raise ModelError(
            f"{path.name} of {model} holds {type(parsed).__name__}, an object was expected.",
            "Download or save the model again.",
        )
    return parsed


def _hash_files(files: list[Path]) -> str:
    """sha256 over names and contents: a renamed copy of a folder is the same model."""
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda f: f.name):
        with file.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        digest.update(f"{file.name}\0{content}\n".encode())
    return digest.hexdigest()


def _card_licence(card: Path) -> str:
    if not card.is_file():
        return ""
    try:
        return _licence(ModelCard.load(card).data)
    except (ValueError, OSError):
        return ""  # A card that cannot be parsed says nothing about the licence.


def _licence(card: object) -> str:
    licence = getattr(card, "license", None)
    if isinstance(licence, list):
        licence = ", ".join(str(part) for part in licence)
    named = getattr(card, "license_name", None)
    return str(named if licence == "other" and named else licence or "")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", maxsplit=1)[0] or type(error).__name__
