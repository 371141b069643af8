"""Pictures of a data set: rows of a split, their classes, and what is not there."""

from __future__ import annotations

import sys
from pathlib import Path

import datasets
import pytest

from generator.errors import ImageError, SpecError
from generator.images.dataset_rows import dataset_pictures
from generator.images.find import load_images
from generator.progress import Silent
from generator.spec.dataset import DatasetSpec
from generator.spec.options import spec_from_options
from tests.images.test_remote import png

COLORS = ("red", "green", "blue", "white", "black")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the library reads it, with the splits ``train`` and ``test``."""
    folder = tmp_path_factory.mktemp("rows") / "colors"
    features = datasets.Features(
        {"photo": datasets.Image(), "kind": datasets.ClassLabel(names=["warm", "cold"])}
    )
    for split, colors in (("test", COLORS), ("train", COLORS[:1])):
        content = {
            "photo": [{"bytes": png(color), "path": None} for color in colors],
            "kind": [number % 2 for number in range(len(colors))],
        }
        datasets.disable_progress_bars()
        datasets.Dataset.from_dict(content, features=features).to_parquet(
            folder / "data" / f"{split}-00000-of-00001.parquet"
        )
    return folder


def test_rows_of_a_split_are_pictures_with_their_class(rows: Path, tmp_path: Path) -> None:
    spec = DatasetSpec(name=str(rows), split="test[1:4]")
    found = load_images(dataset_pictures(spec, tmp_path, Silent()))
    assert [image.name for image in found] == [f"colors-{n:06d}.png" for n in (1, 2, 3)]
    assert [image.title for image in found] == ["colors 1", "colors 2", "colors 3"]
    assert [image.group for image in found] == ["cold", "warm", "cold"]
    assert [image.path.read_bytes() for image in found] == [png(c) for c in COLORS[1:4]]
    assert load_images(dataset_pictures(spec, tmp_path, Silent())) == found


def test_a_whole_split_and_too_many_rows(
    rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = DatasetSpec(name=str(rows), split="test", column="photo")
    assert len(dataset_pictures(spec, tmp_path, Silent())) == 5
    monkeypatch.setattr("generator.images.dataset_rows.MOST_ROWS", 3)
    for split in ("test", "test[:4]"):
        with pytest.raises(ImageError, match=r"at most 3 are read\. Take some of them: --split"):
            dataset_pictures(DatasetSpec(name=str(rows), split=split), tmp_path, Silent())


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "has several splits. Its splits are train and test."),
        ({"split": "tset"}, "has no split tset. Did you mean test?"),
        ({"split": "test", "column": "foto"}, "has no pictures in a column foto. Did you mean "
         "photo?"),
        ({"split": "test[9:]"}, "has no rows in test[9:]. Count rows from 0."),
    ],
)  # fmt: skip
def test_what_is_not_there_is_named(
    rows: Path, tmp_path: Path, given: dict[str, str], expected: str
) -> None:
    with pytest.raises(ImageError) as caught:
        dataset_pictures(DatasetSpec(name=str(rows), **given), tmp_path, Silent())
    assert str(caught.value) == f"{rows} {expected}"


def test_without_the_library(rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ImageError) as caught:
        dataset_pictures(DatasetSpec(name=str(rows)), tmp_path, Silent())
    assert str(caught.value) == (
        "A data set needs the library datasets, which is not installed. Install it with `pip "
        "install datasets`, or name pictures with -i hf://datasets/owner/name/folder."
    )


def test_options_name_a_data_set() -> None:
    spec = spec_from_options(models=("a/b",), dataset={"name": "c/d", "split": "test[:20]"})
    assert spec.dataset == DatasetSpec(name="c/d", split="test[:20]")
    assert spec.dataset.rows == ("test", 0, 20)
    for given, expected in (
        ({"name": "c/d", "split": "test[:10%]"}, "--split should be a split such as test, "),
        (
            {"split": "test"},
            "--dataset is missing. Name the data set, such as --dataset owner/name.",
        ),
    ):
        with pytest.raises(SpecError) as caught:
            spec_from_options(models=("a/b",), dataset=given)
        assert str(caught.value).startswith(expected)


def test_without_a_network_it_is_said_at_once_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*args: object, **options: object) -> None:
        raise ConnectionError("Name or service not known")

    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", unreachable)
    monkeypatch.setattr("datasets.load_dataset", lambda *args, **options: pytest.fail("retries"))
    with pytest.raises(ImageError) as caught:
        dataset_pictures(DatasetSpec(name="owner/name", split="test"), tmp_path, Silent())
    assert str(caught.value) == (
        "The data set owner/name cannot be read: the connection to the hub failed (Name or service "
        "not known). Check the network and try again. With HF_HUB_OFFLINE=1 the cache of the "
        "library datasets is read."
    )
    assert not caught.value.usage
