"""One Chromium and one demo gallery for all tests that look at pages, and how long fuzzers run.

Two playwrights do not run in one process.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

import generator
from generator.bundled import bundled
from generator.spec.options import load_spec

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fuzz",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="go on with new inputs for so long in each test of tests/fuzz",
    )


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        reason = "There is no Chromium: apt-get install chromium."
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the demo gallery, whose networks really run."""
    folder = tmp_path_factory.mktemp("demo")
    gallery = bundled("examples") / "demo.toml"
    return generator.build(load_spec(gallery, out=folder / "site", store=folder / "store")).site
