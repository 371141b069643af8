"""Swapping a site in where a system refuses what POSIX allows, as Windows does for open files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

from generator.errors import StoreError
from generator.present.files.cache import link
from generator.present.site.staging import alone, staged

SITE = '{"generator": {"name": "attention-gallery"}}'


def write(out: Path, text: str) -> None:
    with staged(out) as stage:
        (stage / "manifest.json").write_text(SITE)
        (stage / "index.html").write_text(text)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    write(tmp_path / "site", "one")
    (tmp_path / "site/CNAME").write_text("mine")
    return tmp_path / "site"


def text(out: Path) -> str:
    return (out / "index.html").read_text()


def left(out: Path) -> set[str]:
    return {path.name for path in out.parent.iterdir()}


def test_nothing_is_left_beside_a_site(out: Path) -> None:
    assert left(out) == {"site"}


def test_a_lock_file_that_cannot_be_removed(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".lock":
            raise PermissionError(13, "it is in use", str(path))
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    write(out, "two")
    write(out, "three")
    assert text(out) == "three"


@pytest.mark.parametrize("refused", [1, 2])
def test_a_rename_that_is_refused_keeps_the_former_site(
    out: Path, monkeypatch: pytest.MonkeyPatch, refused: int
) -> None:
    rename, calls = Path.rename, [0]

    def sometimes(path: Path, target: Any) -> Path:
        calls[0] += 1
        if calls[0] == refused:
            raise PermissionError(13, "it is in use", str(path))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", sometimes)
    with pytest.raises(StoreError) as caught:
        write(out, "two")
    assert str(caught.value) == (
        f"The site could not be written to {out}: it is in use. The former one is kept. "
        "Make room on the disk or choose another folder (-o, or out)."
    )
    assert (text(out), (out / "CNAME").read_text()) == ("one", "mine")
    assert left(out) == {"site"}
    write(out, "three")
    assert (text(out), (out / "CNAME").read_text()) == ("three", "mine")


def test_a_former_site_that_cannot_be_removed_yet(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rmtree = shutil.rmtree

    def open_elsewhere(path: Path, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            raise PermissionError(13, "it is in use", str(path))

    monkeypatch.setattr(shutil, "rmtree", open_elsewhere)
    write(out, "two")
    assert (text(out), (out / "CNAME").read_text()) == ("two", "mine")
    monkeypatch.setattr(shutil, "rmtree", rmtree)
    write(out, "three")
    assert (text(out), (out / "CNAME").read_text()) == ("three", "mine")
    assert left(out) == {"site"}


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="There is no such folder here.")
def test_a_folder_that_takes_no_files_is_not_called_busy() -> None:
    with pytest.raises(StoreError) as caught, alone(Path("/proc/site")):
        pass
    assert str(caught.value) == (
        "The site cannot be written to /proc/site: Permission denied. "
        "Choose another folder (-o, or out)."
    )


def test_one_process_at_a_time(out: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.present.site.test_staging import write\n"
        "from generator.errors import StoreError\n"
        "try: write(Path(sys.argv[1]), 'theirs')\n"
        "except StoreError as error: print(error)"
    )
    with staged(out) as stage:
        words = [sys.executable, "-c", code, str(out)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        assert done.stdout.startswith(f"Another build is writing the site {out}. Wait until")
        (stage / "manifest.json").write_text(SITE)
        (stage / "index.html").write_text("mine")
    assert text(out) == "mine"
    assert left(out) == {"site"}


@pytest.mark.parametrize("missing", [True, False])
def test_a_system_without_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: bool
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise PermissionError(1, "Operation not permitted")

    if missing:
        monkeypatch.delattr(os, "link")
    else:
        monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "one").write_text("x")
    link(tmp_path / "one", tmp_path / "two")
    assert (tmp_path / "two").read_text() == "x"
