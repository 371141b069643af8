"""Take the pictures of the documents from the demo gallery, into docs/pictures.

    python examples/make_pictures.py

Pages are opened in Chromium, light, at two pixels a CSS pixel. Needs the extra ``test`` and a
Chromium.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]
PIXELS = 2
LARGEST = 200_000
"""Bytes of a picture; one that would be larger loses quality."""

QUALITIES = (85, 80, 75, 70, 65, 60, 50)


@dataclass(frozen=True)
class Shot:
    """A part of a page.

    Attributes:
        name: of the picture.
        address: of the page, relative to the site.
        width: of the window, in CSS pixels.
        height: of the part.
        start: selector of the element that the part begins with; empty for the page's top.
    """

    name: str
    address: str
    width: int
    height: int
    start: str = ""


SHOTS = (
    Shot("index", "index.html", 1280, 1180),
    Shot("image", "i/scene-felt/index.html", 1280, 1300),
    Shot("patch", "i/scene-linen-wide/index.html#layer=3&query=patch&from=288.0,255.0", 1280, 800),
    Shot("comparison", "r/demo-dinov2--demo-dinov2-planted/index.html", 1280, 880),
    Shot("model", "m/demo-dinov2-registers/index.html", 1280, 860, "#heads"),
    Shot("methods", "methods/index.html", 900, 640, "#citing"),
)
FIGURE = ("--preset", "registers-1", "--venue", "icml", "--span", "text")
FIGURE_IMAGES = ("scene-sand.png", "scene-planks.png")
MARGIN = 48
"""Pixels of white around the figure."""


def main() -> None:
    """Build the gallery, take every picture, and say how large they are."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        run("demo", "-o", "demo-gallery", here=Path(folder))
        site = Path(folder) / "demo-gallery"
        for name, picture in {**shots(site), "figure": figure(site)}.items():
            data = webp(picture)
            (PICTURES / f"{name}.webp").write_bytes(data)
            print(f"{name}.webp: {picture.width} x {picture.height}, {len(data) // 1000} kB")


def run(*words: str, here: Path) -> None:
    """Run a command of this checkout as a reader would."""
    program = [sys.executable, "-m", "generator", *words]
    subprocess.run(program, check=True, cwd=here, env={**os.environ, "PYTHONPATH": str(ROOT)})


def shots(site: Path) -> dict[str, Image.Image]:
    """Every part of a page, by its name."""
    browser_path = next(path for name in BROWSERS if (path := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        pages = browser.new_context(color_scheme="light", device_scale_factor=PIXELS)
        found = {shot.name: taken(pages.new_page(), site, shot) for shot in SHOTS}
        browser.close()
    return found


def taken(page: Page, site: Path, shot: Shot) -> Image.Image:
    """One part of a page, when everything on it has been drawn."""
    page.set_viewport_size({"width": shot.width, "height": shot.height})
    page.goto(f"{site.as_uri()}/{shot.address}")
    if shot.start:
        top = page.locator(shot.start).evaluate("e => e.getBoundingClientRect().top + scrollY")
        page.evaluate("top => scrollTo({top, behavior: 'instant'})", max(0, top - 32))
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def figure(site: Path) -> Image.Image:
    """A figure for a paper, on white."""
    images = [word for name in FIGURE_IMAGES for word in ("-i", name)]
    out = site.parent / "figure.png"
    run("figure", str(site), *FIGURE, *images, "-o", str(out), here=site.parent)
    drawn = Image.open(out).convert("RGBA")
    white = Image.new("RGBA", (drawn.width + 2 * MARGIN, drawn.height + 2 * MARGIN), "white")
    white.alpha_composite(drawn, (MARGIN, MARGIN))
    return white.convert("RGB")


def webp(picture: Image.Image) -> bytes:
    """A picture as WebP, as good as fits."""
    for quality in QUALITIES:
        held = io.BytesIO()
        picture.save(held, "webp", quality=quality, method=6)
        if held.tell() <= LARGEST:
            return held.getvalue()
    raise ValueError(f"A picture is larger than {LARGEST} bytes at quality {QUALITIES[-1]}.")


if __name__ == "__main__":
    main()
