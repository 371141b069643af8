"""A sweep on the pages: its own page, the index, and what the manifest says of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from generator.analysis.cells.digest import cell_digest
from generator.analysis.cells.model_digest import model_digest
from generator.analysis.compare.agreement import divergence
from generator.analysis.compare.sweep import step_agreement, step_numbers
from generator.analysis.grids import PlacedMap
from generator.export.anonymous import anonymized, identity_of
from generator.export.source import run_of
from generator.present.charts.chart import Words
from generator.present.charts.lines import Series, line_chart
from generator.present.files.manifest_file import read_manifest
from generator.present.site.write import build_site
from generator.records.run import Sweep, SweepStep
from tests.present.filmed import with_frames
from tests.present.gallery import Gallery
from tests.present.sweeping import SLUGS, STEPS, sweeping


@dataclass(frozen=True)
class Built:
    trial: Gallery
    site: Path

    def page(self, path: str) -> str:
        return (self.site / path / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("sweep")
    trial = sweeping(folder / "pictures")
    build_site(trial.run, trial.read, folder / "site", version="1.2.3")
    return Built(trial, folder / "site")


class _Table(HTMLParser):
    """The rows of the table of all numbers, and where they lead."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag == "a":
            self.links.append(dict(attrs)["href"] or "")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.strip()


def numbers(built: Built) -> tuple[list[dict[str, str]], list[str]]:
    html = built.page("s/our-run")
    table = _Table()
    start = html.index("<table", html.index("All numbers"))
    table.feed(html[start : html.index("</table>", start)])
    head, *rows = table.rows
    return [dict(zip(head, row, strict=True)) for row in rows], table.links


# --- numbers -------------------------------------------------------------------------------------


def test_numbers_of_a_step_are_those_of_its_records(built: Built) -> None:
    records = [built.trial.record(SLUGS[2], f"image{n}") for n in range(2)]
    found = step_numbers(model_digest([cell_digest(record) for record in records]))
    assert found.entropy == pytest.approx(np.mean([r.entropy for r in records]), rel=1e-5)
    on_registers = [r.mass[:, :, 0, 1:3].sum(axis=-1).mean() for r in records]
    assert found.cls_on_registers == pytest.approx(np.mean(on_registers), rel=1e-5)
    assert found.cls_on_cls + found.cls_on_registers + found.cls_on_patches == pytest.approx(1)
    largest = np.median([r.norms[:, r.layout.patch_slice].max(axis=1) for r in records], axis=0)
    assert found.max_norm == pytest.approx(largest.max(), rel=1e-6)


def test_a_model_without_registers_has_no_mass_on_them(built: Built) -> None:
    found = step_numbers(model_digest([cell_digest(built.trial.record("plain", "image0"))]))
    assert np.isnan(found.cls_on_registers) and found.cls_on_patches > 0


def test_maps_are_compared_with_both_ends_image_by_image(built: Built) -> None:
    record = built.trial.record
    maps = []
    for slug in SLUGS:
        own = {}
        for image in ("image0", "image1"):
            if (slug, image) != (SLUGS[1], "image1"):
                found = record(slug, image)
                own[image] = PlacedMap(cell_digest(found).last, found.view)
        maps.append(own)
    found = step_agreement(maps)
    between = [
        divergence(*(np.float64(maps[n][i].values) / maps[n][i].values.sum() for n in (2, 3)))
        for i in ("image0", "image1")
    ]
    assert found.first[0] == found.last[3] == 0
    assert found.last[2] == pytest.approx(np.mean(between), rel=1e-5)
    assert found.first[3] == pytest.approx(found.last[0]) and found.images == (2, 1, 2, 2)


# --- pages ---------------------------------------------------------------------------------------


def test_the_table_has_every_step_with_a_link_to_its_model(built: Built) -> None:
    rows, links = numbers(built)
    assert [row["step"] for row in rows] == [str(step) for step in STEPS]
    assert [row["images"] for row in rows] == ["2", "1", "2", "2"]
    assert links == [f"../../m/{slug}/index.html" for slug in SLUGS]
    entropies = [
        np.mean([built.trial.record(slug, f"image{n}").entropy for n in range(2)])
        for slug in (SLUGS[0], SLUGS[2])
    ]
    shown = [float(rows[n]["Entropy (share of the maximum)"]) for n in (0, 2)]
    assert shown == pytest.approx(entropies, rel=1e-3)
    assert rows[0]["Divergence from the first (bits)"] == "0"


