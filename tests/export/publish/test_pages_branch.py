"""Publishing to a branch of a bare repository on this machine."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from generator.export.publish.git import github_page, without_login
from tests.export.publish.publishing import build, git, identify, refused, run
from tests.present.gallery import tree

DONE = "Published {amount}, to the branch gh-pages.\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("built"))


@pytest.fixture
def amount(site: Path) -> str:
    done = run(site, "--to", "branch", "--dry-run", "--no-push", "--branch", "x")
    return done.stdout.splitlines()[-1].removeprefix("Publish ").partition(", to ")[0]


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


# --- what works -----------------------------------------------------------------------------------


def test_the_branch_holds_the_site_and_nothing_else(
    here: Path, bare: Path, site: Path, amount: str
) -> None:
    before = state(here)
    result = run(site, "--to", "branch", "--yes")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == DONE.format(amount=amount)
    assert published(bare) == tree(site)
    assert commits(bare) == ["Publish the gallery"]
    assert state(here) == before, "neither the working tree nor the index is touched"
    assert git(bare, "log", "--format=%an <%ae>", "gh-pages") == (
        "A. Curator <curator@example.org>"
    )


def test_again_without_a_change_makes_no_commit(here: Path, bare: Path, site: Path) -> None:
    run(site, "--to", "branch", "--yes")
    first = git(bare, "rev-parse", "gh-pages")
    result = run(site, "--to", "branch", "--yes")
    assert result.stdout == (
        "The branch gh-pages of origin already holds this site; there is nothing to do.\n"
    )
    assert git(bare, "rev-parse", "gh-pages") == git(here, "rev-parse", "gh-pages") == first


def test_a_changed_site_replaces_the_old_one_and_keeps_history(
    here: Path, bare: Path, site: Path, tmp_path: Path
) -> None:
    run(site, "--to", "branch", "--yes")
    changed = Path(shutil.copytree(site, tmp_path / "changed"))
    (changed / "assets" / "new.css").write_text("p {}")
    next((changed / "assets").glob("print.*.css")).unlink()
    run(changed, "--to", "branch", "--yes", "-m", "After the rebuttal")
    assert published(bare) == tree(changed)
    assert commits(bare) == ["After the rebuttal", "Publish the gallery"]


def test_from_a_machine_that_never_saw_the_branch(
    here: Path, bare: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(site, "--to", "branch", "--yes")
    git(tmp_path, "clone", "--quiet", "--single-branch", "--branch", "main", str(bare), "second")
    monkeypatch.chdir(tmp_path / "second")
    changed = Path(shutil.copytree(site, tmp_path / "changed"))
    (changed / "assets" / "new.css").write_text("p {}")
    assert run(changed, "--to", "branch", "--yes").exit_code == 0
    assert commits(bare) == ["Publish the gallery", "Publish the gallery"]


def test_without_history_one_commit_is_left(
    here: Path, bare: Path, site: Path, tmp_path: Path
) -> None:
    run(site, "--to", "branch", "--yes")
    changed = Path(shutil.copytree(site, tmp_path / "changed"))
    (changed / "assets" / "new.css").write_text("p {}")
    result = run(changed, "--to", "branch", "--yes", "--no-history")
    assert result.exit_code == 0, result.stderr
    assert published(bare) == tree(changed)
    assert commits(bare) == ["Publish the gallery"]


def test_no_push_leaves_it_on_this_machine(here: Path, bare: Path, site: Path, amount: str) -> None:
    git(here, "remote", "remove", "origin")
    result = run(site, "--to", "branch", "--yes", "--no-push")
    assert result.stdout == (
        f"Committed {amount}, to the local branch gh-pages.\n"
        "Push it with `git push origin gh-pages`.\n"
    )
    assert git(bare, "branch", "--list", "gh-pages") == ""
    assert ".nojekyll" in git(here, "ls-tree", "--name-only", "gh-pages").splitlines()


def test_another_repository_remote_and_branch(
    here: Path, bare: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(here, "remote", "rename", "origin", "lab")
    (here / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    words = ["--repository", here / "sub", "--remote", "lab", "--branch", "pages/one"]
    assert run(site, "--to", "branch", "--yes", *words).exit_code == 0
    assert published(bare, "pages/one") == tree(site)


def test_domain_is_written_and_then_kept(
    here: Path, bare: Path, site: Path, amount: str, tmp_path: Path
) -> None:
    told = (
        DONE.format(amount=amount) + "Its address: https://gallery.example.org/\n"
        "Once, on GitHub: Settings, Pages, Deploy from a branch, gh-pages and / (root).\n"
    )
    result = run(site, "--to", "branch", "--yes", "--cname", "gallery.example.org")
    assert result.stdout == told
    assert published(bare) == {**tree(site), "CNAME": b"gallery.example.org"}
    changed = Path(shutil.copytree(site, tmp_path / "changed"))
    next((changed / "assets").glob("print.*.css")).write_text("p {}")
    assert "https://gallery.example.org/" in run(changed, "--to", "branch", "--yes").stdout
    assert published(bare)["CNAME"] == b"gallery.example.org"


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("git@github.com:Lab/Registers.git", "https://lab.github.io/Registers/"),
        ("https://github.com/Lab/Registers", "https://lab.github.io/Registers/"),
        ("https://github.com/Lab/Registers.git/", "https://lab.github.io/Registers/"),
        ("ssh://git@github.com:22/lab/a.b.git", "https://lab.github.io/a.b/"),
        ("https://me:secret@github.com/lab/x", "https://lab.github.io/x/"),
        ("https://github.com/Lab/lab.github.io.git", "https://lab.github.io/"),
        ("https://gitlab.com/lab/x", ""),
        ("https://github.com.evil.org/lab/x", ""),
        ("/srv/git/x.git", ""),
    ],
)
def test_address_that_github_gives(url: str, page: str) -> None:
    assert github_page(url) == page


def test_dry_run_shows_every_file_and_asks_nobody(here: Path, site: Path, amount: str) -> None:
    git(here, "remote", "set-url", "origin", "https://me:secret@nowhere.invalid/lab/x.git")
    result = run(site, "--to", "branch", "--dry-run", "--cname", "a.example.org")
    assert (result.exit_code, result.stderr) == (0, "")
    listed, _, rest = result.stdout.partition(f"\n\n{amount}\n")
    assert [line[10:] for line in listed.splitlines()] == sorted(tree(site))
    assert rest == (
        "\nbeside the site, CNAME:\n\na.example.org\n"
        f"\nPublish {amount}, to the branch gh-pages of origin "
        "(https://nowhere.invalid/lab/x.git): not now. Nothing was written or sent.\n"
    )
    assert git(here, "branch", "--list", "gh-pages") == ""


# --- what is refused ------------------------------------------------------------------------------


def test_ghp_import_is_missing(here: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ghp_import", None)
    assert refused(site, "--to", "branch", "--yes") == (
        "Error: Publishing to a branch needs ghp-import. Install it with `pip install ghp-import`."
    )


def test_git_is_missing(here: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(here))
    assert refused(site, "--to", "branch", "--yes") == (
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
    assert refused(site, "--to", "branch", "--yes") == (
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
    line = refused(site, "--to", "branch", "--yes")
    assert line.startswith("Error: The remote origin cannot be reached: ")
    assert f"'{bare}' does not appear to be a git repository" in line
    assert git(here, "branch", "--list", "gh-pages") == ""


def test_nobody_to_sign_the_commit(here: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    assert refused(site, "--to", "branch", "--yes") == (
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
    assert refused(site, "--to", "branch", "--yes") == (
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
    assert "has 2 commits that origin does not have" in refused(copy, "--to", "branch", "--yes")
    assert git(here, "rev-parse", "gh-pages") == own


def test_a_push_that_the_host_refuses(here: Path, bare: Path, site: Path) -> None:
    hook(bare, "pre-receive", "echo 'error: GH006: Protected branch update failed.' >&2; exit 1")
    before = state(here)
    assert refused(site, "--to", "branch", "--yes") == (
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
    line = refused(changed, "--to", "branch", "--yes", option)
    assert line == (
        f"Error: The push to origin was refused: ! [rejected] gh-pages -> gh-pages ({reason}). "
        "Somebody else published in between: run the same command again."
    )
    assert git(bare, "rev-parse", "gh-pages") == theirs
    assert git(here, "rev-parse", "gh-pages") == mine


def test_a_branch_that_cannot_be_written(here: Path, bare: Path, site: Path) -> None:
    hook(here / ".git", "reference-transaction", "grep -q heads/gh-pages && exit 1; true")
    assert refused(site, "--to", "branch", "--yes") == (
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
