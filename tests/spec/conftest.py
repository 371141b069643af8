"""A gallery file where a user would have it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.spec.gallery_file import ENOUGH


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A gallery file in a folder below the current one, named as a user would name it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work").mkdir()
    path = Path("work/gallery.toml")
    path.write_text(ENOUGH)
    return path
