"""Seeded checkpoints that a build takes for real ones, and seeded photographs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from transformers import (
    Dinov2Config,
    Dinov2Model,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
)

SIZES = {"S": (384, 12, 6), "B": (768, 12, 12), "L": (1024, 24, 16), "g": (1536, 40, 24)}
"""Width, layers and heads of the DINOv2 models, by size."""

PROCESSOR = {
    "image_processor_type": "BitImageProcessor",
    "do_resize": True,
    "size": {"shortest_edge": 518},
    "resample": 3,
    "do_center_crop": True,
    "crop_size": {"height": 518, "width": 518},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}
OUTLIERS = 6
"""Patches of unusual norm."""


def network(size: str, registers: int, attention: str = "sdpa") -> nn.Module:
    """A DINOv2 with peaked attention and outliers.

    Fresh weights attend evenly: their queries and keys are enlarged. A few position embeddings are
    far longer than the others, so that their patches stay outliers through all layers.
    """
    width, layers, heads = SIZES[size]
    sizes: dict[str, Any] = {
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "patch_size": 14,
        "image_size": 518,
        "use_swiglu_ffn": size == "g",
        "attn_implementation": attention,
    }
    torch.manual_seed(0)
    if registers:
        config = Dinov2WithRegistersConfig(**sizes, num_register_tokens=registers)
        model: nn.Module = Dinov2WithRegistersModel(config)
    else:
        model = Dinov2Model(Dinov2Config(**sizes))
    places = np.random.default_rng(0).integers(1, 37 * 37, OUTLIERS)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("query.weight", "key.weight")):
                weight.mul_(5)
            elif name.endswith("register_tokens"):
                weight.normal_()  # a fresh one is as good as the next
            elif name.endswith("position_embeddings"):
                weight[:, torch.from_numpy(places)] *= 200
    return model.eval()


def checkpoint(folder: Path, size: str, registers: int = 4) -> Path:
    """Write a checkpoint's folder."""
    model = network(size, registers)
    model.save_pretrained(folder)  # type: ignore[operator]
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    return folder


def photographs(folder: Path, count: int, size: tuple[int, int] = (640, 480)) -> Path:
    """Write seeded photographs: JPEG files in a folder, no two the same."""
    folder.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    drawn = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    for number in range(count):
        # the same pixels in another file: drawing thousands of pictures would take minutes
        drawn.save(folder / f"picture-{number:04d}.jpg", comment=f"number {number}".encode())
        if number == 0 and size[0] * size[1] > 1 << 22:
            return _copies(folder, count)
    return folder


def _copies(folder: Path, count: int) -> Path:
    """Large photographs are encoded once; bytes after the end of a JPEG are no part of it."""
    first = (folder / "picture-0000.jpg").read_bytes()
    for number in range(1, count):
        (folder / f"picture-{number:04d}.jpg").write_bytes(first + f"{number}".encode())
    return folder
