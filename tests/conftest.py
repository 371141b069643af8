"""What all tests share: which of them run, processes, one Chromium, and one demo gallery.

Two playwrights do not run in one process.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

import generator
from generator.bundled import bundled
from generator.spec.options import load_spec
from tests.browser.opened import Tabs
from tests.once import once

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""In order: the shell is the same browser without windows, and takes half the time for a page."""

TESTS = Path(__file__).parent
QUICK = ("analysis", "commands", "images", "records", "spec", "text")
"""Folders of tests that take little time, with few exceptions."""

FLAGS = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fuzz",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="go on with new inputs for so long in each test of tests/fuzz",
    )


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A process for each core; none for named files, where starting one takes longer."""
    named = all(Path(arg.partition("::")[0]).is_file() for arg in config.args)
    if named or config.option.collectonly or config.option.capture == "no":
        return 0
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """``-m quick`` does not even import the others."""
    slow = collection_path.parent == TESTS and collection_path.name not in QUICK
    return True if config.option.markexpr == "quick" and slow and collection_path.is_dir() else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Imported modules and the list of tests stay to the end, so no collection looks at them.

    Otherwise a third of the time in which tests are collected goes there.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is quick, before ``-m`` chooses by marks, and give slow tests more time.

    Where the command line names nothing, slow tests are left out.
    """
    slow = {"browser", "latex", "slow"}
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        costly = {mark.name for mark in item.iter_markers()} & slow
        if (folder in QUICK or folder.endswith(".py")) and not costly:
            item.add_marker(pytest.mark.quick)
        if "slow" in costly and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(600))
    again = getattr(config.option, "lf", False)  # not there without pytest's cache
    chosen = config.option.markexpr or config.option.keyword or again
    if not chosen and config.args == config.getini("testpaths"):
        left_out = [item for item in items if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]


@pytest.fixture(scope="session", autouse=True)
def one_core() -> Iterator[None]:
    """The program sees one core: sites are written in this process, as others run beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
        yield


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Programs that the test starts react to SIGINT.

    A shell ignores it for what it runs in the background, and programs inherit that.
    """
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


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
def tabs(chromium: Browser) -> Tabs:
    return Tabs(chromium)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the demo gallery, whose networks really run."""

    def make(folder: Path) -> Path:
        gallery = bundled("examples") / "demo.toml"
        generator.build(load_spec(gallery, out=folder / "site", store=folder / "store"))
        return folder / "site"

    return once(tmp_path_factory, "demo", make)


@pytest.fixture(scope="session")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of 450 images and two models, whose lists are three pages."""
    from generator.present.site.write import build_site
    from tests.present.gallery import many

    def make(folder: Path) -> Path:
        trial = many(folder / "pictures", 450)
        build_site(trial.run, trial.read, folder / "site", version="1.2.3")
        return folder / "site"

    return once(tmp_path_factory, "big", make)
