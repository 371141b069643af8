"""Pictures in data sets of the hub, by the real command line."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import datasets
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


@pytest.mark.slow
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
    assert result.code == 2
    assert result.last_line.startswith("Error: ") and expected in result.last_line, result.stderr
    assert "Traceback" not in result.stderr


@pytest.fixture(scope="module")
def colors(hub: FakeHub, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """The pictures of the split ``test`` of the data set ``tiny/colors``, as files."""
    folder = tmp_path_factory.mktemp("colors")
    data = [picture(folder / f"{seed}.png", seed).read_bytes() for seed in range(30)]
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["even", "odd"])}
    )
    rows = {
        "image": [{"bytes": each, "path": None} for each in data],
        "label": [row % 2 for row in range(len(data))],
    }
    table = io.BytesIO()
    datasets.disable_progress_bars()
    datasets.Dataset.from_dict(rows, features=features).to_parquet(table)
    content = {"data/test-00000-of-00001.parquet": table.getvalue()}
    hub.add("datasets/tiny/colors", content, license="cc0-1.0")
    return tuple(hashlib.sha256(each).hexdigest() for each in data)


def rows_of(worker: Worker, name: str, split: str) -> Result:
    words = ("--dataset", name, "--split", split)
    return worker.run("build", "-m", DINO, *words, "-o", "colors", "--no-analyses")


@pytest.mark.slow
def test_rows_of_a_data_set_by_its_name(
    worker: Worker, hub: FakeHub, folder: Path, colors: tuple[str, ...]
) -> None:
    def images() -> list[tuple[str, str, str, str]]:
        found = json.loads((folder / "colors" / "manifest.json").read_text())["images"]
        return [(i["sha256"], i["group"], i["title"], i["license"]) for i in found]

    result = rows_of(worker, "tiny/colors", "test[:20]")
    assert result.code == 0, result.stderr
    first = [
        (sha256, ("even", "odd")[row % 2], f"colors {row}", "cc0-1.0")
        for row, sha256 in enumerate(colors[:20])
    ]
    assert images() == first
    with outage(hub):
        result = rows_of(worker, "tiny/colors", "test[:20]")
    assert result.code == 0, result.stderr
    assert "the hub cannot be reached; taken as it was before" in result.stderr
    assert images() == first


@pytest.mark.parametrize(
    ("name", "split", "expected"),
    [
        ("tiny/nobody", "test", "The data set tiny/nobody cannot be read: "),
        ("tiny/colors", "tset[:3]", "tiny/colors has no split tset. Did you mean test?"),
        ("tiny/colors", "test[40:]", "tiny/colors has no rows in test[40:]. Count rows from 0."),
    ],
)
@pytest.mark.usefixtures("colors")
def test_data_sets_and_rows_that_are_not_there(
    worker: Worker, name: str, split: str, expected: str
) -> None:
    result = rows_of(worker, name, split)
    assert result.code == 2
    assert result.last_line.startswith(f"Error: {expected}"), result.stderr
