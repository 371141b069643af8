"""A site, and a repository with a remote on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.export.publish.publishing import build, git, identify, run


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("built"))


@pytest.fixture
def amount(site: Path) -> str:
    done = run(site, "--to", "branch", "--dry-run", "--no-push", "--branch", "x")
    return done.stdout.splitlines()[-1].partition("dry run. ")[2].partition(", would ")[0]


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The remote, empty."""
    for name, value in identify(tmp_path).items():
        monkeypatch.setenv(name, value)
    git(tmp_path, "init", "--quiet", "--bare", "bare.git")
    return tmp_path / "bare.git"


@pytest.fixture
def here(bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a repository with something staged and something changed."""
    git(tmp_path, "init", "--quiet", "paper")
    folder = tmp_path / "paper"
    (folder / "paper.tex").write_text("One")
    git(folder, "add", "paper.tex")
    git(folder, "commit", "--quiet", "--message", "A paper")
    git(folder, "remote", "add", "origin", str(bare))
    git(folder, "push", "--quiet", "origin", "main")
    (folder / "staged.txt").write_text("staged")
    git(folder, "add", "staged.txt")
    (folder / "paper.tex").write_text("Two")
    monkeypatch.chdir(folder)
    return folder
