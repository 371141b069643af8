"""From what the user typed to a commit and a few small files, without torch and without weights.

Everything that can be refused is refused here, before anything large is downloaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from huggingface_hub import HfApi, ModelInfo, constants, metadata_load, try_to_load_from_cache
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from generator.capture.checkpoint.hub import (
    UNREACHABLE,
    WEIGHTS,
    WEIGHTS_INDEX,
    download,
    first_line,
    gated,
    hub_problem,
    note_absent,
    page,
)
from generator.capture.checkpoint.layouts import VisionConfig, read_vision_config
from generator.capture.checkpoint.processors import (
    PREPROCESSOR,
    PROCESSOR,
    Processor,
    read_processor,
)
from generator.errors import ModelError
from generator.text.json_text import parsed_json

WEIGHTS_PATTERN = "*.safetensors"
LFS_POINTER = b"version https://git-lfs.github.com/"


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
        license: as the model card states it; empty when it does not.
        gated: whether the hub said that its authors grant access; False when it was not asked.
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
    license: str
    config: Mapping[str, Any]
    vision: VisionConfig
    processor: Processor
    trust_remote_code: bool
    gated: bool = False

    @property
    def version(self) -> str:
        """The commit, or for a folder the weights' hash."""
        return self.commit or self.weights_sha256

    @property
    def classes(self) -> int:
        """Classes of the checkpoint's class head, as its config has it; 0 without a head."""
        if not any("ForImageClassification" in str(n) for n in _list(self.config, "architectures")):
            return 0
        labels = self.config.get("id2label")
        if isinstance(labels, Mapping):
            return len(labels)
        count = self.config.get("num_labels", 2)  # what transformers takes for granted
        return count if isinstance(count, int) else 0


def _list(config: Mapping[str, Any], key: str) -> list[object]:
    value = config.get(key)
    return value if isinstance(value, list) else []


def resolve_folder(folder: Path, *, trust_remote_code: bool = False) -> ResolvedModel:
    """A model in the transformers format on this machine.

    Raises:
        ModelError: the folder lacks a config or safetensors weights, or cannot be understood.
    """
    name = folder.resolve().name
    config_file = folder / "config.json"
    if not config_file.is_file():
        raise ModelError(
            f"The folder {name} has no config.json, so it is not a transformers checkpoint.",
            "Save the model with save_pretrained() and name that folder.",
        )
    config = _read_json(config_file, name)
    vision = _vision(config, name)
    _expect_consent(name, config, vision, trust_remote_code)
    weights = _weights_of(folder, name)
    small = [f for f in (config_file, folder / PROCESSOR, folder / PREPROCESSOR) if _there(f)]
    return ResolvedModel(
        id=name,
        source="folder",
        revision="",
        commit="",
        weights_sha256=_hash_files([*small, *weights], name),
        location=str(folder),
        license=_card_license(folder / "README.md"),
        config=config,
        vision=vision,
        processor=_processor(
            lambda file: _read_json(folder / file, name) if _there(folder / file) else None,
            vision,
            name,
        ),
        trust_remote_code=trust_remote_code,
    )


def _there(path: Path) -> bool:
    """Whether a file is there, or a link that may lead nowhere: reading it will tell."""
    return path.is_file() or path.is_symlink()


def _weights_of(folder: Path, name: str) -> list[Path]:
    weights = sorted(folder.glob(WEIGHTS_PATTERN))
    if not weights:
        raise ModelError(
            f"The folder {name} has no {WEIGHTS_PATTERN} weights.",
            "Save the model with save_pretrained(), which writes safetensors.",
        )
    for file in weights:
        with _readable(file, name), file.open("rb") as stream:
            if stream.read(len(LFS_POINTER)) == LFS_POINTER:
                raise ModelError(
                    f"{file.name} of {name} is a Git LFS pointer, not the weights themselves.",
                    "Run git lfs pull in the folder.",
                )
    return weights


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
    if "config.json" not in files:
        raise ModelError(
            f"The model {model} has no config.json on the hub, "
            "so it is not in the transformers format.",
            "Look for a transformers version of it.",
        )
    # By revision, so that the cache remembers for work offline which commit it stood for.
    config_file = download(model, "config.json", revision)
    commit = config_file.parent.name
    config = _read_json(config_file, model)
    vision = _vision(config, model)
    if not files & {WEIGHTS, WEIGHTS_INDEX}:
        raise ModelError(
            f"The model {model} has no safetensors weights at {revision}; "
            "pickled weights are not loaded, because they can run code.",
            f"Look for a converted revision in its pull requests at {page(model)}/discussions.",
        )

    def read(file: str) -> Mapping[str, Any] | None:
        if file in files:
            return _read_json(download(model, file, commit), model)
        note_absent(model, file, commit)
        return None

    if "README.md" in files:
        with suppress(ModelError):  # tells the license when there is no network, no more
            download(model, "README.md", commit)
    return _on_hub(
        model,
        revision,
        commit,
        license=_license(vars(info.card_data) if info.card_data else {}),
        gated=bool(info.gated),
        config=config,
        vision=vision,
        processor=_processor(read, vision, model),
        trust_remote_code=trust_remote_code,
    )


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
        ) from error
    except GatedRepoError as error:
        raise gated(model) from error
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


