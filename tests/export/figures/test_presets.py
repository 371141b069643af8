"""Every preset is drawn once, and says what it shows, from what, and how it differs."""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from generator.errors import SpecError
from generator.export.anonymous import Anonymous
from generator.export.copy import exported_pages
from generator.export.figures.layout.style import fitted, styled
from generator.export.figures.layout.venues import extent
from generator.export.figures.make import FigureFiles, PlannedFigure, make_figure
from generator.export.figures.presets.preset import Option, Preset, refuse_idle
from generator.export.figures.presets.table import PRESETS
from generator.export.figures.scene import Scene
from generator.export.source import Source, open_source
from generator.present.papers import PAPERS
from generator.present.site.write import build_site
from generator.records.paper import Author, Paper
from generator.records.store import Store
from tests.export.figures.figuring import (
    Figuring,
    figuring,
    font_kinds,
    page_inches,
    rasters,
    request,
)
from tests.once import once
from tests.present.gallery import many

ORDINARY = [preset for preset in PRESETS.values() if "many" not in preset.needs]
MANY = [preset for preset in PRESETS.values() if "many" in preset.needs]
ASKED = {
    *(f"registers-{n}" for n in ("1", "2", "3", "4a", "7", "9", "13", "15", "16", "18", "20")),
    *("dino-3", "dino-4", "vit-7", "raghu-3"),
    *("test-time-registers-2", "test-time-registers-5", "heads"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Figuring:
    return once(tmp_path_factory, "figuring", figuring)


@pytest.fixture(scope="module")
def crowd(made: Figuring, tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A hundred images of a model without and one with registers."""
    folder = tmp_path_factory.mktemp("crowd")
    trial = many(folder / "pictures", 100)
    store = Store(folder / "store")
    for record in trial.records.values():
        store.put(record)
    return replace(made.source, shown=Anonymous(trial.run, {}, ()), store=store)


def drawn(source: Source, preset: Preset, **given: object) -> FigureFiles:
    wide = extent("icml", "text")
    asked = {"models": SHOWN.get(preset.id, ("plain", "registers")), **given}
    planned = PlannedFigure(request(width=wide.inches, **asked), wide, preset)
    return make_figure(source, planned, "fig.pdf")


def test_all_that_were_promised_are_there() -> None:
    assert PRESETS.keys() >= ASKED


@pytest.mark.parametrize("preset", ORDINARY, ids=lambda preset: preset.id)
@pytest.mark.slow
def test_a_preset_is_drawn_and_explained(made: Figuring, preset: Preset) -> None:
    files = drawn(made.source, preset)
    _explained(files, preset)
    assert page_inches(files.picture)[0] == pytest.approx(6.75, abs=0.01)
    assert "Type3" not in font_kinds(files.picture)


@pytest.mark.parametrize("preset", MANY, ids=lambda preset: preset.id)
def test_averages_over_many_images_are_drawn(crowd: Source, preset: Preset) -> None:
    files = drawn(crowd, preset, models=())
    _explained(files, preset)
    assert (6, 4) in rasters(files.picture)
    assert "100 images" in files.caption


def _explained(files: FigureFiles, preset: Preset) -> None:
    assert files.caption.startswith(f"{preset.title}. ")
    assert preset.source in files.caption
    assert files.caption.rstrip(".").endswith(preset.differs.rstrip("."))
    assert "tiny/" in files.caption or "tiny/model" in files.tex
    assert "cccccccccccc" in files.caption
    for key in preset.cites:
        assert f"{{{key}," in files.bib
        assert rf"\cite{{{key}}}" in files.tex


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.id)
def test_a_preset_names_its_original_and_how_it_differs(preset: Preset) -> None:
    assert preset.differs
    assert preset.source
    assert set(preset.cites) <= PAPERS.keys()


def test_models_without_registers_stand_before_those_with(made: Figuring) -> None:
    files = drawn(made.source, PRESETS["registers-1"], models=("registers", "plain"))
    assert files.caption.index("tiny/plain") < files.caption.index("tiny/registers")


def test_every_register_is_a_column(made: Figuring) -> None:
    files = drawn(made.source, PRESETS["registers-9"], images=("image0",))
    assert rasters(files.picture).count((6, 4)) == 3


def test_all_heads_of_a_layer_make_a_square(made: Figuring) -> None:
    files = drawn(made.source, PRESETS["heads"], models=("deep",), images=("image0",))
    assert "All 4 heads of layer 6" in files.caption
    assert rasters(files.picture).count((12, 8)) >= 4


def test_numbers_beside_a_figure_are_a_table(made: Figuring) -> None:
    tex = drawn(made.source, PRESETS["registers-15"]).tex
    assert tex.count(r"\toprule") == tex.count(r"\bottomrule") == 1
    record = made.trial.record("registers", "image0")
    rows = tex.split(r"\raggedright Registers} \\")[1].split(r"\bottomrule")[0].strip().splitlines()
    assert [row.split(" & ")[0].strip() for row in rows] == ["patches", *record.layout.prefix]


def test_an_image_that_was_not_measured_is_an_error_where_it_is_all(made: Figuring) -> None:
    with pytest.raises(SpecError, match=r"was not measured on broken\. The picture"):
        drawn(made.source, PRESETS["registers-3"], images=("broken",))


@pytest.mark.slow
def test_bytes_are_the_same_when_drawn_again(made: Figuring, tmp_path: Path) -> None:
    del tmp_path
    for name in ("vit-7", "registers-7", "registers-4a"):
        assert drawn(made.source, PRESETS[name]) == drawn(made.source, PRESETS[name])


# --- options -------------------------------------------------------------------------------------

CHOICES: dict[Option, object] = {
    "layers": "1",
    "heads": "1",
    "queries": "patch-1-2",
    "overlay": 35,
    "scale": "map",
    "form": "sqrt",
    "clip": 5.0,
    "keep": 40,
    "colors": "cividis",
}
SHOWN = {"registers-2": ("plain",), "registers-9": ("registers",), "heads": ("registers",)}
"""Models of presets that show some of them only."""


def seen(source: Source, preset: Preset, **given: object) -> tuple[object, ...]:
    """What readers see of a figure: its pictures, its words and its caption."""
    asked = {"models": SHOWN.get(preset.id, ("plain", "registers")), **given}
    with styled():
        drawn_ = preset.draw(Scene(source, request(width=6.75, **asked)))
    pictures = [np.asarray(one.get_array()).tobytes() for one in drawn_.figure.findobj(AxesImage)]  # type: ignore[attr-defined]
    return pictures, [text.get_text() for text in drawn_.figure.findobj(Text)], drawn_.caption


@pytest.mark.parametrize("preset", ORDINARY, ids=lambda preset: preset.id)
@pytest.mark.slow
def test_an_option_changes_the_figure_or_is_refused(made: Figuring, preset: Preset) -> None:
    as_it_is = seen(made.source, preset)
    for name, value in CHOICES.items():
        asked: dict[str, object] = {name: value}
        if preset.id == "registers-18" and name in ("layers", "heads"):
            asked["heads"] = "1,2"  # a single head would be higher than a page
        if name not in preset.takes:
            with pytest.raises(
                SpecError, match=rf"^The figure {preset.id} has no use for {name}\."
            ):
                refuse_idle(preset, request(**asked))
            continue
        refuse_idle(preset, request(models=(), **asked))
        assert seen(made.source, preset, **asked) != as_it_is, f"{preset.id} ignores {name}"


def test_options_of_the_free_grid_are_refused_by_a_preset(made: Figuring, tmp_path: Path) -> None:
    out = tmp_path / "a.pdf"
    said = made.figure(
        out, "--preset", "raghu-3", "--rows", "layers", "--place", "Plain", "1", "1", code=2
    )
    assert said == (
        "Error: The figure raghu-3 has no use for --rows and --place. Leave them out; the figure "
        "takes models and images only.\n"
    )
    said = made.figure(out, "--preset", "registers-21", "--form", "sqrt", code=2)
    assert said == (
        "Error: The figure registers-21 has no use for --form. Leave it out; the figure takes "
        "models and images, --layers, --overlay and --colors.\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("preset", "asked", "said"),
    [
        ("registers-1", ("--layers", "1-2"), "shows one layer, and 1-2 was asked for."),
        ("registers-1", ("--heads", "all"), "shows one head or their mean, and all was asked"),
        ("registers-1", ("--queries", "CLS,reg1"), "shows one query, and CLS,reg1 was asked for."),
        ("registers-3", ("-i", "image0", "-i", "image1"), "shows one image, and image0 and image1"),
        ("heads", ("-m", "plain", "-m", "registers"), "shows one model, and plain and registers"),
        ("registers-21", ("--layers", "40"), "has no norms of layer 40. It has those of layers 1"),
        ("registers-21", ("--layers", "all"), "shows one layer, and all was asked for."),
        ("registers-1", ("--layers", "last,x"), "--layers should be numbers from 1, ranges such"),
        ("registers-1", ("--layers", "40"), "None of the models has a map of these layers,"),
        ("heads", ("--queries", "reg9", "-m", "plain"), "None of the models has a map of these"),
        (
            "registers-2",
            ("-m", "plain", "-m", "registers"),
            "does not show Registers: it shows Plain.",
        ),
    ],
)
def test_what_a_preset_cannot_show_is_said(
    made: Figuring, tmp_path: Path, preset: str, asked: tuple[str, ...], said: str
) -> None:
    shown = ("-m", "plain", "-m", "registers") if "-m" not in asked and preset != "heads" else ()
    found = made.figure(tmp_path / "a.pdf", "--preset", preset, *asked, *shown, code=2)
    assert found.startswith("Error: ") and found.count("\n") == 1
    assert said in found
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_heads_and_queries_of_presets_are_those_asked_for(made: Figuring) -> None:
    files = drawn(made.source, PRESETS["registers-9"], heads="2", queries="reg1, patch-1-2")
    assert "with each of the tokens named as the query, last layer, head 2" in files.caption
    files = drawn(made.source, PRESETS["registers-1"], heads="max", queries="patch-1-2")
    assert "Attention of the patch 1, 2 in the last layer, max over heads" in files.caption
    files = drawn(made.source, PRESETS["heads"], models=("deep",), images=("image0",), heads="1,3")
    assert "Head 1 and head 3 of layer 6" in files.caption
    files = drawn(made.source, PRESETS["registers-18"], images=("image0",), heads="1,2")
    assert rasters(files.picture).count((6, 4)) == 4


# --- labels --------------------------------------------------------------------------------------


def long_labels(source: Source) -> Source:
    """The same gallery with labels that begin alike and fill a column."""
    run = source.run
    models = tuple(
        replace(m, label=f"small backbone, {m.label.lower()} weights") for m in run.models
    )
    return replace(source, shown=Anonymous(replace(run, models=models), {}, ()))


def texts_of(figure: Figure) -> dict[str, Bbox]:
    """The box of every text that is seen, in pixels; numbers of an axis outside it are not."""
    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    figure.draw(renderer)
    unseen = set()
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not low <= tick.get_loc() <= high:
                unseen |= {tick.label1, tick.label2}
    shown = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    return {
        f"{number} {text.get_text()}": text.get_window_extent(renderer)
        for number, text in enumerate(shown)
        if text not in unseen
    }


@pytest.mark.parametrize("inches", [3.28, 6.88])
@pytest.mark.parametrize("preset", ORDINARY, ids=lambda preset: preset.id)
def test_no_text_is_cut_off_or_runs_into_another(
    made: Figuring, preset: Preset, inches: float
) -> None:
    with styled():
        figure = preset.draw(Scene(long_labels(made.source), request(width=inches))).figure
        boxes = texts_of(figure)
    wide, high = figure.bbox.size
    for text, box in boxes.items():
        assert min(box.x0, box.y0, wide - box.x1, high - box.y1) > -0.5, f"{text} is cut off"
    for (one, a), (other, b) in combinations(boxes.items(), 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        down = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert min(across, down) < 1.5, f"{one} runs into {other}"


@pytest.mark.parametrize("preset", ["registers-21", "registers-3", "registers-4a"])
def test_a_bar_of_norms_names_both_ends(made: Figuring, preset: str) -> None:
    with styled("sans", "text"):
        bar = PRESETS[preset].draw(Scene(made.source, request(width=3.28))).figure.axes[-1]
    ticks = dict(zip(bar.get_xticks(), (t.get_text() for t in bar.get_xticklabels()), strict=True))
    assert ticks[0.0] == "0"
    assert float(ticks[1.0]) > 0


@pytest.mark.slow
def test_weights_are_found_in_an_anonymous_copy_and_their_lack_is_said(
    made: Figuring, tmp_path: Path
) -> None:
    own = replace(made.trial.run, paper=Paper(authors=(Author("Ada Tiny"),)))  # as the ids say
    read = Store(made.store).get_weights
    build_site(own, made.trial.read, tmp_path / "own", version="1.2.3", read_weights=read)
    with exported_pages(open_source(tmp_path / "own", made.store, anonymous=True)) as pages:
        shutil.copytree(pages, tmp_path / "copy")
    copy = replace(made, site=tmp_path / "copy")
    asked = ("--preset", "vit-7", "-m", "Plain")
    copy.figure(tmp_path / "fig.svg", *asked)
    assert "tiny/plain" not in (tmp_path / "fig.tex").read_text(encoding="utf-8")
    assert b"weights not kept" not in (tmp_path / "fig.svg").read_bytes()
    store = tmp_path / "store"
    shutil.copytree(made.store, store)
    for key in (model.weights for model in made.trial.run.models if model.weights):
        (found,) = store.rglob(f"{key}*")
        found.unlink()
    said = replace(made, store=store).figure(tmp_path / "fig.pdf", *asked, code=2)
    assert said == (
        "Error: The figure vit-7 needs position embeddings and patch filters of the models. The "
        f"store {store} does not have them: name the one that the gallery was built with "
        "(--store), or build it again.\n"
    )


@pytest.mark.slow
def test_labels_of_the_demo_gallery_are_whole_in_a_column(made: Figuring) -> None:
    run = made.source.run
    names = {"plain": "demo DINOv2", "registers": "demo DINOv2 with registers"}
    models = tuple(replace(m, label=names.get(m.slug, m.label)) for m in run.models)
    source = replace(made.source, shown=Anonymous(replace(run, models=models), {}, ()))
    with styled():
        # its five low cells hold no label of that length, whose pictures here are 3:2
        for preset in (p for p in ORDINARY if p.id != "registers-13"):
            shown = SHOWN.get(preset.id, ("plain", "registers"))
            figure = preset.draw(Scene(source, request(width=3.25, models=shown))).figure
            cut = [text.get_text() for text in figure.findobj(Text) if "…" in text.get_text()]
            assert cut == [], preset.id


def test_a_long_id_is_broken_where_its_parts_end() -> None:
    with styled():
        assert fitted("demo-dinov2", 0.35, 6) == "demo-\ndinov2"
        lines = fitted("facebook/dinov2-with-registers-small", 0.6, 6, lines=4).split("\n")
        assert "".join(lines) == "facebook/dinov2-with-registers-small"
        assert fitted("two words", 0.9, 6) == "two words"
        assert fitted("onelongwordwithoutanend", 0.3, 6).endswith("…")
