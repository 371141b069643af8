"""Repositories and branches for tests of publishing."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

from tests.export.publish.publishing import git
from tests.present.gallery import tree

DONE = "Published {amount}, to the branch gh-pages.\n"


def published(bare: Path, branch: str = "gh-pages") -> dict[str, bytes]:
    """What a visitor would get: the files of a fresh clone."""
    clone = bare.parent / "clone"
    shutil.rmtree(clone, ignore_errors=True)
    git(bare.parent, "clone", "--quiet", "--branch", branch, str(bare), "clone")
    shutil.rmtree(clone / ".git")
    return tree(clone)


def commits(bare: Path, branch: str = "gh-pages") -> list[str]:
    return git(bare, "log", "--format=%s", branch).splitlines()


def hook(repository: Path, name: str, text: str) -> None:
    path = repository / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def state(folder: Path) -> tuple[str, str, str]:
    """What the user sees of a repository: changes, the branch, the index."""
    changes = git(folder, "status", "--porcelain")
    return changes, git(folder, "rev-parse", "HEAD"), git(folder, "write-tree")


def other_content(here: Path, files: dict[str, str], branch: str = "gh-pages") -> str:
    """Push a branch that was made by somebody else."""
    clone = here.parent / "somebody"
    shutil.rmtree(clone, ignore_errors=True)
    git(here.parent, "clone", "--quiet", str(here.parent / "bare.git"), "somebody")
    git(clone, "checkout", "--quiet", "--orphan", branch)
    git(clone, "rm", "--quiet", "-rf", ".")
    for name, text in files.items():
        (clone / name).write_text(text)
    git(clone, "add", ".")
    git(clone, "commit", "--quiet", "--message", "By somebody")
    git(clone, "push", "--quiet", "--force", "origin", branch)
    return git(clone, "rev-parse", "HEAD")
