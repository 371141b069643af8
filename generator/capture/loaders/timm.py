"""Checkpoints of timm: its own ``config.json``, or the wrapper that transformers puts around it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generator.capture.checkpoint.layouts import VisionConfig
from generator.capture.checkpoint.processor_defaults import IMAGENET_MEAN, IMAGENET_STD, Triple
from generator.capture.checkpoint.processors import RESAMPLE_NAMES, Processor
from generator.capture.checkpoint.resolved import Read, ResolvedModel, understood
from generator.errors import ModelError

if TYPE_CHECKING:
    import torch

    from generator.capture.models.built import Built

CROP = 0.875
"""Share of the resized picture that timm crops when a checkpoint doesn't say."""

SIDE = 224
"""Side of the input when a checkpoint doesn't say, in pixels."""


class TimmLoader:
    """The container of timm; see :class:`~generator.capture.checkpoint.resolved.Loader`.

    Its config names an architecture and no sizes, so that geometry takes timm itself, and torch:
    the network is made without numbers.
    """

    package = "timm"

    def reads(self, config: Mapping[str, Any]) -> bool:
        """Whether timm or its wrapper wrote it."""
        model_type = config.get("model_type", "")
        return "architecture" in config and model_type in ("", "timm_wrapper")

    def geometry(self, config: Mapping[str, Any], model: str) -> VisionConfig:
        """From the flags of the network that timm makes."""
        if find_spec("timm") is None:
            raise ModelError(
                f"{model} is a checkpoint of timm ({config['architecture']}), and the package timm "
                "is not installed.",
                "pip install 'attention-gallery[timm]'. Beside a CPU build of PyTorch: pip install "
                "--no-deps timm, which does without torchvision.",
            )
        with understood("config.json", model):
            return _geometry(json.dumps(config, sort_keys=True), model)

    def preprocessing(
        self, config: Mapping[str, Any], read: Read, vision: VisionConfig, model: str
    ) -> Processor:
        """What timm's transform for evaluation does, from ``pretrained_cfg``."""
        with understood("config.json", model):
            return declared_processor(_declared(config), vision, model)

    def classes(self, config: Mapping[str, Any]) -> int:
        """As ``num_classes`` says."""
        count = config.get("num_classes", _declared(config).get("num_classes", 0))
        wrapped = [str(name) for name in config.get("architectures") or ()]
        if wrapped and not any("ForImageClassification" in name for name in wrapped):
            return 0
        return count if isinstance(count, int) else 0

    def build(
        self, resolved: ResolvedModel, dtype: torch.dtype, attention: str, *, blank: bool = False
    ) -> Built:
        """With ``timm.create_model``; the weights come from the checkpoint's own files."""
        from generator.capture.models.timm_network import build_network  # noqa: PLC0415 - torch

        return build_network(resolved, dtype, attention, blank=blank)

    def own_input(self, resolved: ResolvedModel, picture: Image.Image) -> NDArray[np.float32]:
        """By timm's transform for evaluation, which needs torchvision."""
        from generator.capture.models.timm_network import own_input  # noqa: PLC0415 - torch

        return own_input(resolved, picture)


@lru_cache(maxsize=64)
def _geometry(config: str, model: str) -> VisionConfig:
    """The same for checkpoints of one training run, of which a sweep has many."""
    from generator.capture.models.timm_network import geometry  # noqa: PLC0415 - torch

    return geometry(json.loads(config), model)


def _declared(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """``pretrained_cfg``; older checkpoints have its keys beside ``architecture``."""
    inner = config.get("pretrained_cfg")
    return inner if isinstance(inner, Mapping) else config


def declared_processor(declared: Mapping[str, Any], vision: VisionConfig, model: str) -> Processor:
    """What timm's transform for evaluation does.

    Args:
        declared: ``pretrained_cfg``.
        vision: geometry of the model.
        model: named in errors.

    Raises:
        ModelError: it makes no sense, or is not supported.
    """
    height, width = _input_size(declared, vision, model)
    names = {name: number for number, name in RESAMPLE_NAMES.items()}
    interpolation = str(declared.get("interpolation") or "bicubic")
    if interpolation not in names:
        raise ModelError(
            f"{model} asks for interpolation {interpolation!r} in config.json; "
            f"{', '.join(names)} are known.",
            "Correct pretrained_cfg.",
        )
    share = float(declared.get("crop_pct") or CROP)
    mode = str(declared.get("crop_mode") or "center")
    if not 0 < share <= 1 or mode not in ("center", "squash", "border"):
        raise ModelError(
            f"{model} asks for crop_pct {share} and crop_mode {mode!r} in config.json; a share up "
            "to 1, and center, squash or border were expected.",
            "Correct pretrained_cfg.",
        )
    resized = math.floor(height / share), math.floor(width / share)
    beyond = ""
    if mode == "border":
        beyond = "pads pictures to a square"
    elif mode == "center" and resized[0] != resized[1]:
        beyond = "fills an input that is not square"
    missing = [key for key in ("mean", "std") if not declared.get(key)]
    return Processor(
        resize="exact" if mode == "squash" else "shortest",
        height=resized[0],
        width=resized[1] if mode == "squash" else resized[0],
        crop_height=height,
        crop_width=width,
        resample=names[interpolation],
        rescale=1 / 255,
        mean=_triple(declared, "mean", IMAGENET_MEAN, model),
        std=_triple(declared, "std", IMAGENET_STD, model),
        declared=not missing,
        assumed=f"no {' and '.join(missing)} declared: ImageNet's, timm's default, were assumed"
        if missing
        else "",
        beyond=beyond,
        centered="nearest",
    )


def _input_size(declared: Mapping[str, Any], vision: VisionConfig, model: str) -> tuple[int, int]:
    """Height and width of the input. A network that runs on one size only knows it better."""
    size = declared.get("input_size") or (3, SIDE, SIDE)
    channels, height, width = (int(side) for side in size)
    if channels != 3:
        raise ModelError(
            f"{model} takes pictures of {channels} channels, as input_size in config.json says.",
            "Use a model of color images.",
        )
    if not vision.resizable:
        height = width = vision.image_size
    return height, width


def _triple(declared: Mapping[str, Any], key: str, default: Triple, model: str) -> Triple:
    values = tuple(float(value) for value in declared.get(key) or default)
    if (
        len(values) != 3
        or not all(map(math.isfinite, values))
        or (key == "std" and min(values) <= 0)
    ):
        raise ModelError(
            f"{model} has {key} = {list(values)} in config.json; three numbers were expected, for "
            "red, green and blue.",
            "Correct pretrained_cfg.",
        )
    return values[0], values[1], values[2]
