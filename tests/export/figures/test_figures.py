"""Figures: as wide as the venue says, letters that print, maps untouched, the same bytes."""

from __future__ import annotations

import ast
import base64
import hashlib
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.text import Text
from PIL import Image

import generator
from generator.cli import main
from generator.errors import SpecError
from generator.export.anonymous import Anonymous
from generator.export.figures.grid import draw_grid, layout
from generator.export.figures.layout.style import SMALL, drawable, fitted, styled, text_width
from generator.export.figures.layout.venues import VENUES, extent
from generator.export.figures.make import make_figure, planned_figure
from generator.export.figures.scene import Scene
from generator.present.content.contents import Contents
from generator.present.files.manifest import FigureItem, FileEntry
from generator.present.site.write import build_site
from generator.records.record import outlier_patches
from generator.spec.figures import FigureSpec
from tests.export.figures.figuring import (
    Figuring,
    figuring,
    font_kinds,
    page_inches,
    rasters,
    request,
)
from tests.once import once

SHOWN = ("-m", "plain", "-m", "registers")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Figuring:
    return once(tmp_path_factory, "figuring", figuring)


@pytest.mark.parametrize("span", ["column", "text"])
@pytest.mark.parametrize("venue", VENUES)
def test_the_page_is_exactly_as_wide_as_the_venue_says(
    made: Figuring, tmp_path: Path, venue: str, span: str
) -> None:
    out = tmp_path / "fig.pdf"
    made.figure(out, "--preset", "raghu-3", *SHOWN, "--venue", venue, "--span", span)
    expected = getattr(VENUES[venue], span)
    assert page_inches(out.read_bytes())[0] == pytest.approx(expected, abs=0.01)


def test_a_width_goes_before_the_venues(made: Figuring, tmp_path: Path) -> None:
    made.figure(tmp_path / "fig.pdf", *SHOWN, "-i", "image0", "--width", "4.2")
    assert page_inches((tmp_path / "fig.pdf").read_bytes())[0] == pytest.approx(4.2, abs=0.01)
    assert r"\includegraphics[width=4.2in]{fig.pdf}" in (tmp_path / "fig.tex").read_text()


def test_svg_and_png_are_as_wide_too(made: Figuring, tmp_path: Path) -> None:
    for name in ("fig.svg", "fig.png"):
        made.figure(tmp_path / name, *SHOWN, "-i", "image0", "--venue", "icml")
    root = ElementTree.fromstring((tmp_path / "fig.svg").read_bytes())
    assert float(root.attrib["width"].removesuffix("pt")) / 72 == pytest.approx(3.25, abs=0.01)
    with Image.open(tmp_path / "fig.png") as picture:
        assert picture.width / picture.info["dpi"][0] == pytest.approx(3.25, abs=0.01)


@pytest.mark.parametrize("face", ["sans", "serif"])
def test_fonts_are_embedded_as_truetype(made: Figuring, tmp_path: Path, face: str) -> None:
    made.figure(tmp_path / "fig.pdf", *SHOWN, "-i", "image0", "--font", face)
    pdf = (tmp_path / "fig.pdf").read_bytes()
    assert "CIDFontType2" in font_kinds(pdf)
    assert "Type3" not in font_kinds(pdf)
    assert b"/FontFile2" in pdf


def test_no_letter_is_smaller_than_six_points(made: Figuring) -> None:
    with styled():
        drawn = draw_grid(Scene(made.source, request(width=3.25)), layout("images", "models"))
        sizes = {t.get_fontsize() for t in drawn.figure.findobj(Text) if t.get_text()}
    assert min(sizes) >= SMALL == 6


@pytest.mark.parametrize("suffix", ["pdf", "svg", "png"])
@pytest.mark.slow
def test_the_same_input_gives_the_same_bytes(made: Figuring, tmp_path: Path, suffix: str) -> None:
    names = [tmp_path / folder / f"fig.{suffix}" for folder in ("one", "two")]
    for name in names:
        made.figure(name, "--preset", "test-time-registers-5", *SHOWN)
    for end in (suffix, "tex", "bib"):
        one, two = (name.with_suffix(f".{end}").read_bytes() for name in names)
        assert one == two
    assert not re.search(rb"/CreationDate|/ModDate|dc:date|tIME", names[0].read_bytes())


def test_maps_are_in_the_pdf_at_one_pixel_a_patch(made: Figuring, tmp_path: Path) -> None:
    made.figure(tmp_path / "fig.pdf", *SHOWN, "-m", "deep", "-i", "image0", "--no-input")
    found = rasters((tmp_path / "fig.pdf").read_bytes())
    assert {(6, 4), (12, 8)} == set(found)


