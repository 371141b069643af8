"""A damaged record costs its own cell in every export, with a line that names it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from generator.cli import main
from generator.errors import GalleryError
from generator.export.figures.make import FigureFiles, make_figure, planned_figure
from generator.export.figures.presets.table import PRESETS
from generator.export.printed.page import printed_html
from generator.export.source import Source
from generator.records.store import Store
from tests.export.figures.figuring import Figuring, figuring, request
from tests.once import once


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Figuring:
    return once(tmp_path_factory, "figuring", figuring)


@pytest.fixture
def hurt(good: Figuring, tmp_path: Path) -> Figuring:
    """The same gallery, where the record of ``plain`` on the first picture has a wrong bit."""
    store = shutil.copytree(good.store, tmp_path / "store")
    spoil(good, store, "plain", "image0")
    return Figuring(good.trial, good.site, store)


def spoil(trial: Figuring, store: Path, model: str, image: str) -> Path:
    key = trial.trial.run.cell(model, image).record
    path = store / key[:2] / f"{key}.safetensors"
    data = bytearray(path.read_bytes())
    data[-40] ^= 16
    path.write_bytes(data)
    return path


def left_out(trial: Figuring) -> str:
    key = trial.trial.run.cell("plain", "image0").record[:12]
    name = next(i.name for i in trial.trial.run.images if i.slug == "image0")
    label = next(m.label for m in trial.trial.run.models if m.slug == "plain")
    return f"The record of {label} on {name} ({key}) is damaged."


CHOICES: tuple[dict[str, object], ...] = (
    {"images": ("image0", "image1", "image2")},
    {"images": ("image0",)},
    {},
    {"models": ()},
)


def drawn(source: Source, preset: str, choice: dict[str, object]) -> FigureFiles | GalleryError:
    try:
        return make_figure(source, planned_figure(request(preset=preset, **choice)), "fig.pdf")
    except GalleryError as error:
        return error


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.slow
def test_figures_of_every_preset_go_on_or_name_it(
    preset: str, hurt: Figuring, good: Figuring
) -> None:
    """What needs that very record says so; the others are drawn without it."""
    fits = (c for c in CHOICES if isinstance(drawn(good.source, preset, c), FigureFiles))
    choice = next(fits, None)
    if choice is None:
        pytest.skip("this gallery lacks what the figure needs")
    source = hurt.source
    made = drawn(source, preset, choice)
    if isinstance(made, GalleryError):
        assert left_out(hurt) in str(made)
    assert set(source.left_out) <= {hurt.trial.run.cell("plain", "image0").record}


@pytest.mark.slow
def test_report_says_what_it_lacks(hurt: Figuring, caplog: pytest.LogCaptureFixture) -> None:
    page = printed_html(hurt.source, (), ())
    assert left_out(hurt) in page
    assert (
        caplog.messages.count(f"Left out: {left_out(hurt)} Build the gallery again to measure it.")
        == 1
    )


@pytest.mark.slow
def test_maps_and_animations_go_on(hurt: Figuring, tmp_path: Path) -> None:
    def run(*words: str) -> str:
        found = CliRunner().invoke(main, [*words, "--store", str(hurt.store)])
        assert found.exit_code == 0, found.output
        return found.output

    site, maps = str(hurt.site), tmp_path / "maps"
    run("export", "maps", site, "-o", str(maps))
    names = [path.name for path in maps.glob("*.png")]
    assert any("image1" in name and "plain" in name for name in names)
    assert not any("image0" in name and "plain" in name for name in names)
    run("export", "animation", site, "-i", "image0", "-o", str(tmp_path / "a.gif"))
    assert (tmp_path / "a.gif").stat().st_size > 100
    run("export", "statistics", site, "-o", str(tmp_path / "s.csv"))
    run("export", "records", site, "-o", str(tmp_path / "records"))


def test_difference_lists_it_as_missing(hurt: Figuring, good: Figuring, tmp_path: Path) -> None:
    out = tmp_path / "diff.md"
    words = ["diff", str(hurt.site), str(good.site), "-o", str(out)]
    stores = ["--store", str(hurt.store), "--store", str(good.store)]
    found = CliRunner().invoke(main, [*words, *stores])
    assert found.exit_code == 0, found.output
    assert "a damaged record in A" in found.output + out.read_text()


def test_where_every_record_is_damaged_the_first_is_named(good: Figuring, tmp_path: Path) -> None:
    store = shutil.copytree(good.store, tmp_path / "store")
    for cell in good.trial.run.cells:
        if cell.record:
            spoil(good, store, cell.model, cell.image)
    found = CliRunner().invoke(
        main,
        ["export", "maps", str(good.site), "-o", str(tmp_path / "m"), "--store", str(store)],
    )
    assert found.exit_code == 1
    assert found.output.splitlines()[-1].startswith("Error: The record of ")
    assert found.output.endswith(" is damaged. Build the gallery again to measure it.\n")


def test_set_aside_is_remembered_until_it_is_measured(hurt: Figuring) -> None:
    cell = hurt.trial.run.cell("plain", "image0")
    assert hurt.source.record(cell) is None
    assert hurt.source.record(cell) is None, "also by the next program"
    Store(hurt.store).put(hurt.trial.records[cell.record])
    assert hurt.source.record(cell) is not None
