"""The Hugging Face hub in a thread: the part of its HTTP API that downloads of models need.

``fake_spaces.py`` has the part that uploads of Spaces need.

Speaks as the real one does where it matters: metadata with the resolved commit; small files served
by the hub, large ones redirected to another host with ``X-Linked-ETag`` and ``X-Linked-Size``;
401, 403 and 404 with ``X-Error-Code``. Every request is kept in a log, so that a test can assert
what was *not* asked for.
"""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from tests.hub import fake_spaces
from tests.hub.fake_spaces import Space

LARGE = (".safetensors", ".bin")
"""Files that the hub keeps elsewhere and redirects to."""


@dataclass
class Repo:
    """A model repository.

    Attributes:
        commits: files of each commit, by path.
        refs: commits of branches and tags.
        license: of the model card; no card when empty.
        access: who may read it. ``gated`` is readable but for its files, ``granted`` is gated for
            others, ``private`` is as if it did not exist.
    """

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    license: str = ""
    access: Literal["public", "granted", "gated", "private"] = "public"

    def push(self, files: Mapping[str, bytes], *, branch: str = "main") -> str:
        """Add a commit; returns its hash, which depends on the files alone."""
        if self.license:
            card = f"---\nlicense: {self.license}\n---\n# A model\n"
            files = {"README.md": card.encode(), **files}
        digest = hashlib.sha1()
        for name, content in sorted(files.items()):
            digest.update(name.encode() + b"\0" + content)
        self.commits[digest.hexdigest()] = dict(files)
        self.refs[branch] = digest.hexdigest()
        return digest.hexdigest()

    def commit_of(self, revision: str) -> str | None:
        """The commit of a branch, tag, commit or the start of a commit."""
        if revision in self.refs:
            return self.refs[revision]
        if len(revision) < 5:
            return None
        return next((commit for commit in self.commits if commit.startswith(revision)), None)


@dataclass(frozen=True)
class Request:
    """One line of the log.

    Attributes:
        method: HEAD, GET, POST or PUT.
        path: with the query.
        status: of the answer.
        sent: bytes of the body that went out.
        token: whether the request carried a login.
    """

    method: str
    path: str
    status: int
    sent: int
    token: bool


@dataclass
class Fault:
    """What goes wrong when a path with this ending is asked for.

    Attributes:
        ending: of the path.
        status: answer with this status; 0 drops the connection.
        after: bytes of the body before the connection is dropped.
        stall: do not answer until the hub is stopped.
        times: how often; then all is well again.
    """

    ending: str
    status: int = 0
    after: int = 0
    stall: bool = False
    times: int = 1_000_000


class FakeHub:
    """A hub on 127.0.0.1, its storage on localhost; a context that stops it in the end."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.faults: list[Fault] = []
        self.log: list[Request] = []
        self.tokens: set[str] = set()
        self.spaces: dict[str, Space] = {}
        self.owners: set[str] = set()
        """Whose Spaces the tokens may write to."""
        self.large: dict[str, bytes] = {}
        self.stopped = threading.Event()
        self.connections: set[socket.socket] = set()
        self.lock = threading.Lock()
        hub = self

        class Handler(_Handler):
            def __init__(self, *args: Any) -> None:
                self.hub = hub
                super().__init__(*args)

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    def __enter__(self) -> FakeHub:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    @property
    def url(self) -> str:
        """What ``HF_ENDPOINT`` should be."""
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Refuse connections from now on, and end those that are open."""
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        with self.lock:
            for connection in self.connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def add(self, name: str, files: Mapping[str, bytes], **facts: Any) -> Repo:
        """A new repository with one commit on main."""
        repo = self.repos[name] = Repo(**facts)
        repo.push(files)
        return repo

    def requests(self, text: str = "") -> list[Request]:
        """The requests whose path contains a text."""
        with self.lock:
            return [request for request in self.log if text in request.path]

    def weight_requests(self, name: str) -> list[Request]:
        """The requests for weights of a repository, on the hub or at its storage."""
        with self.lock:
            return [
                request
                for request in self.log
                if f"/{name}/" in request.path and urlsplit(request.path).path.endswith(LARGE)
            ]

    def take_fault(self, method: str, path: str) -> Fault | None:
        """The fault that a request meets, counted down."""
        with self.lock:
            for fault in self.faults:
                applies = not fault.after or (method == "GET" and path.startswith("/storage/"))
                if applies and path.endswith(fault.ending) and fault.times > 0:
                    fault.times -= 1
                    return fault
        return None


