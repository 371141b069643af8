"""Publishing to a branch that is refused or interrupted: nothing is lost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from generator.export.publish.git import without_login
from tests.export.publish.branches import commits, hook, other_content, published, state
from tests.export.publish.publishing import git, refused, run
from tests.present.gallery import tree


def test_ghp_import_is_missing(here: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ghp_import", None)
    assert refused(site, "--to", "branch", "--yes", code=1) == (
        "Error: Publishing to a branch needs ghp-import. Install it with `pip install ghp-import`."
    )


def test_git_is_missing(here: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(here))
    assert refused(site, "--to", "branch", "--yes", code=1) == (
        "Error: git is not installed. Install it, or publish with --to space."
    )


def test_no_repository(bare: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bare.parent)
    assert refused(site, "--to", "branch", "--yes") == (
        "Error: The current folder is not in a git repository. "
        "Go to your repository, or name it with --repository DIR."
    )
    assert refused(site, "--to", "branch", "--yes", "--repository", "nowhere") == (
        "Error: There is no folder nowhere. Name a repository with --repository."
    )


def test_a_repository_of_another_user(
    here: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in containers, on network drives and in continuous integration."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert refused(site, "--to", "branch", "--yes", code=1) == (
        f"Error: The current folder is in a repository of another user, {here}, where git does "
        "nothing unless it is told to. If you trust it, run "
        f"`git config --global --add safe.directory {here}`."
    )


def test_no_remote(here: Path, site: Path) -> None:
    assert refused(site, "--to", "branch", "--yes", "--remote", "lab") == (
        "Error: The repository paper has no remote lab. Choose another with --remote: origin."
    )
    git(here, "remote", "remove", "origin")
    assert refused(site, "--to", "branch", "--yes") == (
        "Error: The repository paper has no remote origin. "
        "Add it with `git remote add origin URL`, or say --no-push."
    )


def test_remote_that_is_gone(here: Path, bare: Path, site: Path) -> None:
    bare.rename(bare.with_name("moved.git"))
    line = refused(site, "--to", "branch", "--yes", code=1)
    assert line.startswith("Error: The remote origin cannot be reached: ")
    assert f"'{bare}' does not appear to be a git repository" in line
    assert git(here, "branch", "--list", "gh-pages") == ""


def test_nobody_to_sign_the_commit(here: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    assert refused(site, "--to", "branch", "--yes", code=1) == (
        "Error: git does not know your user.name, which a commit carries. "
        'Say it with `git config user.name "..."`.'
    )
    monkeypatch.setenv("GIT_COMMITTER_NAME", "CI")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "ci@example.org")
    assert run(site, "--to", "branch", "--yes").exit_code == 0


@pytest.mark.parametrize("branch", ["-x", "a b", "a..b", ""])
def test_names_that_no_branch_can_have(here: Path, site: Path, branch: str) -> None:
    assert refused(site, "--to", "branch", "--yes", f"--branch={branch}") == (
        f"Error: {branch!r} is no name for a branch. Choose one like gh-pages."
    )


@pytest.mark.parametrize(
    "domain", ["https://a.example.org", "a b.org", "localhost", "a.org\nb.org"]
)
def test_what_is_no_domain(here: Path, site: Path, domain: str) -> None:
    assert refused(site, "--to", "branch", "--yes", "--cname", domain) == (
        f"Error: {domain!r} is no domain name. Write it like gallery.example.org, without https://."
    )


def test_the_branch_that_is_checked_out(here: Path, site: Path) -> None:
    assert refused(site, "--to", "branch", "--yes", "--branch", "main") == (
        "Error: The branch main is checked out in paper. "
        "Check out another one first, or choose another with --branch."
    )


def test_a_branch_with_something_else_is_not_replaced(here: Path, bare: Path, site: Path) -> None:
    theirs = other_content(here, {"index.html": "Docs", "manifest.json": "{}", "search.js": ""})
    assert refused(site, "--to", "branch", "--yes") == (
        "Error: The branch gh-pages holds something else than a gallery "
        "(index.html, manifest.json, search.js). "
        "Choose another with --branch, or replace it with --force."
    )
    assert git(bare, "rev-parse", "gh-pages") == theirs
    assert git(here, "branch", "--list", "gh-pages") == ""
    assert run(site, "--to", "branch", "--yes", "--force").exit_code == 0
    assert published(bare) == tree(site)
    assert commits(bare) == ["Publish the gallery", "By somebody"], "what was there can be had back"


def test_local_commits_are_not_lost(here: Path, bare: Path, site: Path, tmp_path: Path) -> None:
    run(site, "--to", "branch", "--yes")
    changed = Path(shutil.copytree(site, tmp_path / "changed"))
    (changed / "assets" / "new.css").write_text("p {}")
    run(changed, "--to", "branch", "--yes", "--no-push")
    mine = git(here, "rev-parse", "gh-pages")
    assert refused(site, "--to", "branch", "--yes", code=1) == (
        "Error: The local branch gh-pages has 1 commit that origin does not have. "
        "Run `git push origin gh-pages` first, or replace it with --force."
    )
    assert git(here, "rev-parse", "gh-pages") == mine


def kill_at_push(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment in which the program is killed when it asks git to push."""
    tools = folder / "tools"
    tools.mkdir()
    real = shutil.which("git")
    script = f'#!/bin/sh\nif [ "$1" = push ]; then kill -9 $PPID; exit 1; fi\nexec {real} "$@"\n'
    (tools / "git").write_text(script)
    (tools / "git").chmod(0o755)
    return {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}


