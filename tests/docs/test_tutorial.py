"""The tutorial, run from start to end, and the cookbook's notebook in the same folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import generator
from tests.docs.blocks import ROOT, Block, blocks

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


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder as the tutorial makes it, with this checkout's program and an empty origin."""
    folder = tmp_path_factory.mktemp("tutorial") / "my-gallery"
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
    yield folder, environment


@pytest.fixture(scope="module")
def said(world: tuple[Path, dict[str, str]]) -> list[str]:
    """What every block of the tutorial printed; gallery files are saved where they stand."""
    folder, environment = world
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
    world: tuple[Path, dict[str, str]], said: list[str]
) -> None:
    folder, _ = world
    origin = folder.parent / "origin.git"
    tree = ["git", "-C", origin, "ls-tree", "-r", "--name-only", "gh-pages"]
    listed = subprocess.run(tree, check=True, capture_output=True, text=True).stdout.splitlines()
    assert {"index.html", "manifest.json", "methods/index.html"} <= set(listed)
    assert sum("measured" in text for text in said) == 2
    assert any("0 measured, 20 from the store" in text for text in said), "nothing is done twice"
    assert not any("warning: " in text for text in said), said


@pytest.mark.slow
@pytest.mark.usefixtures("said")
def test_the_tutorial_leaves_the_files_it_names(world: tuple[Path, dict[str, str]]) -> None:
    folder, _ = world
    for name in ("statistics.csv", "gallery.html", "maps.pdf", "maps.tex", "maps.bib"):
        assert (folder / name).stat().st_size > 100, name
    assert (folder / "site" / "figures" / "fig1.pdf").read_bytes().startswith(b"%PDF")
    manifest = json.loads((folder / "site" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["title"] == "Registers, in miniature"
    assert "Ada Lovelace" in (folder / "site" / "index.html").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.usefixtures("said")
def test_the_notebook_of_the_cookbook_runs(
    world: tuple[Path, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, environment = world
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ATTENTION_GALLERY_CACHE", environment["ATTENTION_GALLERY_CACHE"])
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
