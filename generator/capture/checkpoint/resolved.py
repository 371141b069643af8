"""A model before its weights are loaded, and the loader that reads its container.

A container is a way to keep a network: the format of transformers, that of timm. Everything after
loading sees a :class:`~generator.capture.models.built.Built` and knows no container.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generator.capture.checkpoint.adapters import Adapter
from generator.capture.checkpoint.layouts import VisionConfig
from generator.capture.checkpoint.processors import Processor
from generator.capture.checkpoint.weight_files import Stamps, WeightFiles
from generator.errors import ModelError, first_line
from generator.records.file_hashes import FileStamp

if TYPE_CHECKING:
    import torch

    from generator.capture.models.built import Built

Read = Callable[[str], Mapping[str, Any] | None]
"""A checkpoint's JSON file by its name; None where there is no such file."""


class Loader(Protocol):
    """One container. All but ``build`` and ``own_input`` work without weights."""

    @property
    def package(self) -> str:
        """The package that makes the networks. Its version is part of a record's environment."""

    def reads(self, config: Mapping[str, Any]) -> bool:
        """Whether a ``config.json`` is of this container."""

    def geometry(self, config: Mapping[str, Any], model: str) -> VisionConfig:
        """Geometry of the vision transformer.

        Args:
            config: the parsed ``config.json``.
            model: named in errors.

        Raises:
            ModelError: it makes no sense, or is of a kind that is refused.
        """

    def preprocessing(
        self, config: Mapping[str, Any], read: Read, vision: VisionConfig, model: str
    ) -> Processor:
        """The checkpoint's own preprocessing.

        Raises:
            ModelError: it makes no sense, or is not supported.
        """

    def classes(self, config: Mapping[str, Any]) -> int:
        """Classes of the checkpoint's class head, as its config has it; 0 without a head."""

    def build(
        self, resolved: ResolvedModel, dtype: torch.dtype, attention: str, *, blank: bool = False
    ) -> Built:
        """The network with its weights, and an account of the checkpoint's tensors.

        Args:
            resolved: what to load.
            dtype: of weights and activations.
            attention: ``sdpa``, or ``eager`` for a network that makes its attention matrices.
            blank: leave the numbers out: quick, and enough to account for every tensor.

        Raises:
            ModelError: the weights cannot be read, are incomplete, or hold what the config has no
                place for.
        """

    def own_input(self, resolved: ResolvedModel, picture: Image.Image) -> NDArray[np.float32]:
        """What the checkpoint's own code makes of a picture: ``[channel, row, column]``.

        Raises:
            ImportError, OSError, ValueError or TypeError: it cannot be run here.
        """


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model that exists, at one commit, and is of a kind that can be measured.

    Attributes:
        id: hub id, or the folder's name.
        source: where it comes from.
        revision: as asked for; empty for a folder.
        commit: full commit hash; empty for a folder.
        weights_sha256: over every file of a folder that decides the numbers; empty on the hub.
        location: what it is loaded from: the hub id or the folder's path.
        loader: what reads its container.
        license: as the model card states it; empty when it does not.
        gated: whether the hub said that its authors grant access; False when it was not asked.
        config: the parsed ``config.json``.
        vision: geometry.
        processor: the checkpoint's own preprocessing.
        trust_remote_code: whether the user allows code from the repository to run.
        weights: the files of a folder's weights; None on the hub, or where another checkpoint has
            them.
        adapter: that is merged into the weights; None without one.
        base: the checkpoint whose weights an adapter changes; None where they are its own.
        dtype: that it is in already, in memory; empty where the user chooses.
        stamps: of the files of a folder, from when they were hashed.
    """

    id: str
    source: Literal["hub", "folder", "memory"]
    revision: str
    commit: str
    weights_sha256: str
    location: str
    loader: Loader
    license: str
    config: Mapping[str, Any]
    vision: VisionConfig
    processor: Processor
    trust_remote_code: bool
    gated: bool = False
    weights: WeightFiles | None = None
    adapter: Adapter | None = None
    base: ResolvedModel | None = None
    dtype: str = ""
    stamps: Stamps = ()

    def expect_unchanged(self) -> None:
        """Check that the files of a folder are still those that were hashed, also of the base.

        Raises:
            ModelError: one was replaced, changed or removed.
        """
        for file, stamp in self.stamps:
            with suppress(OSError):
                if FileStamp.of(file.stat()) == stamp:
                    continue
            raise ModelError(
                f"{file.name} of {self.id} was changed between hashing and loading.",
                "Run the command again when nothing writes to it, or measure a copy.",
            )
        if self.base is not None:
            self.base.expect_unchanged()

    @property
    def version(self) -> str:
        """The commit, or for a folder the weights' hash; with that of an adapter's base."""
        own = self.commit or self.weights_sha256
        return f"{own} on {self.base.version}" if self.base else own

    @property
    def adapter_words(self) -> str:
        """The adapter and its base in words; empty without an adapter."""
        if self.adapter is None:
            return ""
        if self.base is None:
            return f"{self.adapter.words} that lies beside the weights"
        return f"{self.adapter.words} of {self.base.id} at {self.base.version[:12]}"

    @property
    def classes(self) -> int:
        """Classes of the checkpoint's class head, as its config has it; 0 without a head."""
        return self.loader.classes(self.config)


def expect_consent(
    model: str, config: Mapping[str, Any], vision: VisionConfig, trust_remote_code: bool
) -> None:
    """Refuse code of the checkpoint's own, unless it is asked for or not needed.

    Code of another repository is never run, because the checkpoint's version does not cover it.

    Raises:
        ModelError: code would have to run.
    """
    if trust_remote_code and (elsewhere := _code_elsewhere(config)):
        raise ModelError(
            f"auto_map in config.json of {model} names code of another repository, {elsewhere}, "
            "which may change while this checkpoint stays the same.",
            f"Copy that code into a copy of the checkpoint, and take {elsewhere}-- out of its "
            "auto_map.",
        )
    if "auto_map" in config and not vision.listed and not trust_remote_code:
        raise ModelError(
            f"The model {model} brings its own code, which is not run unless you ask for it.",
            "Read the code, then add --trust-remote-code.",
            usage=True,
        )


def _code_elsewhere(config: Mapping[str, Any]) -> str:
    """The first other repository that code is loaded from; empty without one."""
    classes = config.get("auto_map")
    for named in classes.values() if isinstance(classes, Mapping) else ():
        for name in named if isinstance(named, list) else [named]:
            repository, mark, _ = str(name).partition("--")
            if mark:
                return repository
    return ""


@contextmanager
def understood(file: str, model: str) -> Iterator[None]:
    """Context manager: turn errors on unexpected values into errors of the file."""
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