def killed_at_push(site: Path, environment: dict[str, str], *words: str) -> None:
    command = [sys.executable, "-m", "generator", "publish", str(site), "--to", "branch", "--yes"]
    package = {"PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run([*command, *words], env={**environment, **package}, check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("words", [(), ("--no-history",)])
@pytest.mark.slow
def test_killed_before_the_push_it_goes_on(
    here: Path,
    bare: Path,
    site: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
) -> None:
    environment = kill_at_push(tmp_path, monkeypatch)
    copy = tmp_path / "site"
    shutil.copytree(site, copy)
    for text in ("one", "two", "three"):  # nothing published, one commit, two commits
        (copy / "assets" / "note.txt").write_text(text)
        for _ in range(2):
            killed_at_push(copy, environment, *words)
        result = run(copy, "--to", "branch", "--yes", *words)
        assert result.exit_code == 0, result.output
        assert published(bare)["assets/note.txt"] == text.encode()
    assert len(commits(bare)) == (1 if words else 3)
    settings = (here / ".git" / "config").read_text()
    assert "before =" not in settings, "nothing is left in git's settings"


@pytest.mark.slow
def test_commits_after_a_kill_are_not_lost(
    here: Path, bare: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(site, "--to", "branch", "--yes").exit_code == 0
    copy = tmp_path / "site"
    shutil.copytree(site, copy)
    (copy / "assets" / "note.txt").write_text("two")
    killed_at_push(copy, kill_at_push(tmp_path, monkeypatch))
    tree_of = git(here, "rev-parse", "gh-pages^{tree}")
    own = git(here, "commit-tree", tree_of, "-p", "gh-pages", "-m", "Mine")
    git(here, "update-ref", "refs/heads/gh-pages", own)
    assert "has 2 commits that origin does not have" in refused(
        copy, "--to", "branch", "--yes", code=1
    )
    assert git(here, "rev-parse", "gh-pages") == own


def test_a_push_that_the_host_refuses(here: Path, bare: Path, site: Path) -> None:
    hook(bare, "pre-receive", "echo 'error: GH006: Protected branch update failed.' >&2; exit 1")
    before = state(here)
    assert refused(site, "--to", "branch", "--yes", code=1) == (
        "Error: The push to origin was refused: GH006: Protected branch update failed.; "
        "! [remote rejected] gh-pages -> gh-pages (pre-receive hook declined). The host's rules "
        "forbid it: change them for this branch, or choose another with --branch."
    )
    assert state(here) == before
    assert git(here, "branch", "--list", "gh-pages") == "", "the next attempt starts afresh"
    (bare / "hooks" / "pre-receive").unlink()
    assert run(site, "--to", "branch", "--yes").exit_code == 0


@pytest.mark.parametrize(
    ("option", "reason"),
    [("--history", "fetch first"), ("--no-history", "stale info"), ("--force", "stale info")],
)
def test_somebody_publishes_in_between(
    here: Path, bare: Path, site: Path, tmp_path: Path, option: str, reason: str
) -> None:
    """Even a forced push replaces only what was looked at."""
    run(site, "--to", "branch", "--yes")
    mine = git(here, "rev-parse", "gh-pages")
    theirs = git(bare, "commit-tree", "gh-pages^{tree}", "-p", "gh-pages", "-m", "By somebody else")
    git(bare, "update-ref", "refs/heads/theirs", theirs)
    # As soon as the branch is written here, after the remote was looked at.
    meanwhile = f"git --git-dir={bare} update-ref refs/heads/gh-pages {theirs}"
    hook(here / ".git", "reference-transaction", f"grep -q heads/gh-pages && {meanwhile}; true")
    changed = Path(shutil.copytree(site, tmp_path / "changed"))
    (changed / "assets" / "new.css").write_text("p {}")
    line = refused(changed, "--to", "branch", "--yes", option, code=1)
    assert line == (
        f"Error: The push to origin was refused: ! [rejected] gh-pages -> gh-pages ({reason}). "
        "Somebody else published in between: run the same command again."
    )
    assert git(bare, "rev-parse", "gh-pages") == theirs
    assert git(here, "rev-parse", "gh-pages") == mine


def test_a_branch_that_cannot_be_written(here: Path, bare: Path, site: Path) -> None:
    hook(here / ".git", "reference-transaction", "grep -q heads/gh-pages && exit 1; true")
    assert refused(site, "--to", "branch", "--yes", code=1) == (
        "Error: ghp-import could not write the branch gh-pages: ref updates aborted by hook. "
        "Check that there is room on the disk, and `git fsck`."
    )
    assert git(bare, "branch", "--list", "gh-pages") == ""


def test_logins_are_not_repeated() -> None:
    said = "fatal: Authentication failed for 'https://me:ghp_secret@github.com/lab/x.git/'"
    assert without_login(said) == (
        "fatal: Authentication failed for 'https://github.com/lab/x.git/'"
    )


def test_inside_a_hook_the_named_repository_is_meant(
    here: Path, bare: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git sets GIT_DIR for its hooks, which would redirect every command."""
    git(tmp_path, "init", "--quiet", "hooked")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "hooked" / ".git"))
    assert run(site, "--to", "branch", "--yes").exit_code == 0
    assert published(bare) == tree(site)
    assert git(tmp_path / "hooked", "branch", "--list") == ""
