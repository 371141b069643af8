"""Pictures in data sets of the hub, by the real command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.hub.fake_hub import FakeHub
from tests.hub.user import DINO, outage, picture
from tests.hub.worker import Result, Worker


@pytest.fixture(scope="module")
def animals(hub: FakeHub, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A data set with three pictures and other files."""
    folder = tmp_path_factory.mktemp("animals")
    content = {"README.md": b"# Animals\n", "data/labels.csv": b"a,b\n"}
    for seed, name in enumerate(("data/10.png", "data/2.png", "data/cats/tom.png")):
        content[name] = picture(folder / name, seed).read_bytes()
    hub.add("datasets/tiny/animals", content)
    return "hf://datasets/tiny/animals"


def names(folder: Path, out: str) -> list[tuple[str, str]]:
    images = json.loads((folder / out / "manifest.json").read_text())["images"]
    return [(image["name"], image["group"]) for image in images]


def shown(worker: Worker, *given: str) -> Result:
    images = [word for address in given for word in ("-i", address)]
    return worker.run("build", "-m", DINO, *images, "-o", "animals", "--no-analyses")


def test_a_folder_a_pattern_and_a_file_of_a_data_set(
    worker: Worker, hub: FakeHub, folder: Path, animals: str
) -> None:
    result = shown(worker, f"{animals}/data")
    assert result.code == 0, result.stderr
    whole = [("2.png", ""), ("10.png", ""), ("tom.png", "cats")]
    assert names(folder, "animals") == whole
    before = len(hub.requests("/resolve/"))
    result = shown(worker, f"{animals}/data/*.png")
    assert result.code == 0, result.stderr
    assert names(folder, "animals") == whole[:2]
    result = shown(worker, f"{animals}@main/data/cats/tom.png")
    assert result.code == 0, result.stderr
    assert names(folder, "animals") == [("tom.png", "")]
    fetched = [request for request in hub.requests("/resolve/")[before:] if request.sent]
    assert not [request for request in fetched if "animals" in request.path], "they are cached"
    with outage(hub):
        result = shown(worker, f"{animals}/data")
    assert result.code == 0, result.stderr
    assert names(folder, "animals") == whole, "and what was listed is kept"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("hf://datasets/tiny/animals/dta", "There is nothing at"),
        ("hf://datasets/tiny/nobody", "There is nothing at"),
        ("hf://datasets/tiny/animals/**/*.jpg", "holds no picture."),
    ],
)
@pytest.mark.usefixtures("animals")
def test_what_is_not_there_is_one_line(worker: Worker, address: str, expected: str) -> None:
    result = shown(worker, address)
    assert result.code == 1
    assert result.last_line.startswith("Error: ") and expected in result.last_line, result.stderr
    assert "Traceback" not in result.stderr
