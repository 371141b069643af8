"""Publishing to a static Hugging Face Space, in one commit."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError
from huggingface_hub.hf_api import SpaceInfo

from generator.capture.checkpoint.hub import UNREACHABLE, hub_problem
from generator.errors import PublishError
from generator.export.publish.delivery import Added
from generator.export.publish.licenses import shared_license
from generator.present.files.manifest import Manifest
from generator.present.files.manifest_file import MANIFEST, MANIFEST_SCHEMA

README = "README.md"
ATTRIBUTES = ".gitattributes"
STATIC = "static"
FRESH = frozenset({README, ATTRIBUTES, "index.html", "style.css"})
"""Files that the hub creates in a new static Space."""

PART = r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?"
SPACE = re.compile(f"{PART}/{PART}", re.ASCII)
LOGIN = "Log in with `hf auth login`, or set HF_TOKEN, with a token that may write."
ADVICE = {
    401: LOGIN,
    402: "See what your account includes on the hub's pricing page, or publish with --to branch.",
    403: "Name a Space of your own, or take a token that may write to this one.",
    404: "Check the name of the Space, and that your token may write.",
    409: "Somebody else changed the Space in between: run the same command again.",
    412: "Somebody else changed the Space in between: run the same command again.",
    413: "Make the site smaller.",
}

TROUBLE = (*UNREACHABLE, ValueError, RuntimeError)
"""Exceptions of the hub library: no answer or a refusal, an unreadable answer, and its own error
for either in an uploading thread."""


@dataclass(frozen=True, slots=True)
class SpaceDelivery:
    """A site to be committed to a Space.

    Attributes:
        amount: number and size of its files, in words.
        card: the Space's README, for a new Space.
        private: whether a new Space is private.
        force: replace any content of the Space.
    """

    site: Path
    amount: str
    paths: tuple[str, ...]
    space: str
    card: Added
    message: str
    private: bool
    force: bool

    @property
    def question(self) -> str:
        """The question to confirm."""
        return f"Publish {self.amount}, to {self._target}"

    @property
    def outlook(self) -> str:
        """What sending would do."""
        return f"{self.amount}, would go to {self._target}."

    @property
    def _target(self) -> str:
        kind = "private Space" if self.private else "Space"
        return f"the {kind} {self.space} on {_host()}"

    @property
    def added(self) -> tuple[Added, ...]:
        """The README of a new Space; an existing Space keeps its own."""
        return (self.card,)

    def send(self) -> str:
        """Create the Space and commit; see :class:`generator.export.publish.delivery.Delivery`."""
        api = HfApi()
        try:
            found = _info(api, self.space)
            if found is not None:
                self._refuse_to_show(found)
                self._refuse_to_lose(found)
            if found is None:
                api.create_repo(
                    self.space,
                    repo_type="space",
                    space_sdk=STATIC,
                    private=self.private or None,
                    exist_ok=True,
                )
                # the hub makes the first commit itself
                found = api.space_info(self.space)
            api.create_commit(
                self.space,
                self._operations(_files(found)),
                commit_message=self.message,
                repo_type="space",
                parent_commit=found.sha,
            )
        except TROUBLE as error:
            raise _refused(self.space, error) from error
        return "\n".join(
            [
                f"Published {self.amount}, to the Space {self.space}.",
                f"Its address: {api.endpoint}/spaces/{self.space}",
            ]
        )

    def _refuse_to_show(self, found: SpaceInfo) -> None:
        """Refuse to publish to a public Space what shall be private."""
        if self.private and not found.private:
            raise PublishError(
                f"The Space {self.space} is there already, and public.",
                "Make it private in its settings, choose another name, or leave out --private.",
                usage=True,
            )

    def _refuse_to_lose(self, found: SpaceInfo) -> None:
        """Refuse to overwrite a Space that is not static, or has other content than a site."""
        if self.force:
            return
        if found.sdk not in (None, STATIC):
            raise PublishError(
                f"The Space {self.space} runs {found.sdk}, and a gallery needs a static one.",
                "Choose another name, or replace what it holds with --force.",
                usage=True,
            )
        files = _files(found)
        others = sorted(files - FRESH)
        if others and not {MANIFEST, MANIFEST_SCHEMA} <= files:
            raise PublishError(
                f"The Space {self.space} holds something else than a gallery "
                f"({', '.join(others[:3])}).",
                "Choose another name, or replace what it holds with --force.",
                usage=True,
            )

    def _operations(
        self, there: frozenset[str]
    ) -> list[CommitOperationAdd | CommitOperationDelete]:
        """Additions of the site's files and README, and deletions of other files."""
        ours = MANIFEST in there and not self.force
        kept = {README, ATTRIBUTES} if ours and README in there else {ATTRIBUTES}
        files = [CommitOperationAdd(path, self.site / path) for path in self.paths]
        if README not in kept:
            files.append(CommitOperationAdd(README, self.card.text.encode()))
        gone = sorted(there - kept - {file.path_in_repo for file in files})
        return [*files, *(CommitOperationDelete(path, is_folder=False) for path in gone)]


