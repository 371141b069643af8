"""The part of the hub's HTTP API that makes Spaces and writes to them.

Creating a repository, the check of a README's head, the question which files go to the large
storage, that storage, and commits as lines of JSON.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Protocol

LARGE = (".png", ".webp")
"""Files of a Space that go to the large storage, as the hub wants binary files."""

TEMPLATE = {
    ".gitattributes": b"*.png filter=lfs\n",
    "README.md": b"---\ntitle: New\nsdk: static\n---\n",
    "index.html": b"<p>A new Space</p>",
    "style.css": b"p {}",
}
"""What the hub itself puts into a new static Space."""


@dataclass
class Space:
    """A Space.

    Attributes:
        sdk: what serves it.
        private: whether only its owner sees it.
        commits: files of each commit, in order.
        messages: of the commits.
    """

    sdk: str = "static"
    private: bool = False
    commits: list[dict[str, bytes]] = field(default_factory=lambda: [dict(TEMPLATE)])
    messages: list[str] = field(default_factory=lambda: ["initial commit"])

    @property
    def files(self) -> dict[str, bytes]:
        """The files of the newest commit."""
        return self.commits[-1]

    @property
    def sha(self) -> str:
        """The newest commit."""
        return hashlib.sha1(str(len(self.commits)).encode()).hexdigest()


class Answering(Protocol):
    """What a handler of the fake hub offers."""

    hub: Any

    def reply(self, value: Any) -> None: ...

    def refuse(self, status: int, code: str, message: str) -> None: ...

    def token(self) -> str: ...


def answer(handler: Answering, method: str, path: str, body: bytes) -> None:
    """One request that concerns a Space."""
    hub = handler.hub
    if method == "PUT" and path.startswith("/large/"):
        hub.large[path.removeprefix("/large/")] = body
        handler.reply({})
        return
    if handler.token() not in hub.tokens:
        handler.refuse(401, "", "Invalid username or password.")
        return
    if path == "/api/validate-yaml":
        handler.reply({"errors": [], "warnings": []})
    elif path == "/api/repos/create":
        _create(handler, json.loads(body))
    elif path.startswith("/api/spaces/"):
        owner, name, *rest = path.removeprefix("/api/spaces/").split("/")
        _space(handler, f"{owner}/{name}", rest, body)
    elif path.startswith("/spaces/") and path.endswith(".git/info/lfs/objects/batch"):
        _batch(handler, json.loads(body))
    else:
        handler.refuse(404, "", "Not found")


def _create(handler: Answering, asked: dict[str, Any]) -> None:
    hub = handler.hub
    name = f"{asked['organization']}/{asked['name']}"
    if asked["organization"] not in hub.owners:
        right = f'You don\'t have the rights to create a space under "{asked["organization"]}"'
        handler.refuse(403, "", right)
    elif name in hub.spaces:
        handler.refuse(409, "", "You already created this space repo")
    else:
        private = asked.get("visibility") == "private" or bool(asked.get("private"))
        hub.spaces[name] = Space(sdk=asked["sdk"], private=private)
        handler.reply({"url": f"{hub.url}/spaces/{name}"})


def _space(handler: Answering, name: str, rest: list[str], body: bytes) -> None:
    space: Space | None = handler.hub.spaces.get(name)
    if space is None:
        handler.refuse(404, "RepoNotFound", "Repository not found")
    elif not rest:
        facts = {"id": name, "sha": space.sha, "sdk": space.sdk, "private": space.private}
        siblings = [{"rfilename": path} for path in space.files]
        handler.reply({**facts, "tags": [], "siblings": siblings})
    elif rest[0] == "preupload":
        handler.reply(
            {"files": [_mode(file["path"]) for file in json.loads(body)["files"]]},
        )
    elif name.partition("/")[0] not in handler.hub.owners:
        handler.refuse(403, "", "You don't have write access to this repo")
    else:
        _commit(handler, name, space, [json.loads(line) for line in body.splitlines()])


def _mode(path: str) -> dict[str, Any]:
    mode = "lfs" if path.endswith(LARGE) else "regular"
    return {"path": path, "uploadMode": mode, "shouldIgnore": False}


def _batch(handler: Answering, asked: dict[str, Any]) -> None:
    hub = handler.hub
    objects = []
    for item in asked["objects"]:
        href = f"{hub.url}/large/{item['oid']}"
        actions = {} if item["oid"] in hub.large else {"actions": {"upload": {"href": href}}}
        objects.append({**item, **actions})
    handler.reply({"transfer": "basic", "objects": objects})


def _commit(handler: Answering, name: str, space: Space, lines: list[dict[str, Any]]) -> None:
    hub = handler.hub
    head = next(line["value"] for line in lines if line["key"] == "header")
    if head.get("parentCommit", space.sha) != space.sha:
        handler.refuse(412, "", "A commit has happened since. Please refresh and try again.")
        return
    files = dict(space.files)
    for line in lines:
        value = line["value"]
        if line["key"] == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif line["key"] == "lfsFile":
            files[value["path"]] = hub.large[value["oid"]]
        elif line["key"] == "deletedFile":
            del files[value["path"]]
    space.commits.append(files)
    space.messages.append(head["summary"])
    handler.reply({"commitUrl": f"{hub.url}/spaces/{name}/commit/x", "commitOid": space.sha})
