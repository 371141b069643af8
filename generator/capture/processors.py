"""What a checkpoint's ``preprocessor_config.json`` says, read without transformers.

Years of formats are accepted: sizes as numbers or as mappings, feature extractors as well as image
processors. What a file leaves out is what the named processor class would use.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from generator.capture.layouts import MOST_PIXELS, VisionConfig
from generator.errors import ModelError
from generator.text.numbers import count, machine

Triple = tuple[float, float, float]

IMAGENET_MEAN: Triple = (0.485, 0.456, 0.406)
IMAGENET_STD: Triple = (0.229, 0.224, 0.225)
CLIP_MEAN: Triple = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD: Triple = (0.26862954, 0.26130258, 0.27577711)
HALF: Triple = (0.5, 0.5, 0.5)

RESAMPLE_NAMES = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}


@dataclass(frozen=True, slots=True)
class ProcessorDefaults:
    """What a processor class uses when its config says nothing."""

    mean: Triple
    std: Triple
    resample: int
    square: bool
    size: int = 224
    crop: int | None = None


PROCESSORS: dict[str, ProcessorDefaults] = {
    "vit": ProcessorDefaults(HALF, HALF, 2, square=True),
    "deit": ProcessorDefaults(HALF, HALF, 3, square=True, size=256, crop=224),
    "beit": ProcessorDefaults(HALF, HALF, 3, square=True),
    "bit": ProcessorDefaults(CLIP_MEAN, CLIP_STD, 3, square=False, crop=224),
    "clip": ProcessorDefaults(CLIP_MEAN, CLIP_STD, 3, square=False, crop=224),
    "siglip": ProcessorDefaults(HALF, HALF, 3, square=True),
    "siglip2": ProcessorDefaults(HALF, HALF, 2, square=True, size=256),
    "dinov3vit": ProcessorDefaults(IMAGENET_MEAN, IMAGENET_STD, 2, square=True),
}
"""By the class's name in lower case, without ``ImageProcessor`` or ``FeatureExtractor``."""

UNKNOWN = ProcessorDefaults(IMAGENET_MEAN, IMAGENET_STD, 3, square=False)


@dataclass(frozen=True, slots=True)
class Processor:
    """A checkpoint's preprocessing.

    Attributes:
        resize: ``shortest`` scales the short side, ``exact`` squashes to height and width,
            ``patches`` keeps the aspect ratio within a number of patches, ``none`` leaves it.
        height: height to resize to; the short side for ``shortest``; patches for ``patches``.
        width: width to resize to; equal to ``height`` unless ``exact``.
        crop_height: height of the center crop, or 0 for none.
        crop_width: width of the center crop, or 0 for none.
        resample: Pillow's filter, by number.
        rescale: factor from 8-bit values.
        mean: subtracted after rescaling.
        std: divides after that.
        declared: whether the checkpoint has a ``preprocessor_config.json`` at all.
    """

    resize: Literal["shortest", "exact", "patches", "none"]
    height: int
    width: int
    crop_height: int
    crop_width: int
    resample: int
    rescale: float
    mean: Triple
    std: Triple
    declared: bool

    @property
    def resolution(self) -> int:
        """Short side of what the model receives, in pixels; 0 when only the config knows."""
        if self.crop_height:
            return min(self.crop_height, self.crop_width)
        return min(self.height, self.width) if self.resize in ("shortest", "exact") else 0


