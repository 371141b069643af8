"""Publishing to a GitHub Pages branch with ghp-import.

The working tree and the index are not changed: ghp-import writes the commit directly into the
repository. The former content of the branch stays in its history unless the user says otherwise.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from generator.errors import PublishError
from generator.export.publish.delivery import Added
from generator.export.publish.git import Repository, github_page, open_repository, run
from generator.present.files.manifest import GENERATOR
from generator.present.files.manifest_file import MANIFEST
from generator.text.json_text import parsed_json
from generator.text.phrases import counted

CNAME = "CNAME"
HOST = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.IGNORECASE)
INSTALL = "Install it with `pip install ghp-import`."

NO_COMMIT = "none"

COMMITTER = {"user.name": "GIT_COMMITTER_NAME", "user.email": "GIT_COMMITTER_EMAIL"}
"""git's settings, and the environment variables that override them."""

ADVICE = (
    (
        re.compile(r"fetch first|non-fast-forward|stale info|cannot lock ref", re.IGNORECASE),
        "Somebody else published in between: run the same command again.",
    ),
    (
        re.compile(r"protected branch|hook declined|GH0\d\d", re.IGNORECASE),
        "The host's rules forbid it: change them for this branch, or choose another with --branch.",
    ),
    (
        re.compile(
            r"permission|could not read (user|pass)|authenti|denied|\b403\b|access rights",
            re.IGNORECASE,
        ),
        "Check that you may push there: `git push` must work from this folder.",
    ),
    (
        re.compile(r"resolve host|unable to access|timed out|connect|does not appear to be a git"),
        "Check the network and the remote's address with `git remote -v`.",
    ),
)


@dataclass(frozen=True, slots=True)
class BranchDelivery:
    """A site to be committed to a branch.

    Attributes:
        amount: number and size of its files, in words.
        repository: the branch's repository.
        remote: name of the remote.
        url: address of the remote, without a login; empty if nothing is pushed.
        cname: the site's own domain; empty to keep that of the branch.
        push: whether to push the branch to the remote.
        force: replace any content of the branch, here and on the remote.
        history: whether to keep the branch's history.
    """

    site: Path
    amount: str
    repository: Repository
    remote: str
    url: str
    branch: str
    message: str
    cname: str
    push: bool
    force: bool
    history: bool

    @property
    def question(self) -> str:
        """The question to confirm."""
        return f"Publish {self.amount}, to {self._target}"

    @property
    def outlook(self) -> str:
        """What sending would do."""
        return f"{self.amount}, would go to {self._target}."

    @property
    def added(self) -> tuple[Added, ...]:
        """The file that names the domain, if one was given."""
        return (Added(CNAME, self.cname),) if self.cname else ()

    @property
    def local(self) -> str:
        """The full reference of the branch."""
        return f"refs/heads/{self.branch}"

    @property
    def tracked(self) -> str:
        """The full reference of the remote's branch, as last fetched."""
        return f"refs/remotes/{self.remote}/{self.branch}"

    def send(self) -> str:
        """Commit and push; see :class:`generator.export.publish.delivery.Delivery`."""
        if self.push:
            self._fetch()
        self._undo_killed()
        before, published = (self.repository.commit(ref) for ref in (self.local, self.tracked))
        self._refuse_to_lose(before, published)
        parent = published or before
        kept = self.repository.text("show", f"{parent}:{CNAME}") if parent else ""
        cname = self.cname or kept
        self.repository.ask("config", "--local", self._mark, before or NO_COMMIT)
        try:
            self._commit(cname)
            if self._unchanged(parent) and (published or not self.push):
                self._restore(parent)
                return f"{self._place} already holds this site; there is nothing to do."
            if self.push:
                self._push(published)
        except (PublishError, KeyboardInterrupt):
            self._restore(before)
            raise
        finally:
            self._forget()
        return self._done(cname)

    @property
    def _target(self) -> str:
        if not self.push:
            return f"the local branch {self.branch}"
        return f"the branch {self.branch} of {self.remote} ({self.url})"

    @property
    def _place(self) -> str:
        return f"The branch {self.branch}" + (f" of {self.remote}" if self.push else "")

    def _fetch(self) -> None:
        """Fetch the remote's branch."""
        listed = self.repository.ask("ls-remote", "--heads", self.remote, self.local)
        if listed.code != 0:
            raise _refused(f"The remote {self.remote} cannot be reached", listed.words)
        if not listed.output.strip():
            self.repository.ask("update-ref", "-d", self.tracked)
            return
        fetched = self.repository.ask(
            "fetch", "--no-tags", "--quiet", self.remote, f"+{self.local}:{self.tracked}"
        )
        if fetched.code != 0:
            raise _refused(f"The branch {self.branch} cannot be fetched", fetched.words)

    @property
    def _mark(self) -> str:
        """The key of git's settings that keeps the branch's former commit during publishing."""
        return f"attention-gallery.{self.branch}.before"

    def _undo_killed(self) -> None:
        """Reset the branch to its former commit, if a run was killed before it had pushed.

        The branch must have only the one commit of that run on top.
        """
        mark = self.repository.text("config", "--local", self._mark)
        if not mark:
            return
        before = "" if mark == NO_COMMIT else mark
        tip = self.repository.commit(self.local)
        known = [f"^{c}" for c in (before, self.repository.commit(self.tracked)) if c]
        ahead = self.repository.text("rev-list", "--count", tip, *known) if tip else "0"
        if not tip or (ahead == "1" and _holds_site(self.repository, tip)):
            self._restore(before)
        self._forget()

    def _forget(self) -> None:
        self.repository.ask("config", "--local", "--unset", self._mark)

    def _refuse_to_lose(self, before: str, published: str) -> None:
        """Make sure that the branch holds a site of this program, and is known to the remote."""
        if self.force:
            return
        parent = published or before
        if parent and not _holds_site(self.repository, parent):
            held = self.repository.text("ls-tree", "--name-only", parent).splitlines()
            raise PublishError(
                f"The branch {self.branch} holds something else than a gallery"
                + (f" ({', '.join(held[:3])})." if held else "."),
                "Choose another with --branch, or replace it with --force.",
                usage=True,
            )
        if before and published:
            ahead = self.repository.text("rev-list", "--count", before, f"^{published}")
            if int(ahead or 0):
                raise PublishError(
                    f"The local branch {self.branch} has {counted(int(ahead), 'commit')} that "
                    f"{self.remote} does not have.",
                    f"Run `git push {self.remote} {self.branch}` first, or replace it with "
                    "--force.",
                )

    def _commit(self, cname: str) -> None:
        words = [sys.executable, "-P", "-m", "ghp_import", "--no-jekyll"]
        words += [f"--message={self.message}", f"--remote={self.remote}", f"--branch={self.branch}"]
        words += [f"--cname={cname}"] if cname else []
        if not self.history:
            words.append("--no-history")
            self.repository.ask("update-ref", "-d", self.local)
        done = run([*words, str(self.site.resolve())], self.repository.folder)
        if done.code != 0 or not self.repository.commit(self.local):
            # after git's own message comes the traceback of ghp-import
            said = done.words.partition("; ")[0]
            raise PublishError(
                f"ghp-import could not write the branch {self.branch}: {said}.",
                "Check that there is room on the disk, and `git fsck`.",
            )

    def _unchanged(self, parent: str) -> bool:
        """Whether the new commit has the content of its parent, and keeps its history."""
        if not parent or not self.history:
            return False
        trees = {self.repository.text("rev-parse", f"{c}^{{tree}}") for c in (parent, self.local)}
        return len(trees) == 1

    def _push(self, published: str) -> None:
        lease = [f"--force-with-lease={self.local}:{published}"]
        forced = lease if published and (self.force or not self.history) else []
        pushed = self.repository.ask(
            "push", "--quiet", *forced, self.remote, f"{self.local}:{self.local}"
        )
        if pushed.code != 0:
            raise _refused(f"The push to {self.remote} was refused", pushed.words)
        self.repository.ask("update-ref", self.tracked, self.local)

    def _restore(self, commit: str) -> None:
        """Reset the local branch to its former commit."""
        if commit:
            self.repository.ask("update-ref", self.local, commit)
        else:
            self.repository.ask("update-ref", "-d", self.local)

    def _done(self, cname: str) -> str:
        lines = [f"Published {self.amount}, to the branch {self.branch}."]
        if not self.push:
            lines = [
                f"Committed {self.amount}, to the local branch {self.branch}.",
                f"Push it with `git push {self.remote} {self.branch}`.",
            ]
        page = f"https://{cname}/" if cname else github_page(self.url)
        if page:
            lines += [
                f"Its address: {page}",
                "Once, on GitHub: Settings, Pages, Deploy from a branch, "
                f"{self.branch} and / (root).",
            ]
        return "\n".join(lines)


