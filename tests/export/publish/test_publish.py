"""The command itself: what it asks, and what it does without an answer."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.export.publish.publishing import build, git, identify, refused, run


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("built"))


@pytest.fixture
def site(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site in the current folder, which is a repository without a remote."""
    for name, value in identify(tmp_path).items():
        monkeypatch.setenv(name, value)
    git(tmp_path, "init", "--quiet", "here")
    monkeypatch.chdir(tmp_path / "here")
    shutil.copytree(built, "site")
    return Path("site")


LOCAL = ("--to", "branch", "--no-push")


def branches() -> str:
    return git(Path(), "branch", "--list")


def at_a_terminal(*words: str, answer: str) -> tuple[int, str, str]:
    """Run the command with someone at the keyboard: exit code, standard output and error."""
    keyboard, terminal = pty.openpty()
    with os.fdopen(keyboard, "w"), os.fdopen(terminal) as end:
        os.write(keyboard, answer.encode())
        done = subprocess.run(
            [sys.executable, "-c", "from generator.cli import main; main()", "publish", *words],
            stdin=end,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    return done.returncode, done.stdout, done.stderr


def test_help_has_every_target_under_its_own_heading() -> None:
    text = run("--help").stdout
    heads = [line for line in text.splitlines() if line.startswith(("With", "Options"))]
    assert heads == [
        "Options:",
        "With --to branch or workflow:",
        "With --to branch or space:",
        "With --to branch:",
        "With --to workflow:",
        "With --to space:",
    ]
    branch = text.partition("With --to branch:")[2].partition("With")[0]
    assert "--cname DOMAIN" in branch and "--space" not in branch
    assert "\n    attention-gallery publish site --to branch --dry-run\n" in text


def test_yes_at_the_terminal(site: Path) -> None:
    code, output, error = at_a_terminal(*LOCAL, answer="y\n")
    assert (code, error) == (0, "")
    asked, _, told = output.partition(" [y/N]: ")
    assert asked.startswith("Publish ") and asked.endswith(", to the local branch gh-pages?")
    assert told.startswith("Committed ")
    assert branches().strip() == "gh-pages"


@pytest.mark.parametrize("answer", ["n\n", "\n"])
def test_anything_else_at_the_terminal(site: Path, answer: str) -> None:
    code, _, error = at_a_terminal(*LOCAL, answer=answer)
    assert (code, error) == (1, "Error: Nothing was published.\n")
    assert branches() == ""


def test_nobody_to_ask(site: Path) -> None:
    line = refused(site, *LOCAL)
    assert line.startswith("Error: Publish ")
    assert line.endswith(
        ", to the local branch gh-pages? Nobody is at a terminal to say yes. Say it with --yes."
    )
    assert branches() == ""


@pytest.mark.parametrize("answer", [("--yes",), ("--yes", "--force"), ("--dry-run",)])
def test_an_error_stops_whatever_the_answer(site: Path, answer: tuple[str, ...]) -> None:
    (site / ".env").write_text("KEY=1")
    (site / "there").symlink_to("/etc")
    result = run(site, *LOCAL, *answer)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "error: 1 symbolic link in the site: there. Put there what a link leads to, or delete it.",
        "error: 1 hidden file that may hold what nobody should see: .env. "
        "Remove from the site what is hidden.",
        "Error: site is not published: 2 problems, see above.",
    ]
    assert branches() == ""


def test_a_warning_is_said_and_needs_the_yes(site: Path) -> None:
    (site / "notes.txt").touch()
    warning = (
        "warning: 1 file that the build did not write: notes.txt. Delete what should not be seen."
    )
    result = run(site, *LOCAL)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == warning
    result = run(site, *LOCAL, "--yes")
    assert (result.exit_code, result.stderr) == (0, f"{warning}\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--to", "space", "--cname", "a.org"),
            "--cname belongs to --to branch, not to --to space",
        ),
        (("--to", "branch", "--private"), "--private belongs to --to space, not to --to branch"),
        (
            ("--to", "branch", "--from", "site"),
            "--from belongs to --to workflow, not to --to branch",
        ),
        (
            ("--to", "workflow", "-m", "x"),
            "-m belongs to --to branch or space, not to --to workflow",
        ),
    ],
)
def test_options_of_another_target(site: Path, words: tuple[str, ...], said: str) -> None:
    assert refused(site, *words, "--yes") == f"Error: {said}. Leave it out."


@pytest.mark.parametrize("words", [LOCAL, ("--to", "space", "--space", "lab/x")])
def test_commit_without_a_message(site: Path, words: tuple[str, ...]) -> None:
    assert refused(site, *words, "--yes", "-m", " ") == (
        "Error: A commit needs a message. Say it with -m."
    )


def test_target_must_be_said(site: Path) -> None:
    result = run(site)
    assert result.exit_code == 2
    assert "Missing option '--to'. Choose branch, workflow or space." in result.stderr


def test_folder_that_is_no_site(site: Path) -> None:
    assert refused("nowhere", *LOCAL, "--yes") == (
        "Error: There is no folder nowhere. Build the site first, or name its folder."
    )