def _on_hub(
    model: str,
    revision: str,
    commit: str,
    *,
    license: str,
    config: Mapping[str, Any],
    vision: VisionConfig,
    processor: Processor,
    trust_remote_code: bool,
    gated: bool = False,
) -> ResolvedModel:
    _expect_consent(model, config, vision, trust_remote_code)
    return ResolvedModel(
        id=model,
        source="hub",
        revision=revision,
        commit=commit,
        weights_sha256="",
        location=model,
        license=license,
        config=config,
        vision=vision,
        processor=processor,
        trust_remote_code=trust_remote_code,
        gated=gated,
    )


def _from_cache(
    model: str, revision: str, trust_remote_code: bool, cause: Exception
) -> ResolvedModel:
    """The same from the hub library's cache, for work without a network."""
    cached = try_to_load_from_cache(model, "config.json", revision=revision)
    if not isinstance(cached, str):
        problem, advice = hub_problem(cause)
        raise ModelError(
            f"The model {model} is not in the local cache, and {problem}.",
            f"{advice.rstrip('.')}, or download it beforehand with "
            f"`hf download {model} --revision {revision}`.",
        ) from cause
    folder = Path(cached).parent
    config = _read_json(Path(cached), model)
    vision = _vision(config, model)
    return _on_hub(
        model,
        revision,
        folder.name,
        license=_card_license(folder / "README.md"),
        config=config,
        vision=vision,
        processor=_cached_processor(model, revision, folder.name, vision, cause),
        trust_remote_code=trust_remote_code,
    )


def _cached_processor(
    model: str, revision: str, commit: str, vision: VisionConfig, cause: Exception
) -> Processor:
    """The preprocessing from the cache, which may know that a file doesn't exist.

    Raises:
        ModelError: nobody has asked for the file that declares it, so that it may exist.
    """
    unknown = []

    def read(file: str) -> Mapping[str, Any] | None:
        cached = try_to_load_from_cache(model, file, revision=commit)
        if isinstance(cached, str):
            return _read_json(Path(cached), model)
        if cached is None:
            unknown.append(file)
        return None

    processor = _processor(read, vision, model)
    if not unknown:
        return processor
    if processor.declared:
        assumed = f"{PROCESSOR} was never downloaded: that {PREPROCESSOR} is all was assumed"
        return replace(processor, assumed=processor.assumed or assumed)
    problem, _ = hub_problem(cause)
    at = "" if revision == "main" else f" --revision {revision}"
    raise ModelError(
        f"The cache holds {model}, but its {unknown[-1]} was never downloaded, and {problem}.",
        f"Run `hf download {model} {unknown[-1]}{at}` with a network; it also remembers that a "
        "file doesn't exist.",
    ) from cause


def _expect_consent(
    model: str, config: Mapping[str, Any], vision: VisionConfig, trust_remote_code: bool
) -> None:
    if "auto_map" in config and not vision.listed and not trust_remote_code:
        raise ModelError(
            f"The model {model} brings its own code, which is not run unless you ask for it.",
            "Read the code, then add --trust-remote-code.",
        )


def _vision(config: Mapping[str, Any], model: str) -> VisionConfig:
    with _understood("config.json", model):
        return read_vision_config(config, model=model)


def _processor(
    read: Callable[[str], Mapping[str, Any] | None], vision: VisionConfig, model: str
) -> Processor:
    """The preprocessing, from the first file that declares it, as transformers reads them.

    Args:
        read: a file's content by its name; None where the checkpoint has no such file.
        vision: geometry of the model.
        model: named in errors.
    """
    parts = read(PROCESSOR) or {}
    file = PROCESSOR if "image_processor" in parts else PREPROCESSOR
    config = parts["image_processor"] if file == PROCESSOR else read(PREPROCESSOR)
    if config is not None and not isinstance(config, Mapping):
        raise ModelError(
            f"image_processor in {file} of {model} is {type(config).__name__}, an object was "
            "expected.",
            "Download or save the model again.",
        )
    with _understood(file, model):
        return read_processor(config, vision, model=model, file=file)


@contextmanager
def _readable(path: Path, model: str) -> Iterator[None]:
    """What the system says of a file, without its folder: failures are published."""
    try:
        yield
    except OSError as error:
        raise ModelError(
            f"{path.name} of {model} cannot be read: {error.strerror}.",
            "Check the file and its permissions.",
        ) from error


@contextmanager
def _understood(file: str, model: str) -> Iterator[None]:
    """Values of a kind that nobody foresaw are an error of the file, not of the program."""
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


def _read_json(path: Path, model: str) -> Mapping[str, Any]:
    try:
        with _readable(path, model):
            parsed = parsed_json(path.read_bytes())
    except ValueError as error:
        raise ModelError(
            f"{path.name} of {model} cannot be read: {first_line(error)}.",
            "Download or save the model again.",
        ) from error
    if not isinstance(parsed, dict):
        raise ModelError(
            f"{path.name} of {model} holds {type(parsed).__name__}, an object was expected.",
            "Download or save the model again.",
        )
    return parsed


def _hash_files(files: list[Path], model: str) -> str:
    """sha256 over names and contents: a renamed copy of a folder is the same model."""
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda f: f.name):
        with _readable(file, model), file.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        digest.update(f"{file.name}\0{content}\n".encode())
    return digest.hexdigest()


def _card_license(card: Path) -> str:
    if not card.is_file():
        return ""
    try:
        return _license(metadata_load(card) or {})
    except Exception:  # whatever a YAML parser raises: such a card says nothing about the license
        return ""


def _license(card: Mapping[str, Any]) -> str:
    license = card.get("license")
    if isinstance(license, list):
        license = ", ".join(str(part) for part in license)
    named = card.get("license_name")
    return str(named if license == "other" and named else license or "")
