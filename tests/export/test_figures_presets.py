"""Every preset is drawn once, and says what it shows, from what, and how it differs."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from generator.errors import SpecError
from generator.export.anonymous import Anonymous
from generator.export.figures.make import FigureFiles, make_figure
from generator.export.figures.preset import Preset
from generator.export.figures.presets import PRESETS
from generator.export.figures.scene import Scene
from generator.export.figures.style import styled
from generator.export.figures.venues import extent
from generator.export.source import Source
from generator.papers import PAPERS
from generator.store import Store
from tests.export.figuring import Figuring, figuring, font_kinds, page_inches, rasters, request
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
    return figuring(tmp_path_factory.mktemp("presets"))


@pytest.fixture(scope="module")
def crowd(made: Figuring, tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A hundred images of a model without and one with registers."""
    folder = tmp_path_factory.mktemp("crowd")
    trial = many(folder / "pictures", 100)
    store = Store(folder / "store")
    for record in trial.records.values():
        store.put(record)
    return Source(made.site, made.source.manifest, Anonymous(trial.run, {}, ()), store)


def drawn(source: Source, preset: Preset, **given: object) -> FigureFiles:
    wide = extent("icml", "text")
    return make_figure(source, request(width=wide.inches, **given), wide, "fig.pdf", preset)


def test_all_that_were_promised_are_there() -> None:
    assert PRESETS.keys() >= ASKED


@pytest.mark.parametrize("preset", ORDINARY, ids=lambda preset: preset.id)
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


def test_bytes_are_the_same_when_drawn_again(made: Figuring, tmp_path: Path) -> None:
    del tmp_path
    for name in ("vit-7", "registers-7", "registers-4a"):
        assert drawn(made.source, PRESETS[name]) == drawn(made.source, PRESETS[name])


@pytest.mark.parametrize("preset", ORDINARY, ids=lambda preset: preset.id)
def test_presets_of_single_maps_are_those_that_a_scale_of_each_map_changes(
    made: Figuring, preset: Preset
) -> None:
    as_it_is, asked = drawn(made.source, preset), drawn(made.source, preset, scale="map")
    assert (as_it_is.caption != asked.caption) == preset.scaled


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


def test_what_a_preset_has_no_use_for_is_said_once(made: Figuring, tmp_path: Path) -> None:
    asked = ("--scale", "map", "--keep", "60")
    said = made.figure(tmp_path / "a.svg", "--preset", "registers-21", *asked)
    note = "Note: scale and keep are ignored: registers-21 shows no single attention maps."
    assert said.splitlines().count(note) == 1
    assert "Note" not in made.figure(tmp_path / "b.svg", "--preset", "registers-1", *asked)