def test_every_color_of_a_map_is_that_of_its_value(made: Figuring, tmp_path: Path) -> None:
    """In the PNG, a patch is one plain area of the color that the scale gives its value."""
    out = tmp_path / "fig.png"
    made.figure(out, "-m", "plain", "-i", "image0", "--no-input", "--width", "3")
    record = made.trial.record("plain", "image0")
    values = record.layout.fold(record.rows("CLS")[-1].astype(np.float32).mean(axis=0))
    with styled():
        expected = Scene(made.source, request()).tone().colored(values)[..., :3]
    pixels = np.asarray(Image.open(out).convert("RGB"))
    across, top = pixels.shape[1] / 6, np.flatnonzero((pixels < 250).any(axis=(1, 2)))
    high = across  # patches are square here: a view of 96 x 64 in a grid of 6 x 4
    first = next(row for row in top if (pixels[row] < 255).any(axis=-1).mean() > 0.9)
    for row in range(4):
        for col in range(6):
            middle = pixels[int(first + (row + 0.5) * high), int((col + 0.5) * across)]
            assert tuple(middle) == tuple(expected[row, col])


def test_the_color_bar_has_the_numbers_of_the_pages(made: Figuring) -> None:
    with styled():
        scene = Scene(made.source, request())
        drawn = draw_grid(scene, layout("images", "models"))
        texts = {text.get_text() for text in drawn.figure.findobj(Text)}
    ticks = [tick.label for tick in made.source.scale.ticks]
    assert {ticks[0], ticks[-1], "1"} <= texts


def test_what_a_model_has_not_is_said_where_its_map_would_be(made: Figuring) -> None:
    with styled():
        scene = Scene(made.source, request(queries="CLS,reg1", images=("image0",)))
        drawn = draw_grid(scene, layout("queries", "models"))
        texts = [text.get_text().replace("\n", " ") for text in drawn.figure.findobj(Text)]
    assert texts.count("no registers") == 1


def test_layers_and_heads_make_a_wall(made: Figuring, tmp_path: Path) -> None:
    words = ("-m", "plain", "-i", "image1", "--layers", "all", "--heads", "all", "--no-input")
    made.figure(tmp_path / "wall.pdf", *words, "--rows", "layers", "--cols", "heads")
    assert rasters((tmp_path / "wall.pdf").read_bytes()).count((6, 4)) == 3 * 3


def test_a_patch_as_the_query_is_outlined_and_named(made: Figuring, tmp_path: Path) -> None:
    words = ("-m", "plain", "-i", "image1", "--queries", "patch-2-3", "--layers", "2")
    made.figure(tmp_path / "patch.pdf", *words)
    assert "patch 2, 3" in (tmp_path / "patch.tex").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("--preset", "registers-1a"),
            "No figure is called registers-1a. Did you mean registers-1?",
        ),
        (
            ("--preset", "nope"),
            "No figure is called nope. attention-gallery figure SITE --list shows them all.",
        ),
        (("--venue", "icmll"), "No venue is called icmll. Did you mean icml?"),
        (("-m", "plane"), "No model of the gallery is called plane. Did you mean Plain?"),
        (("--preset", "registers-1", "-m", "plain"), "needs models with and without registers"),
        (("--preset", "registers-16"), "needs at least 100 images"),
        (("--rows", "imagos"), "--rows: a grid has no imagos. Did you mean images?"),
        (("--rows", "models", "--cols", "models"), "Rows and columns both show models."),
        (("--layers", "1-2"), "2 layers are chosen, but neither rows nor columns show layers."),
        (("--layers", "99", "-i", "image0"), "None of the models has a map"),
        (("--width", "0.2"), "A figure is 1 to 40 inches wide, got 0.2."),
        (("--colors", "jet"), "No color map is called jet."),
        (("--rows", "images,layers,heads", "--layers", "all", "--heads", "all"), "inches high"),
    ],
)
def test_errors_are_one_line_that_helps(
    made: Figuring, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    said = made.figure(tmp_path / "fig.pdf", *words, code=2)
    assert message in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["fig.jpg", "my fig.pdf", "fig%1.pdf", "a.b.pdf"])
def test_names_that_latex_or_this_program_cannot_use_are_refused(
    made: Figuring, tmp_path: Path, name: str
) -> None:
    assert made.figure(tmp_path / name, code=2).startswith("Error: ")


