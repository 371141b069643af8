"""What the Python API returns: results, named records, tables, progress."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

import pytest

import generator
from generator.progress import ChangingLine
from generator.spec.gallery import GallerySpec
from tests.commands.running import run


def gallery(*images: str, **more: object) -> GallerySpec:
    return GallerySpec.model_validate(
        {"models": ["models/plain"], "images": [Path(image) for image in images], **more}
    )


def test_build_returns_what_failed_and_how_much_it_made(here: Path) -> None:
    (here / "photos/torn.png").write_bytes(b"no picture")
    (here / "empty").mkdir()
    spec = gallery("photos", models=["models/plain", "./empty"])
    built = generator.build(spec)
    assert (built.site, built.models, built.images) == (Path("site"), 2, 3)
    assert (built.measured, built.reused) == (2, 0)
    reasons = [failure.message for failure in built.failures]
    assert any("torn.png" in reason for reason in reasons)
    assert any("empty has no config.json" in reason for reason in reasons)
    pages = len(list(Path("site").rglob("*.html")))
    assert built.pages == pages
    assert built.bytes == sum(p.stat().st_size for p in Path("site").rglob("*") if p.is_file())
    assert repr(built).startswith(
        "<BuildResult site/index.html: 2 models x 3 images, 2 measured, 0 from the store, "
    )
    shown = built._repr_html_()
    assert '<a href="site/index.html">' in shown and "torn.png" in shown


@pytest.mark.usefixtures("here")
def test_build_shows_progress_unless_told_not_to(capsys: pytest.CaptureFixture[str]) -> None:
    generator.build(gallery("photos/one.png"))
    assert "plain: 1/1" in capsys.readouterr().err
    generator.build(gallery("photos/two.png"), progress=False)
    said = capsys.readouterr()
    assert said.out == said.err == ""


def test_a_notebook_gets_one_line_that_changes() -> None:
    out = io.StringIO()
    line = ChangingLine(out)
    line.note("loading a model of a long name")
    with line.job("model", 2) as job:
        job.advance()
        job.advance()
    assert out.getvalue().count("\n") == 1 and out.getvalue().endswith("\n")
    last = out.getvalue().rstrip("\n").rsplit("\r", maxsplit=1)[-1]
    assert last.rstrip() == "model: 2/2, 0 s"


@pytest.mark.usefixtures("here")
def test_records_know_the_name_of_their_picture() -> None:
    record = generator.measure("models/plain", "photos/one.png")
    assert record.image == "one.png"
    assert repr(record) == (
        "<AttentionRecord of plain on one.png: 3 layers x 4 heads, CLS, 4 x 4 patches>"
    )
    generator.build(gallery("photos"))
    of_site = list(generator.load_records("site"))
    assert [each.image for each in of_site] == ["one.png", "two.png"]
    assert all(each.picture and each.picture.thumbnail for each in of_site)
    (of_store, _) = generator.load_records("store")
    assert of_store.image == f"image {of_store.image_sha256[:12]}"


@pytest.mark.usefixtures("here")
def test_statistics_are_the_table_that_is_exported() -> None:
    pytest.importorskip("pandas")
    built = generator.build(gallery("photos"))
    table = generator.statistics(built)
    run("export", "statistics", "site", "-o", "statistics.csv")
    with Path("statistics.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(table.columns) == list(rows[0])
    assert len(table) == len(rows)
    assert [*table["layer"]] == [row["layer"] for row in rows]
    assert [*table["value"]] == [float(row["value"]) for row in rows]
    record = next(generator.load_records("site"))
    alone = generator.statistics(record)
    entropy = alone[(alone.quantity == "entropy") & (alone["layer"] == "2")]
    assert [*entropy["value"].astype("float32")] == [*record.entropy[1]]
    assert {*alone["image"]} == {"one.png"}
    assert len(generator.statistics("store")) == len(rows)


def test_the_package_lists_its_functions_without_loading_them() -> None:
    code = (
        "import sys, generator; print(sorted(set(generator.__all__) - set(dir(generator))), "
        "'generator.api' in sys.modules, [n for n in dir(generator) if n.startswith('_OF')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] False []"
