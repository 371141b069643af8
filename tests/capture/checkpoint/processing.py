"""Pictures and models for tests of preprocessing."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from generator.capture.checkpoint.layouts import VisionConfig, read_vision_config
from generator.capture.checkpoint.preprocess import Geometry, describe, locate, pixels
from generator.capture.checkpoint.processors import read_processor
from generator.records.record import FieldOfView, Preprocessing

CLASSES = {
    "vit": "ViTImageProcessorPil",
    "deit": "DeiTImageProcessorPil",
    "beit": "BeitImageProcessorPil",
    "bit": "BitImageProcessorPil",
    "clip": "CLIPImageProcessorPil",
    "siglip": "SiglipImageProcessorPil",
    "siglip2": "Siglip2ImageProcessorPil",
    "chineseclip": "ChineseCLIPImageProcessorPil",
    "blip": "BlipImageProcessorPil",
    "flava": "FlavaImageProcessorPil",
    "owlvit": "OwlViTImageProcessorPil",
    "owlv2": "Owlv2ImageProcessorPil",
    "yolos": "YolosImageProcessorPil",
    "vilt": "ViltImageProcessorPil",
    "dpt": "DPTImageProcessorPil",
}


def noise(size: tuple[int, int], seed: int = 0) -> Image.Image:
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8))
    fine = Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    return Image.blend(coarse.resize(size, Image.Resampling.BICUBIC), fine, 0.2)


def vision(patch: int = 16, model_type: str = "vit", **config: Any) -> VisionConfig:
    return read_vision_config(
        {"model_type": model_type, "patch_size": patch, **config}, model="test/model"
    )


def prepare(
    image: Image.Image,
    config: dict[str, Any] | None,
    geometry_of: VisionConfig,
    field_of_view: FieldOfView,
    resolution: int | None = None,
) -> tuple[np.ndarray, Geometry, Preprocessing]:
    processor = read_processor(config, geometry_of, model="test/model")
    preprocessing = describe(
        processor,
        geometry_of,
        field_of_view=field_of_view,
        resolution=resolution,
        model="test/model",
    )
    geometry = locate(
        *image.size,
        processor=processor,
        vision=geometry_of,
        preprocessing=preprocessing,
        model="test/model",
    )
    return pixels(image, geometry, preprocessing), geometry, preprocessing
