"""What is exported is there as a whole or not at all, and never inside the site it comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.errors import StoreError
from generator.export.files import put, whole_folder, write_files
from tests.export.conftest import Exportable
from tests.export.figures.figuring import Figuring, figuring
from tests.once import once


def test_files_that_belong_together_are_all_there_or_none(tmp_path: Path) -> None:
    (tmp_path / "taken.tex").mkdir()
    files = {tmp_path / "fig.pdf": b"1", tmp_path / "taken.tex": b"2"}
    with pytest.raises(StoreError) as caught:
        write_files(files)
    assert str(caught.value) == f"{tmp_path / 'taken.tex'} is a folder. Name a file with -o."
    assert [path.name for path in tmp_path.iterdir()] == ["taken.tex"]


def test_a_folder_that_could_not_be_filled_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught, whole_folder(tmp_path / "out") as folder:
        put(folder, "one", b"1")
        raise OSError(28, "No space left on device")
    assert str(caught.value) == (
        f"{tmp_path / 'out'} cannot be written: No space left on device. Name another with -o."
    )
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "out").mkdir()  # an empty one is filled
    with whole_folder(tmp_path / "out") as folder:
        put(folder, "one", b"1")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["one"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_is_a_file_is_named(made: Exportable, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    out = tmp_path / "file/deep/a.csv"
    said = made.export("statistics", "-o", str(out), code=2)
    assert said == (
        f"Error: {out} cannot be written: {tmp_path / 'file'} is a file, not a folder. Name "
        "another with -o.\n"
    )


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("zip", "a.zip"),
        ("single", "index.html"),
        ("records", "records"),
        ("statistics", "a.csv"),
        ("maps", "maps"),
        ("animation", "a.gif"),
        ("report", "a.html"),
    ],
)
def test_nothing_is_written_into_the_site(made: Exportable, command: str, name: str) -> None:
    before = sorted(made.site.rglob("*"))
    out = made.site / "m" / ".." / name
    assert made.export(command, "-o", str(out), code=2) == (
        f"Error: {out} lies in the site {made.site}, which the next build replaces as a whole. "
        "Name a place outside of it with -o.\n"
    )
    assert sorted(made.site.rglob("*")) == before


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Figuring:
    return once(tmp_path_factory, "figuring", figuring)


def test_a_bibliography_is_no_other_file(drawn: Figuring, tmp_path: Path) -> None:
    out = tmp_path / "fig.pdf"
    said = drawn.figure(out, "--preset", "raghu-3", "--bib", str(out), code=2)
    assert said == "Error: A bibliography's name ends in .bib, got fig.pdf. Name another --bib.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("option", "value"), [("--clip", "nan"), ("--width", "inf"), ("--width", "nan")]
)
def test_what_is_no_number_is_refused(
    drawn: Figuring, tmp_path: Path, option: str, value: str
) -> None:
    said = drawn.figure(tmp_path / "fig.pdf", option, value, code=2)
    assert f"Invalid value for '{option}': {value} is not a number." in said
    assert list(tmp_path.iterdir()) == []


def test_a_size_that_is_no_number_is_refused(made: Exportable, tmp_path: Path) -> None:
    said = made.export("single", "-o", str(tmp_path / "a.html"), "--max-size", "nan", code=2)
    assert "Invalid value for '--max-size': nan is not a number." in said
