"""Reader of a checkpoint's preprocessing, without transformers.

Years of formats are accepted: ``processor_config.json`` as well as ``preprocessor_config.json``,
sizes as numbers or as mappings, feature extractors as well as image processors. Missing
options have the defaults of the named class of transformers; without a file, those of the class of
this ``model_type``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from generator.capture.checkpoint.layouts import MOST_PIXELS, VisionConfig
from generator.capture.checkpoint.processor_defaults import (
    FAMILY_PROCESSORS,
    PROCESSORS,
    UNKNOWN,
    Triple,
)
from generator.errors import ModelError
from generator.text.numbers import count, machine

Resize = Literal["shortest", "exact", "patches", "none"]

PROCESSOR = "processor_config.json"
"""What transformers writes since version 5: all parts of a processor, ``image_processor`` among
them. Read first, as transformers does."""

PREPROCESSOR = "preprocessor_config.json"
"""What image processors wrote before, and still write when they are saved alone."""

RESAMPLE_NAMES = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}


COLOR_OPTIONS = (
    *("do_flip_channel_order", "do_color_quantize", "do_grayscale", "do_binarize"),
    "rescale_offset",
)
"""Options that change colors in a way that is not followed in any view."""


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
        declared: whether the checkpoint has a file that declares preprocessing.
        assumed: defaults that were assumed, in words; empty if there are none.
        beyond: steps that change the size of a picture and that no view follows, in words; empty
            if there are none.
        centered: how the corner of a center crop is rounded to whole pixels: ``down`` as
            transformers does, ``nearest`` (halves to even) as torchvision does.
    """

    resize: Resize
    height: int
    width: int
    crop_height: int
    crop_width: int
    resample: int
    rescale: float
    mean: Triple
    std: Triple
    declared: bool
    assumed: str = ""
    beyond: str = ""
    centered: Literal["down", "nearest"] = "down"

    @property
    def resolution(self) -> int:
        """Short side of what the model receives, in pixels; 0 when only the config knows."""
        if self.crop_height:
            return min(self.crop_height, self.crop_width)
        return min(self.height, self.width) if self.resize in ("shortest", "exact") else 0


def read_processor(
    config: Mapping[str, Any] | None, vision: VisionConfig, *, model: str, file: str = PREPROCESSOR
) -> Processor:
    """Read the preprocessing of a checkpoint.

    Args:
        config: the parsed image processor's config, or None when the checkpoint has none.
        vision: geometry of the model.
        model: named in errors.
        file: that the config was read from, named in errors.

    Raises:
        ModelError: the file asks for something that is not understood.
    """
    if config is None:
        return _assumed(vision, model)
    return _Declared(config, vision, model, file).processor()


def _assumed(vision: VisionConfig, model: str) -> Processor:
    """The preprocessing of the family's own class, for the size in the model's config."""
    known = FAMILY_PROCESSORS.get(vision.model_type, UNKNOWN)
    side = vision.image_size
    config: dict[str, Any] = {"size": round(side * known.size / known.crop) if known.crop else side}
    if known.crop:
        config["crop_size"] = side
    if known.longest:
        config["max_size"] = known.longest
    assumed = f"no preprocessing is declared: {known.origin} were assumed"
    if known is UNKNOWN:
        assumed += f", as no defaults of {vision.model_type} models are known"
    processor = _Declared(config, vision, model, "config.json").processor()
    return replace(processor, declared=False, assumed=assumed)


