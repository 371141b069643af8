from __future__ import annotations

from pathlib import Path

import pytest

from generator.present import SiteReport, build_site
from tests.present.gallery import Gallery, gallery


@pytest.fixture
def trial(tmp_path: Path) -> Gallery:
    return gallery(tmp_path / "pictures")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Gallery, Path, SiteReport]:
    """One site for all tests that only look at it."""
    folder = tmp_path_factory.mktemp("built")
    trial = gallery(folder / "pictures")
    report = build_site(trial.run, trial.read, folder / "site", version="1.2.3")
    return trial, folder / "site", report
