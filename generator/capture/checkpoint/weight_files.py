"""The files of a checkpoint that decide its numbers: found, checked and hashed without torch."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from generator.capture.checkpoint.shards import holding
from generator.errors import ModelError, first_line
from generator.records.file_hashes import FileStamp, Sha256Of, sha256_of
from generator.text.amounts import size_in_words
from generator.text.json_text import parsed_json

LFS_POINTER = b"version https://git-lfs.github.com/"

WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"

WEIGHTS_KEY = "transformers_weights"
"""Key of a ``config.json`` that names the file of the weights, or their index."""

LARGEST_JSON = 64_000_000
"""Bytes of a JSON file of a checkpoint, at most: many times what those of the largest have."""

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".gguf")


@dataclass(frozen=True, slots=True)
class WeightFiles:
    """The files with the tensors of a checkpoint.

    Attributes:
        parts: the files that are read, sorted.
        index: says which tensor is in which part; None for a single file.
        ignored: names of other files of weights in the folder, which are not read.
        spared: names of files of the index that are not read, since no wanted tensor is in them.
    """

    parts: tuple[Path, ...]
    index: Path | None = None
    ignored: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[Path, ...]:
        """The files that decide the numbers."""
        return (*self.parts, *([self.index] if self.index else []))


def find_weights(
    folder: Path, config: Mapping[str, Any], model: str, wanted: Collection[str] = ()
) -> WeightFiles:
    """The files that transformers would read: those that the config names, one file, or an index.

    Args:
        folder: of the checkpoint.
        config: its parsed ``config.json``.
        model: named in errors.
        wanted: names of a network's tensors: parts that hold none are left out.

    Raises:
        ModelError: there are none, one is missing, or the index makes no sense.
    """
    first = _first(folder, config, model)
    index = first if first.name.endswith(".index.json") else None
    parts, spared = _listed(first, model, wanted) if index else ((first,), ())
    for part in parts:
        expect_no_pointer(part, model)
    read = {*(path.name for path in (*parts, first)), *spared}
    others = (path.name for path in folder.iterdir() if path.suffix in (".safetensors", *PICKLES))
    mine = {*read, ADAPTER_WEIGHTS, "training_args.bin", "optimizer.pt", "scheduler.pt"}
    return WeightFiles(parts, index, tuple(sorted(set(others) - mine)), spared)


def _first(folder: Path, config: Mapping[str, Any], model: str) -> Path:
    """The single file, or the index."""
    named = config.get(WEIGHTS_KEY)
    if named is not None:
        return _inside(folder, named, f"{WEIGHTS_KEY} of config.json", model)
    for name in (WEIGHTS, WEIGHTS_INDEX):
        if there(folder / name):
            return folder / name
    others = sorted(path.name for path in folder.glob("*.safetensors*"))
    others = [name for name in others if name != ADAPTER_WEIGHTS]
    if others:
        raise ModelError(
            f"The folder {model} has no {WEIGHTS}, only {', '.join(others)}.",
            f"Rename the weights that are meant to {WEIGHTS}, or save them with save_pretrained().",
        )
    raise ModelError(
        f"The folder {model} has no *.safetensors weights.",
        "Save the model with save_pretrained(), which writes safetensors.",
    )


def _listed(
    index: Path, model: str, wanted: Collection[str]
) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """The parts that an index lists with wanted tensors, and the names of those without."""
    places = read_json(index, model).get("weight_map")
    if not isinstance(places, Mapping) or not places:
        raise ModelError(
            f"{index.name} of {model} has no weight_map: which tensor is in which file.",
            "Download or save the model again.",
        )
    odd = [name for name in places.values() if not isinstance(name, str)]
    names = odd or sorted(holding(places, wanted))
    parts = tuple(_inside(index.parent, name, index.name, model) for name in names)
    return parts, tuple(sorted(set(places.values()) - set(names)))


def _inside(folder: Path, name: object, where: str, model: str) -> Path:
    """A file of the folder by its name."""
    path = PurePosixPath(name) if isinstance(name, str) else PurePosixPath("..")
    if path.is_absolute() or ".." in path.parts or "\\" in str(name) or ":" in str(name):
        raise ModelError(
            f"{where} of {model} names {name!r}, which is not a file of its folder.",
            "Put the weights into the folder, and correct the name.",
        )
    if not there(folder / path):
        raise ModelError(
            f"{where} of {model} names {path}, which is not there.",
            "Copy or download it, or save the model again.",
        )
    return folder / path


def there(path: Path) -> bool:
    """Whether a file or a link exists; a broken link is found when it is read."""
    return path.is_file() or path.is_symlink()


def models_in(folder: Path) -> str:
    """A sentence that names the checkpoints in a folder; empty if there are none."""
    try:
        found = sorted(path.parent.name for path in folder.glob("*/config.json"))
    except (OSError, ValueError):
        return ""
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    named = ", ".join(found[:MOST_NAMED])
    return f"The folder {folder} holds these models: {named}{more}." if found else ""


def expect_no_pointer(file: Path, model: str) -> None:
    """Refuse a Git LFS pointer in place of a file.

    Raises:
        ModelError: the file is a pointer, or cannot be read.
    """
    with readable(file, model), file.open("rb") as stream:
        if stream.read(len(LFS_POINTER)) == LFS_POINTER:
            raise ModelError(
                f"{file.name} of {model} is a Git LFS pointer, not the weights themselves.",
                "Run git lfs pull in the folder.",
            )


MOST_NAMED = 5
"""Most models of a folder that a message names."""

Stamps = tuple[tuple[Path, FileStamp], ...]
"""Files, each with what tells it from itself after a change."""


class HashedFiles(NamedTuple):
    """Files of a checkpoint as they were when they were hashed.

    Attributes:
        sha256: over names and contents.
        stamps: of each file, from before it was read.
    """

    sha256: str
    stamps: Stamps


def hash_files(
    files: Sequence[Path], model: str, also: str = "", sha256_of: Sha256Of = sha256_of
) -> HashedFiles:
    """sha256 over names and contents: a renamed copy of a folder is the same model.

    Args:
        files: in any order.
        model: named in errors.
        also: hashed too; what decides the numbers and is no file here.
        sha256_of: gives the hash of a file; it may remember it.

    Raises:
        ModelError: one cannot be read.
    """
    digest, stamps = hashlib.sha256(), list[tuple[Path, FileStamp]]()
    for file in sorted(files, key=lambda f: f.name):
        with readable(file, model):
            stamps.append((file, FileStamp.of(file.stat())))
            content = sha256_of(file)
        digest.update(f"{file.name}\0{content}\n".encode())
    digest.update(also.encode())
    return HashedFiles(digest.hexdigest(), tuple(stamps))


@contextmanager
def readable(path: Path, model: str) -> Iterator[None]:
    """Context manager: system errors on a file without its folder, since failures are published."""
    try:
        yield
    except OSError as error:
        raise ModelError(
            f"{path.name} of {model} cannot be read: {error.strerror}.",
            "Check the file and its permissions.",
        ) from error


def read_json(path: Path, model: str) -> Mapping[str, Any]:
    """The object in a JSON file.

    Raises:
        ModelError: it cannot be read, or holds something else.
    """
    try:
        with readable(path, model):
            if path.stat().st_size > LARGEST_JSON:
                raise ValueError(f"it is larger than {size_in_words(LARGEST_JSON)}")
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