def space_delivery(
    site: Path,
    amount: str,
    paths: Sequence[str],
    manifest: Manifest | None,
    *,
    space: str,
    message: str,
    private: bool,
    force: bool,
) -> SpaceDelivery:
    """Check everything that publishing to a Space needs, without network access.

    Args:
        site: folder of a built site.
        amount: number and size of its files, in words.
        space: ``owner/name``.
        private: whether a new Space is private.
        force: replace any content of the Space.

    Raises:
        PublishError: there is no login, or the name is invalid.
    """
    if not space:
        raise PublishError("Which Space?", "Say --space OWNER/NAME.", usage=True)
    if not SPACE.fullmatch(space) or ".." in space or "--" in space:
        raise PublishError(
            f"{space!r} is no name of a Space.",
            "Write it like your-name/attention-of-cats.",
            usage=True,
        )
    if get_token() is None:
        raise PublishError("You are not logged in to the Hugging Face hub.", LOGIN)
    card = Added(README, space_card(manifest) if manifest else "")
    return SpaceDelivery(site, amount, tuple(paths), space, card, message, private, force)


def space_card(manifest: Manifest) -> str:
    """The README of a Space: settings for the hub, and a description."""
    facts = {
        "title": manifest.title,
        "sdk": STATIC,
        "app_file": "index.html",
        "license": shared_license(manifest),
        "models": sorted(
            {m.id for m in manifest.models if m.facts is not None and m.facts.source == "hub"}
        ),
    }
    # JSON is valid YAML, and quotes any title
    known = {key: json.dumps(value, ensure_ascii=False) for key, value in facts.items() if value}
    lines = [f"{key}: {value}" for key, value in known.items()]
    return "\n".join(
        [
            "---",
            *lines,
            "---",
            "",
            manifest.description or "Attention of vision transformers, side by side.",
            "",
            f"Made with {manifest.generator.name} {manifest.generator.version}; "
            f"`{MANIFEST}` lists everything in it, with credits and licenses.",
            "",
        ]
    )


def _info(api: HfApi, space: str) -> SpaceInfo | None:
    """The hub's information on a Space; None if there is none, or it is not accessible."""
    try:
        return api.space_info(space)
    except RepositoryNotFoundError:
        return None


def _files(info: SpaceInfo) -> frozenset[str]:
    return frozenset(sibling.rfilename for sibling in info.siblings or ())


def _host() -> str:
    return HfApi().endpoint.partition("://")[2]


def _refused(space: str, error: Exception) -> PublishError:
    """An error with the hub's message and a next step."""
    problem, advice = hub_problem(error)
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, HfHubHTTPError):
            advice = ADVICE.get(cause.response.status_code, advice)
            break
        cause = cause.__cause__ or cause.__context__
    return PublishError(f"The Space {space} cannot be written: {problem}.", advice)
