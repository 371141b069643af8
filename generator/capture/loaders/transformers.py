"""Checkpoints in the format of transformers: ``config.json`` with a ``model_type``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generator.capture.checkpoint.layouts import VisionConfig, read_vision_config
from generator.capture.checkpoint.processors import (
    PREPROCESSOR,
    PROCESSOR,
    Processor,
    read_processor,
)
from generator.capture.checkpoint.resolved import Read, ResolvedModel, understood
from generator.errors import ModelError

if TYPE_CHECKING:
    import torch

    from generator.capture.models.built import Built


class TransformersLoader:
    """The container of transformers; see :class:`~generator.capture.checkpoint.resolved.Loader`."""

    package = "transformers"

    def reads(self, config: Mapping[str, Any]) -> bool:
        """Whatever no other loader knows, so that its errors are the last word."""
        return True

    def geometry(self, config: Mapping[str, Any], model: str) -> VisionConfig:
        """From the table of families, or as a plain vision transformer."""
        with understood("config.json", model):
            return read_vision_config(config, model=model)

    def preprocessing(
        self, config: Mapping[str, Any], read: Read, vision: VisionConfig, model: str
    ) -> Processor:
        """From the first file that declares it, as transformers reads them."""
        parts = read(PROCESSOR) or {}
        file = PROCESSOR if "image_processor" in parts else PREPROCESSOR
        declared = parts["image_processor"] if file == PROCESSOR else read(PREPROCESSOR)
        if declared is not None and not isinstance(declared, Mapping):
            raise ModelError(
                f"image_processor in {file} of {model} is {type(declared).__name__}, an object "
                "was expected.",
                "Download or save the model again.",
            )
        with understood(file, model):
            return read_processor(declared, vision, model=model, file=file)

    def classes(self, config: Mapping[str, Any]) -> int:
        """By ``architectures`` and ``id2label``."""
        architectures = config.get("architectures")
        named = architectures if isinstance(architectures, list) else []
        if not any("ForImageClassification" in str(name) for name in named):
            return 0
        labels = config.get("id2label")
        if isinstance(labels, Mapping):
            return len(labels)
        count = config.get("num_labels", 2)  # what transformers takes for granted
        return count if isinstance(count, int) else 0

    def build(
        self, resolved: ResolvedModel, dtype: torch.dtype, attention: str, *, blank: bool = False
    ) -> Built:
        """With ``from_pretrained``."""
        from generator.capture.models.transformers_network import (  # noqa: PLC0415 - torch
            build_network,
        )

        return build_network(resolved, dtype, attention, blank=blank)

    def own_input(self, resolved: ResolvedModel, picture: Image.Image) -> NDArray[np.float32]:
        """By the checkpoint's image processor."""
        from transformers import AutoImageProcessor  # noqa: PLC0415 - imports torch

        own = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            resolved.location, revision=resolved.commit or "main", backend="pil"
        )
        return np.asarray(own(images=picture, return_tensors="np")["pixel_values"][0], np.float32)