def folder_files(folder: Path) -> dict[str, bytes]:
    """The files of a checkpoint's folder, as a repository holds them."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        with self.hub.lock:
            self.hub.connections.add(self.connection)

    def finish(self) -> None:
        with self.hub.lock:
            self.hub.connections.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Kept in the hub's own log."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = urlsplit(self.path).path
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.hub.take_fault(self.command, unquote(path))
        if fault is not None and fault.stall:
            self._note(0, 0)
            self.hub.stopped.wait()
            self._drop()
            return
        if fault is not None and fault.status:
            self._error(fault.status, "", f"The server is told to answer {fault.status}")
            return
        if fault is not None and not fault.after:
            self._note(0, 0)
            self._drop()
            return
        if self.command == "POST" and "/paths-info/" in path:
            self._paths_info(unquote(path), body)
        elif self.command in ("POST", "PUT") or path.startswith("/api/spaces/"):
            fake_spaces.answer(self, self.command, unquote(path), body)
        elif path.startswith("/storage/"):
            self._storage(path.removeprefix("/storage/"), fault)
        elif path.startswith("/api/models/"):
            self._api(path.removeprefix("/api/models/"))
        elif path.startswith("/api/datasets/"):
            self._api(path.removeprefix("/api/"))
        elif "/resolve/" in path:
            name, _, tail = path.lstrip("/").partition("/resolve/")
            self._resolve(name, tail, fault)
        else:
            self._error(404, "", "Not found")

    def _api(self, path: str) -> None:
        """``owner/name/revision/main`` or ``owner/name/tree/main``."""
        for part in ("/revision/", "/tree/"):
            name, found, revision = path.partition(part)
            if found:
                break
        repo = self._repo(name)
        if repo is None:
            return
        revision, _, below = (unquote(each) for each in revision.partition("/"))
        commit = repo.commit_of(revision if found else "main")
        if commit is None:
            self._error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return
        files = repo.commits[commit]
        if part == "/tree/" and found:
            recursive = "recursive=true" in self.path.lower()
            self._json(self._tree(files, below, recursive=recursive))
            return
        card = {"cardData": {"license": repo.license}} if repo.license else {}
        facts = {
            "id": name,
            "modelId": name,
            "sha": commit,
            "private": False,
            "gated": "manual" if repo.access in ("gated", "granted") else False,
            "tags": [],
            "siblings": [{"rfilename": path} for path in files],
            **card,
        }
        self._json(facts)

    def _tree(self, files: Mapping[str, bytes], below: str, *, recursive: bool) -> list[Any]:
        """The files and folders in a folder of a repository."""
        inside = {
            path: content
            for path, content in files.items()
            if not below or path.startswith(f"{below}/")
        }
        depth = below.count("/") + 1 if below else 0
        folders = {
            "/".join(path.split("/")[:end])
            for path in inside
            for end in range(depth + 1, path.count("/") + 1)
        }
        entries = [{"type": "directory", "path": f, "oid": "0" * 40, "size": 0} for f in folders]
        entries += [self._leaf(path, content) for path, content in inside.items()]
        return [e for e in entries if recursive or str(e["path"]).count("/") == depth]

    def _paths_info(self, path: str, body: bytes) -> None:
        """What is known of some paths: ``/api/datasets/owner/name/paths-info/main``."""
        name, _, revision = path.removeprefix("/api/").partition("/paths-info/")
        repo = self._repo(name.removeprefix("models/"))
        if repo is None:
            return
        files = repo.commits[repo.commit_of(revision) or ""]
        asked = json.loads(body)["paths"]
        folders = {f for p in files for f in asked if p.startswith(f"{f}/")}
        found = [{"type": "directory", "path": f, "oid": "0" * 40, "size": 0} for f in folders]
        self._json([*found, *(self._leaf(p, files[p]) for p in asked if p in files)])

    @staticmethod
    def _leaf(path: str, content: bytes) -> dict[str, Any]:
        leaf: dict[str, Any] = {
            "type": "file",
            "path": path,
            "size": len(content),
            "oid": hashlib.sha1(content).hexdigest(),
        }
        if path.endswith(LARGE):
            sha256 = hashlib.sha256(content).hexdigest()
            leaf["lfs"] = {"oid": sha256, "size": len(content), "pointerSize": 134}
        return leaf

    def _resolve(self, name: str, tail: str, fault: Fault | None) -> None:
        repo = self._repo(name)
        if repo is None:
            return
        revision, _, path = (unquote(part) for part in tail.partition("/"))
        commit = repo.commit_of(revision)
        if commit is None:
            self._error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return
        if repo.access == "gated":
            status = 403 if self._token() else 401
            self._error(status, "GatedRepo", f"Access to model {name} is restricted.")
            return
        content = repo.commits[commit].get(path)
        if content is None:
            self._error(404, "EntryNotFound", "Entry not found", {"X-Repo-Commit": commit})
            return
        if not path.endswith(LARGE):
            etag = f'"{hashlib.sha1(content).hexdigest()}"'
            self._body(content, {"X-Repo-Commit": commit, "ETag": etag}, fault)
            return
        digest = hashlib.sha256(content).hexdigest()
        headers = {
            "Location": f"http://localhost:{self.hub.port}/storage/{name}/{commit}/{path}",
            "X-Repo-Commit": commit,
            "X-Linked-ETag": f'"{digest}"',
            "X-Linked-Size": str(len(content)),
        }
        self._send(302, b"", headers)

    def _storage(self, path: str, fault: Fault | None) -> None:
        """``owner/name/commit/file``; whoever has the address may read it."""
        owner, name, commit, file = path.split("/", maxsplit=3)
        content = self.hub.repos[f"{owner}/{name}"].commits[commit][file]
        self._body(content, {"ETag": f'"{hashlib.sha256(content).hexdigest()}"'}, fault)

    def _repo(self, name: str) -> Repo | None:
        token = self._token()
        if token and token not in self.hub.tokens:
            self._error(401, "", "Invalid credentials in Authorization header")
            return None
        repo = self.hub.repos.get(name)
        if repo is None or (repo.access == "private" and not token):
            self._error(404 if token else 401, "RepoNotFound", "Repository not found")
            return None
        return repo

    def reply(self, value: Any) -> None:
        """An answer that is good."""
        self._json(value)

    def refuse(self, status: int, code: str, message: str) -> None:
        """An answer that is not."""
        self._error(status, code, message)

    def token(self) -> str:
        """The login that came with the request."""
        return self._token()

    def _token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def _json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _error(
        self, status: int, code: str, message: str, more: Mapping[str, str] | None = None
    ) -> None:
        headers = {"X-Error-Message": message, **(more or {})}
        if code:
            headers["X-Error-Code"] = code
        body = json.dumps({"error": message}).encode()
        self._send(status, body, {"Content-Type": "application/json", **headers})

    def _body(self, content: bytes, headers: Mapping[str, str], fault: Fault | None) -> None:
        """A file, or the part of it that a resumed download asks for."""
        start = 0
        span = self.headers.get("Range", "")
        if span.startswith("bytes=") and self.command == "GET":
            start = int(span.removeprefix("bytes=").partition("-")[0])
        ranged = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        self._send(
            206 if start else 200,
            content[start:],
            {**headers, **(ranged if start else {})},
            drop_after=fault.after if fault else None,
        )

    def _send(
        self,
        status: int,
        body: bytes,
        headers: Mapping[str, str],
        drop_after: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        out = body if drop_after is None else body[:drop_after]
        sent = len(out) if self.command != "HEAD" else 0
        self._note(status, sent)  # first: to HEAD the headers are the whole answer
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(out)
        if drop_after is not None:
            self._drop()

    def _drop(self) -> None:
        self.wfile.flush()
        self.close_connection = True

    def _note(self, status: int, sent: int) -> None:
        request = Request(self.command, self.path, status, sent, bool(self._token()))
        with self.hub.lock:
            self.hub.log.append(request)