class _Declared:
    """A file that declares preprocessing, being read."""

    def __init__(
        self, config: Mapping[str, Any], vision: VisionConfig, model: str, file: str
    ) -> None:
        # A null means what a missing key means: the class's own default.
        self.config = {key: value for key, value in config.items() if value is not None}
        self.vision, self.model, self.file = vision, model, file
        self.name = str(
            self.config.get("image_processor_type")
            or self.config.get("feature_extractor_type")
            or ""
        )
        self.kind = self.name
        for ending in ("Fast", "Pil", "ImageProcessor", "FeatureExtractor"):
            self.kind = self.kind.removesuffix(ending)
        self.kind = self.kind.lower()
        family = FAMILY_PROCESSORS.get(vision.model_type, UNKNOWN)
        self.known = PROCESSORS.get(self.kind, UNKNOWN) if self.name else family

    def processor(self) -> Processor:
        """Everything that the file says.

        Raises:
            ModelError: it asks for something that is not understood.
        """
        for option in COLOR_OPTIONS:
            if self.config.get(option):
                raise ModelError(
                    f"{self.model} asks for {option} in {self.file}, which changes the colors in a "
                    "way that is not supported.",
                    "Use another model.",
                )
        resize, height, width = self._resize()
        crop_height, crop_width = self._crop()
        if self.kind == "siglip2" or self.vision.inputs == "patches":
            resize, crop_height, crop_width = "patches", 0, 0
            height = width = int(self.config.get("max_num_patches", 256))
        rescale, mean, std = self._numbers()
        return Processor(
            resize=resize,
            height=height,
            width=width,
            crop_height=crop_height,
            crop_width=crop_width,
            resample=self._filter(),
            rescale=rescale,
            mean=mean,
            std=std,
            declared=True,
            assumed=self._assumed(),
            beyond=self._beyond(),
        )

    def _assumed(self) -> str:
        """Defaults for missing options of an unknown class."""
        missing = [
            words
            for option, default, key, words in ASSUMPTIONS
            if self.config.get(option, default) and key not in self.config
        ]
        if self.known is not UNKNOWN or not missing:
            return ""
        return f"{self.file} is incomplete: {' and '.join(missing)} were assumed"

    def _filter(self) -> int:
        resample = int(self.config.get("resample", self.known.resample))
        if resample not in RESAMPLE_NAMES:
            raise ModelError(
                f"{self.model} asks for resampling filter {resample} in {self.file}; "
                f"Pillow knows {sorted(RESAMPLE_NAMES)}.",
                "Correct the file.",
            )
        return resample

    def _numbers(self) -> tuple[float, Triple, Triple]:
        """Factor, mean and standard deviation."""
        config, known = self.config, self.known
        rescale = 1.0
        if config.get("do_rescale", True):
            rescale = float(config.get("rescale_factor", 1 / 255))
        mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
        if config.get("do_normalize", known.normalize):
            mean = self._triple(config.get("image_mean", known.mean))
            std = self._triple(config.get("image_std", known.std))
        if not (math.isfinite(rescale) and all(map(math.isfinite, (*mean, *std))) and min(std) > 0):
            raise ModelError(
                f"{self.model} makes no pixels of a picture: rescale_factor {machine(rescale)}, "
                f"image_mean {list(mean)} and image_std {list(std)} in {self.file}; finite numbers "
                "were expected, and positive ones for image_std.",
                "Correct the file.",
            )
        return rescale, mean, std

    def _resize(self) -> tuple[Resize, int, int]:
        side = self.vision.image_size
        if not self.config.get("do_resize", True):
            return "none", side, side
        size = self.config.get("size", self.known.size)
        if isinstance(size, int):
            exact: Resize = "exact" if self.known.square else "shortest"
            return exact, *self._sides(size, size, "size")
        if isinstance(size, list) and len(size) == 2:
            return "exact", *self._sides(size[0], size[1], "size")
        if isinstance(size, Mapping):
            size = {key: value for key, value in size.items() if value is not None}
            if {"height", "width"} <= set(size):
                return "exact", *self._sides(size["height"], size["width"], "size")
            if "shortest_edge" in size:
                edge = size["shortest_edge"]
                return "shortest", *self._sides(edge, edge, "size")
            if _limits(size):
                return "none", side, side
        raise ModelError(
            f"{self.model} asks for size {size!r} in {self.file}; "
            "a number, height and width, or shortest_edge was expected.",
            "Correct the file.",
        )

    def _crop(self) -> tuple[int, int]:
        if not self.config.get("do_center_crop", self.known.crop is not None):
            return 0, 0
        crop = self.config.get("crop_size", self.known.crop or self.known.size)
        if isinstance(crop, int):
            return self._sides(crop, crop, "crop_size")
        if isinstance(crop, list) and len(crop) == 2:
            return self._sides(crop[0], crop[1], "crop_size")
        if isinstance(crop, Mapping) and {"height", "width"} <= set(crop):
            return self._sides(crop["height"], crop["width"], "crop_size")
        raise ModelError(
            f"{self.model} asks for crop_size {crop!r} in {self.file}; "
            "a number or height and width was expected.",
            "Correct the file.",
        )

    def _beyond(self) -> str:
        """Steps of the file, or of the class itself, that no view follows."""
        config, known, size = self.config, self.known, self.config.get("size")
        if self.kind == "siglip2" or self.vision.inputs == "patches":
            return ""
        longest = config.get("max_size", 0 if size else known.longest)
        limits = _limits(size) if isinstance(size, Mapping) else ""
        found = [limits or (f"keeps the long side within {longest} px" if longest else "")]
        pads = config.get("do_pad", known.pads)
        if pads and config.get("pad_size"):
            found.append(f"pads pictures to {_size_text(config['pad_size'])}")
        elif pads and (known.pads or known is UNKNOWN):
            # Other classes pad the pictures of one batch to each other's size: one stays as it is.
            found.append("pads pictures to a square")
        found += [words for key, words in GEOMETRY.items() if config.get(key)]
        multiple = config.get("ensure_multiple_of", config.get("size_divisor", known.multiple))
        if multiple != 1:
            found.append(f"makes both sides multiples of {multiple} px")
        if known is UNKNOWN and self.name:
            found.append(f"is preprocessed by {self.name}, whose steps are not known")
        return " and ".join(words for words in dict.fromkeys(found) if words)

    def _sides(self, height: Any, width: Any, key: str) -> tuple[int, int]:
        """Height and width in pixels, such that a picture of that size fits the memory."""
        sides = int(height), int(width)
        if not all(0 < side <= MOST_PIXELS for side in sides):
            raise ModelError(
                f"{self.model} asks for {key} {sides[0]} x {sides[1]} in {self.file}; sides "
                f"from 1 to {count(MOST_PIXELS)} pixels were expected.",
                "Correct the file.",
            )
        return sides

    def _triple(self, value: object) -> Triple:
        if isinstance(value, int | float):
            value = (value,) * 3
        if isinstance(value, list | tuple) and len(value) == 3:
            return (float(value[0]), float(value[1]), float(value[2]))
        raise ModelError(
            f"{self.model} has {value!r} as a mean or standard deviation in {self.file}; "
            "three numbers were expected, for red, green and blue.",
            "Use a model of color images.",
        )


