"""A quantity of a model reads the same on every page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from generator.analysis.quantities.table import QUANTITIES
from generator.export.source import open_source
from tests.present.gallery import Gallery
from tests.present.site.readings import Key, disagreements, pages, readings

SEVERAL = {
    *("outlier-share", "norm-ratio", "on-patches", "largest", "norm", "outlier-share"),
    *("mass inside", "hits", "IoU at 60\u00a0%", "average precision"),
}
"""Quantities that the trial gallery states on more than one page for the same model."""


ON_THE_DEMO = {
    *("attention-budget", "largest", "largest-cls-attention", "norm", "norm-onset", "norm-ratio"),
    *("on-patches", "outlier-share", "outlier-share-layer"),
}
"""Quantities that the demo gallery states on more than one page for the same model."""


def labels_of(trial: Gallery) -> dict[str, str]:
    return {model.slug: model.label for model in trial.run.models}


def test_a_quantity_of_a_model_reads_the_same_on_every_page(
    analyzed: tuple[Gallery, Path],
) -> None:
    trial, site = analyzed
    found = readings(pages(site), labels_of(trial))
    shared = {key for key, texts in found.items() if len(set().union(*texts.values())) > 1}
    assert {key.quantity for key in shared} >= SEVERAL
    assert {key.model for key in shared} == {"Plain", "Registers", "Probe", "Deep"}
    assert {key: dict(texts) for key, texts in found.items() if len(texts) > 1} == {}


@pytest.mark.parametrize(
    ("key", "path", "before", "after"),
    [
        (
            Key("outlier-share", "Registers", "peak"),
            "r/plain--registers/index.html",
            "“Registers” has 2.08\u00a0% outlier patches",
            "“Registers” has 2.1\u00a0% outlier patches",
        ),
        (
            Key("outlier-share", "Registers", "peak"),
            "m/registers/index.html",
            "There, 2.08\u00a0% of patches exceed",
            "There, 2.08 % of patches exceed",
        ),
        (
            Key("norm-ratio", "Registers", "peak"),
            "r/plain--registers/index.html",
            "<td>6.75 × (layer 2)</td>",
            "<td>6.8 × (layer 2)</td>",
        ),
        (
            Key("norm-ratio", "Registers", "layer (0: embedding) 2"),
            "m/registers/index.html",
            '<tr><th scope="row">2</th><td>6.75</td></tr>',
            '<tr><th scope="row">2</th><td>6.750</td></tr>',
        ),
        (
            Key("on-patches", "Plain", "image0"),
            "m/plain/index.html",
            "98\u00a0% of the CLS attention is on patches",
            "98.0\u00a0% of the CLS attention is on patches",
        ),
        (
            Key("mass inside", "Plain", "last layer"),
            "index.html",
            "48.7\u00a0%",
            "48.70\u00a0%",
        ),
    ],
    ids=["digits", "space", "key number", "chart", "alternative text", "score"],
)
def test_a_number_that_is_written_otherwise_on_one_page_is_found(
    analyzed: tuple[Gallery, Path], key: Key, path: str, before: str, after: str
) -> None:
    trial, site = analyzed
    found = pages(site)
    assert before in found[path]
    found[path] = found[path].replace(before, after)
    [(where, texts)] = disagreements(found, labels_of(trial)).items()
    assert where == key
    assert len(texts) == 2
    assert path in set().union(*texts.values())


def test_a_quantity_of_the_demo_gallery_reads_the_same_on_every_page(demo: Path) -> None:
    run = open_source(demo, demo.parent / "store").run
    found = readings(pages(demo), {model.slug: model.label for model in run.models})
    shared = {key for key, texts in found.items() if len(set().union(*texts.values())) > 1}
    assert {key.quantity for key in shared} >= ON_THE_DEMO
    assert {key: dict(texts) for key, texts in found.items() if len(texts) > 1} == {}


def test_shares_are_percent_on_every_axis_and_color_bar(analyzed: tuple[Gallery, Path]) -> None:
    shares = {each.id for each in QUANTITIES if each.notation == "percent"}
    drawn = set()
    for path, page in pages(analyzed[1]).items():
        for figure in re.findall(r'<figure class="chart.*?</figure>', page, re.S):
            defined = set(re.findall(r'methods/index\.html#([\w-]+)"', figure))
            ticks = re.findall(r'class="chart-tick chart-tick-[xy]"[^>]*>([^<]*)<', figure)
            if defined and defined <= shares and ticks:
                drawn |= defined
                percent = [tick for tick in ticks if tick.endswith("\u00a0%")]
                assert len(percent) > 1 or "percentage points" in figure, (path, defined, ticks)
    assert drawn >= {
        *("cls-mass", "max-attention", "mass-mask-area"),
        *("outlier-share-layer", "rollout-prefix", "sink-rate"),
    }