def branch_delivery(
    site: Path,
    amount: str,
    *,
    repository: Path,
    remote: str,
    branch: str,
    message: str,
    cname: str,
    push: bool,
    force: bool,
    history: bool,
) -> BranchDelivery:
    """Check everything that publishing to a branch needs, without network access.

    Args:
        site: folder of a built site.
        amount: number and size of its files, in words.
        repository: a folder in the repository.
        remote: name of the remote.
        cname: the site's own domain, or empty.
        force: replace any content of the branch.
        history: keep the branch's history.

    Raises:
        PublishError: ghp-import, the repository, its remote or the committer's name is missing, or
            the branch is checked out or has an invalid name.
    """
    if importlib.util.find_spec("ghp_import") is None:
        raise PublishError("Publishing to a branch needs ghp-import.", INSTALL)
    found = open_repository(repository)
    if cname and not HOST.fullmatch(cname):
        raise PublishError(
            f"{cname!r} is no domain name.",
            "Write it like gallery.example.org, without https://.",
            usage=True,
        )
    if found.ask("check-ref-format", "--branch", branch).code != 0:
        raise PublishError(
            f"{branch!r} is no name for a branch.", "Choose one like gh-pages.", usage=True
        )
    if f"branch refs/heads/{branch}" in found.text("worktree", "list", "--porcelain").splitlines():
        raise PublishError(
            f"The branch {branch} is checked out in {found.folder.name}.",
            "Check out another one first, or choose another with --branch.",
            usage=True,
        )
    for key, variable in COMMITTER.items():
        if not os.environ.get(variable) and not found.text("config", key):
            raise PublishError(
                f"git does not know your {key}, which a commit carries.",
                f'Say it with `git config {key} "..."`.',
            )
    return BranchDelivery(
        site=site,
        amount=amount,
        repository=found,
        remote=remote,
        url=found.remote_url(remote) if push else "",
        branch=branch,
        message=message,
        cname=cname,
        push=push,
        force=force,
        history=history,
    )


def _holds_site(repository: Repository, commit: str) -> bool:
    """Whether a commit contains a site of this program."""
    try:
        manifest = parsed_json(repository.text("show", f"{commit}:{MANIFEST}"))
        return bool(manifest["generator"]["name"] == GENERATOR)
    except (ValueError, KeyError, TypeError):
        return False


def _refused(what: str, words: str) -> PublishError:
    """An error with git's message and a next step."""
    advice = (text for pattern, text in ADVICE if pattern.search(words))
    return PublishError(
        f"{what}: {words}.", next(advice, "Try `git push` by hand to see more of it.")
    )
