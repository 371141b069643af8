"""Cost of a whole site in one file: opening it, and turning its pages, in a real Chromium."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, replace
from pathlib import Path

from generator.export.single.file import single_file
from generator.present.files.manifest_file import read_manifest
from generator.present.site.write import build_site
from tests.benchmarks.browsing import chromium
from tests.benchmarks.presenting import large_record, synthetic_run

TURN = """
    async selector => {
        const painted = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
        const link = document.querySelector(selector);
        const wanted = link.dataset.page;
        const start = performance.now();
        link.click();
        while (document.body.dataset.page !== wanted) await new Promise(done => setTimeout(done));
        await painted();
        const shown = performance.now() - start;
        while (document.querySelector('.stage-loading')) await painted();
        return [shown, performance.now() - start];
    }
"""
INDEX, IMAGE, NEXT, MODEL = (
    ".masthead-title",
    "#image-cards .image-card-title a",
    "a[rel=next]",
    'a[href^="#page=m/"]',
)


@dataclass(frozen=True)
class Turning:
    """What it takes to read a single file.

    Attributes:
        file_bytes: of the file.
        opened: seconds until its front page is there.
        turned: seconds from a link until the page it leads to is painted, mean of an image, the
            next one, a model and the front page.
        all_maps: seconds from a link to an image until all of its maps are there.
    """

    file_bytes: int
    opened: float
    turned: float
    all_maps: float


def turning(folder: Path, models: int, images: int, rounds: int) -> Turning:
    """Turn pages of a file with so many models of 24 x 16 heads on 37 x 37 patches.

    Seconds are medians over the rounds.
    """
    run, record = synthetic_run(folder, models, images), large_record()
    site, path = folder / "site", folder / "single.html"
    build_site(run, lambda key: replace(record, key=key), site, version="benchmark")
    manifest = read_manifest(site)
    assert manifest is not None
    path.write_bytes(single_file(site, manifest, 10**10).data)
    opened, turned, maps = [], [], []
    with chromium() as browser:
        for _ in range(rounds):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            start = time.perf_counter()
            page.goto(path.as_uri())
            opened.append(time.perf_counter() - start)
            found = [page.evaluate(TURN, to) for to in (IMAGE, NEXT, MODEL, INDEX)]
            turned.append(statistics.mean(shown for shown, _ in found) / 1000)
            maps.append(statistics.mean(whole for _, whole in found[:2]) / 1000)
            page.close()
    return Turning(
        file_bytes=path.stat().st_size,
        opened=statistics.median(opened),
        turned=statistics.median(turned),
        all_maps=statistics.median(maps),
    )
