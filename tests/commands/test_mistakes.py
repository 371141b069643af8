"""Slips at the command line: one line that names the thing and the next step, and nothing lost."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.commands.running import fails, run

BUILD = ("build", "-m", "models/plain")
ADDRESS = "is not fetched: only https:// and hf:// are. Download it, and name the file."


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-i", "ftp://host/x.jpg"], f"ftp://host/x.jpg {ADDRESS}"),
        (["-i", "s3://bucket/folder/*.jpg"], f"s3://bucket/folder/*.jpg {ADDRESS}"),
        (["-i", ""], "-i (or images) is empty. Name a picture, a folder, a pattern or an address."),
        (
            ["-i", "round/a.png"],
            "round/a.png is a link to what is not there. Check where it leads.",
        ),
        (
            ["-i", "photos", "--store", "photos/one.png"],
            "photos/one.png is a file, and no folder of records. Name another with --store.",
        ),
        (
            ["-i", "photos", "--store", "photos/one.png/below"],
            "photos/one.png is a file, and no folder of records. Name another with --store.",
        ),
        (
            ["-i", "photos", "--max-site-size", "900"],
            '--max-site-size should be a size of 10 kB or more such as "900 MB" or "1.5 GB", a '
            'number of bytes, or "none", got the number 900.',
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_slip_of_build_is_one_line(here: Path, words: list[str], expected: str) -> None:
    (here / "round").mkdir()
    (here / "round/a.png").symlink_to("b.png")
    (here / "round/b.png").symlink_to("a.png")
    assert fails(*BUILD, *words, "--dry-run") == f"Error: {expected}"
    assert fails(*BUILD, *words) == f"Error: {expected}"
    assert not (here / "site").exists() and not (here / "store").exists()


def test_a_file_or_nothing_is_no_store(here: Path) -> None:
    expected = (
        "Error: photos/one.png is a file, and no folder of records. Name another with --store."
    )
    assert fails("cache", "--store", "photos/one.png", "--clear") == expected
    assert (here / "photos/one.png").is_file()


def test_a_table_without_a_name_is_refused(here: Path) -> None:
    expected = "Error: -o . should end in .csv or .json. Name it numbers.csv, for example."
    assert fails("export", "statistics", "site", "-o", "") == expected


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("nowhere.jpg", "There is no file nowhere.jpg. Check the path."),
        ("photos", "photos is a folder. Name a file in it."),
    ],
)
def test_a_picture_to_check_is_looked_at_first(here: Path, check: str, expected: str) -> None:
    assert fails("inspect", "models/plain", "--check", check) == f"Error: {expected}"


def test_a_missing_choice_names_the_choices_in_one_line(here: Path) -> None:
    result = run("publish", "site")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1] == (
        "Error: Missing option '--to'. Choose branch, workflow or space."
    )


@pytest.mark.parametrize(
    "words",
    [("serve", "stie"), ("export", "zip", "stie"), ("publish", "stie", "--to", "branch")],
)
def test_a_site_that_is_not_there_may_be_misspelled(here: Path, words: tuple[str, ...]) -> None:
    (here / "site").mkdir()
    assert fails(*words) == "Error: There is no folder stie. Did you mean site?"


def test_words_that_are_not_utf_8_spoil_no_page(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = here / "photos" / os.fsdecode(b"caf\xe9.png")
    try:
        shutil.copy(here / "photos/one.png", odd)
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    words = (*BUILD, "-i", str(odd), "--no-analyses")
    result = run(*words, monkeypatch=monkeypatch)
    assert result.exit_code == 0, result.stderr
    manifest = json.loads((here / "site/manifest.json").read_text("utf-8"))
    assert "caf\N{REPLACEMENT CHARACTER}.png" in manifest["command"]
    assert fails(*words, "--title", "caf\udce9") == (
        "Error: --title is no text in UTF-8. Write title in a gallery file, or set the terminal to "
        "UTF-8."
    )
