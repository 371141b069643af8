from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from generator.present.site.result import SiteResult
from generator.present.site.write import build_site
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


@pytest.fixture
def begun(built: tuple[Gallery, Path, SiteResult], tmp_path: Path) -> None:
    """The site of ``built`` is in ``site`` already.

    A build of ``trial`` takes over the files that its own run leaves as they are: most of the work.
    """
    shutil.copytree(built[1], tmp_path / "site")


@pytest.fixture
def again(
    built: tuple[Gallery, Path, SiteResult], trial: Gallery, tmp_path: Path
) -> Callable[..., tuple[Gallery, Path]]:
    """Build the site of ``built`` once more in a folder of this test, with changes to its run.

    Files that the changes leave as they are, which cost most, are taken over.
    """

    def again(**changes: Any) -> tuple[Gallery, Path]:
        site = Path(tempfile.mkdtemp(dir=tmp_path)) / "site"
        shutil.copytree(built[1], site)
        changed = Gallery(replace(trial.run, **changes), trial.records)
        if changes:
            build_site(changed.run, changed.read, site, version="1.2.3")
        changed.reads.clear()
        return changed, site

    return again


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
