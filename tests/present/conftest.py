from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from generator.present.site.write import SiteResult, build_site
from generator.records.run import ObjectBox
from tests.present.analyzed import complete
from tests.present.gallery import Gallery, gallery


@pytest.fixture
def trial(tmp_path: Path) -> Gallery:
    return gallery(tmp_path / "pictures")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Gallery, Path, SiteResult]:
    """One site for all tests that only look at it."""
    folder = tmp_path_factory.mktemp("built")
    trial = gallery(folder / "pictures")
    report = build_site(trial.run, trial.read, folder / "site", version="1.2.3")
    return trial, folder / "site", report


@pytest.fixture(scope="session")
def analyzed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Gallery, Path]:
    """A site of complete records, whose first image has a mask and a box."""
    folder = tmp_path_factory.mktemp("analyzed")
    trial = complete(gallery(folder / "pictures"))
    mask = Image.new("L", (96, 64))
    mask.paste(255, (48, 16, 96, 64))
    mask.save(folder / "mask.png")
    first, *others = trial.run.images
    marked = replace(first, mask=folder / "mask.png", boxes=(ObjectBox(48, 16, 96, 64),))
    trial.run = replace(trial.run, images=(marked, *others))
    build_site(trial.run, trial.read, folder / "site", version="1.2.3")
    return trial, folder / "site"
