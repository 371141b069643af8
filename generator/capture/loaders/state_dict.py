"""Original checkpoints: a file with a state dict and no config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from generator.capture.checkpoint.layouts import VisionConfig, read_vision_config
from generator.capture.checkpoint.originals.namings import ORIGINALS, Original
from generator.capture.checkpoint.processors import Processor, read_processor
from generator.capture.checkpoint.resolved import Read, ResolvedModel
from generator.capture.checkpoint.weight_files import (
    WeightFiles,
    expect_no_pointer,
    hash_files,
    there,
)
from generator.errors import ModelError
from generator.records.file_hashes import Sha256Of, sha256_of
from generator.spec.models import StateDictSpec

if TYPE_CHECKING:
    import torch

    from generator.capture.models.built import Built


@dataclass(frozen=True, slots=True)
class StateDictLoader:
    """The container of original checkpoints: tensors by the names of their projects.

    Attributes:
        asked: what the user says of a file, since it has no config.
    """

    asked: StateDictSpec

    @property
    def package(self) -> str:
        """The networks are those of transformers."""
        return "transformers"

    def reads(self, config: Mapping[str, Any]) -> bool:
        """Never: there is no config."""
        return False

    def geometry(self, config: Mapping[str, Any], model: str) -> VisionConfig:
        """By the config that was made of names and shapes."""
        return read_vision_config(config, model=model)

    def preprocessing(
        self, config: Mapping[str, Any], read: Read, vision: VisionConfig, model: str
    ) -> Processor:
        """What the project's own code does, with what the user says instead."""
        original = next(o for o in ORIGINALS if o.projects == config["projects"])
        return _processor(original, self.asked, vision, model)

    def classes(self, config: Mapping[str, Any]) -> int:
        """As the shapes say; names of classes are not kept there."""
        return int(config.get("classes", 0))

    def build(
        self, resolved: ResolvedModel, dtype: torch.dtype, attention: str, *, blank: bool = False
    ) -> Built:
        """With the network of transformers that has the same parts."""
        from generator.capture.models.state_dict_network import (  # noqa: PLC0415 - torch
            build_network,
        )

        return build_network(resolved, self.asked, dtype, attention, blank=blank)

    def own_input(self, resolved: ResolvedModel, picture: object) -> NoReturn:
        """There is nothing to hold preprocessing against.

        Raises:
            ValueError: always.
        """
        raise ValueError("a state dict declares no preprocessing")


def resolve_file(
    file: Path, asked: StateDictSpec | None = None, sha256_of: Sha256Of = sha256_of
) -> ResolvedModel:
    """A file with a state dict on this machine. Its names are read, which takes torch.

    Args:
        file: safetensors, or what ``torch.save`` writes.
        asked: what the user says of it; None for nothing.

    Raises:
        ModelError: it cannot be read, holds no network that is known, or leaves something open.
    """
    from generator.capture.models.state_dict_network import (  # noqa: PLC0415 - torch
        understood_file,
    )

    asked = asked or StateDictSpec()
    name = file.resolve().stem
    expect_no_pointer(file, name)
    loader = StateDictLoader(asked)
    try:
        found = understood_file(file, asked, name)
    except ModelError as error:
        if there(file.parent / "config.json"):
            meant = f"Name its folder, {file.parent}, which has a config.json."
            raise ModelError(error.message, meant, usage=True) from error
        raise
    hashed = hash_files([file], name, asked.model_dump_json(), sha256_of)
    config = {**found.config, "projects": found.original.projects, "classes": found.classes}
    vision = loader.geometry(config, name)
    return ResolvedModel(
        id=name,
        source="folder",
        revision="",
        commit="",
        weights_sha256=hashed.sha256,
        location=str(file),
        loader=loader,
        license="",
        config=config,
        vision=vision,
        processor=loader.preprocessing(config, lambda _: None, vision, name),
        trust_remote_code=False,
        weights=WeightFiles((file,)),
        stamps=hashed.stamps,
    )


def _processor(
    original: Original, asked: StateDictSpec, vision: VisionConfig, model: str
) -> Processor:
    side = vision.image_size
    declared = {
        "size": {"shortest_edge": round(side * original.resize)},
        "crop_size": side,
        "do_center_crop": True,
        "resample": original.resample,
        "image_mean": asked.mean or original.mean,
        "image_std": asked.std or original.std,
    }
    processor = read_processor(declared, vision, model=model, file="state_dict")
    said = asked.mean is not None and asked.std is not None
    what = "the resizing and crop" if said else "the resizing, crop, mean and std"
    assumed = (
        f"no preprocessing is declared: {what} of the code of {original.projects} were assumed"
    )
    return replace(processor, declared=False, assumed=assumed)
