"""SVG figures: their texts are text, and keep their place in whatever face a viewer has."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from generator.export.figures.layout.style import figure_bytes, styled
from generator.export.figures.layout.svg_text import FALLBACKS, advance, steady_letters
from tests.export.figures.figuring import Figuring, figuring
from tests.once import once

SHOWN = ("-m", "plain", "-m", "registers", "-i", "image0")
TEXT = "{http://www.w3.org/2000/svg}text"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Figuring:
    return once(tmp_path_factory, "figuring", figuring)


def texts(path: Path) -> dict[str, ElementTree.Element]:
    return {
        element.text or "": element
        for element in ElementTree.fromstring(path.read_bytes()).iter(TEXT)
    }


@pytest.mark.parametrize("face", ["sans", "serif"])
def test_labels_can_be_searched_and_name_their_faces(
    made: Figuring, tmp_path: Path, face: str
) -> None:
    made.figure(tmp_path / "fig.svg", *SHOWN, "--font", face)
    found = texts(tmp_path / "fig.svg")
    assert {"Plain", "Registers", "input", "attention, times uniform"} <= set(found)
    first = {"sans": "DejaVu Sans", "serif": "STIXGeneral"}[face]
    for text, element in found.items():
        assert first in element.attrib["style"], text
        assert FALLBACKS[first][-1] in element.attrib["style"], text
        assert float(element.attrib["textLength"]) > 0, text


def test_letters_can_be_outlines(made: Figuring, tmp_path: Path) -> None:
    made.figure(tmp_path / "fig.svg", *SHOWN, "--letters", "paths")
    assert texts(tmp_path / "fig.svg") == {}


def test_a_title_is_data_and_not_markup() -> None:
    from matplotlib.figure import Figure

    hostile = "</text><script>a & b</script> \"c\" 'd' 12px"
    with styled():
        figure = Figure(figsize=(3, 1))
        figure.text(0.1, 0.5, hostile)
        svg = figure_bytes(figure, "svg", "A title")
    (found,) = ElementTree.fromstring(svg).iter(TEXT)
    assert found.text == hostile
    with styled():
        assert float(found.attrib["textLength"]) == pytest.approx(advance(hostile, 7), abs=0.01)


def test_a_text_of_another_face_stays_as_it_is() -> None:
    with styled():
        other = '<text style="font-size: 6px; font-family: \'Other\'" x="1">a</text>'
        assert steady_letters(other) == other


@pytest.mark.browser
def test_texts_are_as_long_in_a_face_that_is_much_wider(
    chromium: object, made: Figuring, tmp_path: Path
) -> None:
    made.figure(tmp_path / "fig.svg", *SHOWN)
    svg = (tmp_path / "fig.svg").read_text()
    svg = svg[svg.index("<svg") :]
    page = chromium.new_page()  # type: ignore[attr-defined]
    # along the line, however it is turned: across it, faces differ in height
    measure = "[...document.querySelectorAll('text')].map(t => t.getComputedTextLength())"
    page.set_content(svg)
    own = page.evaluate(measure)
    page.set_content(re.sub(r"font-family: [^;\"]*", "font-family: monospace", svg))
    other = page.evaluate(measure)
    page.set_content(re.sub(r' textLength="[^"]*"', "", svg))
    natural = page.evaluate(measure)
    page.close()
    assert len(own) > 5
    assert other == pytest.approx(own, rel=0.001)
    assert own == pytest.approx(natural, rel=0.02)
