"""Small galleries, built and read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from generator.pipeline.build import Outcome, build_gallery
from generator.present.files.manifest import Manifest
from generator.present.files.manifest_file import read_manifest
from generator.progress import Silent
from generator.spec.gallery import GallerySpec, ModelSpec


def picture(path: Path, seed: int, size: tuple[int, int] = (90, 60), **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(values).save(path, **options)
    return path


def gallery(place: Path, *models: Path, **keys: Any) -> GallerySpec:
    values: dict[str, Any] = {
        "title": "Two by two",
        "models": tuple(ModelSpec.model_validate(str(model)) for model in models),
        "images": (place / "photos",),
        "out": place / "site",
        "store": place / "store",
        "device": "cpu",
    }
    return GallerySpec(**values | keys)


def replace_models(spec: GallerySpec, *folders: Path) -> GallerySpec:
    return spec.model_copy(
        update={"models": tuple(ModelSpec.model_validate(str(folder)) for folder in folders)}
    )


def build(spec: GallerySpec) -> Outcome:
    return build_gallery(spec, command="attention-gallery build", reporter=Silent())


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, by its path in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def measured_files(store: Path) -> dict[str, bytes]:
    """Files of a store but its notes on sites and files, which are other ones in each place."""
    notes = ("sites/", "kept/pages/", "kept/headers/", "kept/sums-so-far/", "kept/records.json")
    notes += ("kept/files.json",)
    return {name: data for name, data in files(store).items() if not name.startswith(notes)}


def manifest(spec: GallerySpec) -> Manifest:
    found = read_manifest(spec.out)
    assert found is not None
    return found
