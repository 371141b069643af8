"""Two small models, a gallery of them, and a watch on what runs through a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from generator.capture.models.load import LoadedModel
from generator.spec.gallery import GallerySpec
from tests.capture.families import FAMILIES
from tests.pipeline.galleries import gallery, picture


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small seeded models called ``plain`` and ``registers``."""
    folder = tmp_path_factory.mktemp("checkpoints")
    families = {family.name: family for family in FAMILIES}
    families["dinov2"].save(folder / "plain")
    families["dinov2 with registers"].save(folder / "registers")
    return folder


@pytest.fixture
def spec(checkpoints: Path, tmp_path: Path) -> GallerySpec:
    """Two models on two pictures."""
    for seed, name in enumerate(("first.png", "second.jpg")):
        picture(tmp_path / "photos" / name, seed)
    return gallery(tmp_path, checkpoints / "plain", checkpoints / "registers")


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What runs through a network from now on: the model and the number of pictures."""
    seen: list[tuple[str, int]] = []
    forward = LoadedModel.forward

    def watched(model: LoadedModel, pixels: torch.Tensor, layout: Any) -> torch.Tensor:
        seen.append((model.facts.id, len(pixels)))
        return forward(model, pixels, layout)

    monkeypatch.setattr(LoadedModel, "forward", watched)
    return seen
