"""``serve`` and ``cache``."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from generator.commands.serve import make_server
from tests.commands.running import fails, run


@pytest.fixture
def site(tmp_path: Path) -> Path:
    site = tmp_path / "site"
    (site / "i").mkdir(parents=True)
    (site / "index.html").write_text("<title>A gallery</title>")
    (site / "i/picture.webp").write_bytes(b"RIFF")
    return site


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
    stdout, stderr = process.communicate()
    assert (process.returncode, stdout, stderr) == (0, "Stopped.\n", "")


def test_port_that_is_taken(site: Path) -> None:
    with make_server(site, 0) as first:
        line = fails("serve", str(site), "--port", str(first.server_port))
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
    assert run("cache", "--store", "elsewhere").stdout == "0 records, 0 B, in elsewhere\n"
    assert run("cache", "--clear").stdout == f"2 records, {size}, removed from {here / 'store'}\n"
    assert run("cache").stdout == f"0 records, 0 B, in {here / 'store'}\n"
