"""``serve --watch``: what changes is built again."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.running import fails, picture

GALLERY = 'models = ["./models/plain"]\nimages = ["photos"]\nanalyses = false\njobs = 1\n'
WAITING = "Waiting for a change of gallery.toml, its pictures or templates."


class Watching:
    """A running ``serve --watch`` in a folder."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "generator", "serve", "--watch", "-p", "0"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def lines_until(self, end: str) -> list[str]:
        """What it prints, up to a line that begins in this way."""
        assert self.process.stdout is not None
        lines: list[str] = []
        for line in self.process.stdout:
            lines.append(line.rstrip("\n"))
            if line.startswith(end):
                return lines
        raise AssertionError(f"It has ended: {lines}")

    def stop(self) -> tuple[int, str]:
        """Its exit status after Ctrl-C, and what it still prints."""
        self.process.send_signal(signal.SIGINT)
        said, _ = self.process.communicate(timeout=60)
        return self.process.returncode, said


@pytest.fixture
def watching(
    here: Path, interruptible: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[Watching]]:
    """What a test starts, ended after it."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    started: list[Watching] = []
    yield started
    for each in started:
        each.process.kill()
        each.process.communicate()


def watch(here: Path, gallery: str, watching: list[Watching]) -> Watching:
    (here / "gallery.toml").write_text(gallery)
    watching.append(Watching(here))
    return watching[-1]


def address_in(line: str) -> str:
    return line.split()[3]


@pytest.mark.slow
def test_a_change_is_built_and_a_mistake_keeps_the_site(
    here: Path, watching: list[Watching]
) -> None:
    running = watch(here, GALLERY, watching)
    first = running.lines_until("site is at ")
    assert first[-2] == "2 measured, 0 from the store.", "no page is open yet"
    picture(5, here / "photos" / "three.png")
    assert running.lines_until("1 measured")[-1] == (
        "1 measured, 2 from the store. Reload the page."
    )
    (here / "gallery.toml").write_text("titel = 1\n" + GALLERY)
    (mistake,) = running.lines_until("Error: ")
    assert "Did you mean title?" in mistake
    with urllib.request.urlopen(address_in(first[-1])) as answer:
        assert answer.status == 200
    (here / "gallery.toml").write_text('title = "Changed"\n' + GALLERY)
    assert running.lines_until("0 measured")[-1] == (
        "0 measured, 3 from the store. Reload the page."
    )
    with urllib.request.urlopen(address_in(first[-1])) as answer:
        assert b"Changed" in answer.read()
    assert running.stop() == (0, "Stopped.\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (
            GALLERY.replace("./models/plain", "models/nope"),
            "failed: There is no folder models/nope here, ",
        ),
        (GALLERY.replace("./models/plain", "./models/nope"), "Error: gallery.toml: models: "),
        ("titel = 1\n" + GALLERY, "Error: gallery.toml: "),
    ],
)
def test_a_mistake_at_the_first_build_is_told_once_and_can_be_corrected(
    here: Path, watching: list[Watching], wrong: str, reason: str
) -> None:
    running = watch(here, wrong, watching)
    *before, told, waits = running.lines_until("Waiting")
    assert told.startswith(reason) and waits == WAITING
    assert all(line.startswith("resolving ") for line in before)
    (here / "gallery.toml").write_text(GALLERY)
    *_, built, served = running.lines_until("site is at ")
    assert built == "2 measured, 0 from the store."
    with urllib.request.urlopen(address_in(served)) as answer:
        assert answer.status == 200


@pytest.mark.slow
def test_ctrl_c_before_anything_is_served(here: Path, watching: list[Watching]) -> None:
    running = watch(here, "titel = 1\n" + GALLERY, watching)
    running.lines_until("Waiting")
    assert running.stop() == (130, "Stopped.\n")


@pytest.mark.slow
def test_a_broken_picture_is_told_once_in_each_build(here: Path, watching: list[Watching]) -> None:
    (here / "photos" / "broken.jpg").write_bytes(b"not a picture")
    running = watch(here, GALLERY, watching)
    first = running.lines_until("site is at ")
    assert sum(line.startswith("failed: ") for line in first) == 1
    (here / "gallery.toml").write_text('title = "Changed"\n' + GALLERY)
    again = running.lines_until("0 measured")
    assert sum(line.startswith("failed: ") for line in again) == 1


def test_watching_needs_a_gallery_file_of_that_site(here: Path) -> None:
    assert fails("serve", "--watch") == ("Error: There is no file gallery.toml. Check the path.")
    (here / "gallery.toml").write_text('models = ["./models/plain"]\nimages = ["photos"]\n')
    assert fails("serve", "other", "--watch") == (
        "Error: gallery.toml builds site, not other. Leave the site out."
    )
