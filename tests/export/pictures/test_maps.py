"""Single maps: the numbers of the records, in a picture that says what it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from generator.present.drawing.colors import color_table
from generator.present.files.manifest_file import read_manifest
from tests.export.conftest import Exportable
from tests.present.gallery import tree


def exported(made: Exportable, folder: Path, *words: str) -> dict[str, dict[str, Any]]:
    """Index of an export, by file."""
    made.export("maps", "-o", str(folder), *words)
    index = json.loads((folder / "maps.json").read_text(encoding="utf-8"))
    return {item["file"]: item for item in index["maps"]}


def test_raw_maps_give_back_the_records_values(made: Exportable, tmp_path: Path) -> None:
    words = ("--style", "raw", "--layers", "all", "--heads", "1,mean", "--queries", "all")
    items = exported(made, tmp_path / "one", "-m", "Registers", "-i", "image1.jpg", *words)
    assert len(items) == 3 * 2 * 4  # CLS, received, and two registers
    record = made.trial.record("registers", "image1")
    for name, item in items.items():
        with Image.open(tmp_path / "one" / name) as picture:
            codes = np.asarray(picture)
        assert codes.dtype == np.uint16
        received = item["token"] == "received"
        rows = record.received_by_all() if received else record.rows(item["token"])
        heads = rows[int(item["layer"]) - 1].astype(np.float32)
        expected = heads.mean(0) if item["head"] == "mean" else heads[int(item["head"]) - 1]
        found = item["high"] * codes / 65535
        np.testing.assert_allclose(
            found, record.layout.fold(expected), atol=item["high"] / 65535, rtol=0
        )
    exported(made, tmp_path / "two", "-m", "Registers", "-i", "image1.jpg", *words)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_a_patch_as_the_query(made: Exportable, tmp_path: Path) -> None:
    items = exported(
        made, tmp_path / "a", "--style", "raw", "--queries", "patch-2-5", "-i", "image0.jpg",
        "-m", "Plain",
    )  # fmt: skip
    (name,) = items
    assert name == "image0--plain--layer-3--head-mean--patch-2-5--raw.png"
    record = made.trial.record("plain", "image0")
    assert record.patch_attention is not None
    expected = record.layout.fold(record.patch_attention[2, 1 * 6 + 4].astype(np.float32))
    with Image.open(tmp_path / "a" / name) as picture:
        found = items[name]["high"] * np.asarray(picture) / 65535
    np.testing.assert_allclose(found, expected, atol=items[name]["high"] / 65535, rtol=0)


def test_colored_maps_have_the_scale_of_the_gallery(made: Exportable, tmp_path: Path) -> None:
    items = exported(
        made, tmp_path / "a", "-m", "Plain", "-i", "image0.jpg", "--heads", "2", "--width", "60"
    )
    (name,) = items
    manifest = read_manifest(made.site)
    assert manifest is not None
    assert (items[name]["low"], items[name]["high"]) == (manifest.scale.low, manifest.scale.high)
    record = made.trial.record("plain", "image0")
    values = record.layout.fold(record.rows("CLS")[2, 1].astype(np.float32))
    low, high = np.log2(manifest.scale.low), np.log2(manifest.scale.high)
    steps = np.clip((np.log2(values) - low) / (high - low) * 256, 0, 255).astype(int)
    with Image.open(tmp_path / "a" / name) as picture:
        assert picture.size == (60, 40)
        assert picture.text["layer"] == "3"
        assert picture.text["head"] == "2"
        assert picture.text["model_id"] == "tiny/plain"
        assert picture.text["commit"] == "c" * 40
        assert picture.text["unit"] == "times uniform"
        np.testing.assert_array_equal(np.asarray(picture)[5::10, 5::10], color_table()[steps])


def test_an_overlay_of_nothing_is_the_picture_that_the_model_saw(
    made: Exportable, tmp_path: Path
) -> None:
    words = ("-m", "Plain", "-i", "image0.jpg", "--style", "overlaid", "--width", "96")
    (name,) = exported(made, tmp_path / "none", *words, "--overlay", "0")
    (full,) = exported(made, tmp_path / "full", *words, "--overlay", "100")
    with Image.open(tmp_path / "none" / name) as picture:
        photo = np.asarray(picture).astype(int)
    with Image.open(made.trial.run.images[0].path) as original:
        assert np.abs(photo - np.asarray(original).astype(int)).mean() < 12
    with Image.open(tmp_path / "full" / full) as picture:
        assert np.abs(photo - np.asarray(picture).astype(int)).mean() > 20


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--layers", "0"], 'ranges such as 1-3, or all, last, pool, got "0".'),
        (["--heads", "x"], 'ranges such as 1-3, or all, max, mean, min, got "x".'),
        (["--queries", "patch"], 'A patch as the query is written patch-ROW-COL, got "patch".'),
        (["--layers", "99"], "None of the models has a map of these layers, heads and queries."),
        (["-m", "Plian"], "No model of the gallery is called Plian. Did you mean Plain?"),
        (["-m", "Gone"], "Nothing was measured there. Choose other models or images."),
    ],
)
def test_what_is_not_there_is_said(
    made: Exportable, tmp_path: Path, words: list[str], expected: str
) -> None:
    said = made.export("maps", "-o", str(tmp_path / "maps"), *words, code=2)
    assert said.startswith("Error: ")
    assert expected in said


def test_what_a_model_lacks_is_said_at_the_end_and_in_the_index(
    made: Exportable, tmp_path: Path
) -> None:
    words = ("--layers", "1,last,99", "--heads", "1,mean", "--queries", "CLS,reg1,patch-99-1")
    said = made.export(
        "maps", "-o", str(tmp_path / "a"), "-m", "Plain", "-m", "Registers", *words
    ).splitlines()
    assert said[-2:] == [
        "Plain has 3 layers, no layer 99 and no query reg1, patch-99-1.",
        "Registers has 3 layers, no layer 99 and no query patch-99-1.",
    ]
    index = json.loads((tmp_path / "a" / "maps.json").read_text(encoding="utf-8"))
    assert index["missing"][0] == {
        "model": "Plain",
        "layers": ["99"],
        "heads": [],
        "queries": ["reg1", "patch-99-1"],
    }
    words = ("--layers", "1-99,pool", "--heads", "1,7,8", "--queries", "CLS")
    said = made.export("maps", "-o", str(tmp_path / "c"), "-m", "Plain", *words).splitlines()
    assert said[-1] == ("Plain has 3 layers and 2 heads, no layer 4 to 99, pool and no head 7, 8.")
    made.export("maps", "-o", str(tmp_path / "b"), "-m", "Plain", "--layers", "all")
    index = json.loads((tmp_path / "b" / "maps.json").read_text(encoding="utf-8"))
    assert index["missing"] == []