def read_processor(
    config: Mapping[str, Any] | None, vision: VisionConfig, *, model: str
) -> Processor:
    """The preprocessing a checkpoint was made for.

    Without a ``preprocessor_config.json`` the config's own image size and the ImageNet mean and
    standard deviation are used, and the record says so.

    Args:
        config: the parsed file, or None when the checkpoint has none.
        vision: geometry of the model.
        model: named in errors.

    Raises:
        ModelError: the file asks for something that is not understood.
    """
    config = config or {}
    kind = _kind(config)
    known = PROCESSORS.get(kind, UNKNOWN)
    normalize = config.get("do_normalize", True)
    resize: Literal["shortest", "exact", "patches", "none"]
    resize, height, width = _resize(config, known, vision, model)
    crop_height, crop_width = _crop(config, known, model)
    if kind == "siglip2" or vision.inputs == "patches":
        resize, crop_height, crop_width = "patches", 0, 0
        height = width = int(config.get("max_num_patches", 256))
    resample = int(config.get("resample", known.resample))
    if resample not in RESAMPLE_NAMES:
        raise ModelError(
            f"{model} asks for resampling filter {resample} in preprocessor_config.json; "
            f"Pillow knows {sorted(RESAMPLE_NAMES)}.",
            "Correct the file.",
        )
    rescale = float(config.get("rescale_factor", 1 / 255)) if config.get("do_rescale", 1) else 1.0
    mean = _triple(config.get("image_mean", known.mean), model) if normalize else (0, 0, 0)
    std = _triple(config.get("image_std", known.std), model) if normalize else (1, 1, 1)
    if not (math.isfinite(rescale) and all(map(math.isfinite, (*mean, *std))) and min(std) > 0):
        raise ModelError(
            f"{model} makes no pixels of a picture: rescale_factor {machine(rescale)}, image_mean "
            f"{list(mean)} and image_std {list(std)} in preprocessor_config.json; finite numbers "
            "were expected, and positive ones for image_std.",
            "Correct the file.",
        )
    return Processor(
        resize=resize,
        height=height,
        width=width,
        crop_height=crop_height,
        crop_width=crop_width,
        resample=resample,
        rescale=rescale,
        mean=mean,
        std=std,
        declared=bool(config),
    )


def _kind(config: Mapping[str, Any]) -> str:
    name = str(config.get("image_processor_type") or config.get("feature_extractor_type") or "")
    for ending in ("Fast", "Pil", "ImageProcessor", "FeatureExtractor"):
        name = name.removesuffix(ending)
    return name.lower()


def _resize(
    config: Mapping[str, Any], known: ProcessorDefaults, vision: VisionConfig, model: str
) -> tuple[Literal["shortest", "exact", "none"], int, int]:
    if not config.get("do_resize", True):
        return "none", vision.image_size, vision.image_size
    default: object = known.size if config else vision.image_size
    size = config.get("size", default)
    if isinstance(size, int):
        return ("exact" if known.square else "shortest"), *_sides(size, size, "size", model)
    if isinstance(size, Mapping):
        if "height" in size and "width" in size:
            return "exact", *_sides(size["height"], size["width"], "size", model)
        if set(size) == {"shortest_edge"}:
            edge = size["shortest_edge"]
            return "shortest", *_sides(edge, edge, "size", model)
    raise ModelError(
        f"{model} asks for size {size!r} in preprocessor_config.json; "
        "a number, height and width, or shortest_edge was expected.",
        "Correct the file.",
    )


def _crop(config: Mapping[str, Any], known: ProcessorDefaults, model: str) -> tuple[int, int]:
    if not config or not config.get("do_center_crop", known.crop is not None):
        return 0, 0
    crop = config.get("crop_size", known.crop or known.size)
    if isinstance(crop, int):
        return _sides(crop, crop, "crop_size", model)
    if isinstance(crop, Mapping) and {"height", "width"} <= set(crop):
        return _sides(crop["height"], crop["width"], "crop_size", model)
    raise ModelError(
        f"{model} asks for crop_size {crop!r} in preprocessor_config.json; "
        "a number or height and width was expected.",
        "Correct the file.",
    )


def _sides(height: Any, width: Any, key: str, model: str) -> tuple[int, int]:
    """Height and width in pixels, such that a picture of that size fits the memory."""
    sides = int(height), int(width)
    if not all(0 < side <= MOST_PIXELS for side in sides):
        raise ModelError(
            f"{model} asks for {key} {sides[0]} x {sides[1]} in preprocessor_config.json; sides "
            f"from 1 to {count(MOST_PIXELS)} pixels were expected.",
            "Correct the file.",
        )
    return sides


def _triple(value: object, model: str) -> Triple:
    if isinstance(value, int | float):
        value = (value,) * 3
    if isinstance(value, list | tuple) and len(value) == 3:
        return (float(value[0]), float(value[1]), float(value[2]))
    raise ModelError(
        f"{model} has {value!r} as a mean or standard deviation in preprocessor_config.json; "
        "three numbers were expected, for red, green and blue.",
        "Use a model of color images.",
    )
