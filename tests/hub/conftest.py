"""A hub on this machine with one small model, and a command line that asks it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.capture.families import FAMILIES
from tests.hub.fake_hub import FakeHub, folder_files
from tests.hub.user import DINO, picture
from tests.hub.worker import Worker


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a small DINOv2."""
    family = next(family for family in FAMILIES if family.name == "dinov2")
    return folder_files(family.save(tmp_path_factory.mktemp("checkpoint") / "dinov2"))


@pytest.fixture(scope="module")
def hub(checkpoint: dict[str, bytes]) -> Iterator[FakeHub]:
    with FakeHub() as hub:
        repo = hub.add(DINO, checkpoint, license="apache-2.0")
        repo.push({**checkpoint, "notes.txt": b"a branch"}, branch="dev")
        repo.push({**checkpoint, "notes.txt": b"a tag"}, branch="v1.0")
        repo.push({**checkpoint, "notes.txt": b"a pull request"}, branch="refs/pr/3")
        yield hub


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The current folder of the commands, with two pictures."""
    folder = tmp_path_factory.mktemp("work")
    for seed, name in enumerate(("one.png", "two.png")):
        picture(folder / "photos" / name, seed)
    return folder


@pytest.fixture(scope="module")
def worker(folder: Path, hub: FakeHub) -> Iterator[Worker]:
    with Worker(folder, HF_ENDPOINT=hub.url) as worker:
        yield worker
