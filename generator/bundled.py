"""Templates and examples, inside an installed wheel or beside a checkout's package."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def bundled(name: Literal["templates", "examples"]) -> Path:
    """The folder of that name that came with the program."""
    package = Path(__file__).resolve().parent
    packaged = package / name
    return packaged if packaged.is_dir() else package.parent / name
