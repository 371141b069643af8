"""``serve`` and ``cache``."""

from __future__ import annotations

import signal
import socket
import struct
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.commands.serve import SiteServer, make_server
from tests.commands.running import fails, run


@pytest.fixture
def site(tmp_path: Path) -> Path:
    site = tmp_path / "site"
    (site / "i").mkdir(parents=True)
    (site / "index.html").write_text("<title>A gallery</title>")
    (site / "i/picture.webp").write_bytes(b"RIFF")
    return site


@pytest.mark.usefixtures("interruptible")
def test_serve_on_a_free_port_until_ctrl_c(site: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "generator", "serve", str(site), "-p", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    address = line.split()[3]
    assert line == f"{site} is at {address} (Ctrl-C stops)\n"
    with urllib.request.urlopen(address) as answer:
        assert b"A gallery" in answer.read()
    with urllib.request.urlopen(f"{address}i/picture.webp") as answer:
        assert answer.headers["Content-Type"] == "image/webp"
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout, stderr) == (0, "Stopped.\n", "")


@pytest.fixture
def server(site: Path) -> Iterator[SiteServer]:
    """A running server of a site that also holds what nobody should get."""
    (site.parent / "secret").write_text("secret")
    (site / ".git").mkdir()
    (site / ".git/config").write_text("secret")
    (site / "i/.hidden").write_text("secret")
    (site / "link").symlink_to(site.parent / "secret")
    (site / "folder").symlink_to(site.parent)
    with make_server(site, 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def status(server: SiteServer, path: str, host: str | None = "localhost") -> tuple[int, bytes]:
    """The answer to a request, byte for byte as it is written here."""
    with socket.create_connection(server.server_address[:2]) as connection:
        line = f"Host: {host}\r\n" if host is not None else ""
        connection.sendall(f"GET {path} HTTP/1.0\r\n{line}\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return int(answer.split()[1]), answer


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.0.0.1:{port}", "[::1]:{port}", "localhost:9000"]
)
def test_this_machine_is_served(server: SiteServer, host: str) -> None:
    code, answer = status(server, "/", host.format(port=server.server_port))
    assert code == 200 and b"A gallery" in answer


@pytest.mark.parametrize(
    "host",
    [None, "", "evil.example", "evil.example:{port}", "localhost.evil.example", "127.0.0.1.evil",
     "127.0.0.2", "localhost:", "localhost@evil.example", "evil.example, localhost"],
)  # fmt: skip
def test_a_page_under_another_name_reads_nothing(server: SiteServer, host: str | None) -> None:
    code, answer = status(server, "/", host and host.format(port=server.server_port))
    assert code == 403 and b"A gallery" not in answer


@pytest.mark.parametrize(
    "path",
    ["/.git/config", "/%2egit/config", "/i/.hidden", "/link", "/folder/secret", "/folder/",
     "/../secret", "/%2e%2e/secret", "/i/..%2f..%2fsecret", "/i/..%5c..%5csecret", "/i/",
     "/.", "/%00", "/i/%00", "/index.html%00", "/%0d%0aX:1", f"/{'n' * 5000}", "//etc/passwd"],
)  # fmt: skip
def test_only_files_of_the_site_are_served(
    server: SiteServer, path: str, capfd: pytest.CaptureFixture[str]
) -> None:
    code, answer = status(server, path)
    assert code == 404 and b"secret" not in answer.partition(b"\r\n\r\n")[2]
    assert capfd.readouterr() == ("", "")


def test_a_tab_that_is_closed_early(
    site: Path, server: SiteServer, capfd: pytest.CaptureFixture[str]
) -> None:
    server.daemon_threads = False  # so that closing waits for the requests
    (site / "large").write_bytes(bytes(20_000_000))
    for _ in range(5):
        connection = socket.create_connection(server.server_address[:2])
        connection.sendall(b"GET /large HTTP/1.0\r\nHost: localhost\r\n\r\n")
        connection.recv(100)
        reset = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        connection.close()
    assert status(server, "/")[0] == 200
    server.shutdown()
    server.server_close()
    assert capfd.readouterr() == ("", "")


def test_port_that_is_taken(site: Path) -> None:
    with make_server(site, 0) as first:
        line = fails("serve", str(site), "--port", str(first.server_port), code=1)
    assert line == (
        f"Error: Port {first.server_port} cannot be used: Address already in use. "
        "Choose another, such as --port 0."
    )


def test_port_that_is_none(site: Path) -> None:
    result = run("serve", str(site), "--port", "70000")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == (
        "Error: Invalid value for '-p' / '--port': 70000 is not in the range 0<=x<=65535."
    )


def test_cache_counts_and_clears(here: Path) -> None:
    assert run("cache").stdout == f"0 records, 0 B, in {here / 'store'}\n"
    assert run("build", "-m", "models/plain", "-i", "photos").exit_code == 0
    count, size, _ = run("cache").stdout.split(", ")
    assert count == "2 records" and size.endswith(" kB")
    for more in ([], ["--clear"]):
        refused = run("cache", "--store", "elsewhere", *more)
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert (
            refused.stderr
            == "Error: There is no record store elsewhere. Check the path (--store).\n"
        )
    assert run("cache", "--clear").stdout == f"2 records, {size}, removed from {here / 'store'}\n"
    assert run("cache").stdout == f"0 records, 0 B, in {here / 'store'}\n"
