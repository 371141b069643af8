"""A folder with models and photos, as a user has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.capture.families import FAMILIES
from tests.commands.running import picture


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small seeded models called ``plain``, ``vit`` and ``headed``."""
    folder = tmp_path_factory.mktemp("checkpoints")
    families = {family.name: family for family in FAMILIES}
    families["dinov2"].save(folder / "plain")
    families["vit"].save(folder / "vit")
    families["vit with a class head"].save(folder / "headed")
    return folder


@pytest.fixture
def here(checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: pictures in ``photos``, models in ``models``, and a store of its own."""
    for seed, name in enumerate(("one.png", "two.png")):
        picture(seed, tmp_path / "photos" / name)
    (tmp_path / "models").symlink_to(checkpoints)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATTENTION_GALLERY_CACHE", str(tmp_path / "store"))
    return tmp_path
