"""Cost of reading: bytes, and the time that pages take in a real Chromium."""

from __future__ import annotations

import gzip
import shutil
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from generator.present.site.write import build_site
from tests.benchmarks.presenting import large_record, synthetic_run
from tests.conftest import FLAGS, NAMES
from tests.present.gallery import many

WATCH = """
    const look = () => {
        const stages = document.querySelectorAll('[data-stage="map"]');
        const drawn = [...stages].filter(stage => stage.querySelector('canvas')?.width > 1
            && !stage.classList.contains('stage-loading'));
        if (drawn.length && !window.firstMap) window.firstMap = performance.now();
        if (drawn.length && drawn.length === stages.length) window.allMaps = performance.now();
        else requestAnimationFrame(look);
    };
    document.addEventListener('DOMContentLoaded', look);
"""

CHANGE = """
    async value => {
        const layer = document.getElementById('layer');
        const painted = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
        await painted();
        const start = performance.now();
        layer.value = value;
        layer.dispatchEvent(new Event('change'));
        await painted();
        return performance.now() - start;
    }
"""


SEARCH = """
    document.addEventListener('DOMContentLoaded', () => {
        const count = document.getElementById('find-count');
        addEventListener('keydown', event => { window.typed ??= event.timeStamp; }, true);
        new MutationObserver(() => requestAnimationFrame(() => setTimeout(() => {
            window.searched ??= performance.now() - window.typed;
        }))).observe(count, { childList: true });
    });
"""

IN_SIGHT = """
    () => [...document.images].filter(image => {
        const { width, top, bottom } = image.getBoundingClientRect();
        return width && bottom > 0 && top < innerHeight;
    }).map(image => image.currentSrc)
"""

REACH = 0.3
"""Seconds from a click into the search to the first letter: a hand goes from mouse to keys."""


@dataclass(frozen=True)
class Opening:
    """What it takes to open an image page.

    Attributes:
        paint_bytes: page, styles, scripts and pictures in sight; no numbers of maps.
        paint_wire_bytes: the same where a server compresses text.
        script_bytes: scripts.
        script_wire_bytes: the same where a server compresses text.
        map_bytes: everything until all models show their map.
        first_map: seconds until the first model shows its map.
        all_maps: seconds until all do.
        layer_change: seconds until another layer of all models is painted.
    """

    paint_bytes: int
    paint_wire_bytes: int
    script_bytes: int
    script_wire_bytes: int
    map_bytes: int
    first_map: float
    all_maps: float
    layer_change: float


@dataclass(frozen=True)
class ManyImages:
    """A gallery of very many images.

    Attributes:
        seconds: to build it, records in memory.
        site_bytes: all of it.
        files: how many.
        manifest_bytes: of ``manifest.json``.
        heaviest: path of the heaviest page.
        heaviest_bytes: its size.
        paint_bytes: index with styles, scripts and pictures in sight.
        interactive: seconds until the scripts of the index have run.
        first_search: seconds from the first key in the search to its results on the screen.
    """

    seconds: float
    site_bytes: int
    files: int
    manifest_bytes: int
    heaviest: str
    heaviest_bytes: int
    paint_bytes: int
    interactive: float
    first_search: float


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a page that was closed no longer takes its pictures."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A folder on the loopback, and its address."""
    handler = partial(_Quiet, directory=str(folder))
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


