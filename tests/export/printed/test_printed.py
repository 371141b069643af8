"""The report: every image and model with true numbers, as a page, and printed where it can be."""

from __future__ import annotations

import base64
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfWriter

from generator.export.printed import pdf as report
from generator.export.printed.chapters import PrintedForm
from generator.export.printed.pdf import BROWSERS, without_traces
from generator.export.printed.pdf_pages import pages_of, with_empty_pictures, with_pages
from generator.present.cells.chunks.maps import maps_of
from generator.present.charts.chart import (
    Axis,
    Chart,
    Dot,
    LegendEntry,
    Line,
    NumberTable,
    Words,
)
from generator.present.pages.sections import Section, Table
from generator.present.pages.views import ColorBar, Picture
from generator.text.numbers import number
from tests.browser.opened import overflow
from tests.export.conftest import Exportable, exported
from tests.once import once
from tests.present.filmed import with_frames
from tests.present.site.test_site import Page
from tests.present.sweeping import sweeping


@pytest.fixture
def analyzed(chromium: object, made: Exportable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of an image with its analyses as a PDF."""
    del chromium  # it is there, or this test is skipped

    def make(folder: Path) -> Path:
        path = folder / "report.pdf"
        made.export("report", "-o", str(path), "-i", "image0.jpg", "--analyses")
        return path

    return once(tmp_path_factory, "analyzed-report", make)


@pytest.mark.value_of("strongest-patch")
@pytest.mark.slow
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
        assert number(record.entropy[last].mean()) in text
        assert number(maps.maps[last, -1].max()) in text
        if record.layout.cls is not None:
            row = record.rows("CLS")[last].astype(np.float64).mean(axis=0)
            assert number(row[record.layout.patch_slice].max()) in text
    assert "The model tiny/gone is not on the hub." in text
    assert re.findall(r'(?:src|href)="(?!data:|#)([^"]*)"', html) == []
    sheets = re.findall(r'<section class="image".*?</section>', html, re.S)
    assert [sheet.count("<img") for sheet in sheets] == [1 + 2 * 4 + 1] * 2, "with a color bar"
    assert 'class="chapter"' not in html


@pytest.mark.slow
def test_it_has_the_analyses_of_the_site_and_a_way_to_each(
    made: Exportable, twice: Callable[..., Path]
) -> None:
    html = twice("report", "report.html", "--analyses").read_text(encoding="utf-8")
    places = set(re.findall(r' id="([^"]+)"', html))
    contents = html.partition('class="contents"')[2].partition("</nav>")[0]
    assert places >= set(re.findall(r'href="#([^"]+)"', contents))
    for title in ("Plain", "Registers", "Analyses of Image0", "Methods", "Where it comes from"):
        assert f">{title}</a>" in contents
    for section in ("Norms", "Where attention goes", "Onset", "Rollout", "Massive activations"):
        assert f">{section}</h3>" in html
    assert len(re.findall(r' id="([^"]+)"', html)) == len(places), "every id once"
    assert not re.findall(r"<(?:script|button|noscript|details)\b", html)
    assert set(re.findall(r"url\(#([^)]+)\)", html)) <= places


def test_a_choice_of_images_and_models(made: Exportable, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    made.export("report", "-o", str(path), "-i", "image1.jpg", "-m", "Plain", "--analyses")
    text = Page(path.read_text(encoding="utf-8")).text
    assert "Image1" in text
    assert "1 model, 1 image." in text
    assert "Analyses of Image0" not in text
    assert "image0" not in text
    assert not re.search(r"\bRegisters\b(?! as)", text.partition("Methods")[0])


@pytest.mark.slow
def test_a_choice_of_models_has_their_analyses_of_each_image(
    made: Exportable, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    made.export("report", "-o", str(path), "-m", "Plain", "-m", "Deep", "--analyses")
    html = path.read_text(encoding="utf-8")
    chapter = html.partition('<section class="chapter" id="i-image0">')[2]
    chapter = chapter.partition('<section class="chapter"')[0]
    assert set(re.findall(r"<h5><a>([^<]+)</a>", chapter)) == {"Plain", "Deep"}
    whole = tmp_path / "whole.html"
    made.export("report", "-o", str(whole), "--analyses")
    every = whole.read_text(encoding="utf-8")
    assert "<h5><a>Registers</a>" in every
    for title in ("Norms of patches", "Rollout", "Attention-mass mask"):
        assert f"<h3>{title}</h3>" in chapter


@pytest.mark.slow
def test_a_sweep_is_one_model_and_a_sequence_one_image(tmp_path: Path) -> None:
    trial = sweeping(tmp_path / "pictures", images=4)
    trial = replace(trial, run=with_frames(trial.run, 1))
    trained = exported(trial, tmp_path)
    trained.export("report", "-o", str(tmp_path / "report.html"), "--analyses")
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "2 models (one at 4 steps), 1 image, a sequence of 3 frames." in html
    table = Page(html.partition('<section id="models">')[2].partition("</section>")[0]).text
    assert table.count("our run") == 1
    assert "4 checkpoints, step 0 to step 16000; here the last" in table
    titles = re.findall(r'<section class="image" id="[^"]+">\s*<h2>(.*?)</h2>', html)
    assert titles == ["Image0", "A &#34;walk&#34;"]
    assert "3 frames; here 0.000 s" in html
    contents = html.partition('class="contents"')[2].partition("</nav>")[0]
    over = ("our run along its training", "A &#34;walk&#34; over time")
    for title in (*over, "our run, step 16000"):
        assert f">{title}</a>" in contents
    assert "our run, step 500" not in contents and "0.500 s" not in contents
    assert ">Numbers over steps</h3>" in html
    assert "<b>our run, step 16000</b>" in html and "<b>our run, step 500</b>" not in html

    trained.export(
        *("report", "-o", str(tmp_path / "part.html"), "-m", "our run, step 0"),
        *("-i", 'A "walk", 0.500 s'),
    )
    part = (tmp_path / "part.html").read_text(encoding="utf-8")
    assert "1 model, a sequence of 1 frame." in part
    assert not any(title in part for title in over)
    assert "<b>our run, step 0</b>" in part


def over_models(identifier: str, *models: str) -> Chart:
    """A chart with a line, a dot and an entry of the legend for each model."""
    each = list(enumerate(models, 1))
    return Chart(
        words=Words(identifier, "Entropy", "time", "bits"),
        summary="; ".join(f"{model}: {n}" for n, model in each),
        x=Axis("time", ()),
        y=Axis("bits", ()),
        lines=tuple(Line(n, model, f"M{n}", model=model) for n, model in each),
        dots=tuple(Dot(n, n, n, f"{model}, {n}", f"#{n}", model) for n, model in each),
        keys=tuple(LegendEntry(n, model, "line", model) for n, model in each),
        table=NumberTable(("model",), (("x",),)),
        models=models,
    )


def test_a_chart_over_models_keeps_the_lines_of_those_that_are_shown(tmp_path: Path) -> None:
    steps = replace(over_models("e", "s"), models=())
    steps = replace(steps, lines=(Line(1, "s", "M7"),), dots=(), summary="Steps: 7")
    charts = (over_models("c", "a", "b", "c"), over_models("d", "a", "c"), steps)
    table = Table("Numbers", ("step",), (), ())
    section = Section("t", "Over time", ("Text.",), charts=charts, tables=(table,))
    printed = PrintedForm(tmp_path, "q/w/index.html", "q-w", frozenset({"b"})).of(section)
    assert printed.id == "q-w--t" and printed.tables == ()
    some, all_of_it = printed.charts  # the second is about others
    assert [line.path for line in some.lines] == ["M2"]
    assert [(dot.text, dot.url) for dot in some.dots] == [("b, 2", "")]
    assert [key.name for key in some.keys] == ["b"]
    assert (some.words.id, some.summary, some.table) == ("q-w--c", "", None)
    assert [line.path for line in all_of_it.lines] == ["M7"], "series of other charts are no models"
    assert all_of_it.summary == "Steps: 7"


def test_pictures_of_a_page_are_inside_the_report(tmp_path: Path) -> None:
    (tmp_path / "i" / "a b").mkdir(parents=True)
    (tmp_path / "i" / "a b" / "map.1234.png").write_bytes(b"pixels")
    bar = ColorBar(Picture("../../i/a%20b/map.1234.png", 2, 1, "alt"), (), "times", extends=False)
    printed = PrintedForm(tmp_path, "m/x/index.html", "m-x", frozenset()).of(bar)
    assert printed.picture == Picture("data:image/png;base64,cGl4ZWxz", 2, 1, "alt")


@pytest.mark.browser
@pytest.mark.slow
def test_the_contents_name_the_page_of_each_chapter(analyzed: Path) -> None:
    pages = text_of(analyzed, "-layout").split("\f")
    listed = dict(
        re.findall(r"\d+\. (Models|Image0|Plain|Analyses of Image0|Methods) {3,}(\d+)", pages[0])
    )
    assert len(listed) == 5, pages[0]
    for title, leaf in listed.items():
        assert re.search(rf"^\d+ {title}$", pages[int(leaf) - 1], re.M), (title, leaf)
    data = analyzed.read_bytes()
    outline = re.findall(rb"/Title \(([^)]*)\)", data)
    assert {b"Contents", b"Models", b"Analyses of Image0", b"Methods"} <= set(outline)
    assert re.search(rb"/Dest /i-image0\b", data), "lines of the contents are links"


def test_pages_of_named_places_are_counted_from_1() -> None:
    writer = PdfWriter()
    for _ in range(3):
        writer.add_blank_page(100, 100)
    writer.add_named_destination("a", 0)
    writer.add_named_destination("b--part", 2)
    file = io.BytesIO()
    writer.write(file)
    assert pages_of(file.getvalue()) == {"a": 1, "b--part": 3}
    assert pages_of(b"%PDF-1.7 something else") == {}
    html = '<a href="#a" data-page="">A</a><a href="#gone" data-page="">G</a>'
    assert with_pages(html, {"a": 12}) == (
        '<a href="#a" data-page="12">A</a><a href="#gone" data-page="">G</a>'
    )


def test_pages_are_counted_with_empty_pictures_of_the_same_size() -> None:
    file = io.BytesIO()
    Image.new("RGB", (7, 5), "red").save(file, "WEBP")
    picture = f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"
    html = '<img src="{}"><svg viewBox="0 0 9 4"><path d="M0 0"></path></svg><p>A</p>'
    found = re.fullmatch(
        '<img src="data:image/png;base64,(.+)"><svg viewBox="0 0 9 4"></svg><p>A</p>',
        with_empty_pictures(html.format(picture)),
    )
    assert found is not None
    empty = Image.open(io.BytesIO(base64.b64decode(found[1])))
    assert empty.size == (7, 5) and empty.getextrema() == (255, 255)


@pytest.mark.parametrize("moved", [False, True])
def test_pages_that_moved_are_not_numbered(monkeypatch: pytest.MonkeyPatch, moved: bool) -> None:
    """Wrong numbers are worse than none."""
    monkeypatch.setattr(report, "_printed", lambda html, browser: html.encode())
    counted = {"with": {"a": 9 if moved else 3}, "without": {"a": 3}}
    monkeypatch.setattr(
        report, "pages_of", lambda pdf: counted["with" if b"<svg>drawn" in pdf else "without"]
    )
    html = '<a href="#a" data-page="">A</a><svg>drawn</svg>'
    assert (b'data-page="3"' in report.pdf_bytes(html, "a browser")) != moved


def test_without_the_reader_of_pdfs_it_says_so_before_the_work(
    made: Exportable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pypdf", None)
    said = made.export("report", "-o", str(tmp_path / "report.pdf"), code=1)
    assert said == (
        "Error: The report as a PDF needs pypdf, which is not installed. Install it with `pip "
        "install pypdf`, or write the page instead and print it from any browser: -o report.html.\n"
    )


@pytest.mark.browser
@pytest.mark.slow
def test_it_is_printed_the_same_way_twice(twice: Callable[..., Path]) -> None:
    if not any(shutil.which(name) for name in BROWSERS):
        if os.environ.get("CI"):
            pytest.fail("There is no Chromium: apt-get install chromium.")
        pytest.skip("There is no Chromium: apt-get install chromium.")
    path = twice("report", "report.pdf")
    data = path.read_bytes()
    assert data.startswith(b"%PDF-")
    pages = text_of(path).split("\f")
    own = [n for n, words in enumerate(pages) if "Difference of maps" in words]
    assert own == [own[0], own[0] + 1], "one page a picture"
    for n, title in zip(own, ("Image0", "Image1"), strict=True):
        assert re.search(rf"^\d+ {title}$", pages[n], re.M)
        assert f"Figure {own.index(n) + 1}" in pages[n], "numbers, maps and legend on one page"
    assert "Comparisons" in pages[0]
    assert b"D:19800101000000" in data
    assert b"Chrom" not in data


def words_of(pdf: Path) -> str:
    """What a reader can search and copy: letters are glyphs in the file, with a table of words."""
    return " ".join(text_of(pdf).split())


def text_of(pdf: Path, *words: str) -> str:
    """The text of a PDF, with a form feed behind each page."""
    if shutil.which("pdftotext") is None:
        reason = "There is no pdftotext: apt-get install poppler-utils."
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    done = subprocess.run(["pdftotext", *words, str(pdf), "-"], capture_output=True, check=True)
    return done.stdout.decode()


@pytest.mark.browser
@pytest.mark.slow
def test_the_words_of_the_pdf_can_be_searched(analyzed: Path) -> None:
    text = words_of(analyzed)
    for words in ("Trial", "Contents", "Analyses of Image0", "Norms of patches", "Methods"):
        assert words in text
    assert re.search(r"Figure 1\b.*Figure 12\b", text)
    assert "2 Models" in text


@pytest.mark.browser
@pytest.mark.slow
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
    said = made.export("report", "-o", str(tmp_path / "report.pdf"), "--browser", "nothing", code=2)
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
