"""Checkpoints ready to be measured, and a picture for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from generator.capture.checkpoint.preprocess import describe, locate, pixels
from generator.capture.extract import Prepared, extract
from generator.capture.loaders.resolve import resolve_folder
from generator.capture.models.load import LoadedModel, load
from generator.records.extras import Measuring
from generator.records.record import AttentionRecord

CPU = torch.device("cpu")


def ready(folder: Path, dtype: torch.dtype = torch.float32, attention: str = "sdpa") -> LoadedModel:
    return load(resolve_folder(folder), device=CPU, dtype=dtype, attention=attention)


def prepared(model: LoadedModel, seed: int = 0, *, whole: bool = True) -> Prepared:
    """A picture of noise at 96 px, wider than tall unless the model wants squares."""
    resolved = model.resolved
    preprocessing = describe(
        resolved.processor,
        resolved.vision,
        field_of_view="whole" if whole else "square",
        resolution=96 if whole else None,
        model=resolved.id,
    )
    values = np.random.default_rng(seed).integers(0, 256, (100, 150, 3), dtype=np.uint8)
    image = Image.fromarray(values)
    geometry = locate(
        *image.size,
        processor=resolved.processor,
        vision=resolved.vision,
        preprocessing=preprocessing,
        model=resolved.id,
    )
    return Prepared(
        key=f"{seed:064d}",
        name=f"noise-{seed}.png",
        image_sha256=f"{seed:064d}",
        pixels=pixels(image, geometry, preprocessing),
        geometry=geometry,
        preprocessing=preprocessing,
        patch_queries="heads",
        measuring=Measuring(),
    )


def measured(model: LoadedModel, *items: Prepared) -> list[AttentionRecord]:
    found = list(extract(model, items))
    assert all(isinstance(record, AttentionRecord) for record in found)
    return [record for record in found if isinstance(record, AttentionRecord)]


def same(one: AttentionRecord, other: AttentionRecord, rtol: float = 1e-3) -> None:
    """Equal up to half precision's last digit."""
    assert (one.key, one.layout, one.view) == (other.key, other.layout, other.view)
    for name in ("attention", "received", "entropy", "distance", "mass", "norms", "rollout"):
        np.testing.assert_allclose(
            getattr(one, name).astype(float),
            getattr(other, name).astype(float),
            rtol=rtol,
            atol=1e-5,
            err_msg=name,
        )
