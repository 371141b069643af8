"""Groups of pictures from a table, and the line a user reads when the table is wrong."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from generator.errors import SpecError
from generator.images.groups import read_groups, with_groups
from generator.records.run import ImageEntry
from generator.spec.options import load_spec


def entry(path: str, group: str = "") -> ImageEntry:
    name = Path(path).name
    return ImageEntry(name, name, Path(path), "", 8, 8, title=name, group=group)


def test_a_table_names_files_alone_or_with_their_folder(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_bytes("\ufefffile, note ,group\r\na.jpg,x,cats\r\nbirds/b.jpg,,birds\r\n".encode())
    images = [entry("/p/a.jpg"), entry("/p/birds/b.jpg"), entry("/p/x/b.jpg"), entry("c.jpg", "C")]
    found = with_groups(images, read_groups(table), table)
    assert [image.group for image in found] == ["cats", "birds", "", "C"]


def test_a_name_that_is_no_picture_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        with_groups([entry("chelsea.jpg")], {"chelsae.jpg": "cats"}, Path("labels.csv"))
    assert "labels.csv names chelsae.jpg, which is no picture. Did you mean chelsea.jpg?" in (
        caplog.text
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,grup\na,b\n", "has no column group. Rename the column grup to group."),
        ("file_name,label\na,b\n", "has no column file. Rename the column file_name to file."),
        (
            "",
            "has no column file. The first line names the columns; file and group are needed, "
            "with commas, semicolons or tabs between them.",
        ),
        (
            "file,group\n" + "x" * 200_000 + ",b\n",
            "is not a CSV table: field larger than field limit (131072). Save it as CSV in UTF-8, "
            "a picture a line.",
        ),
        ("file,group\na,x\na,y\n", "line 3: a is in two groups, x and y."),
    ],
)
def test_a_wrong_table_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    table = tmp_path / "labels.csv"
    table.write_text(text)
    with pytest.raises(SpecError) as caught:
        read_groups(table)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        b"File;Group\r\na.jpg;cats\r\nb.jpg;dogs\r\n",
        b"\xef\xbb\xbffile;group\r\na.jpg;cats\r\nb.jpg;dogs\r\n",
        b"FILE\tnote\tGROUP\na.jpg\tx, y\tcats\nb.jpg\t\tdogs\n",
        b"sep=;\r\nfile;group\r\na.jpg;cats\r\nb.jpg;dogs\r\n",
        b'"File" ,"Group"\n"a.jpg",cats\nb.jpg,dogs\n',
    ],
    ids=["Excel in German", "byte order mark", "tabs", "sep line", "quotes"],
)
def test_tables_of_spreadsheets_are_read(tmp_path: Path, data: bytes) -> None:
    table = tmp_path / "labels.csv"
    table.write_bytes(data)
    assert read_groups(table) == {"a.jpg": "cats", "b.jpg": "dogs"}


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    with pytest.raises(SpecError) as caught:
        read_groups(path)
    assert str(caught.value) == f"There is no file {path}. Check the path of groups."
    (tmp_path / "lables.csv").touch()
    with pytest.raises(SpecError) as caught:
        read_groups(path)
    assert str(caught.value) == f"There is no file {path}. Did you mean {tmp_path}/lables.csv?"


def test_the_table_lies_beside_the_gallery_file(tmp_path: Path) -> None:
    (tmp_path / "gallery.toml").write_text(
        'models = ["a/b"]\nimages = ["p"]\ngroups = "labels.csv"\n'
    )
    assert load_spec(tmp_path / "gallery.toml").groups == tmp_path / "labels.csv"
