r"""Figures in a real paper: pdfLaTeX and BibTeX on what ``figure`` wrote, at CVPR's geometry.

The style file itself is in no distribution, so that the class is ``article`` with the lengths that
``cvpr.sty`` sets.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from generator.present.site.write import build_site
from tests.export.figures.figuring import Figuring, figuring, font_kinds

pytestmark = pytest.mark.latex

MARKS = r"50 % of_a \input{/etc/passwd} & $x^2$ #1 ~ ^ {} <b> |`'\""
TITLES = {
    "plain": rf"Plain {MARKS}",
    "registers": "Größe naïve Łódź – “señor” 猫の写真 Ωмир",
}

PAPER = r"""
\documentclass[10pt,twocolumn,letterpaper]{article}
\pdfcompresslevel=0 \pdfobjcompresslevel=0
\usepackage{lmodern} % the usual type has its dollar sign as a Type 3 font where cm-super is not
@@
\usepackage{graphicx}
\usepackage{booktabs}
\usepackage{tabularx}
\setlength{\textheight}{8.875in}
\setlength{\textwidth}{6.875in}
\setlength{\columnsep}{0.3125in}
\setlength{\topmargin}{0in} \setlength{\headheight}{0in} \setlength{\headsep}{0in}
\setlength{\oddsidemargin}{-0.1875in}
\begin{document}
\sbox0{\includegraphics{wide.pdf}}\typeout{@ wide \the\wd0 \space\the\textwidth}
\sbox0{\includegraphics{narrow.pdf}}\typeout{@ narrow \the\wd0 \space\the\columnwidth}
Figures \ref{fig:wide} and \ref{fig:narrow}, Table \ref{tab:narrow}.
\input{wide.tex}
\input{narrow.tex}
\bibliographystyle{plain}
\bibliography{refs}
\end{document}
"""


@dataclass(frozen=True)
class Paper:
    """What came of it."""

    folder: Path
    log: str
    bibtex: str
    pdf: bytes

    @property
    def text(self) -> str:
        """Of the pages."""
        done = subprocess.run(
            ["pdftotext", str(self.folder / "paper.pdf"), "-"],
            capture_output=True,
            check=True,
        )
        return " ".join(done.stdout.decode().split())


def tool(name: str) -> None:
    """Be sure that a program is there; in continuous integration it must be."""
    if shutil.which(name):
        return
    reason = f"There is no {name}: apt-get install texlive-latex-recommended lmodern poppler-utils."
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Figuring:
    """Models and images whose names hold all that LaTeX would act on, or cannot print."""
    tool("pdflatex")
    tool("bibtex")
    made = figuring(tmp_path_factory.mktemp("latex"))
    run = made.trial.run
    models = tuple(replace(m, label=TITLES.get(m.slug, m.label)) for m in run.models)
    images = tuple(
        replace(i, title=f"{i.title} {MARKS}", credit="Jürgen & Søn") for i in run.images
    )
    run = replace(run, models=models, images=images, title=f"Trial {MARKS}")
    build_site(run, made.trial.read, made.site, version="1.2.3")
    return made


@pytest.fixture(scope="module", params=["OT1", "T1"])
def paper(
    made: Figuring, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Paper:
    folder = tmp_path_factory.mktemp("paper")
    shown = ("-m", "plain", "-m", "registers", "--venue", "cvpr", "--bib", str(folder / "refs.bib"))
    made.figure(folder / "wide.pdf", *shown, "--span", "text", "-i", "image0", "-i", "image1")
    made.figure(folder / "narrow.pdf", *shown, "--preset", "registers-15", "--font", "serif")
    encoding = r"\usepackage[T1]{fontenc}" if request.param == "T1" else ""
    (folder / "paper.tex").write_text(PAPER.replace("@@", encoding))
    latex = ("pdflatex", "-halt-on-error", "-interaction=nonstopmode", "paper.tex")
    steps = [latex, ("bibtex", "paper"), latex, latex]
    said = [subprocess.run(step, cwd=folder, capture_output=True, check=False) for step in steps]
    logs = [one.stdout.decode(errors="replace") for one in said]
    for step, one, log in zip(steps, said, logs, strict=True):
        assert one.returncode == 0, (step, log[-3000:])
    log = (folder / "paper.log").read_text(encoding="utf-8", errors="replace")
    return Paper(folder, log, logs[1], (folder / "paper.pdf").read_bytes())


def test_nothing_is_wrong_or_undefined(paper: Paper) -> None:
    assert not re.findall(r"^! .*|.*undefined.*|.*multiply defined.*", paper.log, re.M)
    assert "Warning" not in paper.bibtex, paper.bibtex


def test_no_line_sticks_out_of_a_column(paper: Paper) -> None:
    assert re.findall(r"Overfull \\hbox.*", paper.log) == []


def test_letters_are_printed_at_the_size_they_were_drawn(paper: Paper) -> None:
    """A picture's own width is that of the column or the text: LaTeX scales it by one."""
    found = re.findall(r"@ (\w+) ([\d.]+)pt ([\d.]+)pt", paper.log)
    assert [name for name, *_ in found] == ["wide", "narrow"]
    for _, own, place in found:
        assert float(own) == pytest.approx(float(place), abs=0.02)


def test_fonts_are_embedded_and_none_is_drawn_by_commands(paper: Paper) -> None:
    assert "Type3" not in font_kinds(paper.pdf)
    named = len(re.findall(rb"/Type ?/FontDescriptor", paper.pdf))
    held = len(re.findall(rb"/FontFile[23]? \d+ 0 R", paper.pdf))
    assert named == held > 0


def test_titles_and_ids_stand_there_as_they_are(paper: Paper) -> None:
    tool("pdftotext")
    text = paper.text
    said = ("50 % of_a", r"\input{/etc/passwd} & $x^2$ #1", "tiny/plain")
    accented = ("Größe naïve Łódź", "Jürgen & Søn") if "fontenc" in paper.log else ()
    for words in (*said, *accented):
        assert words in text
    assert "U+732B" in text, "pdfLaTeX has no such letter, and says which it is"
    assert "Norms by model and token" in text
    assert "References" in text
    assert "Vision Transformers need registers" in text
    assert "[?]" not in text