@contextmanager
def chromium() -> Iterator[Browser]:
    """A real Chromium without a window."""
    path = next(found for name in NAMES if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def image_page(folder: Path, models: int, rounds: int) -> Opening:
    """Open the page of an image with so many models of 24 x 16 heads on 37 x 37 patches.

    Seconds are medians over the rounds, each in a browser context without a cache.
    """
    run, record = synthetic_run(folder, models, 1), large_record()
    site = folder / "site"
    build_site(run, lambda key: replace(record, key=key), site, version="benchmark")
    with chromium() as browser, served(site) as root:
        opened = [_open_image(browser, root) for _ in range(rounds + 1)][1:]
    sizes = {path: (site / path).stat().st_size for path in opened[0].paths}
    before = [path for path in sizes if not path.startswith("data/")]
    scripts = [path for path in before if path.endswith(".js")]
    return Opening(
        paint_bytes=sum(sizes[path] for path in before),
        paint_wire_bytes=sum(_on_the_wire(site / path) for path in before),
        script_bytes=sum(sizes[path] for path in scripts),
        script_wire_bytes=sum(_on_the_wire(site / path) for path in scripts),
        map_bytes=sum(sizes.values()),
        first_map=statistics.median(one.first_map for one in opened),
        all_maps=statistics.median(one.all_maps for one in opened),
        layer_change=statistics.median(each for one in opened for each in one.changes),
    )


@dataclass(frozen=True)
class _Opened:
    paths: tuple[str, ...]
    first_map: float
    all_maps: float
    changes: tuple[float, ...]


def _open_image(browser: Browser, root: str) -> _Opened:
    with _page(browser) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.add_init_script(WATCH)
        page.goto(f"{root}i/picture-0/index.html")
        _until(page, "() => window.allMaps")
        first, all_maps = (page.evaluate(f"() => window.{n}") for n in ("firstMap", "allMaps"))
        paths = _paths(asked, root)
        changes = tuple(page.evaluate(CHANGE, str(layer)) for layer in (12, 3, 20, 7, 15))
    seconds = tuple(change / 1000 for change in changes)
    return _Opened(paths, first / 1000, all_maps / 1000, seconds)


def many_images(folder: Path, images: int, models: int, rounds: int) -> ManyImages:
    """Build a gallery of small records, and look for something in its index."""
    trial = many(folder / "pictures", images, models=models, groups=10)
    site = folder / "site"
    start = time.perf_counter()
    build_site(trial.run, trial.read, site, version="benchmark")
    seconds = time.perf_counter() - start
    files = [file for file in site.rglob("*") if file.is_file()]
    heaviest = max(site.rglob("*.html"), key=lambda file: file.stat().st_size)
    with chromium() as browser, served(site) as root:
        opened = [_search(browser, root) for _ in range(rounds + 1)][1:]
    return ManyImages(
        seconds=seconds,
        site_bytes=sum(file.stat().st_size for file in files),
        files=len(files),
        manifest_bytes=(site / "manifest.json").stat().st_size,
        heaviest=heaviest.relative_to(site).as_posix(),
        heaviest_bytes=heaviest.stat().st_size,
        paint_bytes=sum((site / path).stat().st_size for path in opened[0].paths),
        interactive=statistics.median(one.interactive for one in opened),
        first_search=statistics.median(one.first_search for one in opened),
    )


@dataclass(frozen=True)
class _Searched:
    paths: tuple[str, ...]
    interactive: float
    first_search: float


def _search(browser: Browser, root: str) -> _Searched:
    with _page(browser) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.add_init_script(SEARCH)
        page.goto(f"{root}index.html", wait_until="networkidle")
        entry = "() => performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
        interactive = page.evaluate(entry)
        seen = page.evaluate(IN_SIGHT)
        # a browser loads pictures ahead of what is in sight
        paths = _paths([url for url in asked if url in seen or not _is_picture(url)], root)
        page.click("#find-name")
        time.sleep(REACH)
        page.keyboard.press("7")
        found = _until(page, "() => window.searched")
    return _Searched(paths, interactive / 1000, found / 1000)


def _is_picture(url: str) -> bool:
    return url.endswith((".png", ".webp"))


def _paths(asked: list[str], root: str) -> tuple[str, ...]:
    """Site-relative paths of what a page requested."""
    found = {unquote(urlsplit(url).path).lstrip("/") for url in asked if url.startswith(root)}
    return tuple(sorted(found))


@contextmanager
def _page(browser: Browser) -> Iterator[Page]:
    context: BrowserContext = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def _until(page: Page, what: str) -> Any:
    """Ask until there is an answer; the page's policy forbids ``wait_for_function``."""
    while not (found := page.evaluate(what)):
        time.sleep(0.02)
    return found


def _on_the_wire(path: Path) -> int:
    data = path.read_bytes()
    return len(gzip.compress(data, 6)) if path.suffix in (".html", ".css", ".js") else len(data)
