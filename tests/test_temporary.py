"""What a killed program leaves behind is gone, or finished, after the next command."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from generator.cli import main
from generator.errors import StoreError
from generator.export import copy
from generator.export.files import whole_file, whole_folder, write_files
from generator.temporary import CACHE_VARIABLE, NOTES, beside, cache_folder, finish_killed, scratch

KILLED = """
import os, signal, sys
from pathlib import Path
from generator import temporary
from generator.export.files import whole_file, whole_folder, write_files

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

here = Path(sys.argv[2])
match sys.argv[1]:
    case "file":
        with whole_file(here / "a.zip") as file:
            file.write(b"half")
            die()
    case "folder":
        with whole_folder(here / "maps") as folder:
            (folder / "one.png").write_bytes(b"half")
            die()
    case "scratch":
        with temporary.scratch() as folder:
            (folder / "site").mkdir()
            print(folder, flush=True)
            die()
    case "group":
        first, real = True, Path.replace
        def once(path, target):
            real(path, target)
            die()
        Path.replace = once
        write_files({here / "a.svg": b"new", here / "a.tex": b"new", here / "a.bib": b"new"})
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))


def killed(what: str, folder: Path) -> str:
    """Run until the program kills itself; what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, what, str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -9, done.stderr
    return done.stdout.strip()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("what", ["file", "folder"])
def test_the_next_command_removes_what_a_kill_left(what: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / ".mine.tmp").write_text("a file of the user", encoding="utf-8")
    killed(what, out)
    assert len(names(out)) == 2, "the kill left something"
    assert CliRunner().invoke(main, ["cache"]).exit_code == 0
    assert names(out) == [".mine.tmp"]
    assert names(cache_folder() / NOTES) == []


def test_the_next_command_removes_an_anonymous_copy(tmp_path: Path) -> None:
    folder = Path(killed("scratch", tmp_path))
    assert folder.is_dir()
    assert CliRunner().invoke(main, ["cache"]).exit_code == 0
    assert not folder.exists()


def test_files_that_belong_together_are_completed_after_a_kill(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for ending in ("svg", "tex", "bib"):
        (out / f"a.{ending}").write_bytes(b"old")
    killed("group", out)
    finish_killed()
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {
        f"a.{ending}": b"new" for ending in ("svg", "tex", "bib")
    }


def test_a_file_that_was_written_since_the_kill_stays(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    killed("group", out)
    later = out / "a.tex"
    later.write_bytes(b"by the user")
    os.utime(later, (2**31, 2**31))
    finish_killed()
    assert later.read_bytes() == b"by the user"
    assert names(out) == ["a.bib", "a.svg", "a.tex"]


def test_nothing_of_a_living_program_is_removed(tmp_path: Path) -> None:
    with beside(tmp_path / "out" / "a.zip") as name, scratch() as folder:
        name.write_bytes(b"half")
        code = "from generator.temporary import finish_killed; finish_killed()"
        subprocess.run([sys.executable, "-c", code], check=True)
        finish_killed()
        assert name.exists()
        assert folder.exists()
    assert not name.exists()
    assert not folder.exists()


def test_notes_that_name_other_files_remove_nothing(tmp_path: Path) -> None:
    """Notes are the user's own, yet a damaged one must not cost a file."""
    mine = tmp_path / "thesis.tex"
    mine.write_text("mine", encoding="utf-8")
    notes = cache_folder() / NOTES / "1-a.jsonl"
    notes.parent.mkdir(parents=True)
    lines = [
        {"made": str(mine)},
        {"made": str(tmp_path)},
        {"moved": [[str(mine), str(tmp_path / "b")]]},
    ]
    notes.with_suffix(".lock").touch()
    notes.write_text(
        "".join(json.dumps(line) + "\n" for line in lines) + '{"made": ', encoding="utf-8"
    )
    finish_killed()
    assert mine.read_text(encoding="utf-8") == "mine"
    assert names(notes.parent) == []


def test_a_lock_without_notes_is_removed(tmp_path: Path) -> None:
    """Its process was killed before the first of them."""
    lock = cache_folder() / NOTES / "1-a.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    finish_killed()
    assert not lock.exists()


def test_a_folder_without_room_for_notes_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    write_files({tmp_path / "out" / "a": b"1", tmp_path / "out" / "b": b"2"})
    assert names(tmp_path / "out") == ["a", "b"]


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_while_a_group_is_written_leaves_none_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.write_bytes

    def write(path: Path, data: bytes) -> int:
        return real(path, data) if data == b"1" else full()  # type: ignore[return-value]

    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(StoreError) as caught:
        write_files({tmp_path / "out" / "a": b"1", tmp_path / "out" / "b": b"2"})
    assert str(caught.value) == (
        f"{tmp_path / 'out' / 'b'} cannot be written: No space left on device. Name another with "
        "-o."
    )
    assert names(tmp_path / "out") == []


def test_a_file_that_cannot_be_read_is_not_taken_for_the_one_that_is_written(
    tmp_path: Path,
) -> None:
    for writer in (whole_file, whole_folder):
        with pytest.raises(StoreError) as caught, writer(tmp_path / "out"):
            (tmp_path / "gone").read_bytes()
        assert str(caught.value) == (
            f"{tmp_path / 'gone'} cannot be read or written: No such file or directory. "
            f"{tmp_path / 'out'} was not written. Check that there is room, and run this again."
        )
    assert "out" not in names(tmp_path)


@pytest.mark.parametrize("where", ["link", "build"])
def test_a_full_temporary_folder_is_named(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    site = tmp_path / "site"
    (site / "i").mkdir(parents=True)
    (site / "i" / "p.webp").write_bytes(b"")
    with pytest.raises(StoreError) as caught, scratch() as folder, copy._told(folder):
        if where == "build":
            raise StoreError("The site could not be written.", "Use -o.") from OSError(28, "Full")
        monkeypatch.setattr(os, "link", full)
        monkeypatch.setattr(shutil, "copyfile", full)
        copy._link(site, folder / "site")
    why = "No space left on device" if where == "link" else "Full"
    assert str(caught.value) == (
        f"The copy to export cannot be written to the temporary folder {tmp_path}: {why}. Free "
        "some space there, or name a folder on another disk in TMPDIR."
    )
