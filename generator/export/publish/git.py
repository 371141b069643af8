"""Local git repositories, through the git command."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from generator.errors import PublishError

INHERITED = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")
"""Variables set inside of git's hooks, which would make every command use the hook's repository."""

LOGIN = re.compile(r"(?<=://)[^/@\s]+@")
NOISE = re.compile(r"^(hint:|To |error: failed to push|Everything up-to-date|\s*$)")
LEAD = re.compile(r"^((fatal|error|remote|ERROR): *)+")

OWNED = re.compile(r"dubious ownership in repository at '(.*)'")

GITHUB = re.compile(
    r"(?:https?://|ssh://git@|git@)(?:[^/@\s]+@)?(?:www\.)?github\.com(?::\d+)?[:/]"
    r"(?P<owner>[^/\s]+)/(?P<name>[^/\s]+?)(?:\.git)?/?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a git command.

    Attributes:
        code: exit status; 0 is success.
        complaint: standard error, without logins.
    """

    code: int
    output: str
    complaint: str

    @property
    def words(self) -> str:
        """The complaint in one line, without git's own advice."""
        lines = [line for line in self.complaint.splitlines() if not NOISE.match(line)]
        said = [" ".join(LEAD.sub("", line).split()) for line in lines]
        return "; ".join(part for part in said if part).rstrip(".") or f"exit code {self.code}"


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository, by its top folder."""

    folder: Path

    def ask(self, *words: str) -> Answer:
        """Run git in the repository; a failure is returned, not raised."""
        return run([_git(), *words], self.folder)

    def text(self, *words: str) -> str:
        """Standard output of a git command; empty if it fails."""
        answer = self.ask(*words)
        return answer.output.strip() if answer.code == 0 else ""

    def commit(self, ref: str) -> str:
        """The commit of a full reference such as ``refs/heads/main``; empty if there is none."""
        return self.text("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")

    def remote_url(self, remote: str) -> str:
        """The address of a remote, without a login.

        Raises:
            PublishError: the remote does not exist.
        """
        url = self.text("remote", "get-url", "--push", remote)
        if not url:
            known = self.text("remote").split()
            raise PublishError(
                f"The repository {self.folder.name} has no remote {remote}.",
                f"Choose another with --remote: {', '.join(known)}."
                if known
                else f"Add it with `git remote add {remote} URL`, or say --no-push.",
                usage=True,
            )
        return without_login(url)


def open_repository(folder: Path) -> Repository:
    """The repository of a folder.

    Raises:
        PublishError: git is not installed, or the folder is not in a repository.
    """
    if not folder.is_dir():
        raise PublishError(
            f"There is no folder {folder}.", "Name a repository with --repository.", usage=True
        )
    found = run([_git(), "rev-parse", "--show-toplevel"], folder)
    if found.code != 0:
        name = "The current folder" if folder == Path() else str(folder)
        if owned := OWNED.search(found.complaint):
            raise PublishError(
                f"{name} is in a repository of another user, {owned[1]}, where git does nothing "
                "unless it is told to.",
                "If you trust it, run `git config --global --add safe.directory "
                f"{shlex.quote(owned[1])}`.",
            )
        raise PublishError(
            f"{name} is not in a git repository.",
            "Go to your repository, or name it with --repository DIR.",
            usage=True,
        )
    return Repository(Path(found.output.removesuffix("\n")))


def run(words: Sequence[str], folder: Path) -> Answer:
    """Run a command in a folder, with English messages and without the variables of a hook."""
    environment = {name: value for name, value in os.environ.items() if name not in INHERITED}
    done = subprocess.run(  # noqa: S603 - a list of words, never a shell
        words,
        cwd=folder,
        env={**environment, "LC_ALL": "C.UTF-8", "LANGUAGE": ""},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return Answer(done.returncode, done.stdout, without_login(done.stderr))


def without_login(text: str) -> str:
    """A text with user names, passwords and tokens removed from its addresses."""
    return LOGIN.sub("", text)


def github_page(url: str) -> str:
    """The GitHub Pages address of a repository; empty for another host."""
    found = GITHUB.fullmatch(url)
    if found is None:
        return ""
    owner, name = found["owner"].lower(), found["name"]
    host = f"{owner}.github.io"
    return f"https://{host}/" if name.lower() == host else f"https://{host}/{name}/"


def _git() -> str:
    found = shutil.which("git")
    if found is None:
        raise PublishError("git is not installed.", "Install it, or publish with --to space.")
    return found
