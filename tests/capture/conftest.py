"""Checkpoints that several modules read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.capture.families import FAMILIES


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders of checkpoints by family name, each made once."""
    root = tmp_path_factory.mktemp("load")
    families = {family.name: family for family in FAMILIES}

    def folder(name: str) -> Path:
        path = root / name.replace(" ", "-")
        return path if path.exists() else families[name].save(path)

    return folder
