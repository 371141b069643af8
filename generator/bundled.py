"""Paths of the bundled templates and examples, in a wheel or a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def bundled(name: Literal["templates", "examples"]) -> Path:
    """Path of a bundled folder."""
    package = Path(__file__).resolve().parent
    packaged = package / name
    return packaged if packaged.is_dir() else package.parent / name
