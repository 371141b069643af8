"""A site of synthetic records, opened in a real Chromium from a folder and under a sub-path."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from generator.present.site.write import build_site
from generator.records.record import View
from tests import tiny
from tests.browser.opened import Opened, Tabs
from tests.once import once
from tests.present.gallery import Gallery, gallery

PART = View(96, 64, left=16.5, top=0, right=80.5, bottom=64, input_width=96, input_height=64)
"""What the model ``registers`` saw of the first image: a square inside it."""
OUTLIERS = (28, 29, 41, 77)
"""Patches of the model ``deep`` with large norms after layer 4, on the first image."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Gallery, Path]:
    return once(tmp_path_factory, "browser", make_site)


def make_site(folder: Path) -> tuple[Gallery, Path]:
    trial = gallery(folder / "pictures")
    key = trial.run.cell("registers", "image0").record
    trial.records[key] = replace(trial.records[key], view=PART)
    key = trial.run.cell("deep", "image0").record
    norms = trial.records[key].norms.copy()
    norms[4, 1:] = 2 + norms[4, 1:] / 20
    norms[4, [1 + patch for patch in OUTLIERS]] = 150, 20, 60, 40
    trial.records[key] = tiny.with_norms(trial.records[key], norms)
    for image in ("image0", "image1"):
        # patches that look at few places in the last layer, unlike any token
        key = trial.run.cell("plain", image).record
        record = trial.records[key]
        assert record.patch_attention is not None
        sharp = record.patch_attention.astype(np.float32)
        sharp[-1] **= 6
        sharp[-1] *= record.layout.tokens / sharp[-1].sum(-1, keepdims=True)
        trial.records[key] = replace(record, patch_attention=sharp.astype(np.float16))
    build_site(trial.run, trial.read, folder / "root/sub/path", version="1.2.3")
    return trial, folder / "root/sub/path"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def served(site: tuple[Gallery, Path]) -> Iterator[str]:
    handler = partial(_Quiet, directory=str(site[1].parents[1]))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/sub/path/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def visit(tabs: Tabs, site: tuple[Gallery, Path], served: str) -> Iterator[Callable[..., Opened]]:
    """Open a page of the site; afterwards the console must have been silent.

    And no request may have left the site.
    """
    opened: list[Opened] = []

    def visit(
        path: str,
        *,
        over: str = "file",
        width: int = 1280,
        scripts: bool = True,
        scheme: Any = "light",
    ) -> Opened:
        root = site[1].as_uri() + "/" if over == "file" else served
        page = tabs.open(width, scripts=scripts, scheme=scheme)
        found = Opened(page, root)
        opened.append(found)
        found.page.goto(root + path)
        if scripts and path.startswith("i/"):
            found.wait()
        return found

    yield visit
    for one in opened:
        one.leave()
        tabs.close(one.page)
    for one in opened:
        assert one.noise == []
        assert [url for url in one.requests if not url.startswith((one.root, "data:"))] == []


@pytest.fixture
def image_page(visit: Callable[..., Opened]) -> Page:
    """The first image's page, at 1280 pixels, from a folder."""
    return visit("i/image0/index.html").page