ASSUMPTIONS = (
    ("do_resize", True, "size", "a short side of 224 px"),
    ("do_resize", True, "resample", "bicubic resampling"),
    ("do_normalize", True, "image_mean", "ImageNet's mean"),
    ("do_normalize", True, "image_std", "ImageNet's standard deviation"),
)
"""The option that makes a key count, its default, the key, and the default of the key."""

GEOMETRY = {
    "keep_aspect_ratio": "keeps the aspect ratio",
    "crop_pct": "crops by crop_pct",
    "do_thumbnail": "shrinks pictures to thumbnails",
    "do_align_long_axis": "turns pictures by their long side",
    "do_crop_margin": "crops margins",
    "do_image_splitting": "cuts pictures into tiles",
    "crop_to_patches": "cuts pictures into tiles",
    "image_grid_pinpoints": "cuts pictures into tiles",
    "do_pan_and_scan": "cuts pictures into tiles",
    "max_patches": "limits the number of patches, keeping the aspect ratio",
    "max_pixels": "limits the number of pixels",
    "min_pixels": "limits the number of pixels",
}
"""Options that change the size of a picture, and what they do, in words."""


def _limits(size: Mapping[str, Any]) -> str:
    """Limits in a size that no view follows, in words; empty if there are none."""
    given = {key: value for key, value in size.items() if value is not None}
    if "shortest_edge" in given and "longest_edge" in given:
        return f"keeps the long side within {given['longest_edge']} px"
    if "longest_edge" in given:
        return f"scales the long side to {given['longest_edge']} px"
    if {"max_height", "max_width"} & set(given):
        within = f"{given.get('max_height', '?')} x {given.get('max_width', '?')}"
        return f"keeps pictures within {within} px"
    if {"max_pixels", "min_pixels"} & set(given):
        return GEOMETRY["max_pixels"]
    return ""


def _size_text(size: object) -> str:
    if isinstance(size, Mapping) and {"height", "width"} <= set(size):
        return f"{size['height']} x {size['width']} px"
    return f"{size} px"
