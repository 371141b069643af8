"""The command line in this process, as a user calls it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from generator.cli import main


def picture(seed: int, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    Image.fromarray(values).save(path)
    return path


def run(*words: str, monkeypatch: pytest.MonkeyPatch | None = None) -> Result:
    """Run a command; a bug keeps its traceback."""
    if monkeypatch is not None:
        monkeypatch.setattr(sys, "argv", ["/root/bin/attention-gallery", *words])
    return CliRunner().invoke(main, words, catch_exceptions=False)


def fails(*words: str, code: int = 2) -> str:
    """The one line that a command says when it fails.

    Args:
        code: exit status: 2 for what was typed wrong, 1 for failures.
    """
    result = run(*words)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line
