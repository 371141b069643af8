"""The report: every image and model with true numbers, as a page, and printed where it can be."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.export import report
from generator.export.report import BROWSERS, without_traces
from generator.present.maps import maps_of
from generator.present.scale import times_text
from tests.browser.opened import overflow
from tests.export.conftest import Exportable
from tests.present.test_site import Page


def test_the_page_holds_every_image_and_model_with_their_numbers(
    made: Exportable, twice: Callable[..., Path]
) -> None:
    html = twice("report", "report.html").read_text(encoding="utf-8")
    text = Page(html).text
    for name in ("Trial", "Image0", "Image1", "Plain", "Registers", "Probe", "Deep", "CC0"):
        assert name in text
    for key, record in made.trial.records.items():
        assert key
        maps = maps_of(record, "CLS")
        last = record.model.layers - 1
        assert f"{record.entropy[last].mean():.3f}" in text
        assert times_text(float(maps.maps[last, -1].max())) in text
    assert "The model tiny/gone is not on the hub." in text
    assert re.findall(r'(?:src|href)="(?!data:|#)([^"]*)"', html) == []
    front = html.partition('class="chapter"')[0]
    assert front.count("<img") == 1 + 2 * (1 + 2 * 4)


def test_it_has_the_analyses_of_the_site_and_a_way_to_each(
    made: Exportable, twice: Callable[..., Path]
) -> None:
    html = twice("report", "report.html").read_text(encoding="utf-8")
    places = set(re.findall(r' id="([^"]+)"', html))
    contents = html.partition('class="contents"')[2].partition("</nav>")[0]
    assert places >= set(re.findall(r'href="#([^"]+)"', contents))
    for chapter in ("Plain", "Registers", "Analyses of Image0", "Methods", "Where it comes from"):
        assert f">{chapter}</a>" in contents
    for section in ("Norms", "Where attention goes", "Onset", "Rollout", "Massive activations"):
        assert section in contents
    assert len(re.findall(r' id="([^"]+)"', html)) == len(places), "every id once"
    assert not re.findall(r"<(?:script|button|noscript|details)\b", html)
    assert set(re.findall(r"url\(#([^)]+)\)", html)) <= places


def test_a_choice_of_images_and_models(made: Exportable, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    made.export("report", "-o", str(path), "-i", "image1.jpg", "-m", "Plain")
    text = Page(path.read_text(encoding="utf-8")).text
    assert "Image1" in text
    assert "Analyses of Image0" not in text
    assert "image0" not in text
    assert not re.search(r"\bRegisters\b(?! as)", text.partition("Methods")[0])


@pytest.mark.browser
def test_it_is_printed_the_same_way_twice(twice: Callable[..., Path]) -> None:
    if not any(shutil.which(name) for name in BROWSERS):
        if os.environ.get("CI"):
            pytest.fail("There is no Chromium: apt-get install chromium.")
        pytest.skip("There is no Chromium: apt-get install chromium.")
    data = twice("report", "report.pdf").read_bytes()
    assert data.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b(?!s)", data)) >= 3  # a front page and a page an image
    assert b"D:19800101000000" in data
    assert b"Chrom" not in data


def words_of(pdf: Path) -> str:
    """What a reader can search and copy: letters are glyphs in the file, with a table of words."""
    if shutil.which("pdftotext") is None:
        reason = "There is no pdftotext: apt-get install poppler-utils."
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    done = subprocess.run(["pdftotext", str(pdf), "-"], capture_output=True, check=True)
    return " ".join(done.stdout.decode().split())


@pytest.mark.browser
def test_the_words_of_the_pdf_can_be_searched(
    chromium: object, made: Exportable, tmp_path: Path
) -> None:
    del chromium  # it is there, or this test is skipped
    made.export("report", "-o", str(tmp_path / "report.pdf"), "-i", "image0.jpg")
    text = words_of(tmp_path / "report.pdf")
    for words in ("Trial", "Contents", "Analyses of Image0", "Norms of patches", "Methods"):
        assert words in text
    assert re.search(r"Figure 1\b.*Figure 12\b", text)
    assert "1 Models" in text


@pytest.mark.browser
def test_the_page_is_quiet_in_a_browser(chromium: object, twice: Callable[..., Path]) -> None:
    path = twice("report", "report.html")
    page = chromium.new_page(viewport={"width": 1000, "height": 900})  # type: ignore[attr-defined]
    noise: list[str] = []
    page.on("console", lambda message: noise.append(message.text))
    page.goto(path.as_uri())
    assert noise == []
    assert overflow(page) <= 0
    page.close()


def test_without_a_browser_it_says_so_before_the_work(
    made: Exportable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "BROWSERS", ("no-such-browser",))
    said = made.export("report", "-o", str(tmp_path / "report.pdf"), code=1)
    assert said == (
        "Error: No Chromium or Chrome was found, which prints the report. Install one, name it "
        "with --browser, or write the page instead and print it from any browser: "
        "-o report.html.\n"
    )
    said = made.export("report", "-o", str(tmp_path / "report.pdf"), "--browser", "nothing", code=1)
    assert said == "Error: nothing is no browser that can be run. Check the path.\n"


def test_a_browser_that_fails_is_named(made: Exportable, tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text("#!/bin/sh\necho it broke >&2\nexit 3\n")
    browser.chmod(0o755)
    said = made.export("report", "-o", str(tmp_path / "a.pdf"), "--browser", str(browser), code=1)
    expected = (
        f"Error: {browser} did not print the report: it broke. Name another with --browser.\n"
    )
    assert said == expected


def test_traces_of_the_machine_leave_a_pdf_and_its_length_stays() -> None:
    pdf = (
        b"<</Creator (Mozilla/5.0 \\(X11; Linux x86_64\\) HeadlessChrome/1)\n/Producer (Skia/PDF)\n"
        b"/CreationDate (D:20261124150000+00'00')\n/ModDate (D:20261124150000+00'00')>>"
    )
    found = without_traces(pdf)
    assert len(found) == len(pdf)
    assert not re.search(rb"2026|Linux|Skia|Chrome", found)
    assert found.count(b"D:19800101000000+00'00'") == 2
