"""A checkpoint that tests may change."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def copy(saved: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """A copy of a good checkpoint, to be changed."""
    return lambda name: shutil.copytree(saved(name), tmp_path / "mine")
