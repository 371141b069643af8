"""What reads a checkpoint: the only thing that knows its container.

A container is a way to keep a network: the format of transformers, that of timm. Everything after
loading sees a :class:`~generator.capture.models.built.Built` and knows no container.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generator.capture.checkpoint.layouts import VisionConfig
from generator.capture.checkpoint.processors import Processor

if TYPE_CHECKING:
    import torch

    from generator.capture.checkpoint.resolved import ResolvedModel
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
