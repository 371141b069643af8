"""The tutorial, run from start to end, and the cookbook's notebook in the same folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import generator
from tests.docs.blocks import ROOT, Block, blocks
from tests.once import once

TUTORIAL = "docs/tutorial.md"
COOKBOOK = "docs/cookbook.md"
URL = "git@github.com:you/my-gallery.git"

pytestmark = pytest.mark.skipif(
    shutil.which("bash") is None or shutil.which("git") is None, reason="needs bash and git"
)


def run(block: Block, folder: Path, environment: dict[str, str]) -> str:
    """Run a block as a shell does; a command that fails ends it."""
    text = block.text.replace(URL, str(folder.parent / "origin.git"))
    if block.mark == "origin":
        assert URL in block.text
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@dataclass(frozen=True)
class Followed:
    """The tutorial, followed from start to end.

    Attributes:
        folder: as the tutorial makes it, with this checkout's program and an empty origin.
        environment: of every command.
        said: what every block printed.
    """

    folder: Path
    environment: dict[str, str]
    said: list[str]


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    return once(tmp_path_factory, "tutorial", follow)


def follow(place: Path) -> Followed:
    folder = place / "my-gallery"
    for name in ("models", "images"):
        shutil.copytree(ROOT / "examples" / name, folder / name)
    programs = folder.parent / "bin"
    programs.mkdir()
    program = programs / "attention-gallery"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m generator "$@"\n')
    program.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": os.pathsep.join((str(programs), os.environ["PATH"])),
        "PYTHONPATH": str(ROOT),
        "ATTENTION_GALLERY_CACHE": str(folder.parent / "store"),
        "HF_HUB_OFFLINE": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "A Reader",
        "GIT_AUTHOR_EMAIL": "reader@example.org",
        "GIT_COMMITTER_NAME": "A Reader",
        "GIT_COMMITTER_EMAIL": "reader@example.org",
    }
    subprocess.run(["git", "init", "--quiet", "--bare", folder.parent / "origin.git"], check=True)
    return Followed(folder, environment, walk(folder, environment))


def walk(folder: Path, environment: dict[str, str]) -> list[str]:
    """What every block of the tutorial prints; gallery files are saved where they stand."""
    steps = [*blocks(TUTORIAL, "sh"), *blocks(TUTORIAL, "toml")]
    printed = []
    for step in sorted(steps, key=lambda block: block.line):
        if step.language == "toml":
            name = step.text.splitlines()[0].removeprefix("# ")
            (folder / name).write_text(step.text, encoding="utf-8")
        elif step.mark != "elsewhere":
            printed.append(run(step, folder, environment))
    return printed


@pytest.mark.slow
def test_the_tutorial_leads_to_a_published_page(
    followed: Followed,
) -> None:
    origin = followed.folder.parent / "origin.git"
    tree = ["git", "-C", origin, "ls-tree", "-r", "--name-only", "gh-pages"]
    listed = subprocess.run(tree, check=True, capture_output=True, text=True).stdout.splitlines()
    assert {"index.html", "manifest.json", "methods/index.html"} <= set(listed)
    said = followed.said
    assert sum("measured" in text for text in said) == 2
    assert any("0 measured, 20 from the store" in text for text in said), "nothing is done twice"
    assert not any("warning: " in text for text in said), said


@pytest.mark.slow
def test_the_tutorial_leaves_the_files_it_names(followed: Followed) -> None:
    folder = followed.folder
    for name in ("statistics.csv", "gallery.html", "maps.pdf", "maps.tex", "maps.bib"):
        assert (folder / name).stat().st_size > 100, name
    assert (folder / "site" / "figures" / "fig1.pdf").read_bytes().startswith(b"%PDF")
    manifest = json.loads((folder / "site" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["title"] == "Registers, in miniature"
    assert "Ada Lovelace" in (folder / "site" / "index.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_notebook_of_the_cookbook_runs(
    followed: Followed,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, store = followed.folder, followed.environment["ATTENTION_GALLERY_CACHE"]
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ATTENTION_GALLERY_CACHE", store)
    cells = [block for block in blocks(COOKBOOK, "python") if "generator" in block.text]
    assert len(cells) == 3
    for cell in cells:
        text = cell.text.replace("facebook/dinov2-small", "models/demo-dinov2")
        exec(compile(text.replace("cat.jpg", "images/chelsea.jpg"), str(cell), "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    records = list(generator.load_records("site"))
    means = [str(record.entropy.mean()) for record in records]
    assert printed == [f"{r.model.id} {mean}" for r, mean in zip(records, means, strict=True)]
    assert len(printed) == 20