def test_every_chart_links_each_step_to_its_model(built: Built) -> None:
    html = built.page("s/our-run")
    charts = re.findall(r'<figure class="chart" id="([\w-]+)">(.*?)</figure>', html, re.S)
    names = [name for name, _ in charts]
    assert {"entropy", "distance-share", "max-norm", "cls-mass", "agreement"} <= {*names}
    for name, chart in charts:
        assert f'href="../../m/{SLUGS[1]}/index.html"' in chart, name
        assert "methods/index.html#" in chart and "<table" in chart, name


def test_maps_lead_to_the_image_with_their_step_and_gaps_say_why(built: Built) -> None:
    html = built.page("s/our-run")
    for step in STEPS:
        assert f'href="../../i/image0/index.html#step={step}"' in html
    assert "The model gives numbers that are none on image1.jpg." in html
    assert "Not every checkpoint has every image: means are over 1 to 2 images" in html


def test_the_index_groups_the_steps_and_shows_the_last(built: Built) -> None:
    html = built.page(".")
    models = html[html.index('id="models"') :]
    assert models.count('class="checkpoints"') == 1 and 'href="s/our-run/index.html"' in models
    assert 'href="m/plain/index.html"' in models
    assert all(
        f'href="m/{slug}/index.html">step {step}<' in models
        for slug, step in zip(SLUGS, STEPS, strict=True)
    )
    cards = html[html.index('id="images"') : html.index('id="models"')]
    assert "our run, step 16000" in cards and "our run, step 500" not in cards.split("credits")[0]


def test_pages_of_checkpoints_lead_to_the_sweep(built: Built) -> None:
    link = '<a href="../../s/our-run/index.html">our run</a>'
    assert link in built.page(f"m/{SLUGS[0]}") and link not in built.page("m/plain")


def test_only_the_last_step_is_paired_by_itself(built: Built) -> None:
    assert [path.name for path in (built.site / "r").iterdir()] == [f"plain--{SLUGS[-1]}"]


# --- the manifest and what is made of it ---------------------------------------------------------


def test_the_manifest_has_the_sweep_with_its_steps_and_fits_its_schema(built: Built) -> None:
    raw = json.loads((built.site / "manifest.json").read_text(encoding="utf-8"))
    assert raw["sweeps"] == [
        {
            "slug": "our-run",
            "label": "our run",
            "named": True,
            "steps": [{"step": s, "model": m} for s, m in zip(STEPS, SLUGS, strict=True)],
        }
    ]
    schema = json.loads((built.site / "manifest.schema.json").read_text(encoding="utf-8"))
    assert schema["$defs"]["SweepStep"]["properties"]["step"]["description"] == "of the training."
    manifest = read_manifest(built.site)
    assert manifest is not None and run_of(manifest, built.site).sweeps == built.trial.run.sweeps


def test_an_anonymous_site_has_no_folder_name_in_its_sweep(built: Built) -> None:
    run = built.trial.run
    unnamed = replace(run.sweeps[0], slug="ada-secret", label="ada-secret", named=False)
    models = tuple(replace(m, label=m.label.replace("our run", "ada-secret")) for m in run.models)
    found = anonymized(
        replace(run, models=models, sweeps=(unnamed,)), frozenset(SLUGS), identity_of(run)
    ).run
    assert found.sweeps == (
        Sweep(
            "sweep-1",
            "Sweep 1",
            named=False,
            steps=tuple(SweepStep(s, f"model-{n}") for n, s in enumerate(STEPS, 2)),
        ),
    )
    assert [m.label for m in found.models][1] == "Sweep 1, step 0"


@pytest.mark.slow
def test_the_index_counts_a_sweep_as_one_model_and_a_sequence_as_one(tmp_path: Path) -> None:
    trial = sweeping(tmp_path / "pictures", images=5)
    build_site(with_frames(trial.run, 2), trial.read, tmp_path / "site", version="1.2.3")
    built = Built(trial, tmp_path / "site")
    index = built.page(".")
    assert "2 models (one at 4 steps), 2 images, a sequence of 3 frames, " in index
    credited = index[index.index("Credits") :]
    assert "Plain, our run<" in credited
    assert built.page("s/our-run").count('class="step-row"') == 3


def test_a_number_that_is_always_zero_has_no_axis_below_it() -> None:
    series = [Series("a", np.array([0.0, 1.0]), np.zeros(2))]
    chart = line_chart(Words("a", "A", "step", "%"), series, zero=True)
    assert not any(tick.label.startswith(("-", "−")) for tick in chart.y.ticks)
