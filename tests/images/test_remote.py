"""Pictures at addresses of the web: a server on this machine, good and bad."""

from __future__ import annotations

import http.server
import io
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from generator.images import remote
from generator.images.find import FoundFrame, load_images
from generator.images.remote import clear_fetched, fetch_all, fetched_bytes, unsafe_step
from generator.progress import Silent
from generator.spec.pictures import Address


def png(color: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (6, 4), color).save(buffer, "PNG")
    return buffer.getvalue()


@dataclass
class Web:
    """What the server has: kind and content by path, and redirects; every path asked for."""

    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def web() -> Iterator[Web]:
    state, over = Web(), threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Nothing."""

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            state.asked.append(self.path)
            if path in state.silent:
                over.wait(10)
            elif path in state.moved:
                self.send_response(302)
                self.send_header("Location", state.moved[path])
                self.end_headers()
            elif path in state.files:
                kind, content = state.files[path]
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: 20 if path in state.cut else None])
            else:
                self.send_error(404)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    yield state
    over.set()
    server.shutdown()
    server.server_close()
    thread.join()


def fetch(web: Web, path: str, store: Path) -> FoundFrame:
    (found,) = fetch_all([Address(web.url + path)], store, Silent())
    assert isinstance(found, FoundFrame)
    return found


def problem(web: Web, path: str, store: Path) -> str:
    failure = fetch(web, path, store).failure
    assert failure is not None
    assert not any(item.is_file() for item in (store / "fetched").rglob("*"))
    return f"{failure.message} {failure.hint}"


def test_a_picture_is_fetched_once_and_credited_to_its_address(web: Web, tmp_path: Path) -> None:
    web.files["/a/My%20cat.png"] = ("image/png", png())
    first = fetch(web, "/a/My%20cat.png?token=secret", tmp_path)
    again = fetch(web, "/a/My%20cat.png?token=secret", tmp_path)
    assert first == again
    assert web.asked == ["/a/My%20cat.png?token=secret"]
    (entry,) = load_images([first])
    assert (entry.name, entry.title, entry.width) == ("My cat.png", "My cat", 6)
    assert entry.source == f"{web.url}/a/My%20cat.png", "what may be secret is not published"
    assert fetched_bytes(tmp_path) == len(png())
    clear_fetched(tmp_path)
    assert fetched_bytes(tmp_path) == 0


def test_a_name_without_an_ending_gets_one_and_order_is_kept(web: Web, tmp_path: Path) -> None:
    web.files["/photo"] = ("image/png", png("blue"))
    local = tmp_path / "b.png"
    local.write_bytes(png())
    found = fetch_all([local, Address(f"{web.url}/photo"), local], tmp_path / "store", Silent())
    names = [item.name for item in found]
    assert names == ["b.png", "photo.png", "b.png"]


def test_redirects_are_followed(web: Web, tmp_path: Path) -> None:
    web.files["/b.png"] = ("image/png", png())
    web.moved["/a.png"] = "/b.png"
    assert fetch(web, "/a.png", tmp_path).failure is None


def test_what_is_no_picture_is_refused_and_not_kept(web: Web, tmp_path: Path) -> None:
    web.files["/page"] = ("text/html; charset=utf-8", b"<html>")
    web.files["/junk.jpg"] = ("image/jpeg", b"junk")
    web.files["/empty.jpg"] = ("image/jpeg", b"")
    assert problem(web, "/page", tmp_path) == (
        "page is a web page, not a picture. Give the address of the picture itself: open it alone "
        "in the browser."
    )
    assert problem(web, "/junk.jpg", tmp_path) == (
        "junk.jpg is not a picture in a format that can be read. Convert it to PNG or JPEG, or "
        "leave it out."
    )
    assert problem(web, "/empty.jpg", tmp_path).startswith("empty.jpg is empty (0 bytes).")
    assert problem(web, "/gone.jpg", tmp_path) == (
        "gone.jpg cannot be fetched: the server answers 404 Not Found. Check the address in a "
        "browser; what needs a login must be fetched there."
    )


def test_sizes_and_times_have_limits(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "LARGEST", 10)
    web.files["/a.png"] = ("image/png", png())
    assert problem(web, "/a.png", tmp_path) == (
        "a.png is larger than 10 B. Fetch it yourself, and name the file."
    )
    monkeypatch.setattr(remote, "SECONDS", 0.2)
    web.silent.add("/slow.png")
    assert problem(web, "/slow.png", tmp_path) == (
        "slow.png cannot be fetched: timed out. Check the address and the network."
    )


def test_a_connection_that_breaks_off_leaves_nothing(web: Web, tmp_path: Path) -> None:
    web.files["/a.png"] = ("image/png", png())
    web.cut.add("/a.png")
    assert problem(web, "/a.png", tmp_path) == (
        "a.png cannot be fetched: the connection broke off. Run the command again."
    )
    web.cut.clear()
    assert fetch(web, "/a.png", tmp_path).failure is None


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (found,) = fetch_all([Address(f"http://127.0.0.1:{port}/a.png")], tmp_path, Silent())
    assert isinstance(found, FoundFrame) and found.failure is not None
    assert found.failure.message == "a.png cannot be fetched: Connection refused."


@pytest.mark.parametrize(
    ("address", "target", "expected"),
    [
        ("https://8.8.8.8/a", "https://8.8.4.4/b", ""),
        ("http://127.0.0.1/a", "http://192.168.1.1/b", ""),
        ("http://8.8.8.8/a", "http://127.0.0.1/b", "its server leads to an address in a private"),
        ("http://8.8.8.8/a", "http://[::1]/b", "its server leads to an address in a private"),
        ("https://8.8.8.8/a", "https://169.254.169.254/b", "its server leads to an address in a"),
        ("https://8.8.8.8/a", "http://8.8.8.8/b", "its server leads from https to http"),
        ("https://8.8.8.8/a", "file:///etc/passwd", "its server leads to an address of file"),
    ],
)
def test_redirects_into_private_networks_are_not_followed(
    address: str, target: str, expected: str
) -> None:
    assert unsafe_step(address, target).startswith(expected)
    assert bool(unsafe_step(address, target)) == bool(expected)


def test_a_redirect_that_is_not_followed_is_named(web: Web, tmp_path: Path) -> None:
    web.moved["/a.png"] = "ftp://127.0.0.1/a.png"
    assert problem(web, "/a.png", tmp_path) == (
        "a.png cannot be fetched: its server leads to an address of ftp. Give the address it "
        "leads to."
    )
