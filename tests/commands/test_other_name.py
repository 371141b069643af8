"""The package under the name of its distribution, beside files of the same name as ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import generator

FOLDER = Path(generator.__file__).parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What pip installs: ``attention_gallery`` beside ``generator``."""
    place = tmp_path_factory.mktemp("site-packages")
    shutil.copytree(FOLDER / "other_name", place / "attention_gallery")
    for name in ("generator", "templates", "examples"):
        (place / name).symlink_to(FOLDER.parent / name)
    return place


def runs(code: str | list[str], installed: Path, here: Path) -> str:
    """What Python prints in a folder with a file of the user's own called generator.py."""
    return done(code, installed, here).stdout.strip()


def done(code: str | list[str], installed: Path, here: Path) -> subprocess.CompletedProcess[str]:
    """The same with standard error."""
    (here / "generator.py").write_text("class Generator:\n    seed = 7\n", encoding="utf-8")
    words = ["-c", code] if isinstance(code, str) else code
    process = subprocess.run(
        [sys.executable, *words],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert process.returncode == 0, process.stderr
    return process


USE = """
import generator, attention_gallery
from generator import Generator
record = attention_gallery.measure("models/plain", "photos/one.png")
print(type(record).__module__, record.image, Generator.seed, hasattr(generator, "measure"))
print(sorted({name.split(".")[0] for name in __import__("sys").modules} & {"generator"}))
print(attention_gallery.__version__, set(attention_gallery.__all__) <= set(dir(attention_gallery)))
try:
    attention_gallery.measure("./nowhere", "photos/one.png")
except attention_gallery.GalleryError as error:
    print(error)
from attention_gallery.records.record import AttentionRecord
print(AttentionRecord is attention_gallery.AttentionRecord)
"""


@pytest.mark.slow
def test_a_user_s_own_generator_py_and_the_package_do_not_meet(installed: Path, here: Path) -> None:
    printed = runs(USE, installed, here).splitlines()
    assert printed == [
        "attention_gallery.records.record one.png 7 False",
        "['generator']",
        f"{generator.__version__} True",
        "There is no model folder nowhere. Check the path; a model on the hub is written "
        "owner/name.",
        "True",
    ]


@pytest.mark.slow
def test_the_command_builds_beside_such_a_file_also_in_several_processes(
    installed: Path, here: Path
) -> None:
    words = ["build", "-m", "models/plain", "-i", "photos", "--jobs", "2", "-o", "site"]
    printed = runs(["-m", "attention_gallery", *words], installed, here)
    assert "2 measured" in printed and (here / "site/index.html").is_file()
    devices = ["--device", "cpu,cpu", "--store", "other"]
    printed = runs(["-m", "attention_gallery", *words, *devices], installed, here)
    assert "2 measured" in printed, "a process on each device, under this name, too"
    start = (
        "import sys; from attention_gallery.cli import main; sys.argv = ['x', '--version']; main()"
    )
    assert generator.__version__ in runs(start, installed, here)


WARNING = """
import logging
from attention_gallery.pipeline.workers.telling import told
def outcomes():
    logging.getLogger("attention_gallery.somewhere").warning("plain has no features")
    yield "an outcome"
print(*told(outcomes()), sep="; ")
from attention_gallery.capture.checkpoint import hub
from attention_gallery.cli import stopped
hub.unfinished.append("model.safetensors")
print(stopped("build"))
"""


def test_what_is_found_is_told_under_this_name_too(installed: Path, here: Path) -> None:
    words = ["build", "-m", "models/plain", "-i", "photos", "-v", "--dry-run"]
    loud = done(["-m", "attention_gallery", *words], installed, here)
    assert "2 images found\n" in loud.stderr and "3 layers of 4 heads\n" in loud.stderr
    assert runs(WARNING, installed, here).splitlines() == [
        "Warned(text='plain has no features'); an outcome",
        "Stopped. What was measured is kept: run the same command to go on. The download of "
        "model.safetensors begins again.",
    ]