def test_a_record_that_is_gone_is_named(made: Figuring, tmp_path: Path) -> None:
    said = made.figure(tmp_path / "fig.pdf", "--store", str(tmp_path / "none"), code=1)
    assert "is not in" in said
    assert "--store" in said


def test_the_list_says_what_this_gallery_can_give(made: Figuring, tmp_path: Path) -> None:
    said = made.figure(tmp_path / "fig.pdf", "--list")
    entries = dict(re.findall(r"^(\S+): .*\n.*\n  (.*)$", said, re.M))
    assert entries["registers-1"] == "this gallery has all it needs"
    assert entries["registers-16"] == "this gallery lacks at least 100 images of one grid"


def test_long_labels_are_shortened_to_their_place() -> None:
    with styled():
        label = fitted("facebook/dinov2-with-registers-giant at a very long revision", 0.8, SMALL)
        assert all(text_width(line, SMALL) <= 0.8 for line in label.split("\n"))
        assert label.endswith("…")
    with styled() as lost:
        assert drawable("Cat 猫\n$x$") == "Cat ? $x$"
    assert lost == {"猫"}


def test_letters_that_the_font_lacks_are_named(
    made: Figuring, caplog: pytest.LogCaptureFixture
) -> None:
    run = made.source.run
    images = (replace(run.images[0], title="猫 and 犬"), *run.images[1:])
    source = replace(made.source, shown=Anonymous(replace(run, images=images), {}, ()))
    asked = planned_figure(request(rows="images", cols="models"))
    make_figure(source, asked, "fig.pdf")
    assert [entry.getMessage() for entry in caplog.records] == [
        "fig.pdf: the font of figures has no letter for 犬 猫; each is drawn as ?. Give the model "
        "or picture a title in other letters."
    ]


def test_a_title_with_dollars_is_no_formula(made: Figuring) -> None:
    with styled():
        drawn = draw_grid(Scene(made.source, request()), layout("images", "models"))
        text = drawn.figure.text(0.5, 0.5, "$x^2$ costs $3")
        assert not text.get_parse_math()


def test_extents_name_the_float_that_fits() -> None:
    assert extent("icml", "text").environment == "figure*"
    assert extent("icml", "column").environment == "figure"
    assert extent("neurips", "text").environment == "figure"
    with pytest.raises(SpecError, match="No venue"):
        extent("nowhere", "column")


@pytest.mark.slow
def test_only_figures_import_matplotlib_and_never_pyplot() -> None:
    package = Path(generator.__file__).parent
    for path in package.rglob("*.py"):
        names = [
            name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        ]
        drawing = [name for name in names if name.split(".")[0] == "matplotlib"]
        assert not any("pyplot" in name for name in drawing), path
        if drawing and path.name != "lettering.py":  # which reads the font that comes with it
            assert path.is_relative_to(package / "export" / "figures"), path


def test_norms_are_those_of_the_layer_that_stands_out(made: Figuring) -> None:
    from generator.export.figures.presets.norms import layer_of

    record = made.trial.record("plain", "image0")
    peak = outlier_patches(record.norms[:, record.layout.patch_slice]).layer
    scene = Scene(made.source, request())
    assert layer_of(scene, record) == peak
    assert layer_of(Scene(made.source, request(layers="last")), record) == record.model.layers


@pytest.mark.slow
def test_a_single_file_holds_the_figures_that_its_index_offers(
    made: Figuring, tmp_path: Path
) -> None:
    drawn = b"drawn"
    checksum = hashlib.sha256(drawn).hexdigest()
    item = FileEntry("figures/fig1.pdf", "paper-figure", "", "0", checksum, len(drawn))

    def draw(site: Path, _: Contents) -> tuple[FigureItem, ...]:
        (site / "figures").mkdir()
        (site / "figures" / "fig1.pdf").write_bytes(drawn)
        return (FigureItem("A figure", FigureSpec(name="fig1"), (item,)),)

    build_site(made.trial.run, made.trial.read, tmp_path / "site", version="1", draw=draw)
    words = ["-o", str(tmp_path / "a.html"), "--store", str(made.store)]
    result = CliRunner().invoke(main, ["export", "single", str(tmp_path / "site"), *words])
    assert result.exit_code == 0, result.output
    html = (tmp_path / "a.html").read_text()
    assert '<a data-file="figures/fig1.pdf" download' in html
    held = re.search(r'<script[^>]*data-file="figures/fig1.pdf"[^>]*>([^<]*)<', html)
    assert held is not None
    assert base64.b64decode(held[1]) == drawn
